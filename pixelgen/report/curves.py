"""How a run learned: bits per pixel over seconds of training, held out and trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pixelgen.report.axes import COLOURS, QUIET, axis_of, frame, seconds_axis
from pixelgen.report.baselines import Baselines
from pixelgen.report.drawing import Dot, Drawing, Line, Point, Words

HELD_OUT, TRAINED = COLOURS[0], COLOURS[1]
MOST_POINTS = 240
IN_REACH = 1.5  # times the curves' highest value: a line beyond would flatten them


@dataclass(frozen=True)
class Curve:
    """Points of (seconds, bits per pixel); `dash` tells lines apart without their colours."""

    name: str
    colour: str
    points: Sequence[Point]
    dash: float = 0.0


@dataclass(frozen=True)
class Reference:
    """What something else reaches."""

    name: str
    bits: float


def curves_of(metrics: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Return the curves that `metrics.jsonl` tells, without those that have no point."""
    named = (
        ("held out", HELD_OUT, "held_out_bits_per_pixel", 0.0),
        ("trained", TRAINED, "train_bits_per_pixel", 9.0),
    )
    curves = []
    for name, colour, key, dash in named:
        points = [
            (float(line["seconds"]), float(line[key]))
            for line in metrics
            if line.get(key) is not None
        ]
        if points:
            curves.append(Curve(name, colour, _thinned(points), dash))
    return curves


def references_of(baselines: Baselines | None, model: str) -> list[Reference]:
    """Return what the run is set against, the best first; a run of `markov` not against itself."""
    if baselines is None:
        return []
    learned = f"{baselines.markov_epochs} epoch{'s' if baselines.markov_epochs > 1 else ''}"
    if baselines.markov_pictures:
        learned = f"on {baselines.markov_pictures:,} pictures"
    known = [
        (f"markov, {learned}", None if model == "markov" else baselines.markov),
        ("lossless WebP", baselines.webp),
        ("PNG", baselines.png),
        ("guessing evenly", baselines.guessing),
    ]
    found = [Reference(name, bits) for name, bits in known if bits is not None]
    return sorted(found, key=lambda reference: reference.bits)


def plot_curves(
    curves: Sequence[Curve], references: Sequence[Reference], width: int, height: int
) -> Drawing:
    """Draw the curves, and the references as dashed lines; one far above stands at the top edge.

    Args:
        curves: at least one.
        references: what others reach.
        width, height: of the drawing; its words keep their size.
    """
    narrow = width < 500
    left, right, top, bottom = (46, width - 8, 14, 46) if narrow else (64, width - 16, 16, 50)
    points = [point for curve in curves for point in curve.points]
    highest = max(bits for _, bits in points)
    lines = [each for each in references if each.bits <= IN_REACH * highest]
    beyond = [each for each in references if each.bits > IN_REACH * highest]
    sheet = Drawing(width, height, _described(curves, references))
    if beyond:
        top += 20
    x = seconds_axis([seconds for seconds, _ in points], left, right)
    y = axis_of([bits for _, bits in points] + [each.bits for each in lines], height - bottom, top)
    frame(sheet, x, y, "seconds of training", "" if narrow else "bits per pixel")
    for reference in lines:
        place = y(reference.bits)
        sheet.marks.append(Line([(left, place), (right, place)], QUIET, 1.0, 5.0))
        name = f"{reference.name} {reference.bits:.2f}"
        sheet.marks.append(Words((right - 4, place - 9), name, QUIET, 11, "end"))
    if beyond:
        names = ", ".join(f"{each.name} {each.bits:.1f}" for each in beyond)
        sheet.marks.append(Words((right - 4, top - 14), f"↑ {names}", QUIET, 11, "end"))
    for curve in reversed(curves):  # what counts most lies on top
        placed = [(x(seconds), y(bits)) for seconds, bits in curve.points]
        if len(placed) > 1:
            sheet.marks.append(Line(placed, curve.colour, 2.0, curve.dash))
        if len(placed) <= 40:
            sheet.marks += [Dot(point, 2.6, curve.colour) for point in placed]
    return sheet


def _described(curves: Sequence[Curve], references: Sequence[Reference]) -> str:
    """The plot in words, for those who cannot see it."""
    told = [
        f"{curve.name} from {curve.points[0][1]:.2f} to {curve.points[-1][1]:.2f} "
        f"after {curve.points[-1][0]:.0f} seconds"
        for curve in curves
    ]
    told += [f"{reference.name} {reference.bits:.2f}" for reference in references]
    return f"Bits per pixel over seconds of training: {'; '.join(told)}"


def _thinned(points: Sequence[Point]) -> list[Point]:
    """At most `MOST_POINTS`, always the first and the last."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(MOST_POINTS)]

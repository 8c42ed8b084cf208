"""The plots: bits over seconds of training, and bits against distortion."""

from __future__ import annotations

import math

from pixelgen.comparison.ranking import Finished, Ranking, Row
from pixelgen.report.axes import (
    COLOURS,
    INK,
    MOST_LABEL,
    OTHER_FONTS,
    axis_of,
    colour_of,
    frame,
    label,
    seconds_axis,
)
from pixelgen.report.drawing import Dot, Drawing, Line, Point, Words, text_width

WIDTH, HEIGHT = 860, 440
LEFT, TOP, BOTTOM = 64, 44, 52


def plot_bits(ranking: Ranking) -> Drawing:
    """Return the held-out bits per pixel over seconds of training: a line a run.

    Where tokenizers differ, it is the total bits, so that the lines can be compared. The bar at the
    end of a setting's lines is the mean of its best ± its standard error.
    """
    curves = [
        [_curve(row, number, ranking) for number in range(len(row.runs))] for row in ranking.rows
    ]
    points = [point for row in curves for curve in row for point in curve]
    ends = [getattr(row, ranking.by) for row in ranking.rows]
    values = [bits for _, bits in points]
    values += [end.mean + sign * (end.standard_error or 0) for end in ends for sign in (-1, 1)]
    seconds = [second for second, _ in points] or [1.0]
    by = "Held-out" if ranking.by == "bits" else "Total"
    sheet, right = _sheet(f"{by} bits per pixel over seconds of training", ranking)
    x = seconds_axis(seconds, LEFT, right)
    y = axis_of(values, HEIGHT - BOTTOM, TOP)
    frame(sheet, x, y, "seconds of training", f"{by.lower()} bits per pixel")
    labels = []
    for number, (row, end) in enumerate(zip(curves, ends, strict=True)):
        colour, dash = colour_of(number), 6.0 if number >= len(COLOURS) else 0.0
        for curve in row:
            placed = [(x(second), y(bits)) for second, bits in curve]
            if len(placed) > 1:
                sheet.marks.append(Line(placed, colour, 1.6, dash))
            sheet.marks += [Dot(point, 1.8, colour) for point in placed]
        last = max((x(curve[-1][0]) for curve in row if curve), default=right)
        error = end.standard_error or 0.0
        bar = [(last, y(end.mean - error)), (last, y(end.mean + error))]
        sheet.marks += [Line(bar, colour, 1.2), Dot((last, y(end.mean)), 3.4, colour)]
        labels.append(((last, y(end.mean)), ranking.rows[number].name, colour))
    label(sheet, labels, right, HEIGHT - BOTTOM)
    return sheet


def plot_rate_distortion(ranking: Ranking) -> Drawing:
    """Return bits per pixel against the tokenizer's PSNR: a dot a setting; lower right is better.

    Tokenizers that lose nothing have no PSNR, and stand at the right edge. Settings of which it is
    not known what their tokenizer loses are left out.
    """
    numbered = [(number, row, row.psnr) for number, row in enumerate(ranking.rows)]
    known = [(number, row, psnr) for number, row, psnr in numbered if psnr is not None]
    exact = max([psnr for _, _, psnr in known if math.isfinite(psnr)] or [0.0]) + 3.0
    sheet, right = _sheet("Rate and distortion on the held-out pictures", ranking)
    places = [psnr if math.isfinite(psnr) else exact for _, _, psnr in known]
    x = axis_of(places, LEFT, right)
    bits = [
        row.bits.mean + sign * (row.bits.standard_error or 0)
        for _, row, _ in known
        for sign in (-1, 1)
    ]
    y = axis_of(bits, HEIGHT - BOTTOM, TOP)
    frame(sheet, x, y, "PSNR of the tokenizer in dB", "held-out bits per pixel")
    labels = []
    for (number, row, _), place in zip(known, places, strict=True):
        colour, error = colour_of(number), row.bits.standard_error or 0.0
        bar = [(x(place), y(row.bits.mean - error)), (x(place), y(row.bits.mean + error))]
        dot = (x(place), y(row.bits.mean))
        sheet.marks += [Line(bar, colour, 1.2), Dot(dot, 4.0, colour)]
        labels.append((dot, row.name, colour))
    label(sheet, labels, right, HEIGHT - BOTTOM)
    return sheet


def _curve(row: Row, number: int, ranking: Ranking) -> list[Point]:
    run: Finished = row.runs[number]
    residual = None if ranking.by == "bits" else row.residual
    beyond = 0.0 if residual is None else float(residual[number].mean())
    return [(max(seconds, 1e-3), bits + beyond) for seconds, bits in run.measurement.curve]


def _sheet(title: str, ranking: Ranking) -> tuple[Drawing, float]:
    """An empty drawing with its title, and where the labels at the right begin."""
    widest = max(text_width(row.name) for row in ranking.rows) * OTHER_FONTS
    right = WIDTH - min(MOST_LABEL, widest) - 28
    sheet = Drawing(WIDTH, HEIGHT, title)
    sheet.marks.append(Words((LEFT, TOP / 2), title, INK, 15))
    return sheet, right

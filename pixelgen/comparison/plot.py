"""The plots: bits over seconds of training, and bits against distortion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pixelgen.comparison.drawing import Dot, Drawing, Line, Point, Words, text_width
from pixelgen.comparison.ranking import Finished, Ranking, Row

INK, QUIET, RULE = "#2b2b2b", "#6b6b6b", "#e6e6e6"
# Okabe and Ito's, to be told apart with any kind of sight; yellow is left out, as too pale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5B5B")
WIDTH, HEIGHT = 860, 440
LEFT, TOP, BOTTOM = 64, 44, 52
MOST_LABEL = 300.0  # units that a label may be wide
OTHER_FONTS = 1.2  # times as wide as ours, that a reader of the SVG may have
LABEL_STEP = 16.0  # units between two labels at least
SPREAD_FOR_LOG = 20  # a range of seconds wider than this is shown by orders of magnitude


@dataclass(frozen=True)
class Axis:
    """Maps values to places on the paper.

    Attributes:
        low, high: the values at the ends.
        begin, end: the places of those.
        log: whether equal steps are equal ratios.
    """

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self._scale(self.low), self._scale(self.high)
        share = (self._scale(value) - low) / (high - low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Return the round values within the axis."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            powers = [10.0**power for power in range(first, last + 1)]
            every = [step * power for power in powers for step in (1, 2, 5)]
            return [value for value in every if self.low <= value <= self.high]
        rough = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
        count = math.floor((self.high - self.low) / step) + 2
        begin = math.ceil(self.low / step)
        values = [(begin + number) * step for number in range(count)]
        return [value for value in values if value <= self.high * (1 + 1e-12)]

    def _scale(self, value: float) -> float:
        return math.log(max(value, 1e-9)) if self.log else value


def colour_of(number: int) -> str:
    """Return the colour of a row, by its place in the ranking."""
    return COLOURS[number % len(COLOURS)]


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
    x = _seconds_axis(seconds, right)
    y = _axis(values, HEIGHT - BOTTOM, TOP)
    _frame(sheet, x, y, "seconds of training", f"{by.lower()} bits per pixel")
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
    _label(sheet, labels, right)
    return sheet


def plot_rate_distortion(ranking: Ranking) -> Drawing:
    """Return bits per pixel against the tokenizer's PSNR: a dot a setting; lower right is better.

    Tokenizers that lose nothing have no PSNR, and stand at the right edge.
    """
    rows = ranking.rows
    known = [row.psnr for row in rows if math.isfinite(row.psnr)] or [0.0]
    exact = max(known) + 3.0
    sheet, right = _sheet("Rate and distortion on the held-out pictures", ranking)
    places = [row.psnr if math.isfinite(row.psnr) else exact for row in rows]
    x = _axis(places, LEFT, right)
    bits = [
        row.bits.mean + sign * (row.bits.standard_error or 0) for row in rows for sign in (-1, 1)
    ]
    y = _axis(bits, HEIGHT - BOTTOM, TOP)
    _frame(sheet, x, y, "PSNR of the tokenizer in dB", "held-out bits per pixel")
    labels = []
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        colour, error = colour_of(number), row.bits.standard_error or 0.0
        bar = [(x(place), y(row.bits.mean - error)), (x(place), y(row.bits.mean + error))]
        dot = (x(place), y(row.bits.mean))
        sheet.marks += [Line(bar, colour, 1.2), Dot(dot, 4.0, colour)]
        labels.append((dot, row.name, colour))
    _label(sheet, labels, right)
    return sheet


def _curve(row: Row, number: int, ranking: Ranking) -> list[Point]:
    run: Finished = row.runs[number]
    beyond = 0.0 if ranking.by == "bits" else float(row.residual[number].mean())
    return [(max(seconds, 1e-3), bits + beyond) for seconds, bits in run.measurement.curve]


def _sheet(title: str, ranking: Ranking) -> tuple[Drawing, float]:
    """An empty drawing with its title, and where the labels at the right begin."""
    widest = max(text_width(row.name) for row in ranking.rows) * OTHER_FONTS
    right = WIDTH - min(MOST_LABEL, widest) - 28
    sheet = Drawing(WIDTH, HEIGHT, title)
    sheet.marks.append(Words((LEFT, TOP / 2), title, INK, 15))
    return sheet, right


def _seconds_axis(seconds: Sequence[float], right: float) -> Axis:
    low, high = min(seconds), max(seconds)
    if high > SPREAD_FOR_LOG * low:
        return Axis(low / 1.1, high * 1.05, LEFT, right, log=True)
    return Axis(0.0, high * 1.03, LEFT, right)


def _axis(values: Sequence[float], begin: float, end: float) -> Axis:
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or max(0.05 * abs(high), 0.5)
    return Axis(low - margin, high + margin, begin, end)


def _frame(sheet: Drawing, x: Axis, y: Axis, below: str, beside: str) -> None:
    for value in y.ticks():
        sheet.marks.append(Line([(x.begin, y(value)), (x.end, y(value))], RULE))
        sheet.marks.append(Words((x.begin - 8, y(value)), f"{value:.6g}", QUIET, 11, "end"))
    for value in x.ticks():
        sheet.marks.append(Line([(x(value), y.begin), (x(value), y.begin + 4)], QUIET))
        sheet.marks.append(Words((x(value), y.begin + 15), f"{value:,.6g}", QUIET, 11, "middle"))
    sheet.marks.append(Line([(x.begin, y.begin), (x.end, y.begin)], QUIET))
    sheet.marks.append(Words(((x.begin + x.end) / 2, HEIGHT - 14), below, QUIET, 12, "middle"))
    middle = (y.begin + y.end) / 2
    sheet.marks.append(Words((16, middle), beside, QUIET, 12, "middle", upright=True))


def _label(sheet: Drawing, labels: Sequence[tuple[Point, str, str]], right: float) -> None:
    """Write names to the right, each as near the height of its point as the others allow."""
    lowest = HEIGHT - BOTTOM
    heights: list[float] = []
    ordered = sorted(labels, key=lambda label: label[0][1])
    for (_, y), _, _ in ordered:
        heights.append(max(y, heights[-1] + LABEL_STEP) if heights else y)
    for index in reversed(range(len(heights))):  # push back up what went over the edge
        room = lowest - LABEL_STEP * (len(heights) - 1 - index)
        heights[index] = min(heights[index], room)
    for (point, name, colour), height in zip(ordered, heights, strict=True):
        sheet.marks.append(Line([(point[0] + 5, point[1]), (right + 12, height)], colour, 0.5))
        sheet.marks.append(Words((right + 16, height), _shortened(name), colour, 12))


def _shortened(name: str) -> str:
    room = MOST_LABEL / OTHER_FONTS
    if text_width(name) <= room:
        return name
    kept = len(name)
    while kept and text_width(name[:kept] + "…") > room:
        kept -= 1
    return name[:kept] + "…"

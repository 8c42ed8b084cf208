"""What plots have in common: colours, axes with round ticks, and names beside the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pixelgen.report.drawing import Drawing, Line, Point, Words, text_width

INK, QUIET, RULE = "#2b2b2b", "#6b6b6b", "#e6e6e6"
# Okabe and Ito's, to be told apart with any kind of sight; yellow is left out, as too pale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5B5B")
OTHER_FONTS = 1.2  # times as wide as ours, that a reader of the SVG may have
LABEL_STEP = 16.0  # units between two labels at least
MOST_LABEL = 300.0  # units that a label may be wide
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


def axis_of(values: Sequence[float], begin: float, end: float) -> Axis:
    """Return an axis from `begin` to `end` that holds all values, with a margin."""
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or max(0.05 * abs(high), 0.5)
    return Axis(low - margin, high + margin, begin, end)


def seconds_axis(seconds: Sequence[float], begin: float, end: float) -> Axis:
    """Return an axis of time, by orders of magnitude where it spans several."""
    low, high = min(seconds), max(seconds)
    if high > SPREAD_FOR_LOG * low > 0:
        return Axis(low / 1.1, high * 1.05, begin, end, log=True)
    return Axis(0.0, max(high, 0.001) * 1.03, begin, end)  # a run may take less than a millisecond


def frame(sheet: Drawing, x: Axis, y: Axis, below: str, beside: str) -> None:
    """Draw both axes with their ticks, lines across at the ticks of `y`, and their names."""
    for value in y.ticks():
        sheet.marks.append(Line([(x.begin, y(value)), (x.end, y(value))], RULE))
        sheet.marks.append(Words((x.begin - 8, y(value)), f"{value:.6g}", QUIET, 11, "end"))
    for value in x.ticks():
        sheet.marks.append(Line([(x(value), y.begin), (x(value), y.begin + 4)], QUIET))
        sheet.marks.append(Words((x(value), y.begin + 15), f"{value:,.6g}", QUIET, 11, "middle"))
    sheet.marks.append(Line([(x.begin, y.begin), (x.end, y.begin)], QUIET))
    sheet.marks.append(
        Words(((x.begin + x.end) / 2, sheet.height - 14), below, QUIET, 12, "middle")
    )
    middle = (y.begin + y.end) / 2
    sheet.marks.append(Words((16, middle), beside, QUIET, 12, "middle", upright=True))


def label(
    sheet: Drawing, labels: Sequence[tuple[Point, str, str]], right: float, lowest: float
) -> None:
    """Write names to the right, each as near the height of its point as the others allow."""
    heights: list[float] = []
    ordered = sorted(labels, key=lambda label: label[0][1])
    for (_, y), _, _ in ordered:
        heights.append(max(y, heights[-1] + LABEL_STEP) if heights else y)
    for index in reversed(range(len(heights))):  # push back up what went over the edge
        room = lowest - LABEL_STEP * (len(heights) - 1 - index)
        heights[index] = min(heights[index], room)
    for (point, name, colour), height in zip(ordered, heights, strict=True):
        sheet.marks.append(Line([(point[0] + 5, point[1]), (right + 12, height)], colour, 0.5))
        sheet.marks.append(Words((right + 16, height), shortened(name), colour, 12))


def shortened(name: str) -> str:
    """Return a name that `MOST_LABEL` units hold, its end cut off if need be."""
    room = MOST_LABEL / OTHER_FONTS
    if text_width(name) <= room:
        return name
    kept = len(name)
    while kept and text_width(name[:kept] + "…") > room:
        kept -= 1
    return name[:kept] + "…"

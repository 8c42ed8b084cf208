"""Drawings hold what they are given, as SVG and as PNG, and axes have round ticks."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pixelgen.report.axes import Axis
from pixelgen.report.drawing import Drawing, Line, Words


def test_what_xml_cannot_hold_is_replaced():
    drawing = Drawing(100, 50, "\x00title", [Words((5, 5), "<&\x1b\ud800>", "#000000")])
    root = ET.fromstring(drawing.svg())
    assert root.find("{http://www.w3.org/2000/svg}text").text == "<&��>"
    drawing.marks = [Words((50, 25), "up", "#000000", upright=True)]
    drawing.marks.append(Line([(0, 0), (99, 0), (99, 49)], "#ff0000", dash=5))
    assert drawing.png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 1.55, 0, 100), [0, 0.5, 1, 1.5]),
        (Axis(3.61, 4.19, 0, 100), [3.7, 3.8, 3.9, 4.0, 4.1]),
        (Axis(0.9, 60, 0, 100, log=True), [1, 2, 5, 10, 20, 50]),
    ],
)
def test_ticks_are_round_and_within(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)
    assert [round(axis(value)) for value in (axis.low, axis.high)] == [0, 100]

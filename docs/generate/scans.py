"""The picture of the scan orders: each grid's cells joined in the order of their visit."""

from __future__ import annotations

from docs.generate.svg import Drawing, course
from pixelgen.data.scans import SCANS, make_scan

SIDE, CELL, GAP, TOP = 8, 20, 24, 40


def picture() -> str:
    """Return the picture as SVG."""
    width = GAP + len(SCANS) * (SIDE * CELL + GAP)
    drawing = Drawing(width, TOP + SIDE * CELL + GAP, "The order in which each scan visits a grid")
    for number, name in enumerate(SCANS):
        left = GAP + number * (SIDE * CELL + GAP)
        _draw(drawing, name, left)
    return drawing.svg()


def _draw(drawing: Drawing, name: str, left: int) -> None:
    scan = make_scan(name, (SIDE, SIDE))
    drawing.words(left, TOP - 14, name)
    centres = []
    for step, cell in enumerate(scan.order.tolist()):
        x, y = left + int(scan.columns[cell]) * CELL, TOP + int(scan.rows[cell]) * CELL
        drawing.cell(x, y, CELL, course(step, scan.cells - 1))
        centres.append((x + CELL // 2, y + CELL // 2))
    drawing.line(centres, colour="#ffffff")
    drawing.dot(*centres[0], 4, "#ffffff")

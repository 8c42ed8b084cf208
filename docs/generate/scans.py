"""The picture of the scan orders: each grid's cells joined in the order of their visit."""

from __future__ import annotations

from docs.generate.svg import Drawing, course
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import SCANS

WIDTH, GAP, TOP = 160, 24, 40
SIDES = {"pyramid": 20}  # cells along a side: of two levels


def picture() -> str:
    """Return the picture as SVG."""
    width = GAP + len(SCANS) * (WIDTH + GAP)
    drawing = Drawing(width, TOP + WIDTH + GAP, "The order in which each scan visits a grid")
    for number, name in enumerate(SCANS):
        left = GAP + number * (WIDTH + GAP)
        _draw(drawing, name, left)
    return drawing.svg()


def _draw(drawing: Drawing, name: str, left: int) -> None:
    side = SIDES.get(name, 8)
    scan, size = make_scan(name, (side, side)), WIDTH // side
    drawing.words(left, TOP - 14, name)
    centres = []
    for step, cell in enumerate(scan.order.tolist()):
        x, y = left + int(scan.columns[cell]) * size, TOP + int(scan.rows[cell]) * size
        drawing.cell(x, y, size, course(step, scan.cells - 1))
        if scan.levels[cell] == 0:
            centres.append((x + size // 2, y + size // 2))
    drawing.line(centres, colour="#ffffff")
    drawing.dot(*centres[0], 4, "#ffffff")

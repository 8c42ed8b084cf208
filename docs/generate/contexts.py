"""The picture of the contexts: which cells one position sees, numbered as the model gets them."""

from __future__ import annotations

from docs.generate.svg import FAINT, Drawing
from pixelgen.data.scans import make_scan

SHOWN = (
    ("raster", "previous"),
    ("raster", "near"),
    ("raster", "wide"),
    ("serpentine", "near"),
    ("hilbert", "wide"),
)
HEIGHT, WIDTH, CELL, GAP, TOP = 8, 8, 20, 24, 40
HERE = (5, 3)  # row, column
VISITED, SEEN, NOW = "#e8c9a8", "#c8541c", "#1a5276"


def picture() -> str:
    """Return the picture as SVG."""
    drawing = Drawing(
        GAP + len(SHOWN) * (WIDTH * CELL + GAP),
        TOP + HEIGHT * CELL + GAP,
        "The cells that each context sees from one position",
    )
    for number, (scan, context) in enumerate(SHOWN):
        _draw(drawing, scan, context, GAP + number * (WIDTH * CELL + GAP))
    return drawing.svg()


def _draw(drawing: Drawing, scan_name: str, context: str, left: int) -> None:
    scan = make_scan(scan_name, (HEIGHT, WIDTH))
    here = HERE[0] * WIDTH + HERE[1]
    neighbours = scan.context_table(scan.offsets(context))[here].tolist()
    drawing.words(left, TOP - 14, f"{scan_name}, {context}")
    for cell in range(scan.cells):
        x, y = left + int(scan.columns[cell]) * CELL, TOP + int(scan.rows[cell]) * CELL
        if cell == here:
            drawing.cell(x, y, CELL, NOW)
        elif cell in neighbours:
            drawing.cell(x, y, CELL, SEEN)
            number = str(neighbours.index(cell) + 1)
            drawing.words(x + CELL // 2, y + 14, number, size=10, colour="#ffffff", middle=True)
        else:
            before = scan.steps[cell] < scan.steps[here]
            drawing.cell(x, y, CELL, VISITED if before else FAINT)

"""The picture of the painting schedules: in which step each cell is painted."""

from __future__ import annotations

from docs.generate.svg import Drawing, course, ink_on
from pixelgen.data.scans import make_scan
from pixelgen.data.schedule import make_schedule
from pixelgen.data.segments import Memory

SHOWN: tuple[tuple[Memory, str], ...] = (("picture", "wide"), ("row", "wide"), ("row", "near"))
HEIGHT, WIDTH, CELL, GAP, TOP = 7, 11, 24, 24, 40


def picture() -> str:
    """Return the picture as SVG."""
    drawing = Drawing(
        GAP + len(SHOWN) * (WIDTH * CELL + GAP),
        TOP + HEIGHT * CELL + GAP,
        "The step of painting at which each cell is ready",
    )
    for number, (memory, context) in enumerate(SHOWN):
        _draw(drawing, memory, context, GAP + number * (WIDTH * CELL + GAP))
    return drawing.svg()


def _draw(drawing: Drawing, memory: Memory, context: str, left: int) -> None:
    scan = make_scan("raster", (HEIGHT, WIDTH))
    table = scan.context_table(scan.offsets(context))
    waves = make_schedule(scan, table, memory).waves
    drawing.words(left, TOP - 14, f"{memory}, {context}: {len(waves)} steps")
    for step, wave in enumerate(waves):
        colour = course(step, len(waves) - 1)
        for cell in wave.tolist():
            x, y = left + int(scan.columns[cell]) * CELL, TOP + int(scan.rows[cell]) * CELL
            drawing.cell(x, y, CELL, colour)
            drawing.words(
                x + CELL // 2, y + 16, str(step + 1), size=11, colour=ink_on(colour), middle=True
            )

"""Drawings in SVG: grids of cells, lines and words, with whole numbers for coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

PAPER, INK, FAINT = "#fffdf8", "#33312c", "#d8d4c8"

# From early to late: viridis at nine places (Smith and van der Walt, matplotlib, 2015).
COURSE = (
    "#440154",
    "#472d7b",
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)


class Drawing:
    """A picture that is drawn from the top left, in pixels: cells, lines on them, words on top."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._cells: dict[str, list[str]] = {}  # by colour
        self._lines: list[str] = []
        self._words: dict[str, list[str]] = {}  # by style

    def cell(self, x: int, y: int, side: int, fill: str) -> None:
        """Draw one cell of a grid."""
        self._cells.setdefault(fill, []).append(f"M{x} {y}h{side}v{side}h-{side}z")

    def line(self, points: Sequence[tuple[int, int]], colour: str = INK) -> None:
        """Draw a line through points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._lines.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )

    def dot(self, x: int, y: int, radius: int, colour: str = INK) -> None:
        """Draw a filled circle."""
        self._lines.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>')

    def words(
        self, x: int, y: int, text: str, *, size: int = 14, colour: str = INK, middle: bool = False
    ) -> None:
        """Write a line of text from (or, with `middle`, around) x on the base line y."""
        style = f'font-size="{size}" fill="{colour}"' + ' text-anchor="middle"' * middle
        self._words.setdefault(style, []).append(f'<text x="{x}" y="{y}">{escape(text)}</text>')

    def svg(self) -> str:
        """Return the whole document."""
        cells = [f'<path fill="{fill}" d="{"".join(at)}"/>' for fill, at in self._cells.items()]
        words = [f"<g {style}>{''.join(texts)}</g>" for style, texts in self._words.items()]
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            'role="img" font-family="system-ui, sans-serif">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{self.width}" height="{self.height}" rx="6" fill="{PAPER}"/>',
            f'<g stroke="{PAPER}">',
            *cells,
            "</g>",
            *self._lines,
            *words,
            "</svg>\n",
        ]
        return "\n".join(parts)


def course(step: int, last: int) -> str:
    """Return the colour of a step on the way from 0 to `last`."""
    return COURSE[step * (len(COURSE) - 1) // max(last, 1)]


def ink_on(colour: str) -> str:
    """Return black or white, whichever is read better on a colour of `COURSE`."""
    return "#ffffff" if COURSE.index(colour) < 5 else "#000000"

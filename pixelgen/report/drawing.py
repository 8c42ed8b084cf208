"""Lines, dots and words that can be written as SVG and as PNG, both from the same description."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from markupsafe import escape
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

PAPER = "#ffffff"
SHARPNESS = 2  # pixels of the PNG for each unit of the drawing
SMOOTHING = 2  # drawn so many times larger, then shrunk
# What XML 1.0 cannot hold, not even escaped.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Line:
    """Straight pieces from point to point; `dash` is the length of dashes, 0 for none."""

    points: Sequence[Point]
    colour: str
    width: float = 1.0
    dash: float = 0.0


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    centre: Point
    radius: float
    colour: str


@dataclass(frozen=True)
class Words:
    """Text, its middle at the height of the place; `upright` is turned by 90° against the clock."""

    place: Point
    text: str
    colour: str
    size: float = 12.0
    anchor: Anchor = "start"
    upright: bool = False


@dataclass
class Drawing:
    """A sheet of paper, (0, 0) at its upper left, and what is on it, the lowest first."""

    width: int
    height: int
    title: str
    marks: list[Line | Dot | Words] = field(default_factory=list)

    def svg(self) -> str:
        """Return the drawing as an SVG document that holds no script and names no other file."""
        shapes = "\n".join(_svg(mark) for mark in self.marks)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" '
            'font-family="system-ui, sans-serif">\n'
            f"<title>{_xml(self.title)}</title>\n"
            f'<rect width="100%" height="100%" fill="{PAPER}"/>\n{shapes}\n</svg>\n'
        )

    def png(self) -> bytes:
        """Return the drawing as the bytes of a PNG, `SHARPNESS` times its size in pixels."""
        scale = SHARPNESS * SMOOTHING
        image = Image.new("RGB", (self.width * scale, self.height * scale), PAPER)
        draw = ImageDraw.Draw(image)
        for mark in self.marks:
            if isinstance(mark, Line):
                _draw_line(draw, mark, scale)
            elif isinstance(mark, Dot):
                x, y = (scale * value for value in mark.centre)
                radius = scale * mark.radius
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), mark.colour)
            else:
                _draw_words(image, draw, mark, scale)
        image = image.resize(
            (self.width * SHARPNESS, self.height * SHARPNESS), Image.Resampling.BOX
        )
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


def text_width(text: str, size: float = 12.0) -> float:
    """Return about how wide text is in units of a drawing."""
    return float(ImageFont.load_default(size=100).getlength(text)) * size / 100


def _svg(mark: Line | Dot | Words) -> str:
    if isinstance(mark, Line):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
        dashes = f' stroke-dasharray="{mark.dash:g}"' if mark.dash else ""
        return (
            f'<polyline points="{points}" fill="none" stroke="{mark.colour}" '
            f'stroke-width="{mark.width:g}" stroke-linejoin="round"{dashes}/>'
        )
    if isinstance(mark, Dot):
        x, y = mark.centre
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{mark.radius:g}" fill="{mark.colour}"/>'
    x, y = mark.place
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if mark.upright else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{mark.size:g}" fill="{mark.colour}" '
        f'text-anchor="{mark.anchor}" dominant-baseline="central"{turned}>{_xml(mark.text)}</text>'
    )


def _xml(text: str) -> str:
    return str(escape(NOT_IN_XML.sub("�", text)))


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, scale: int) -> None:
    points = [(x * scale, y * scale) for x, y in line.points]
    width = max(1, round(line.width * scale))
    pieces = _dashes(points, line.dash * scale) if line.dash else [points]
    for piece in pieces:
        draw.line(piece, line.colour, width, joint="curve")


def _dashes(points: Sequence[Point], dash: float) -> list[list[Point]]:
    """Every other stretch of `dash` along the line; corners within a dash are cut."""
    pieces = []
    walked = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        at = 0.0
        while at < length:
            phase = (walked + at) % (2 * dash)
            step = min((dash if phase < dash else 2 * dash) - phase, length - at) or dash
            if phase < dash:
                ends = [share / length for share in (at, at + step)]
                pieces.append([(x0 + (x1 - x0) * e, y0 + (y1 - y0) * e) for e in ends])
            at += step
        walked += length
    return pieces


def _draw_words(image: Image.Image, draw: ImageDraw.ImageDraw, words: Words, scale: int) -> None:
    font = ImageFont.load_default(size=words.size * scale)
    x, y = (value * scale for value in words.place)
    if not words.upright:
        anchor = {"start": "lm", "middle": "mm", "end": "rm"}[words.anchor]
        draw.text((x, y), words.text, words.colour, font=font, anchor=anchor)
        return
    width, height = round(font.getlength(words.text)) + 2, round(words.size * scale * 1.5)
    label = Image.new("L", (width, height))
    ImageDraw.Draw(label).text((width / 2, height / 2), words.text, 255, font=font, anchor="mm")
    turned = label.rotate(90, expand=True)
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
    top = y - turned.height * (1 - shift)
    image.paste(words.colour, (round(x - turned.width / 2), round(top)), turned)

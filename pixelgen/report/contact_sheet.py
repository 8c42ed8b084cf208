"""Contact sheets: painted pictures side by side, enlarged so that their pixels can be seen."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER = (247, 246, 243)
INK = (60, 58, 54)
MOST_COLUMNS = 8
MOST_PICTURES = 64  # of one kind
MOST_PIXELS = 1 << 24  # of those pictures together, and of one before it is shrunk
WANTED_WIDTH = 1280  # pixels; pictures are enlarged by a whole number towards it, none higher


def most_on_sheet(pictures: np.ndarray) -> int:
    """Return how many pictures like these (N, H, W, C) are shown of a kind: large ones are few."""
    return max(1, min(MOST_PICTURES, MOST_PIXELS // (pictures.shape[1] * pictures.shape[2])))


def contact_sheet(
    rows: Sequence[np.ndarray], labels: Sequence[str] = (), *, title: str = ""
) -> Image.Image:
    """Lay pictures out in rows.

    Args:
        rows: for each row (N, H, W, 3 or 4) uint8; a long row is broken into several.
        labels: one for each row, written above it; none if empty.
        title: written above everything.

    Returns:
        An RGB image.
    """
    height, width = _shrunk(*rows[0].shape[1:3])
    columns = min(MOST_COLUMNS, max(1, WANTED_WIDTH // width), max(len(row) for row in rows))
    scale = max(1, min(WANTED_WIDTH // (columns * width), WANTED_WIDTH // height))
    cell_width, cell_height = width * scale, height * scale
    gap = max(2, min(12, cell_width // 16))
    font = ImageFont.load_default(size=16)
    text_height = 26

    lines = []  # (label, pictures) a line
    for index, row in enumerate(rows):
        label = labels[index] if labels else ""
        for begin in range(0, len(row), columns):
            lines.append((label if begin == 0 else "", row[begin : begin + columns]))
    labelled = sum(text_height for label, _ in lines if label) + (text_height if title else 0)
    sheet = Image.new(
        "RGB",
        (
            gap + columns * (cell_width + gap),
            gap + labelled + len(lines) * (cell_height + gap),
        ),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    top = gap
    if title:
        draw.text((gap, top), title, INK, font=font)
        top += text_height
    for label, pictures in lines:
        if label:
            draw.text((gap, top), label, INK, font=font)
            top += text_height
        for column, pixels in enumerate(pictures):
            smaller = cell_width < pixels.shape[1]
            picture = Image.fromarray(pixels).resize(
                (cell_width, cell_height),
                Image.Resampling.BOX if smaller else Image.Resampling.NEAREST,
            )
            mask = picture.getchannel("A") if picture.mode == "RGBA" else None
            sheet.paste(picture.convert("RGB"), (gap + column * (cell_width + gap), top), mask)
        top += cell_height + gap
    return sheet


def _shrunk(height: int, width: int) -> tuple[int, int]:
    """The size at which a picture is shown, before it is enlarged."""
    factor = min(1.0, (MOST_PIXELS / (height * width)) ** 0.5)
    return max(1, int(height * factor)), max(1, int(width * factor))


def png_bytes(picture: Image.Image | np.ndarray) -> bytes:
    """Return a picture as the bytes of a PNG file, the same for the same pixels."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()

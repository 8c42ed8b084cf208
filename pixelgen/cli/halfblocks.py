"""Pictures in a terminal: two pixels a character, in true colour."""

from __future__ import annotations

import numpy as np
from PIL import Image
from rich.color import Color
from rich.style import Style
from rich.text import Text


def half_blocks(pixels: np.ndarray, width: int) -> Text:
    """Draw a picture with the upper half block, its colour above and the background below.

    Args:
        pixels: (H, W, 3 or 4) uint8.
        width: columns to use at most; a larger picture is shrunk.
    """
    picture = Image.fromarray(pixels).convert("RGB")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    if picture.height % 2:
        picture = picture.crop((0, 0, picture.width, picture.height + 1))
    colours = np.asarray(picture)
    text = Text(no_wrap=True)
    for row in range(0, len(colours), 2):
        for upper, lower in zip(colours[row], colours[row + 1], strict=True):
            style = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
            text.append("▀", style)
        if row + 2 < len(colours):
            text.append("\n")
    return text

"""A palette as one small picture, its colours in an order that the eye can follow."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.data.colour_spaces import srgb_to_oklab

GREY = 0.02  # of chroma in OKLab: less is no hue to speak of
HUES = 12


def in_order(palette: np.ndarray) -> np.ndarray:
    """Return a palette (V, 3 or 4) uint8 by hue, each hue from dark to light, greys first."""
    lab = srgb_to_oklab(palette[:, :3])
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue = np.arctan2(lab[:, 2], lab[:, 1]) % (2 * np.pi)
    family = np.where(chroma < GREY, -1, np.floor(hue / (2 * np.pi) * HUES))
    return palette[np.lexsort((lab[:, 0], family))]


def swatches(palette: np.ndarray) -> np.ndarray:
    """Return the colours (V, 3 or 4) as a picture, a pixel each: (rows, columns, 3 or 4) uint8.

    About three times as wide as high; what is left over at the end is transparent.
    """
    ordered = in_order(palette)
    columns = min(len(ordered), max(8, round(math.sqrt(3 * len(ordered)))))
    rows = math.ceil(len(ordered) / columns)
    picture = np.zeros((rows * columns, 4), np.uint8)
    picture[: len(ordered), :3] = ordered[:, :3]
    picture[: len(ordered), 3] = ordered[:, 3] if ordered.shape[1] == 4 else 255
    return picture.reshape(rows, columns, 4)

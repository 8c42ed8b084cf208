"""A palette as one small picture, its colours in an order that the eye can follow."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.data.colour_order import for_the_eye


def swatches(palette: np.ndarray) -> np.ndarray:
    """Return the colours (V, 3 or 4) as a picture, a pixel each: (rows, columns, 3 or 4) uint8.

    About three times as wide as high; what is left over at the end is transparent.
    """
    ordered = palette[for_the_eye(palette[:, :3])]
    columns = min(len(ordered), max(8, round(math.sqrt(3 * len(ordered)))))
    rows = math.ceil(len(ordered) / columns)
    picture = np.zeros((rows * columns, 4), np.uint8)
    picture[: len(ordered), :3] = ordered[:, :3]
    picture[: len(ordered), 3] = ordered[:, 3] if ordered.shape[1] == 4 else 255
    return picture.reshape(rows, columns, 4)

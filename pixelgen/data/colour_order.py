"""The order of a palette's colours that the eye can follow."""

from __future__ import annotations

import numpy as np

from pixelgen.data.colour_spaces import srgb_to_oklab

GREY = 0.03  # OKLab chroma below which a colour is sorted as a grey
HUES = 12  # hues that are told apart in sorting


def for_the_eye(colours: np.ndarray) -> np.ndarray:
    """Return the order of colours (V, 3): greys first, then hue by hue, each from dark to light."""
    lab = srgb_to_oklab(colours)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    turn = np.arctan2(lab[:, 2], lab[:, 1]) / (2 * np.pi) % 1
    hue = np.where(chroma < GREY, -1, np.floor(turn * HUES))
    return np.lexsort((*colours.T, lab[:, 0], hue))

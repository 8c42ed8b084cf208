"""The detail of a picture: its OKLab colours without what changes slowly.

Skies and meadows of different pictures are alike; strokes and edges are what one has of its own.
Only detail tells a copy from a picture of the same place in the same light.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pixelgen.data.alpha import on_white
from pixelgen.data.colour_spaces import srgb_to_oklab


def oklab(pictures: np.ndarray) -> np.ndarray:
    """Return OKLab (..., 3) float32 of pictures (..., 3 or 4) uint8, laid on white."""
    return srgb_to_oklab(on_white(pictures)).astype(np.float32)


def band(lab: np.ndarray, finest: float, coarsest: float) -> np.ndarray:
    """Return what lies between two scales: a difference of Gaussians.

    Args:
        lab: (N, H, W, C) float32.
        finest, coarsest: standard deviations in pixels; 0 keeps the finest there is.
    """
    return blurred(lab, finest) - blurred(lab, coarsest)


def blurred(lab: np.ndarray, deviation: float) -> np.ndarray:
    """Return (N, H, W, C) float32 pictures under a Gaussian, which ends at their borders."""
    if deviation <= 0:
        return lab
    height, width, channels = lab.shape[1:]
    down, across = _gaussian(height, deviation), _gaussian(width, deviation)
    rows = down @ lab.reshape(len(lab), height, width * channels)
    columns = across @ rows.reshape(len(lab) * height, width, channels)
    blurred: np.ndarray = columns.reshape(lab.shape)
    return blurred


@lru_cache(maxsize=256)
def _gaussian(side: int, deviation: float) -> np.ndarray:
    """(side, side) float32: each row the weights of one output pixel, which sum to 1."""
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / deviation) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

"""Pictures with and without transparency."""

from __future__ import annotations

import numpy as np


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return (..., 4) pixels of (..., 3 or 4): opaque where nothing else is said."""
    if pixels.shape[-1] == 4:
        return pixels
    opaque = np.full((*pixels.shape[:-1], 1), 255, np.uint8)
    return np.concatenate([pixels, opaque], axis=-1)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Return (..., 3) pixels of (..., 3 or 4): what is transparent is laid on white."""
    if pixels.shape[-1] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint16)
    laid = pixels[..., :3] * alpha + np.uint16(255) * (255 - alpha)  # at most 255 × 255
    return ((laid + 127) // 255).astype(np.uint8)


def to_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return the pixels with 3 channels, laid on white, or 4, opaque where they had no alpha.

    Fully transparent pixels become (0, 0, 0, 0), whatever colour was hidden in them.
    """
    if channels == 3:
        return on_white(pixels)
    if pixels.shape[-1] == 3:
        return with_alpha(pixels)
    return without_hidden(pixels)


def without_hidden(pixels: np.ndarray) -> np.ndarray:
    """Return (..., 4) pixels with no colour where they are fully transparent."""
    return pixels * (pixels[..., 3:] > 0)

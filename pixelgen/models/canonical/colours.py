"""What the canonical LSTM sees of a colour."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.models.interface import ModelSpec


def colour_table(spec: ModelSpec) -> np.ndarray:
    """Return [c(k), o(k)] of every token k and of "outside": (V + 1, C + 1) float32.

    Colours are scaled from 0..255 to -1..1. Without a palette there is only o.
    """
    channels = 0 if spec.palette is None else spec.palette.shape[1]
    table = np.zeros((spec.vocab_size + 1, channels + 1), np.float32)
    if spec.palette is not None:
        table[:-1, :-1] = spec.palette.astype(np.float32) / 127.5 - 1
    table[-1, -1] = 1
    return table


def colour_waves(colours: np.ndarray) -> np.ndarray:
    """Return φ (V, 8C) of colours (V, C)."""
    parts = [colours, colours**2]
    for frequency in (1, 2, 4):
        angle = frequency * math.pi * colours
        parts += [np.sin(angle), np.cos(angle)]
    return np.concatenate(parts, axis=1)

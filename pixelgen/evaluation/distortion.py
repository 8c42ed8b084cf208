"""How much a tokenizer changes pictures: MSE and PSNR in sRGB, and the mean OKLab ΔE."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pixelgen.data.alpha import on_white
from pixelgen.data.colour_spaces import srgb_to_oklab
from pixelgen.tokenizers.interface import Tokenizer

PIXELS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Distortion:
    """The mean over all pixels of some pictures.

    Attributes:
        mse: squared error a channel, in sRGB levels of 0 to 255.
        psnr: peak signal-to-noise ratio in dB; infinite where nothing changed.
        delta_e: Euclidean distance in OKLab, in which black and white are 1 apart.
    """

    mse: float
    psnr: float
    delta_e: float


class DistortionMeter:
    """Adds distortion up, picture by picture. Transparency is laid on white on both sides."""

    def __init__(self) -> None:
        self._pixels = 0
        self._squares = 0
        self._distances = 0.0

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Take in pictures (..., 3 or 4) uint8 and what became of them.

        Raises:
            ValueError: the shapes differ.
        """
        if before.shape[:-1] != after.shape[:-1]:
            raise ValueError(f"shapes {before.shape} and {after.shape} differ")
        first = on_white(before).reshape(-1, 3)
        second = on_white(after).reshape(-1, 3)
        for start in range(0, len(first), PIXELS_AT_ONCE):
            some, others = first[start : start + PIXELS_AT_ONCE], second[start:][:PIXELS_AT_ONCE]
            difference = some.astype(np.int64) - others
            self._squares += int((difference**2).sum())
            apart = srgb_to_oklab(some) - srgb_to_oklab(others)
            self._distances += float(np.sqrt((apart**2).sum(axis=1)).sum())
        self._pixels += len(first)

    def result(self) -> Distortion:
        """Return the means so far; all are NaN where nothing was added."""
        if not self._pixels:
            return Distortion(math.nan, math.nan, math.nan)
        mse = self._squares / (3 * self._pixels)
        psnr = 10 * math.log10(255**2 / mse) if mse else math.inf
        return Distortion(mse, psnr, self._distances / self._pixels)


@dataclass(frozen=True, eq=False)
class Measured:
    """What a tokenizer does to pictures.

    Attributes:
        distortion: of encoding and decoding.
        shares: (V,) float64, each token's share of all.
    """

    distortion: Distortion
    shares: np.ndarray


def measure(tokenizer: Tokenizer, pictures: Iterable[np.ndarray]) -> Measured:
    """Encode and decode pictures (H, W, 3 or 4) uint8, one at a time.

    Where a side is no multiple of a token's, what is left over is not looked at.
    """
    height, width = tokenizer.token_shape
    meter = DistortionMeter()
    counts = np.zeros(tokenizer.vocab_size, np.int64)
    for picture in pictures:
        rows, columns = picture.shape[0] // height * height, picture.shape[1] // width * width
        if not (rows and columns):
            continue
        kept = picture[None, :rows, :columns]
        tokens = tokenizer.encode(kept)
        counts += np.bincount(tokens.reshape(-1), minlength=len(counts))
        meter.add(kept, tokenizer.decode(tokens))
    return Measured(meter.result(), counts / max(counts.sum(), 1))

"""Bristle-brush strokes laid on a canvas, many at a time."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelgen.sources.painting.palettes import Array, oklab_from_srgb, srgb_from_oklab

REACH = 0.12  # how far outside the picture a stroke may be centred, in picture units
LONGEST = 0.24  # longest stroke, in picture units
SAMPLES_AT_ONCE = 1 << 16  # keeps the working arrays inside the processor's cache
SHARPNESS = 144  # fewest canvas pixels along the geometric mean side before shrinking
STAMPS = 24
LANES = 12

# The bristles are the same for every picture, so they hang on a fixed seed of their own.
_bristles = np.random.Generator(np.random.Philox(1874))
_ragged = _bristles.uniform(0.0, 1.0, (STAMPS, 2, LANES)) ** 1.5
_grain = _bristles.uniform(0.0, 1.0, (STAMPS, 10, LANES))
_tone = _bristles.normal(0.0, 0.022, (STAMPS, LANES))


def _samples(pixels: float) -> int:
    """Return how many samples span so many pixels, rounded up so that few counts occur."""
    count = int(pixels / 0.85) + 2
    step = max(1, count // 10)
    return math.ceil(count / step) * step


@lru_cache(maxsize=512)
def _stamp(along: int, across: int) -> tuple[NDArray[np.bool_], Array, Array, Array]:
    """Return each stamp's dry samples, the tones of its lanes, and where its samples lie.

    Returns:
        (STAMPS, along, across) bool; (STAMPS, across) to be added to sRGB in [0, 1]; (along,) and
        (across,) places along and across the stroke, each from -0.5 to 0.5.
    """
    u = np.linspace(-1.0, 1.0, along)[None, :, None]
    v = np.linspace(-1.0, 1.0, across)
    lane = np.minimum(((v + 1) / 2 * LANES).astype(int), LANES - 1)
    row = np.minimum(((u[0, :, 0] + 1) / 2 * 10).astype(int), 9)
    body = np.sqrt(1.0 - 0.9 * np.abs(v) ** 3)
    start = body * (1.0 - 0.30 * _ragged[:, 0, lane])
    end = body * (1.0 - 0.55 * _ragged[:, 1, lane])
    wet = (u >= -start[:, None, :]) & (u <= end[:, None, :])
    # The brush runs dry: gaps get likelier towards the end of the stroke.
    wet &= _grain[:, row][:, :, lane] > 0.02 + 0.22 * np.maximum(u, 0.0) ** 2
    # Paint stands up in a ridge, which catches the light on its upper side.
    return ~wet, _tone[:, lane] - 0.016 * v, u[0, :, 0] / 2, v / 2


class Canvas:
    """A canvas on which strokes cover those laid before them.

    Positions and sizes are in picture units: the shorter side of the picture is 1, x runs right
    from 0 to `right`, y runs down from 0 to `bottom`. The canvas is finer than the picture, which
    is what softens the edges of the strokes when it is shrunk.
    """

    def __init__(self, width: int, height: int, ground: Array) -> None:
        """Prime a canvas.

        Args:
            width: of the picture, in pixels.
            height: of the picture, in pixels.
            ground: (3,) OKLab colour of the bare canvas, seen between the strokes.
        """
        mean_side = math.sqrt(width * height)
        # A sliver of a picture would ask for numberless strokes as wide as it is.
        unit = max(min(width, height), 0.2 * mean_side)
        self.right = width / unit
        self.bottom = height / unit
        self._shrink = max(2, math.ceil(SHARPNESS / mean_side))
        self._scale = unit * self._shrink
        self._size = (width * self._shrink, height * self._shrink)
        self._margin = math.ceil((REACH + LONGEST * 0.75) * self._scale) + 2
        shape = (self._size[1] + 2 * self._margin, self._size[0] + 2 * self._margin)
        self._paint = np.full(shape, _packed(srgb_from_oklab(ground)), np.uint32)

    def lay(
        self,
        x: Array,
        y: Array,
        angle: Array,
        length: Array,
        width: Array,
        bend: Array,
        colour: Array,
        stamp: NDArray[np.int64],
    ) -> None:
        """Lay N strokes, in order, later ones over earlier ones.

        Args:
            x: (N,) centres, picture units.
            y: (N,) centres, picture units.
            angle: (N,) direction of travel in radians, 0 to the right, growing clockwise.
            length: (N,) picture units, at most `LONGEST`.
            width: (N,) picture units.
            bend: (N,) how far the ends curl off the straight, as a share of the length.
            colour: (N, 3) OKLab.
            stamp: (N,) which bristle pattern, in [0, STAMPS).
        """
        near = (x > -REACH) & (x < self.right + REACH) & (y > -REACH) & (y < self.bottom + REACH)
        x, y, angle, bend, stamp = x[near], y[near], angle[near], bend[near], stamp[near]
        long = np.minimum(length[near], LONGEST) * self._scale
        wide = np.maximum(np.minimum(width[near], 0.1) * self._scale, 1.0)
        rgb = srgb_from_oklab(colour[near])
        x = x * self._scale + self._margin
        y = y * self._scale + self._margin
        start = 0
        while start < len(x):
            # Strokes of like size tend to come together; each chunk is sampled for its largest.
            ahead = slice(start, start + 96)
            along = _samples(float(long[ahead].max()))
            across = _samples(float(wide[ahead].max()))
            stop = min(start + max(1, SAMPLES_AT_ONCE // (along * across)), start + 96, len(x))
            part = slice(start, stop)
            self._press(
                x[part], y[part], angle[part], long[part], wide[part], bend[part], rgb[part],
                stamp[part], along, across,
            )  # fmt: skip
            start = stop

    def _press(
        self,
        x: Array,
        y: Array,
        angle: Array,
        long: Array,
        wide: Array,
        bend: Array,
        rgb: Array,
        stamp: NDArray[np.int64],
        along: int,
        across: int,
    ) -> None:
        dry, tone, u, v = _stamp(along, across)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        run = long[:, None] * u
        curl = (bend * long)[:, None] * (4.0 * u * u - 0.33)
        spread = wide[:, None] * v
        # A stroke's spine plus its cross-section: only this sum is as large as the samples.
        spine_x = (x[:, None] + run * cos - curl * sin).astype(np.float32)[:, :, None]
        spine_y = (y[:, None] + run * sin + curl * cos).astype(np.float32)[:, :, None]
        column = (spine_x - (spread * sin).astype(np.float32)[:, None, :]).astype(np.intp)
        row = (spine_y + (spread * cos).astype(np.float32)[:, None, :]).astype(np.intp)
        row *= self._paint.shape[1]
        row += column
        np.putmask(row, dry[stamp], 0)  # pixel 0 is in the margin, out of sight
        lanes = _packed(rgb[:, None, :] + tone[stamp][:, :, None])
        # With repeated indices the last assignment holds, which is how strokes cover each other.
        self._paint.reshape(-1)[row.reshape(-1)] = np.broadcast_to(
            lanes[:, None, :], row.shape
        ).reshape(-1)

    def sample(self, x: Array, y: Array) -> Array:
        """Return the (N, 3) OKLab paint at (N,) points, taken at the nearest point inside."""
        column = np.clip(x * self._scale, 0, self._size[0] - 1).astype(np.int64) + self._margin
        row = np.clip(y * self._scale, 0, self._size[1] - 1).astype(np.int64) + self._margin
        packed = np.ascontiguousarray(self._paint[row, column])
        rgb = packed.view(np.uint8).reshape(-1, 4)[:, :3]
        return oklab_from_srgb(rgb / 255.0)

    def picture(self) -> NDArray[np.uint8]:
        """Return the picture as (height, width, 3) uint8 sRGB."""
        m, (width, height) = self._margin, self._size
        inside = np.ascontiguousarray(self._paint[m : m + height, m : m + width])
        rgbx = inside.view(np.uint8).reshape(height, width, 4)
        shrunk = Image.fromarray(np.ascontiguousarray(rgbx[:, :, :3])).reduce(self._shrink)
        return np.array(shrunk, dtype=np.uint8)


def _packed(rgb: Array) -> NDArray[np.uint32]:
    """Return (..., 3) sRGB in [0, 1] as (...,) words whose bytes in memory are r, g, b, 0."""
    words = np.zeros((*rgb.shape[:-1], 4), np.uint8)
    words[..., :3] = np.clip(rgb, 0.0, 1.0) * 255.0 + 0.5
    return words.view(np.uint32)[..., 0]

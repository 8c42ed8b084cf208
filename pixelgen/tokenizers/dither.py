"""Dithering: pixels go to other colours than the nearest, so that areas keep their mean colour.

Colours with alpha are dithered as they are seen, each channel multiplied by alpha: what is all but
transparent counts for as little, and what is hidden in it for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

import numpy as np

from pixelgen.errors import TokenizerError

DitherName = Literal["none", "floyd-steinberg", "blue-noise"]
Nearest = Callable[[np.ndarray], np.ndarray]  # pixels (n, channels) uint8 to indices (n,)

MASK_SIDE = 32


def dither(
    name: DitherName, pictures: np.ndarray, palette: np.ndarray, nearest: Nearest
) -> np.ndarray:
    """Return the palette index (N, H, W) int32 of each pixel of pictures (N, H, W, channels).

    Args:
        name: how; `none` is the nearest colour.
        pictures: uint8.
        palette: (V, channels) uint8.
        nearest: finds the nearest colour of the palette.

    Raises:
        TokenizerError: there is no such way.
    """
    if name not in get_args(DitherName):
        raise TokenizerError(
            f"no dithering is called {name!r}",
            where="in the option dither",
            remedy=f"Known are {', '.join(get_args(DitherName))}",
        )
    if name == "floyd-steinberg":
        return _floyd_steinberg(pictures, palette, nearest)
    if name == "blue-noise":
        return _blue_noise(pictures, palette, nearest)
    return nearest(pictures.reshape(-1, pictures.shape[-1])).reshape(pictures.shape[:-1])


def _floyd_steinberg(pictures: np.ndarray, palette: np.ndarray, nearest: Nearest) -> np.ndarray:
    """Hand each pixel's error on to its neighbours: 7/16 right, 3, 5 and 1/16 below.

    A pixel waits for its left and its upper three neighbours only, so that in step t the pixels
    with column + 2 × row = t are worked on together, in all pictures.
    """
    count, height, width, channels = pictures.shape
    # A margin on both sides and below takes the errors that leave the picture.
    wanted = np.zeros((count, height + 1, width + 2, channels), np.int32)  # in sixteenths
    wanted[:, :height, 1:-1] = _seen(pictures, 16)
    tokens = np.empty((count, height, width), np.int32)
    sixteenths = _seen(palette, 16)
    for step in range(width + 2 * (height - 1)):
        rows = np.arange(max(0, (step - width + 2) // 2), min(height - 1, step // 2) + 1)
        columns = step - 2 * rows
        want = wanted[:, rows, columns + 1]  # (N, m, channels)
        pixels = _looking_like(want.reshape(-1, channels), 16)
        chosen = nearest(pixels).reshape(count, len(rows))
        tokens[:, rows, columns] = chosen
        # What lies outside of 0 to 255 can be reached by no colour and is let go.
        error = np.clip(want, 0, 255 * 16) - sixteenths[chosen]
        right, below_left, below = (7 * error) >> 4, (3 * error) >> 4, (5 * error) >> 4
        wanted[:, rows, columns + 2] += right
        wanted[:, rows + 1, columns] += below_left
        wanted[:, rows + 1, columns + 1] += below
        wanted[:, rows + 1, columns + 2] += error - right - below_left - below
    return tokens


def _blue_noise(pictures: np.ndarray, palette: np.ndarray, nearest: Nearest) -> np.ndarray:
    """Choose between the nearest colour and one beyond the pixel, by a mask of thresholds.

    Beyond is where one comes to from the nearest colour through the pixel, and further, as far as
    another colour is nearer. The share of the second is how far along the way to it the pixel
    lies. No pixel depends on another, so a picture's parts stay the same where others change.
    """
    _, height, width, channels = pictures.shape
    pixels = pictures.reshape(-1, channels)
    first = nearest(pixels)
    parts = 1 if channels == 3 else 255  # of a level: colour × alpha is whole then
    here, there = _seen(pixels, parts), _seen(palette, parts)
    second = first.copy()
    seeking = np.flatnonzero((here != there[first]).any(axis=1))
    for times in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        beyond = here[seeking] + times * (here[seeking] - there[first[seeking]])
        second[seeking] = nearest(_looking_like(beyond, parts))
        seeking = seeking[second[seeking] == first[seeking]]
        if not len(seeking):
            break
    way = (there[second] - there[first]).astype(np.int64)
    length = (way**2).sum(axis=1)
    along = ((here - there[first]) * way).sum(axis=1)
    repeats = (-(-height // MASK_SIDE), -(-width // MASK_SIDE))
    mask = np.tile(blue_noise_mask(), repeats)[:height, :width]
    thresholds = np.broadcast_to(mask, pictures.shape[:-1]).reshape(-1)
    # (mask + 1/2) / MASK_SIDE² < along / length, in whole numbers
    taken = (2 * thresholds.astype(np.int64) + 1) * length < 2 * MASK_SIDE**2 * along
    tokens: np.ndarray = np.where(taken, second, first).reshape(pictures.shape[:-1])
    return tokens


def _seen(pixels: np.ndarray, parts: int) -> np.ndarray:
    """Levels (..., 3 or 4) int32 in `parts` of a level, of uint8: colours multiplied by alpha."""
    levels = pixels.astype(np.int32) * parts
    if pixels.shape[-1] == 4:
        levels[..., :3] = (levels[..., :3] * pixels[..., 3:].astype(np.int32) + 127) // 255
    return levels


def _looking_like(levels: np.ndarray, parts: int) -> np.ndarray:
    """The pixels (n, 3 or 4) uint8 that are seen most nearly as these levels: `_seen`, undone."""
    pixels = np.clip((levels + parts // 2) // parts, 0, 255)
    if levels.shape[-1] == 4:
        whole = np.maximum(parts * pixels[:, 3:], 1)  # what a colour of 255 would be seen as
        colours = 255 * np.clip(levels[:, :3], 0, 255 * parts)
        colours = np.clip((colours + whole // 2) // whole, 0, 255)
        pixels[:, :3] = colours * (pixels[:, 3:] > 0)
    return pixels.astype(np.uint8)


@cache
def blue_noise_mask() -> np.ndarray:
    """Return the ranks 0 to MASK_SIDE² - 1 of a tile in which any first n lie evenly spread.

    Robert Ulichney, "The void-and-cluster method for dither array generation", 1993.
    """
    side = MASK_SIDE
    away = np.minimum(np.arange(side), side - np.arange(side))
    bump = np.exp(-(away[:, None] ** 2 + away**2) / (2 * 1.5**2))

    def bump_at(place: int) -> np.ndarray:
        return np.asarray(np.roll(bump, divmod(place, side), (0, 1))).reshape(-1)

    generator = np.random.default_rng(0)
    ones = np.zeros(side * side, bool)
    density = np.zeros(side * side)
    for place in generator.permutation(side * side)[: side * side // 10]:
        ones[place] = True
        density += bump_at(place)
    while True:  # move the most crowded one to the largest void, until it would move back
        crowded = int(np.where(ones, density, -np.inf).argmax())
        ones[crowded] = False
        density -= bump_at(crowded)
        void = int(np.where(ones, np.inf, density).argmin())
        ones[void] = True
        density += bump_at(void)
        if void == crowded:
            break
    ranks = np.empty(side * side, np.int32)
    first = int(ones.sum())
    left, thinned = ones.copy(), density.copy()
    for rank in range(first - 1, -1, -1):
        crowded = int(np.where(left, thinned, -np.inf).argmax())
        left[crowded] = False
        thinned -= bump_at(crowded)
        ranks[crowded] = rank
    for rank in range(first, side * side):
        void = int(np.where(ones, np.inf, density).argmin())
        ones[void] = True
        density += bump_at(void)
        ranks[void] = rank
    return ranks.reshape(side, side)

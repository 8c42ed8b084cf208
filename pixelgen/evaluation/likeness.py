"""Whether two sets of pictures have the same colours and the same strokes.

Distances are sliced Wasserstein: both sets are projected onto the same random directions, and
sorted along each (Rabin et al., "Wasserstein barycenter and its application to texture mixing",
2011).
"""

from __future__ import annotations

import numpy as np

from pixelgen.evaluation.novelty.detail import blurred, oklab
from pixelgen.randomness import generator_for

DIRECTIONS = 64
MOST_POINTS = 16_384  # colours or patches looked at of either set
QUANTILES = 512
CELLS = 7  # pixels a side of a patch in its level of the pyramid
LEVELS = 4


def sliced_wasserstein(
    first: np.ndarray, second: np.ndarray, generator: np.random.Generator
) -> float:
    """Return the mean distance of two sets of points (N, D) and (M, D) along random directions.

    Directions have length 1, so for colours the figure is in units of the space, and less than the
    distance that colours have to be moved by.
    """
    directions = generator.standard_normal((first.shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
    sides = [np.quantile(points @ directions, shares, axis=0) for points in (first, second)]
    return float(np.abs(sides[0] - sides[1]).mean())


def palette_distance(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> float:
    """Return the distance between the colours of pictures (N, H, W, 3 or 4) uint8, in OKLab."""
    points = [_some(pictures.reshape(-1, pictures.shape[-1]), seed) for pictures in (first, second)]
    return sliced_wasserstein(oklab(points[0]), oklab(points[1]), generator_for(seed, "directions"))


def patch_distances(
    first: np.ndarray, second: np.ndarray, *, seed: int = 0
) -> list[tuple[int, float]]:
    """Return (patch side in pixels, distance) at several sizes, the smallest first.

    Patches of 7×7 are taken from the levels of a Laplacian pyramid, so that a patch of 28 pixels is
    compared by what is coarse in it (Karras et al., "Progressive growing of GANs", 2018), in OKLab.

    Args:
        first, second: (N, H, W, 3 or 4) uint8 of one size.
        seed: of the directions and of the patches.
    """
    found = []
    levels = [oklab(pictures) for pictures in (first, second)]
    for level in range(LEVELS):
        side = min(CELLS, *levels[0].shape[1:3])
        coarser = [blurred(pictures, 1.0) for pictures in levels]
        last = level == LEVELS - 1 or min(levels[0].shape[1:3]) < 2 * CELLS
        details = levels if last else [a - b for a, b in zip(levels, coarser, strict=True)]
        patches = [_patches(detail, side, seed + level) for detail in details]
        distance = sliced_wasserstein(patches[0], patches[1], generator_for(seed, "patches", level))
        found.append((side << level, distance))
        if last:
            break
        levels = [pictures[:, ::2, ::2] for pictures in coarser]
    return found


def _patches(pictures: np.ndarray, side: int, seed: int) -> np.ndarray:
    """(K, side · side · C) patches from random places."""
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (side, side), axis=(1, 2))
    count, rows, columns = windows.shape[:3]
    chosen = _choice(count * rows * columns, seed)
    picture, place = np.divmod(chosen, rows * columns)
    row, column = np.divmod(place, columns)
    patches: np.ndarray = windows[picture, row, column].reshape(len(chosen), -1)
    return patches


def _some(points: np.ndarray, seed: int) -> np.ndarray:
    return np.asarray(points[_choice(len(points), seed)])


def _choice(count: int, seed: int) -> np.ndarray:
    if count <= MOST_POINTS:
        return np.arange(count)
    generator = generator_for(seed, "points", count)
    return np.sort(generator.choice(count, MOST_POINTS, replace=False))

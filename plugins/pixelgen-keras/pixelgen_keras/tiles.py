"""Rows cut into tiles of a few fixed sizes that give every row the same bits.

A seed must mean the same picture alone and among others, so a row's logits may not depend on how
many other rows there are. A matrix product does not promise that: for a few rows it takes another
kernel, which sums in another order, than for many. Which sizes agree, at any place in the tile,
depends on the engine and the processor, so it is tried once for each model. With TensorFlow on
AVX-512, all of `SIZES` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

SIZES = (
    256,
    64,
    32,
    16,
)  # large ones are fast, small ones waste less; a graph is compiled for each

Rows = list[np.ndarray]  # arrays of as many rows


def agreeing_sizes(function: Callable[[Rows], Rows], inputs: Rows) -> tuple[int, ...]:
    """Return tile sizes, largest first, of which each gives every row the same bits.

    Args:
        function: from arrays of any of `SIZES` rows to arrays of as many.
        inputs: of `SIZES[0]` random rows.
    """
    for index, largest in enumerate(SIZES):
        begin = [array[:largest] for array in inputs]
        wanted = function(begin)
        if _agrees(function, begin, wanted, largest):
            smaller = SIZES[index + 1 :]
            return (largest, *(s for s in smaller if _agrees(function, begin, wanted, s)))
    return (1,)


def cut(rows: int, sizes: tuple[int, ...]) -> Iterator[tuple[slice, int]]:
    """Yield tiles that cover `rows` rows: which rows, and the tile's size, which may be more."""
    largest = sizes[0]
    for first in range(0, rows, largest):
        left = min(largest, rows - first)
        yield slice(first, first + left), min(size for size in sizes if size >= left)


def filled(array: np.ndarray, size: int) -> np.ndarray:
    """Return `array` with its last row repeated until there are `size`."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])


def _agrees(function: Callable[[Rows], Rows], inputs: Rows, wanted: Rows, size: int) -> bool:
    """Whether a tile of `size` gives the bits in `wanted`, wherever in the tile a row is."""
    for shift in (0, 1):
        moved = [np.roll(array, shift, axis=0) for array in wanted]
        got = function([np.roll(array, shift, axis=0)[:size] for array in inputs])
        for result, expected in zip(got, moved, strict=True):
            if not np.array_equal(result, expected[:size], equal_nan=True):
                return False
    return True

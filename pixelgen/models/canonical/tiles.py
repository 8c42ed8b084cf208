"""Matrix products whose columns are bit-identical however many columns there are.

Painting needs it: a seed must mean the same picture alone and among others. A BLAS does not give
it: for a few columns it takes another kernel than for many, which sums in another order, and the
columns left over at the end of a block get another one still. So positions are computed in tiles
of a few fixed sizes, and the last tile is filled up. Which sizes give the same bits, at any place
in the tile, depends on the processor and is tried once for each shape: with OpenBLAS, all of
`SIZES` where it uses AVX-512, and 16 alone on AVX2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

# Large ones are fast, small ones waste less. A wave of one picture is some 20 positions: one tile.
SIZES = (256, 64, 32, 24, 20, 16, 12, 8, 4)
WASTE = 1.5  # times as many columns as are needed: still cheaper than a second tile


def product(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return weight x: (out, tile) of (out, in) in Fortran order and (in, tile) in C order."""
    result: np.ndarray = weight @ x
    return result


def agreeing_sizes(shapes: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Return tile sizes, largest first, of which each gives the same bits for all these products.

    Args:
        shapes: (out, in) of the weights.
    """
    shapes = set(shapes)
    for index, largest in enumerate(SIZES):
        if all(_gives(shape, largest, largest) for shape in shapes):
            smaller = SIZES[index + 1 :]
            return (
                largest,
                *(size for size in smaller if all(_gives(s, size, largest) for s in shapes)),
            )
    return (1,)  # a product of one column is always the same one


def cut(rows: int, sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (first row, tile size) of tiles that cover `rows` rows; the last may be filled up.

    Args:
        rows: how many.
        sizes: largest first.
    """
    first = 0
    while left := rows - first:
        size = min((size for size in sizes if size >= left), default=sizes[0])
        if size > max(WASTE * left, sizes[-1]):
            size = max(size for size in sizes if size <= left)
        yield first, size
        first += min(size, left)


@lru_cache(maxsize=256)
def _gives(shape: tuple[int, int], size: int, largest: int) -> bool:
    """Whether a tile of `size` gives the bits that one of `largest` gives, wherever a column is."""
    weight, columns, wanted = _trial(shape, largest)
    there = product(weight, np.ascontiguousarray(columns[:, :size]))
    elsewhere = product(weight, np.ascontiguousarray(np.roll(columns, 1, axis=1)[:, :size]))
    return np.array_equal(there, wanted[:, :size]) and np.array_equal(
        elsewhere, np.roll(wanted, 1, axis=1)[:, :size]
    )


@lru_cache(maxsize=16)
def _trial(shape: tuple[int, int], largest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A weight (out, in), columns (in, largest), and their product (out, largest)."""
    generator = np.random.default_rng(0)
    weight = np.asfortranarray(generator.standard_normal(shape, np.float32))
    columns = generator.standard_normal((shape[1], largest), np.float32)
    return weight, columns, product(weight, columns)

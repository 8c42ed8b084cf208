"""The nearest centre of each of many points, exact, and without computing most of the distances.

Points come in leaves that are alike in colour, and a leaf's points share a short list of
candidates. All numbers are whole, so that distances are exact in floating point: float32 where
they stay below 2**24, seen from the middle of the leaf, and otherwise float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from pixelgen.threads import spread
from pixelgen.tokenizers.candidates import Balls, Candidates

SCORES_AT_ONCE = 1 << 19  # few calls of NumPy, and still within the caches
EXACT_IN_FLOAT32 = 1 << 24

# How many candidates leaves that are worked on together have, at most.
WIDTHS = np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, *(2**i for i in range(6, 17))])


class Leaves:
    """Points in leaves of equal size.

    Args:
        middles: (leaves, channels) float64 whole numbers, a place amid each leaf's points.
        columns: (leaves, channels, size) float64 whole numbers, its points seen from there, or
            (1, channels, size) where they are the same for all leaves.
    """

    def __init__(self, middles: np.ndarray, columns: np.ndarray) -> None:
        shapes, self.channels, self.size = columns.shape
        self._middles = middles
        radii = np.sqrt((columns**2).sum(axis=1).max(axis=1))
        self._radii = np.broadcast_to(radii, len(middles))
        self._balls = Balls(self._middles, self._radii)
        # Below the points ones: (leaves or 1, channels + 1, size).
        self._columns = np.ones((shapes, self.channels + 1, self.size), np.float32)
        self._columns[:, :-1] = columns

    @classmethod
    def of(cls, places: np.ndarray) -> Self:
        """Return the leaves of points (leaves, size, channels) float64 whole numbers."""
        columns = np.ascontiguousarray(places.transpose(0, 2, 1))
        middles = np.rint((columns.min(axis=2) + columns.max(axis=2)) / 2)
        columns -= middles[:, :, None]
        return cls(middles, columns)

    def nearest(self, centres: np.ndarray, fraction: int = 1) -> np.ndarray:
        """Return the nearest centre to each point, of equals the first: (leaves, size) int64.

        Args:
            centres: (k, channels) float64 whole numbers, in `fraction`-ths of a step.
            fraction: parts of a step.
        """
        candidates = self._balls.candidates(centres / fraction)
        starts = np.cumsum(candidates.lengths) - candidates.lengths
        nearest = np.empty((len(self._middles), self.size), np.intp)

        def find_some(job: tuple[np.ndarray, int, Any]) -> None:
            leaves, width, dtype = job
            ranks = np.arange(width)
            missing = ranks >= candidates.lengths[leaves, None]
            ids = candidates.members[starts[leaves, None] + np.where(missing, 0, ranks)]
            rows = self._rows(leaves, centres, fraction, ids, missing, dtype)
            scores = np.empty((width, len(leaves), self.size), dtype)
            columns = self._columns if len(self._columns) == 1 else self._columns[leaves]
            columns = columns.astype(dtype, copy=False)
            np.matmul(rows, columns, out=scores.transpose(1, 0, 2))
            whole = np.int32 if dtype == np.float32 else np.int64
            least = scores.min(axis=0).astype(whole) & whole(_power_above(width) - 1)
            nearest[leaves] = ids[np.arange(len(leaves))[:, None], least]

        spread(find_some, list(self._jobs(candidates, fraction)))
        return nearest

    def _jobs(self, candidates: Candidates, fraction: int) -> Iterator[tuple[np.ndarray, int, Any]]:
        """Yield leaves with about as many candidates, how many, and the type that is exact."""
        widths = WIDTHS[np.searchsorted(WIDTHS, candidates.lengths)]
        farthest = fraction * candidates.reach
        largest = farthest**2 + 2 * fraction * self._radii * farthest + 1
        for width in np.unique(widths).tolist():
            narrow = largest * _power_above(width) < EXACT_IN_FLOAT32
            for dtype, fits in ((np.float32, narrow), (np.float64, ~narrow)):
                group = np.flatnonzero((widths == width) & fits)
                most = max(SCORES_AT_ONCE // (width * self.size), 1)
                for i in range(0, len(group), most):
                    yield group[i : i + most], width, dtype

    def _rows(
        self,
        leaves: np.ndarray,
        centres: np.ndarray,
        fraction: int,
        ids: np.ndarray,
        missing: np.ndarray,
        dtype: Any,
    ) -> np.ndarray:
        """Return (m, width, channels + 1), whose product with a column is |c - x|² - |x|², times a
        power of two, plus the candidate's rank: the least is the nearest, and of equals the first.
        """
        width = ids.shape[1]
        scale = _power_above(width)
        rows = np.empty((*ids.shape, self.channels + 1), dtype)
        squares = np.zeros(ids.shape, dtype)
        for channel in range(self.channels):
            local = centres[:, channel].astype(dtype)[ids]
            local -= (fraction * self._middles[leaves, channel, None]).astype(dtype)
            np.multiply(local, -2 * fraction * scale, out=rows[:, :, channel])
            local *= local
            squares += local
        squares *= scale
        squares += np.arange(width, dtype=dtype)
        squares[missing] = np.inf
        rows[:, :, -1] = squares
        return rows


def _power_above(width: int) -> int:
    """Return the least power of two that is no less than the width."""
    return 1 << (width - 1).bit_length()

"""Assignment in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from pixelgen.tokenizers.assignment import FRACTION, ArrayDevice, Assignment, Points, Widest
from pixelgen.tokenizers.leaves import Leaves

LEAF = 32  # points that share a list of candidates


class NumpyAssignment:
    """An `Assignment` in which runs of `LEAF` points share a short list of candidates.

    Args:
        points: what is assigned; fast where points near in order are near in colour.
    """

    def __init__(self, points: Points) -> None:
        self.points = points
        padding = -len(points) % LEAF
        places = np.pad(points.places, ((0, padding), (0, 0)), mode="edge")
        self._leaves = Leaves.of(places.reshape(-1, LEAF, points.channels))
        self._labels: np.ndarray | None = None
        self._sums: np.ndarray = np.empty((0, points.channels))
        self._counts: np.ndarray = np.empty(0)

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64, the centre of each point as last assigned."""
        assert self._labels is not None
        return self._labels

    def update(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Assign every point and return the sums and counts; see `Assignment`."""
        before = self._labels
        nearest = self._leaves.nearest(centres, FRACTION)
        self._labels = nearest.reshape(-1)[: len(self.points)]
        self._add_up(before, self._labels, len(centres))
        return self._sums.copy(), self._counts.copy()

    def widest(self, counts: np.ndarray, means: np.ndarray, most: int) -> Widest:
        """Return the clusters with the most error along an axis; see `Assignment`."""
        return Widest.of(counts, means, self._products(), most)

    def _products(self) -> np.ndarray:
        channels, k = self.points.channels, len(self._counts)
        products = np.empty((k, channels, channels))
        for i in range(channels):
            for j in range(channels):
                column = self.points.sums[:, i] * self.points.places[:, j]
                products[:, i, j] = np.bincount(self.labels, column, k)
        return products

    def _add_up(self, before: np.ndarray | None, labels: np.ndarray, k: int) -> None:
        points = self.points
        if before is None or k != len(self._counts):
            self._counts = np.bincount(labels, points.weights, k)
            self._sums = np.stack([np.bincount(labels, s, k) for s in points.sums.T], axis=1)
            return
        moved = np.flatnonzero(before != labels)
        weights, sums = points.weights[moved], points.sums[moved]
        for sign, of in ((-1, before[moved]), (1, labels[moved])):
            self._counts += sign * np.bincount(of, weights, k)
            for channel in range(points.channels):
                self._sums[:, channel] += sign * np.bincount(of, sums[:, channel], k)


class NumpyDevice:
    """This machine's processor."""

    xp: Any = np

    def assignment(self, points: Points) -> Assignment:
        """Return an assignment of the points."""
        return NumpyAssignment(points)


NUMPY: ArrayDevice = NumpyDevice()

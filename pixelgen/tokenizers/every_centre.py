"""Assignment by trying every centre: for points of many dimensions, and to check the others by."""

from __future__ import annotations

import numpy as np

from pixelgen.threads import spread
from pixelgen.tokenizers.assignment import FRACTION, Points

SCORES_AT_ONCE = 1 << 19  # that a thread holds


def nearest_of_all(places: np.ndarray, centres: np.ndarray, fraction: int) -> np.ndarray:
    """Return the nearest centre to each place, of equals the first: (n,) int64.

    Args:
        places: (n, d) float64 whole numbers.
        centres: (k, d) float64 whole numbers, in `fraction`-ths of a step.
        fraction: parts of a step.
    """
    nearest = np.empty(len(places), np.intp)
    rows = -2.0 * fraction * centres.T
    squares = (centres**2).sum(axis=1)

    at_once = max(1, SCORES_AT_ONCE // len(centres))

    def find_some(start: int) -> None:
        scores = places[start : start + at_once] @ rows
        scores += squares
        nearest[start : start + at_once] = scores.argmin(axis=1)

    spread(find_some, range(0, len(places), at_once))
    return nearest


class EveryCentre:
    """An `Assignment` that computes every distance.

    Args:
        points: what is assigned, of any number of dimensions.
    """

    def __init__(self, points: Points) -> None:
        self.points = points
        self._labels: np.ndarray = np.zeros(0, np.intp)
        self._k = 0

    def update(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Assign every point and return the sums and counts; see `Assignment`."""
        self._k = len(centres)
        self._labels = nearest_of_all(self.points.places, centres, FRACTION)
        counts = np.bincount(self._labels, self.points.weights, self._k)
        sums = [np.bincount(self._labels, column, self._k) for column in self.points.sums.T]
        return np.stack(sums, axis=1), counts

    def products(self) -> np.ndarray:
        """Return the sums of products of each centre; see `Assignment`."""
        d = self.points.channels
        products = np.empty((self._k, d, d))
        order = np.argsort(self._labels, kind="stable")
        ends = np.searchsorted(self._labels, np.arange(1, self._k), sorter=order)
        for centre, rows in enumerate(np.split(order, ends)):
            # Of whole numbers, so exact in whatever order they are summed.
            np.matmul(self.points.sums[rows].T, self.points.places[rows], out=products[centre])
        return products

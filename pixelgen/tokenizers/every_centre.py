"""Assignment by trying every centre: for points of many dimensions, and to check the others by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelgen.threads import spread
from pixelgen.tokenizers.assignment import FRACTION, Points, Widest, principal_axes

SCORES_AT_ONCE = 1 << 19  # that a thread holds
LEAST_AT_ONCE = 256  # places; fewer would read all centres too often
COVARIANCES_AT_ONCE = 1 << 22  # numbers
ROUNDING = 1 + 1e-6  # of sums that should be equal


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

    at_once = max(LEAST_AT_ONCE, SCORES_AT_ONCE // len(centres))

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

    def widest(self, counts: np.ndarray, means: np.ndarray, most: int) -> Widest:
        """Return the clusters with the most error along an axis; see `Assignment`.

        The covariances of all clusters would be gigabytes where there are many dimensions. Along
        one axis there is no more error than along all together, so clusters are looked at in the
        order of that, until none that is left can be wider.
        """
        channels = self.points.channels
        squares = np.einsum("nc,nc->n", self.points.sums, self.points.places)
        errors = np.bincount(self._labels, squares, self._k) - counts * (means**2).sum(axis=1)
        order = np.argsort(-errors, kind="stable")
        at_once = max(1, COVARIANCES_AT_ONCE // channels**2)
        rows = self._rows()
        variances, axes = np.zeros(self._k), np.zeros((self._k, channels))
        widest, gains = order[:0], np.zeros(0)
        for begin in range(0, self._k, at_once):
            some = order[begin : begin + at_once]
            if len(widest) == most and errors[some[0]] * ROUNDING < gains[-1]:
                break
            variances[some], axes[some] = principal_axes(
                counts[some], means[some], self._products([rows[each] for each in some])
            )
            widest = np.union1d(widest, some)
            gains = (counts * variances)[widest]
            best = np.argsort(-gains, kind="stable")[:most]
            widest, gains = widest[best], gains[best]
        widest = widest[counts[widest] > 0]
        return Widest(widest, variances[widest], axes[widest])

    def _rows(self) -> list[np.ndarray]:
        """The points of each cluster."""
        order = np.argsort(self._labels, kind="stable")
        ends = np.searchsorted(self._labels, np.arange(1, self._k), sorter=order)
        return np.split(order, ends)

    def _products(self, some: Sequence[np.ndarray]) -> np.ndarray:
        """The sums of x xᵀ of clusters of these points: (m, channels, channels)."""
        channels = self.points.channels
        products = np.empty((len(some), channels, channels))
        for rows, product in zip(some, products, strict=True):
            # Of whole numbers, so exact in whatever order they are summed.
            np.matmul(self.points.sums[rows].T, self.points.places[rows], out=product)
        return products

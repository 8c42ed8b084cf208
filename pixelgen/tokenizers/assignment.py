"""One pass of Lloyd's algorithm: each point to its nearest centre, and the sums of each centre.

All numbers are whole. Points have features as `ColourSpace.features` gives them; a centre is held
in `FRACTION`-ths of a feature step. Distances are then exact in floating point, whatever the order
of sums and whether or not products are fused, so the passes of two devices, or of one and of eight
threads, are equal to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

FRACTION = 8  # the most with which 8-bit colours of 4 channels have distances below 2**24


@dataclass(frozen=True, eq=False)
class Points:
    """Weighted points: distinct colours, or cells of the colour cube with several.

    Attributes:
        places: (n, channels) float64 whole numbers, the features by which a point is assigned.
        weights: (n,) float64 whole numbers, how many pixels a point stands for.
        sums: (n, channels) float64 whole numbers, the sum of the features of those pixels.
    """

    places: Any
    weights: Any
    sums: Any

    def __len__(self) -> int:
        return len(self.places)

    @property
    def channels(self) -> int:
        return int(self.places.shape[1])


class Assignment(Protocol):
    """What one device does for k-means on one set of points.

    Attributes:
        points: in arrays of the device.
    """

    points: Points

    def update(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Assign every point to its nearest centre (of equals, the first).

        Args:
            centres: (k, channels) float64 whole numbers, in `FRACTION`-ths of a step.

        Returns:
            The sum of the features (k, channels) and the number (k,) of the pixels of each centre,
            float64 whole numbers.
        """
        ...

    def widest(self, counts: np.ndarray, means: np.ndarray, most: int) -> Widest:
        """Return the clusters, as last assigned, with the most squared error along an axis.

        Args:
            counts: (k,) pixels.
            means: (k, channels).
            most: how many clusters at most; those without pixels are none.
        """
        ...


class Widest(NamedTuple):
    """Clusters that are to be cut in two, those with the most squared error first.

    Attributes:
        clusters: (m,) their numbers.
        variances: (m,) along the longest axis of each.
        axes: (m, channels) its direction.
    """

    clusters: np.ndarray
    variances: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, means: np.ndarray, products: np.ndarray, most: int) -> Self:
        """Return those of all clusters, by their sums of products (k, channels, channels)."""
        variances, axes = principal_axes(counts, means, products)
        clusters = np.argsort(-counts * variances, kind="stable")[:most]
        clusters = clusters[counts[clusters] > 0]
        return cls(clusters, variances[clusters], axes[clusters])


def principal_axes(
    weights: np.ndarray, means: np.ndarray, products: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance along the longest axis of clusters (k,) and its direction (k, channels).

    Args:
        weights: (k,) pixels.
        means: (k, channels).
        products: (k, channels, channels), the sums of x xᵀ.
    """
    covariances = products / np.maximum(weights, 1)[:, None, None]
    covariances -= means[:, :, None] * means[:, None, :]
    covariances = (covariances + covariances.transpose(0, 2, 1)) / 2
    variances, vectors = np.linalg.eigh(covariances)
    return np.maximum(variances[:, -1], 0), vectors[:, :, -1]


class ArrayDevice(Protocol):
    """Where k-means is computed.

    Attributes:
        xp: the array module, NumPy or one that has its functions.
    """

    xp: Any

    def assignment(self, points: Points) -> Assignment:
        """Return an assignment of points that are given as NumPy arrays."""
        ...

"""One pass of Lloyd's algorithm: each point to its nearest centre, and the sums of each centre.

All numbers are whole. Points have features as `ColourSpace.features` gives them; a centre is held
in `FRACTION`-ths of a feature step. Distances are then exact in floating point, whatever the order
of sums and whether or not products are fused, so the passes of two devices, or of one and of eight
threads, are equal to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

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

    def products(self) -> np.ndarray:
        """Return the sum over the points of each centre, as last assigned, of sums × placesᵀ:
        (k, channels, channels) float64 whole numbers.
        """
        ...


class ArrayDevice(Protocol):
    """Where k-means is computed.

    Attributes:
        xp: the array module, NumPy or one that has its functions.
    """

    xp: Any

    def assignment(self, points: Points) -> Assignment:
        """Return an assignment of points that are given as NumPy arrays."""
        ...

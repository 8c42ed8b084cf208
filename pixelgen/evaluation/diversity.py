"""Whether samples differ from one another as real pictures do, or are all the same."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.evaluation.novelty.detail import oklab
from pixelgen.evaluation.record import Diversity

THUMBNAIL = 16  # cells a side
ALIKE = 0.5  # of the training pictures' distance: less than this is a collapse


def diversity(samples: np.ndarray, training: np.ndarray, grids: np.ndarray) -> Diversity:
    """Compare the samples' differences with those of as many training pictures.

    Args:
        samples: (N, H, W, 3 or 4) uint8.
        training: (M, H, W, 3 or 4) uint8, in random order.
        grids: (N, gh, gw) the samples' tokens.
    """
    count = min(len(samples), len(training))
    ours, real = _apart(samples), _apart(training[:count])
    distinct = len(np.unique(grids.reshape(len(grids), -1), axis=0))
    spread, of_train = _mean(ours), _mean(real)
    # The nearest of many is nearer than the nearest of few, so as many are looked at.
    nearest, nearest_of_train = _nearest(ours[:count, :count]), _nearest(real)
    duplicates = len(samples) - distinct
    if len(samples) < 2 or len(training) < 2:
        words = "There are too few pictures to tell how varied the samples are"
    elif spread < ALIKE * of_train or nearest < ALIKE * nearest_of_train:
        words = (
            "The samples are much more like one another than training pictures are: the model "
            "paints few different pictures"
        )
    else:
        words = (
            f"The samples are {spread / max(of_train, 1e-9):.0%} as far from one another as "
            "training pictures are"
        )
    if duplicates:
        words += f"; {duplicates} of them have the very pixels of another"
    return Diversity(
        spread=spread,
        spread_of_train=of_train,
        nearest=nearest,
        nearest_of_train=nearest_of_train,
        duplicates=duplicates,
        explanation=words,
    )


def _apart(pictures: np.ndarray) -> np.ndarray:
    """(N, N) root mean square OKLab between the pictures' thumbnails."""
    lab = oklab(pictures)
    for axis in (1, 2):
        side = lab.shape[axis]
        edges = np.unique(np.arange(THUMBNAIL) * side // THUMBNAIL)
        lengths = np.diff([*edges, side]).reshape(-1, *[1] * (3 - axis))
        lab = np.add.reduceat(lab, edges, axis=axis) / lengths
    flat = lab.reshape(len(lab), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    products = squares[:, None] + squares - 2 * flat @ flat.T
    apart: np.ndarray = np.sqrt(np.maximum(products, 0) / (flat.shape[1] / 3))
    return apart


def _mean(apart: np.ndarray) -> float:
    count = len(apart)
    return float(apart.sum() / (count * (count - 1))) if count > 1 else 0.0


def _nearest(apart: np.ndarray) -> float:
    if len(apart) < 2:
        return 0.0
    others = apart + np.diag(np.full(len(apart), math.inf))
    return float(np.median(others.min(axis=1)))

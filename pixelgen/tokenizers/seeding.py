"""Where k-means starts from.

Everything is in whole numbers, so that a seed gives the same centres on every machine and device.
`xp` is the module of the points' arrays, NumPy or CuPy.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pixelgen.tokenizers.assignment import FRACTION, Points, principal_axes

InitName = Literal["auto", "kmeans++", "split"]

FEW = 512
TRIALS = 3  # more are slower than they are better: a pass of Lloyd's costs less
AXIS_STEPS = 256  # a direction is rounded to this many steps


def seeds(
    init: InitName, points: Points, k: int, generator: np.random.Generator, xp: Any = np
) -> np.ndarray:
    """Return up to k first centres (k, channels) float64, in `FRACTION`-ths of a step.

    `auto` is k-means++ for up to 512 of them and `split` for more: then it is much faster, and
    what it leads to no worse.
    """
    if init == "kmeans++" or (init == "auto" and k <= FEW):
        return greedy_plus_plus(points, k, generator, xp)
    return split(points, k, generator, xp)


def split(points: Points, k: int, generator: np.random.Generator, xp: Any = np) -> np.ndarray:
    """Return k centres by cutting clusters in two at their mean, across their longest axis.

    All at once where there are few, then those with the most squared error along that axis, as in
    Orchard and Bouman, "Color quantization of images", 1991, and Wu's quantizer. Takes about
    log2(k) passes whatever k is. Returns (k, channels) float64 on the host, in `FRACTION`-ths of a
    step; fewer where there are fewer distinct places.
    """
    channels = points.channels
    labels = xp.zeros(len(points), dtype=np.int64)
    count = 1
    while True:
        weights, sums, products = _moments(points, labels, count, xp)
        means = sums / np.maximum(weights, 1)[:, None]
        if count >= k:
            return np.asarray(np.rint(means * FRACTION))
        lengths, axes = principal_axes(weights, means, products)
        # A little chance, so that another start is another tree.
        gains = weights * lengths * generator.uniform(0.8, 1.25, count)
        most = count if count < 8 else max(count // 2, 1)
        cut = np.argsort(-gains, kind="stable")[: min(most, k - count)]
        cut = cut[gains[cut] > 1e-9 * gains.sum()]
        if not len(cut):
            return np.asarray(np.rint(means * FRACTION))
        # Whole numbers again: the sign of the product is exact.
        normals = np.zeros((count, channels))
        normals[cut] = np.rint(axes[cut] * AXIS_STEPS)
        offsets = (np.rint(means * FRACTION) * normals).sum(axis=1)
        along = (points.places * xp.asarray(normals)[labels]).sum(axis=1) * FRACTION
        beyond = along > xp.asarray(offsets)[labels]
        renamed = np.arange(count)
        renamed[cut] = count + np.arange(len(cut))
        labels = xp.where(beyond, xp.asarray(renamed)[labels], labels)
        count += len(cut)


def greedy_plus_plus(
    points: Points, k: int, generator: np.random.Generator, xp: Any = np
) -> np.ndarray:
    """Return k of the points' places, far from each other and where pixels are many.

    k-means++ with several candidates a step (Arthur and Vassilvitskii, 2007): each next one is the
    best of `TRIALS` drawn with probability ∝ weight × squared distance to the nearest so far.
    Returns (k, channels) float64 on the host, in `FRACTION`-ths of a step; fewer where there are
    fewer distinct places.
    """
    # Whole numbers up to 2**24 are exact in float32: squared distances of 8-bit colours are.
    small = float(abs(points.places).max()) <= 255
    columns = xp.ascontiguousarray(points.places.T, dtype=np.float32 if small else np.float64)
    weights = points.weights
    cumulated = xp.cumsum(weights)
    last = len(points) - 1
    drawn = xp.searchsorted(cumulated, cumulated[-1:] * generator.random(), side="right")
    chosen = [int(min(int(drawn[0]), last))]
    nearest = _squares(columns, columns[:, xp.asarray(chosen)], xp)[0]
    for _ in range(1, k):
        cumulated = xp.cumsum(nearest * weights)
        total = float(cumulated[-1])
        if not total:
            break
        drawn = xp.searchsorted(
            cumulated, xp.asarray(generator.random(TRIALS) * total), side="right"
        )
        drawn = xp.minimum(drawn, last)
        squares = xp.minimum(_squares(columns, columns[:, drawn], xp), nearest)  # (trials, n)
        best = int((squares * weights).sum(axis=1).argmin())
        chosen.append(int(drawn[best]))
        nearest = squares[best]
    return np.asarray(on_host(points.places[xp.asarray(chosen)]) * FRACTION)


def _moments(
    points: Points, labels: Any, count: int, xp: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def of(column: Any) -> np.ndarray:
        return on_host(xp.bincount(labels, column, count))

    channels = range(points.channels)
    weights = of(points.weights)
    sums = np.stack([of(points.sums[:, i]) for i in channels], axis=1)
    products = np.empty((count, len(channels), len(channels)))
    for i in channels:
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = of(points.sums[:, i] * points.places[:, j])
    return weights, sums, products


def _squares(columns: Any, some: Any, xp: Any) -> Any:
    squares = xp.zeros((some.shape[1], columns.shape[1]), dtype=columns.dtype)
    for column, values in zip(columns, some, strict=True):
        difference = column - values[:, None]
        difference *= difference
        squares += difference
    return squares


def on_host(array: Any) -> np.ndarray:
    """Return a NumPy array of NumPy's or CuPy's."""
    return np.asarray(array.get() if hasattr(array, "get") else array)

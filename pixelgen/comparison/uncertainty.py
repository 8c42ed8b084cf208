"""How far a mean can be trusted, and whether a difference could be chance.

Values are (S, N): one a seed and held-out picture. Both are samples of what might have been: other
seeds would have trained other weights, other pictures would have been easier or harder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
INTERVAL = 0.95
MARKS = ((0.01, "**"), (0.05, "*"))


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error; None where a single value tells nothing of the spread."""

    mean: float
    standard_error: float | None

    def __str__(self) -> str:
        if self.standard_error is None:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.standard_error:.3f}"


@dataclass(frozen=True)
class Difference:
    """How much more one setting needs than another.

    Attributes:
        mean: of the differences.
        low, high: the middle 95 % of the resampled means.
        p: two-sided, how likely a difference as sure as this is by chance alone.
    """

    mean: float
    low: float
    high: float
    p: float


def estimate(values: np.ndarray) -> Estimate:
    """Return the mean of (S, N) values and its standard error over seeds and pictures.

    Seeds and pictures are crossed random effects without replication: with mean squares A of
    seeds, B of pictures and E of the remainder, the variance of the mean is (A + B − E) / (S N),
    where a component that comes out negative counts as none (Searle, Casella and McCulloch,
    "Variance Components", 1992). With one seed it is the usual one over pictures, which knows
    nothing of the luck of training; with one picture, over seeds.
    """
    seeds, pictures = values.shape
    mean = float(values.mean())
    if seeds == 1 and pictures == 1:
        return Estimate(mean, None)
    if seeds == 1 or pictures == 1:
        return Estimate(mean, float(values.std(ddof=1) / math.sqrt(values.size)))
    of_seeds = values.mean(axis=1) - mean  # (S,)
    of_pictures = values.mean(axis=0) - mean  # (N,)
    rest = values - mean - of_seeds[:, None] - of_pictures
    a = pictures * float(of_seeds @ of_seeds) / (seeds - 1)
    b = seeds * float(of_pictures @ of_pictures) / (pictures - 1)
    e = float((rest**2).sum()) / ((seeds - 1) * (pictures - 1))
    return Estimate(mean, math.sqrt((max(a, e) + max(b, e) - e) / values.size))


def paired_bootstrap(
    values: np.ndarray, reference: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two settings on the same held-out pictures.

    Each resample draws N pictures with replacement, the same for both, and S seeds for each of
    them, independently of the pictures: the pigeonhole bootstrap (Owen, "The pigeonhole
    bootstrap", 2007), which is a little cautious. Pairing takes out what is hard about a picture
    for both.

    p is never less than 2^(1−N), the chance that N differences have one sign by luck alone, as
    no resampling of a few pictures can be surer than that.

    Args:
        values: (S, N).
        reference: (S', N), the same pictures in the same order.
        resamples: how many.
        seed: of the resampling.
    """
    pictures = values.shape[1]
    generator = np.random.default_rng(seed)
    chosen = _weights(generator, resamples, pictures)  # (B, N)
    means = [
        ((_weights(generator, resamples, len(each)) @ each) * chosen).sum(axis=1)
        for each in (values, reference)
    ]
    differences = means[0] - means[1]  # (B,)
    below, above = (differences <= 0).sum(), (differences >= 0).sum()
    p = 2 * (1 + min(below, above)) / (1 + resamples)
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Difference(
        mean=float(values.mean() - reference.mean()),
        low=float(low),
        high=float(high),
        p=float(min(1.0, max(p, 2.0 ** (1 - pictures)))),
    )


def holm(p: Sequence[float]) -> list[float]:
    """Adjust several tests' p for their number (Holm 1979), so that one false mark stays rare."""
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        largest = max(largest, min(1.0, p[index] * (len(p) - rank)))
        adjusted[index] = largest
    return adjusted


def mark(p: float) -> str:
    """Return `**` below 0.01, `*` below 0.05, otherwise an empty string."""
    return next((sign for bound, sign in MARKS if p < bound), "")


def _weights(generator: np.random.Generator, resamples: int, count: int) -> np.ndarray:
    """(B, count) float64: the share of each item in each resample of `count` items."""
    counts = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    return counts / count

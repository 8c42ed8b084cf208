"""How far a mean can be trusted, and whether a difference could be chance.

Values are (S, N): one a seed and held-out picture. Both are samples of what might have been: other
seeds would have trained other weights, other pictures would have been easier or harder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixelgen.evaluation.student import satterthwaite, t_bound, t_tail

LEAST = 1e-12  # p; no model of chance is that true
EQUAL = 1e-9  # of a difference: less than that is rounding
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
        low, high: its 95 % confidence interval; None where one picture tells nothing of it.
        p: two-sided, how likely a difference as sure as this is by chance alone.
    """

    mean: float
    low: float | None
    high: float | None
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


def paired_difference(values: np.ndarray, reference: np.ndarray) -> Difference:
    """Compare two settings on the same held-out pictures.

    A t-test of the difference of the means. Its variance is that over pictures, each setting's mean
    over seeds taken first, which takes out what is hard about a picture for both; and that of each
    setting's seeds, less what of it is the pictures' (the variance components of `estimate`). The
    degrees of freedom are Satterthwaite's, rounded down. With one seed, nothing is known of its
    luck, and nothing is added.

    p is never less than 2^(1−N), the chance that N differences have one sign by luck alone: a few
    pictures that happen to differ by the same are no proof. Nor is it less than `LEAST`.

    Args:
        values: (S, N).
        reference: (S', N), the same pictures in the same order.
    """
    pictures = values.shape[1]
    mean = float(values.mean() - reference.mean())
    if pictures == 1:
        return Difference(mean, None, None, 1.0)
    by_picture = values.mean(axis=0) - reference.mean(axis=0)
    parts = [(float(by_picture.var(ddof=1)) / pictures, pictures - 1)]  # variances and their df
    parts += [(_of_seeds(each), len(each) - 1) for each in (values, reference) if len(each) > 1]
    variance = sum(part for part, _ in parts)
    least = max(2.0 ** (1 - pictures), LEAST)
    if not variance > (EQUAL * abs(mean)) ** 2:
        return Difference(mean, mean, mean, least if mean else 1.0)
    freedom = satterthwaite(parts)
    error = math.sqrt(variance)
    half = error * t_bound(freedom)
    p = 2 * t_tail(abs(mean) / error, freedom)
    return Difference(mean, mean - half, mean + half, min(1.0, max(p, least)))


def _of_seeds(values: np.ndarray) -> float:
    """The variance that seeds bring to the mean of (S, N) values, over that of the remainder."""
    seeds, pictures = values.shape
    of_seeds = values.mean(axis=1, keepdims=True)
    rest = values - of_seeds - values.mean(axis=0) + values.mean()
    remainder = float((rest**2).sum()) / ((seeds - 1) * (pictures - 1))
    return max(0.0, float(of_seeds.var(ddof=1)) - remainder / pictures) / seeds


def holm(p: Sequence[float], tests: int | None = None) -> list[float]:
    """Adjust several tests' p for their number (Holm 1979), so that one false mark stays rare.

    Args:
        p: of the tests.
        tests: how many there might have been, if more than these.
    """
    count = len(p) if tests is None else tests
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        largest = max(largest, min(1.0, p[index] * (count - rank)))
        adjusted[index] = largest
    return adjusted


def mark(p: float) -> str:
    """Return `**` below 0.01, `*` below 0.05, otherwise an empty string."""
    return next((sign for bound, sign in MARKS if p < bound), "")

"""Held-out and training bits of a finished run, where they fall, and what their gap says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pixelgen.evaluation.record import Fit, Interval
from pixelgen.evaluation.student import satterthwaite, t_bound

RISEN = 0.05  # bits per pixel that held-out bits rose by after their best: overfitting
WIDE = 0.25  # of the held-out bits: a gap as wide is overfitting too
NARROW = 0.05  # of the held-out bits: a gap as narrow leaves room to learn
FALLING = 0.02  # bits per pixel gained in the last fifth of the run


def interval(values: np.ndarray) -> Interval:
    """Return the mean of (N,) values, none below 0, and its 95 % confidence interval.

    One value has no interval: both of its ends are the mean.
    """
    mean = float(values.mean())
    half = 0.0
    if len(values) > 1:
        half = t_bound(len(values) - 1) * math.sqrt(_of_the_mean(values))
    return Interval(mean=mean, low=max(0.0, mean - half), high=mean + half)


def difference(values: np.ndarray, others: np.ndarray) -> Interval:
    """Return the mean of (N,) values less that of (M,) others, with its interval (Welch's)."""
    mean = float(values.mean() - others.mean())
    parts = [(_of_the_mean(each), len(each) - 1) for each in (values, others) if len(each) > 1]
    variance = sum(part for part, _ in parts)
    half = 0.0
    if variance:
        half = t_bound(satterthwaite(parts)) * math.sqrt(variance)
    return Interval(mean=mean, low=mean - half, high=mean + half)


def fit_of(
    held_out: Interval,
    gap: Interval,
    metrics: Sequence[Mapping[str, Any]],
    pictures: int,
    weights: str,
) -> tuple[Fit, str]:
    """Return what gap and curve say, in one word and in a sentence.

    Args:
        held_out: bits per pixel.
        gap: held-out less training bits.
        metrics: the run's lines, one an epoch.
        pictures: how many are held out.
        weights: which of the run's were kept, `best` or `last`.
    """
    curve = [
        (float(line["progress"]), float(line["held_out_bits_per_pixel"]))
        for line in metrics
        if line.get("held_out_bits_per_pixel") is not None
    ]
    cost = f"Training pictures cost {abs(gap.mean):.2f} bits per pixel " + (
        "less than held-out ones" if gap.mean >= 0 else "more than held-out ones"
    )
    best, last = (min(bits for _, bits in curve), curve[-1][1]) if curve else (math.nan, math.nan)
    if curve and last - best > RISEN:
        kept = "The weights of the best moment were kept; m" if weights == "best" else "M"
        return "overfitting", (
            f"{cost}. The held-out bits fell to {best:.2f} and rose again to {last:.2f}: the model "
            f"began to learn its pictures by heart. {kept}ore pictures or stronger augmentation "
            "would help"
        )
    if pictures < 2:
        return "unclear", f"{cost}; with one held-out picture that may be that picture's doing"
    if gap.low > WIDE * held_out.mean:
        return "overfitting", (
            f"{cost}, a wide gap: the model knows its pictures better than pictures in general. "
            "More pictures, stronger augmentation or a smaller model would help"
        )
    earlier = [bits for progress, bits in curve if progress <= 0.8]
    if earlier and earlier[-1] - last > FALLING and gap.mean < NARROW * held_out.mean:
        return "underfitting", (
            f"{cost}, and the held-out bits were still falling at the end: longer training or a "
            "larger model would help"
        )
    return "balanced", f"{cost}: neither under- nor overfitted to speak of"


def _of_the_mean(values: np.ndarray) -> float:
    """The variance of the mean of (N,) values, at least two."""
    return float(values.var(ddof=1)) / len(values)

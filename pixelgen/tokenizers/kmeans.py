"""k-means on the colours of pictures, from coarse to fine, exact and the same on every device.

The algorithm runs first on the cells of the colour cube that hold pixels and last on the distinct
colours themselves, from where it stood. The first rounds cost next to nothing, and the last ones
are Lloyd's own, on all pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pixelgen.data.colour_spaces import ColourSpace
from pixelgen.randomness import generator_for
from pixelgen.tokenizers.assignment import FRACTION, ArrayDevice, Assignment, Points, Widest
from pixelgen.tokenizers.hilbert import hilbert_keys
from pixelgen.tokenizers.histogram import ColourHistogram, starts_of_runs
from pixelgen.tokenizers.numpy_assignment import NUMPY
from pixelgen.tokenizers.seeding import InitName, on_host, seeds

COARSE_BITS = (6,)  # of the 8 of a channel
POINTS_A_CENTRE = 6  # a level with fewer points than this a centre is passed over
# The share of a centre's last move that is added to its next, at first and in the last passes.
# Against Lloyd's algorithm alone it halves the passes and ends 1 % lower on photographs.
MOMENTUM = 0.95
COOLING = (0.9,) * 5 + (0.8,) * 5 + (0.5, 0.0, 0.0)
PATIENCE = 5  # passes by whose joint progress is judged whether to go on


@dataclass(frozen=True)
class Clustering:
    """What k-means found.

    Attributes:
        centres: (k, channels) float64, features: each the mean of its pixels.
        inertia: the sum over all pixels of the squared distance to the nearest centre.
        passes: how many passes over all distinct colours were made.
    """

    centres: np.ndarray
    inertia: float
    passes: int


@dataclass(frozen=True)
class Settings:
    """How long k-means goes on; see the options of `NumpyKMeans`."""

    init: InitName = "auto"
    max_iterations: int = 50
    tolerance: float = 2e-3
    restarts: int = 1


def cluster(
    histogram: ColourHistogram,
    space: ColourSpace,
    k: int,
    settings: Settings,
    *,
    seed: int,
    device: ArrayDevice = NUMPY,
) -> Clustering:
    """Cluster the colours of a histogram, which must have more than k.

    Args:
        histogram: the colours and their counts.
        space: where distance is measured.
        k: how many centres.
        settings: how long to go on.
        seed: of the draws that the first centres come from.
        device: where it is computed; the result is the same.
    """
    middle = (space.scale + 1) // 2 if space.name == "srgb" else 0
    levels = levels_of(histogram, space, k, middle)
    square = float((levels[-1].sums * levels[-1].places).sum())
    coarse = device.assignment(levels[0])
    xp = np if isinstance(coarse.points.places, np.ndarray) else device.xp
    found: list[Clustering] = []
    for restart in range(settings.restarts):
        generator = generator_for(seed, "k-means", restart)
        centres = seeds(settings.init, coarse.points, k, generator, xp)
        found.append(run_lloyd(coarse, centres, square, settings))
    best = min(found, key=lambda clustering: clustering.inertia)
    for level in levels[1:]:
        best = run_lloyd(
            device.assignment(level), np.rint(best.centres * FRACTION), square, settings
        )
    return replace(best, centres=best.centres + middle)


def run_lloyd(
    assignment: Assignment, centres: np.ndarray, square: float, settings: Settings
) -> Clustering:
    """Move each centre towards the mean of its pixels until all rest.

    A centre keeps a share of its last move, its momentum. Much of it carries the centres past
    shallow minima; at the end it is taken away, and the last passes are Lloyd's own.

    Args:
        assignment: of the points.
        centres: (k, channels) float64 whole numbers, in `FRACTION`-ths of a step.
        square: the sum of the squared features of all pixels.
        settings: how long to go on.
    """
    cooling = COOLING[max(len(COOLING) - settings.max_iterations // 2, 0) :]
    most = settings.max_iterations - len(cooling)  # passes before cooling
    low = on_host(assignment.points.places.min(axis=0)) * FRACTION
    high = on_host(assignment.points.places.max(axis=0)) * FRACTION
    velocity = np.zeros_like(centres)
    history: list[float] = []  # inertia by pass
    cooled = 0
    while True:
        sums, counts = assignment.update(centres)
        means = sums / np.maximum(counts, 1)[:, None]
        # Σ|x - m|² = Σ|x|² - Σ n|m|², each centre at the mean m of its n pixels
        history.append(max(square - float((means * sums).sum()), 0.0))
        if cooled == len(cooling):
            break
        empty = np.flatnonzero(counts == 0)
        if len(empty):
            means, moved = split_widest(means, assignment.widest(counts, means, len(empty)), empty)
            velocity[moved] = 0
        rests = settled(history, settings.tolerance)
        if cooled or rests or len(history) >= most:
            momentum = cooling[cooled]
            cooled += 1
        else:
            momentum = MOMENTUM
        reached = np.rint(means * FRACTION + momentum * velocity)
        reached = np.clip(reached, low, high)  # beyond, there is nothing
        velocity = reached - centres
        centres = reached
    keep = counts > 0
    return Clustering(means[keep], history[-1], len(history))


def settled(history: list[float], tolerance: float) -> bool:
    """Whether the last passes together took less than a share of the inertia away."""
    if len(history) <= PATIENCE:
        return False
    return history[-1 - PATIENCE] - history[-1] <= tolerance * history[-1]


def split_widest(
    means: np.ndarray, widest: Widest, empty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put the centres that lost all their pixels where most error is.

    Returns the means (k, channels) with the widest clusters cut in two, and which have moved.
    """
    cut = widest.clusters
    empty = empty[: len(cut)]
    # The means of the two halves of a normal distribution are 0.8 σ from its own.
    steps = 0.8 * np.sqrt(widest.variances)[:, None] * widest.axes
    moved = means.copy()
    moved[cut] += steps
    moved[empty] = means[cut] - steps
    return moved, np.concatenate([cut, empty])


def levels_of(histogram: ColourHistogram, space: ColourSpace, k: int, middle: int) -> list[Points]:
    """Return the points of each level, the coarsest first, the distinct colours last.

    `middle` is taken off all features, for they are kept the smaller.
    """
    colours = histogram.colours
    keys = hilbert_keys(colours)
    order = np.argsort(keys)
    keys, colours = keys[order], colours[order]
    features = space.features(colours) - middle
    weights = histogram.counts[order].astype(np.float64)
    levels = [Points(features, weights, features * weights[:, None])]
    for bits in COARSE_BITS:  # finest first
        starts = starts_of_runs(keys >> np.uint32(histogram.channels * (8 - bits)))
        if POINTS_A_CENTRE * k <= len(starts) < 0.7 * len(levels[0]):
            weights = np.add.reduceat(levels[-1].weights, starts)
            sums = np.add.reduceat(levels[-1].sums, starts, axis=0)
            levels.insert(0, Points(np.rint(sums / weights[:, None]), weights, sums))
    return levels

"""A batch as the compiled steps take it: time first, and padded to few different shapes.

A graph is traced for each shape it meets, which takes seconds where the sequences are long. The
last batch of an epoch is smaller than the others, and evaluation has sizes of its own; so batches
are padded with sequences that count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelgen.data.segments import Batch
from pixelgen.randomness import generator_for


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """B' sequences, the first B of which are a batch's.

    Attributes:
        context: (T B', n) int32, time first.
        positions: (T B',) int32.
        groups: (T B',) int32.
        targets: (T B',) int32.
        weights: (T B',) float32: each target's share of the batch's mean, and 0 for padding.
        rows: B'.
        steps: T.
    """

    context: np.ndarray
    positions: np.ndarray
    groups: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    rows: int
    steps: int


def padded(batch: Batch, usual: int | None = None) -> PaddedBatch:
    """Pad a batch to a power of two sequences, or to `usual` where those suffice and are fewer.

    Args:
        batch: B sequences of T.
        usual: how many sequences most batches have.
    """
    count, steps = batch.targets.shape
    rows = 1 << (count - 1).bit_length()
    if usual is not None and count <= usual:
        rows = min(rows, usual)
    weights = np.full((count, steps), 1 / batch.size, np.float32)
    groups = np.broadcast_to(batch.groups[:, None], (count, steps))
    return PaddedBatch(
        context=_time_first(batch.context, rows),
        positions=_time_first(batch.positions, rows),
        groups=_time_first(groups, rows),
        targets=_time_first(batch.targets, rows),
        weights=_time_first(weights, rows),
        rows=rows,
        steps=steps,
    )


def kept_outputs(
    seed: int, step: int, layer: int, share: float, shape: tuple[int, int, int], rows: int
) -> np.ndarray:
    """Return which of a layer's outputs dropout keeps in a training step: (T, B', H) bool.

    Drawn on the CPU, keyed by the seed, the step and the layer, as `numpy-lstm` does: every engine
    drops the same ones, and there is no random state to save.

    Args:
        seed: of the model.
        step: training steps taken before.
        layer: counted from 0.
        share: of the outputs that is dropped.
        shape: (T, B, H).
        rows: B', of which all but the first B are padding.
    """
    random = generator_for(seed, "dropout", step, layer)
    kept = np.zeros((shape[0], rows, shape[2]), bool)
    kept[:, : shape[1]] = random.random(shape, np.float32) >= share
    return kept


def _time_first(array: np.ndarray, rows: int) -> np.ndarray:
    """(T B', …) of (B, T, …), with zeros for what is not there."""
    turned = np.zeros((array.shape[1], rows, *array.shape[2:]), array.dtype)
    turned[:, : len(array)] = np.swapaxes(array, 0, 1)
    return turned.reshape(-1, *array.shape[2:])

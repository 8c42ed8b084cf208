"""From probabilities to a choice: draws that do not depend on how the painting is cut up."""

from __future__ import annotations

import numpy as np

from pixelgen.errors import OptionError, TrainingError

BLOCK = 32  # tokens; two short cumulative sums a row in place of one over the whole vocabulary


def uniforms(seed: int, picture: int, cells: int, *, first: int = 0) -> np.ndarray:
    """Return the random numbers that decide the cells of a picture.

    The numbers are those of Philox, keyed by the seed and the picture's index: a cell's number
    depends on these and the cell alone, not on how many cells or pictures there are.

    Args:
        seed: 0 to 2⁶⁴ - 1.
        picture: the picture's index, from 0.
        cells: how many numbers.
        first: the cell whose number is the first of them.

    Returns:
        (cells,) float64 in [0, 1).

    Raises:
        OptionError: the seed is out of its bounds.
    """
    if not 0 <= seed < 2**64:
        raise OptionError(
            f"the seed cannot be {seed}",
            where="in the option 'seed'",
            remedy="Give a whole number from 0 to 2⁶⁴ - 1",
        )
    key = np.array([seed, picture], np.uint64)
    philox = np.random.Philox(key=key)
    philox.advance(first // 4)  # which gives four numbers at a time
    return np.random.Generator(philox).random(first % 4 + cells)[first % 4 :]


def draw(probabilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Choose one token a row by inverse CDF.

    The choice is the first token at which the cumulative probability exceeds u times the row's
    total. There the sum grows, so a token of probability zero is never chosen.

    Args:
        probabilities: (M, V) float, non-negative; rows need not sum exactly to one.
        uniforms: (M,) float64 in [0, 1).

    Returns:
        (M,) int32 tokens.

    Raises:
        TrainingError: a row has no positive, finite total, as when a model's logits are `nan`.
    """
    rows, size = np.arange(len(probabilities)), probabilities.shape[1]
    blocks = _block_sums(np.ascontiguousarray(probabilities)).cumsum(axis=1)  # (M, K)
    total = blocks[:, -1]
    if not (np.isfinite(total) & (total > 0)).all():
        raise TrainingError(
            "the model's logits are not numbers, so no token can be drawn",
            where="while painting",
            remedy="Train again with a lower learning rate, or sample an earlier checkpoint",
        )
    wanted = uniforms * total
    block = _first_above(blocks, wanted)
    before = np.where(block > 0, blocks[rows, block - 1], 0.0)
    tokens = block[:, None] * BLOCK + np.arange(BLOCK)  # (M, BLOCK)
    inside = probabilities[rows[:, None], np.minimum(tokens, size - 1)] * (tokens < size)
    within = _first_above(inside.cumsum(axis=1, dtype=np.float64), wanted - before)
    return (block * BLOCK + within).astype(np.int32)


def _block_sums(probabilities: np.ndarray) -> np.ndarray:
    """(M, K) float64: the sums of each `BLOCK` tokens, and of the rest."""
    count, size = probabilities.shape
    whole = size // BLOCK
    sums = np.empty((count, -(-size // BLOCK)))
    blocks = probabilities[:, : whole * BLOCK].reshape(count, whole, BLOCK)
    sums[:, :whole] = blocks.sum(axis=2)
    if size % BLOCK:
        sums[:, whole] = probabilities[:, whole * BLOCK :].sum(axis=1)
    return sums


def _first_above(cumulative: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(M,) the first index at which a row exceeds what is wanted of it.

    What is wanted is kept below the row's total, even where rounding has brought it there, so the
    sum grows at the index and its own share is not zero.
    """
    below = np.minimum(wanted, np.nextafter(cumulative[:, -1], 0.0))
    return np.argmax(cumulative > below[:, None], axis=1)

"""From probabilities to a choice: draws that do not depend on how the painting is cut up.

A token is drawn in three stages, each by inverse CDF with a uniform number of its own: a group of
groups, a group in it, a token in that, about the cube root of V at each. One stage over all tokens
would do, but for this: backends agree to some 1e-6, and where a number falls that near to a
boundary they part. A boundary in the midst of 1,000 tokens moves by the errors of all those before
it, and there are 999; in three stages there are 27, and pictures part a twelfth as often (with one
stage, one picture of 75×75 in three).
"""

from __future__ import annotations

import numpy as np

from pixelgen.errors import OptionError, TrainingError

STAGES = 3
SPAN = 1 << 16  # cells whose numbers are made together: 1.5 MB


def uniforms(seed: int, picture: int, cells: int, *, first: int = 0) -> np.ndarray:
    """Return the random numbers that decide the cells of a picture.

    The numbers are those of Philox, keyed by the seed and the picture's index: a cell's number
    depends on these and the cell alone, not on how many cells or pictures there are.

    Args:
        seed: 0 to 2⁶⁴ - 1.
        picture: the picture's index, from 0.
        cells: how many to take.
        first: the cell whose numbers are the first of them.

    Returns:
        (cells, STAGES) float64 in [0, 1).

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
    skipped = first * STAGES
    philox.advance(skipped // 4)  # which gives four numbers at a time
    numbers = np.random.Generator(philox).random(skipped % 4 + cells * STAGES)
    return numbers[skipped % 4 :].reshape(cells, STAGES)


def uniforms_of(seed: int, picture: int, cells: np.ndarray) -> np.ndarray:
    """Return the random numbers of some cells of a picture, as `uniforms` has them.

    Args:
        seed, picture: as there.
        cells: (M,) int64, the cells' numbers, in ascending order.

    Returns:
        (M, STAGES) float64 in [0, 1).
    """
    numbers = []
    for some in np.split(cells, np.flatnonzero(np.diff(cells // SPAN)) + 1):
        first, last = int(some[0]), int(some[-1])
        numbers.append(uniforms(seed, picture, last - first + 1, first=first)[some - first])
    return np.concatenate(numbers)


def draw(probabilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Choose one token a row, each with its probability; one of probability zero never.

    Args:
        probabilities: (M, V) float, non-negative; rows need not sum exactly to one.
        uniforms: (M, STAGES) float64 in [0, 1).

    Returns:
        (M,) int32 tokens.

    Raises:
        TrainingError: a row has no positive, finite total, as when a model's logits are `nan`.
    """
    count, size = probabilities.shape
    rows, side = np.arange(count), side_of(size)
    if size < side**3:
        probabilities = np.pad(probabilities, ((0, 0), (0, side**3 - size)))
    # Token (a · side + b) · side + c; the sums run over the first axis left, which is the fastest.
    cube = probabilities.reshape(count, side, side, side)  # (M, a, b, c)
    square = cube.sum(axis=1, dtype=np.float64)  # (M, b, c)
    line = square.sum(axis=1)  # (M, c)
    total = line.sum(axis=1)
    if not (np.isfinite(total) & (total > 0)).all():
        raise not_numbers()
    c = _chosen(line, uniforms[:, 0])
    b = _chosen(square[rows, :, c], uniforms[:, 1])
    a = _chosen(cube[rows, :, b, c], uniforms[:, 2])
    return ((a * side + b) * side + c).astype(np.int32)


def not_numbers() -> TrainingError:
    """Return the error of rows that have no positive, finite total."""
    return TrainingError(
        "the model's logits are not numbers, so no token can be drawn",
        where="while painting",
        remedy="Train again with a lower learning rate, or sample an earlier checkpoint",
    )


def side_of(size: int) -> int:
    """The least number whose cube is not below `size`."""
    side = round(size ** (1 / 3))
    return side if side**3 >= size else side + 1


def _chosen(weights: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """(M,) by weights (M, K): the first index at which their sum exceeds u times the whole.

    What the sum is compared with is kept below the whole, even where rounding has brought it there,
    so the sum grows at the index and its own weight is not zero.
    """
    sums = weights.cumsum(axis=1, dtype=np.float64)
    whole = sums[:, -1]
    below = np.minimum(uniforms * whole, np.nextafter(whole, 0.0))
    return np.argmax(sums > below[:, None], axis=1)

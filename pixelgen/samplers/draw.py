"""From probabilities to a choice: draws that do not depend on how the painting is cut up."""

from __future__ import annotations

import numpy as np

from pixelgen.errors import OptionError, TrainingError


def uniforms(seed: int, picture: int, cells: int) -> np.ndarray:
    """Return the random numbers that decide the cells of a picture.

    The numbers are those of Philox, keyed by the seed and the picture's index: a cell's number
    depends on these and the cell alone, not on how many cells or pictures there are.

    Args:
        seed: 0 to 2⁶⁴ - 1.
        picture: the picture's index, from 0.
        cells: how many numbers.

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
    return np.random.Generator(np.random.Philox(key=key)).random(cells)


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
    cumulative = np.array(probabilities, np.float64, order="C")  # (M, V)
    np.cumsum(cumulative, axis=1, out=cumulative)
    total = cumulative[:, -1]
    if not (np.isfinite(total) & (total > 0)).all():
        raise TrainingError(
            "the model's logits are not numbers, so no token can be drawn",
            where="while painting",
            remedy="Train again with a lower learning rate, or sample an earlier checkpoint",
        )
    # Below the total even where the product is rounded up to it.
    threshold = np.minimum(uniforms * total, np.nextafter(total, 0.0))
    tokens: np.ndarray = np.argmax(cumulative > threshold[:, None], axis=1).astype(np.int32)
    return tokens

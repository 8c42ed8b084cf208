"""A tokenizer on the workbench: made, fitted, and asked for tokens that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelgen.testing.arrays import expect_array, frozen
from pixelgen.testing.contract import Broken
from pixelgen.testing.pictures import toy_pictures
from pixelgen.testing.subject import Subject
from pixelgen.tokenizers.interface import Tokenizer


def new(subject: Subject) -> Tokenizer:
    """Return a tokenizer that is not fitted."""
    tokenizer: Tokenizer = subject.type(subject.parsed(), device=subject.device)
    return tokenizer


def fitted(subject: Subject, pictures: Sequence[np.ndarray] | None = None) -> Tokenizer:
    """Return a tokenizer that was fitted on pictures, the toy ones if none are given."""
    return new(subject).fit(toy_pictures() if pictures is None else pictures, seed=1)


def side(tokenizer: Tokenizer, tokens: int = 4) -> tuple[int, int]:
    """Return the (height, width) of pictures of so many tokens down and across."""
    height, width = tokenizer.token_shape
    return height * tokens, width * tokens


def tokens_of(tokenizer: Tokenizer, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Encode pictures of one size, and look at what comes: (N, gh, gw) int32 in [0, V).

    Raises:
        Broken: it is something else.
    """
    height, width = pictures[0].shape[:2]
    rows, columns = tokenizer.token_shape
    grid = (len(pictures), height // rows, width // columns)
    tokens = expect_array(tokenizer.encode(pictures), "encode", shape=grid, dtype=np.int32)
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < tokenizer.vocab_size):
        raise Broken(
            f"encode returns tokens from {tokens.min()} to {tokens.max()}, with a vocabulary of "
            f"{tokenizer.vocab_size}"
        )
    return frozen(tokens)


def pictures_of(tokenizer: Tokenizer, tokens: np.ndarray) -> np.ndarray:
    """Decode tokens, and look at what comes: (N, H, W, 3 or 4) uint8.

    Raises:
        Broken: it is something else.
    """
    count, rows, columns = tokens.shape
    height, width = tokenizer.token_shape
    shape = (count, rows * height, columns * width, None)
    pictures = expect_array(tokenizer.decode(tokens), "decode", shape=shape, dtype=np.uint8)
    if pictures.shape[-1] not in (3, 4):
        raise Broken(f"decode returns {pictures.shape[-1]} channels, not 3 or 4")
    return frozen(pictures)


def some_tokens(tokenizer: Tokenizer, count: int = 2, grid: int = 5) -> np.ndarray:
    """Return (count, grid, grid) int32 tokens from all over the vocabulary."""
    generator = np.random.default_rng(5)
    return frozen(generator.integers(0, tokenizer.vocab_size, (count, grid, grid), np.int32))

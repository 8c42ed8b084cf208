"""What a tokenizer is: pictures to grids of token ids, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from pixelgen.errors import TokenizerError
from pixelgen.options import Options


class Tokenizer(ABC):
    """Turns pictures into grids of token ids and back.

    A colour quantizer is a tokenizer whose tokens are one pixel each; a patch tokenizer's are
    h×w pixels. Pictures are (H, W, C) uint8 with C = 3 (sRGB) or 4 (straight alpha); all pictures
    of one call have one size, whose sides are multiples of `token_shape`.

    Once fitted it is pickled to other processes, and `encode` and `decode` are called by several
    threads at once, so they change nothing that another call would see.

    Attributes:
        notes: sentences for the user about what the tokenizer did (fewer colours than asked, the
            device taken); shown once and kept in `run.json`.
    """

    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        self.options: Any = options
        self.device = device
        self.notes: list[str] = []

    @abstractmethod
    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn the vocabulary from pictures, which may be of different sizes; return self.

        Raises:
            TokenizerError: there is nothing to learn from.
        """

    def partial_fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn from more pictures, in bounded memory; return self.

        After any number of calls the vocabulary is the one that a single `fit` on all the pictures
        seen so far would have learned.

        Raises:
            TokenizerError: this tokenizer cannot learn in parts.
        """
        raise TokenizerError(
            f"{type(self).__name__} cannot learn in parts",
            where=f"partial_fit of {type(self).__module__}",
            remedy="Call fit with all the pictures",
        )

    @abstractmethod
    def encode(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return the tokens of pictures of one size: (N, gh, gw) int32, each in [0, vocab_size)."""

    @abstractmethod
    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Return the pictures of tokens (N, gh, gw): (N, H, W, C) uint8."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """The number of tokens, V."""

    @property
    def palette(self) -> np.ndarray | None:
        """(V, 3 or 4) uint8, the colour of each token; None where tokens are not single colours."""
        return None

    @property
    def token_shape(self) -> tuple[int, int]:
        """The height and width of a token in pixels; known from the options alone, before `fit`."""
        return (1, 1)

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write everything that `load` needs into an existing, empty directory; never a pickle."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path, *, device: str = "auto") -> Self:
        """Return the tokenizer that `save` wrote.

        Raises:
            RunUnreadable: a file is missing or damaged.
        """

"""A folder of encoded pictures, opened: tokens by memory map, names, groups, the tokenizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from pixelgen.errors import RunUnreadable
from pixelgen.plugins import catalogue
from pixelgen.runs import checksums
from pixelgen.token_store.manifest import (
    FILE,
    TOKENIZER,
    Names,
    TokenManifest,
    read_names,
)
from pixelgen.token_store.writing import header_of
from pixelgen.tokenizers.interface import Tokenizer

AGAIN = "Encode the pictures again with the same command, which puts right what is damaged"


class TokenStore:
    """Encoded pictures: those to learn, in the order of their source, and then those held out.

    Attributes:
        folder: where they are.
        manifest: how they were encoded.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder that `pixelgen encode` has filled.

        Raises:
            RunUnreadable: there is none, it is damaged, or it is not finished.
        """
        self.folder = folder
        manifest = TokenManifest.read(folder)
        if manifest is None:
            raise RunUnreadable(
                f"there are no encoded pictures here: no {FILE}",
                where=str(folder),
                remedy=f"Make them: pixelgen encode PICTURES --out {folder}",
            )
        if not manifest.finished or manifest.held_out is None:
            raise RunUnreadable(
                f"the encoding is not finished: {manifest.pictures:,} pictures so far",
                where=str(folder),
                remedy="Give the same pixelgen encode command again: it goes on there",
            )
        self.manifest = manifest
        self._files = [*manifest.shards, manifest.held_out]
        self._ends = np.cumsum([file.pictures for file in self._files])

    @property
    def learned(self) -> int:
        """How many pictures there are to learn: those before the held-out ones."""
        return self.manifest.pictures

    def __len__(self) -> int:
        return int(self._ends[-1])

    @cached_property
    def names(self) -> Names:
        """Names, groups and digests of all pictures; what was left out.

        Raises:
            RunUnreadable: a file is missing or damaged.
        """
        parts = [read_names(self.folder, file) for file in self._files]
        fields = {
            name: [entry for part in parts for entry in getattr(part, name)]
            for name in Names.model_fields
        }
        return Names(**fields)

    def tokenizer(self, device: str = "auto") -> Tokenizer:
        """Return the tokenizer that the pictures were encoded with.

        Raises:
            RunUnreadable: it is damaged, or another one.
        """
        directory = self.folder / TOKENIZER
        if problem := checksums.damage(directory):
            raise RunUnreadable(
                f"the tokenizer is damaged: {problem}", where=str(directory), remedy=AGAIN
            )
        kind = catalogue().load("tokenizer", self.manifest.recipe["tokenizer"]["name"])
        loaded: Tokenizer = kind.load(directory, device=device)
        (rows, columns), (height, width) = self.manifest.grid, loaded.token_shape
        size = [columns * width, rows * height]
        if size != self.manifest.recipe["data"]["size"] or (
            loaded.vocab_size != self.manifest.vocab_size
        ):
            raise RunUnreadable(
                f"the tokenizer's {loaded.vocab_size:,} tokens of {width}×{height} pixels are not "
                "those of the pictures",
                where=str(directory),
                remedy=AGAIN,
            )
        return loaded

    def tokens(self, indices: Sequence[int] | np.ndarray, variant: int = 0) -> np.ndarray:
        """Return the tokens of pictures: (N, gh, gw) int32.

        Args:
            indices: of the pictures.
            variant: 0 for the plain pictures, then the varied ones; held-out pictures are plain.

        Raises:
            RunUnreadable: a file is missing or damaged.
        """
        wanted = np.asarray(indices, np.int64)
        number = np.searchsorted(self._ends, wanted, side="right")  # of the file of each
        maps = {int(chosen): self._map(int(chosen)) for chosen in np.unique(number)}
        found = np.empty((len(wanted), *self.manifest.grid), np.int32)
        for chosen, kept in maps.items():
            rows = np.flatnonzero(number == chosen)
            first = int(self._ends[chosen]) - self._files[chosen].pictures
            found[rows] = kept[wanted[rows] - first, min(variant, kept.shape[1] - 1)]
        highest = int(found.max(initial=0))
        if highest >= self.manifest.vocab_size or found.min(initial=0) < 0:
            raise RunUnreadable(
                f"there is a token {highest} of {self.manifest.vocab_size}",
                where=str(self.folder),
                remedy=AGAIN,
            )
        return found

    def variant_of(self, epoch: int) -> int:
        """Return which variant an epoch learns: they take turns; without any, the plain one."""
        variants = self.manifest.variants
        return 1 + epoch % variants if variants else 0

    def _map(self, number: int) -> np.ndarray:
        """A file of tokens as a memory map, afresh each time: pages are given back in between."""
        file = self._files[number]
        shape, dtype = self.manifest.shape_of(file), np.dtype(self.manifest.dtype)
        if not file.pictures:  # which cannot be mapped
            return np.empty(shape, dtype)
        path, header = self.folder / file.file, header_of(shape, dtype)
        problem = ""
        try:
            if path.is_symlink() or path.stat().st_size != file.size:
                problem = "it is another file than the one that was written"
            elif file.size != len(header) + math.prod(shape) * dtype.itemsize:
                problem = f"it is too short or too long for {shape}"
            else:
                with path.open("rb") as opened:
                    if opened.read(len(header)) != header:
                        problem = f"it does not hold {dtype} {shape}"
        except OSError as error:
            problem = str(error)
        if problem:
            raise RunUnreadable(f"tokens cannot be read: {problem}", where=str(path), remedy=AGAIN)
        return np.memmap(path, dtype, "r", offset=len(header), shape=shape)

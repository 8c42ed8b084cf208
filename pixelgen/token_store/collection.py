"""A run's pictures where they are tokens on disk: decoded only when somebody looks at one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from pixelgen.data.collection import Collection, Split
from pixelgen.sources.interface import BadPicture, Picture
from pixelgen.token_store.store import TokenStore
from pixelgen.tokenizers.interface import Tokenizer


class _Pictures(Sequence[Picture]):
    """The pictures of a store, decoded one by one."""

    def __init__(self, store: TokenStore, tokenizer: Tokenizer) -> None:
        self._store, self._tokenizer = store, tokenizer

    def __len__(self) -> int:
        return len(self._store)

    @overload
    def __getitem__(self, index: int) -> Picture: ...

    @overload
    def __getitem__(self, index: slice) -> list[Picture]: ...

    def __getitem__(self, index: int | slice) -> Picture | list[Picture]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        names = self._store.names
        pixels = self._tokenizer.decode(self._store.tokens([number]))[0]
        return Picture(names.names[number], pixels, names.groups[number])

    def __iter__(self) -> Iterator[Picture]:
        return (self[index] for index in range(len(self)))


class StoredCollection(Collection):
    """The pictures of a token store: those to learn, and then those held out."""

    def __init__(self, store: TokenStore, device: str = "auto") -> None:
        """Read the names, and the tokenizer for the device."""
        tokenizer, names = store.tokenizer(device), store.names
        super().__init__(
            pictures=_Pictures(store, tokenizer),
            bad=[BadPicture(name, reason) for name, reason in names.bad],
            duplicates=names.duplicates,
        )
        # Past the frozen dataclass that it derives from.
        object.__setattr__(self, "store", store)
        object.__setattr__(self, "_tokenizer", tokenizer)

    store: TokenStore
    _tokenizer: Tokenizer

    @property
    def fitted_tokenizer(self) -> Tokenizer:
        """The tokenizer that the pictures are encoded with."""
        return self._tokenizer

    def tokens(self, indices: Sequence[int], epoch: int | None = None) -> np.ndarray:
        """Return the tokens (N, gh, gw) int32 of pictures, plain or as an epoch learns them."""
        return self.store.tokens(indices, 0 if epoch is None else self.store.variant_of(epoch))

    @property
    def names(self) -> Sequence[str]:
        """The name of each picture."""
        return self.store.names.names

    @property
    def groups_of(self) -> Sequence[str]:
        """The group of each picture."""
        return self.store.names.groups

    def fingerprint(self) -> str:
        """Return a SHA-256, in hexadecimal, of all the files of tokens and names."""
        digest = hashlib.sha256()
        manifest = self.store.manifest
        for file in (manifest.held_out, *manifest.shards):
            if file is not None:
                digest.update(f"{file.sha256} {file.names_sha256}\n".encode())
        return digest.hexdigest()

    def digests(self) -> dict[str, str]:
        """Return nothing: the fingerprint tells whether anything is different."""
        return {}

    def split_as(self, data: Mapping[str, Any]) -> Split:
        """Return the split that the pictures were encoded with, whatever names a run has listed."""
        return self.split()

    def split(self, held_out: float | int = 0, split_seed: int = 0) -> Split:
        """Return the split that the pictures were encoded with."""
        learned = self.store.learned
        return Split(train=list(range(learned)), held_out=list(range(learned, len(self.store))))

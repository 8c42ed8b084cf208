"""Which pictures there have been, in some bytes each, so that duplicates are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


class Known:
    """Digests of pixels, and the names of the pictures that had them first.

    Names are kept for the file under way; those of earlier files are asked for.
    """

    def __init__(self, names_of: Callable[[int], Sequence[str]]) -> None:
        """Know nothing yet; `names_of` returns the names in a file by its number."""
        self._names_of = names_of
        self._digests = np.empty(0, np.uint64)  # sorted, of all earlier files
        self._places = np.empty((0, 2), np.int64)  # of each, the file and the row
        self._files = 0
        self._recent: dict[int, str] = {}

    def name_of(self, digest: str) -> str | None:
        """Return the name of the picture with this digest (16 hexadecimal digits), if any."""
        key = int(digest, 16)
        if key in self._recent:
            return self._recent[key]
        place = int(np.searchsorted(self._digests, np.uint64(key)))
        if place == len(self._digests) or int(self._digests[place]) != key:
            return None
        file, row = self._places[place]
        return self._names_of(int(file))[int(row)]

    def add(self, digest: str, name: str) -> None:
        """Take note of a picture of the file under way."""
        self._recent[int(digest, 16)] = name

    def end_file(self, digests: Sequence[str]) -> None:
        """The file under way holds the pictures with these digests, and another begins."""
        own = np.array([int(digest, 16) for digest in digests], np.uint64)
        places = np.stack([np.full(len(own), self._files), np.arange(len(own))], axis=1)
        self._digests = np.concatenate([self._digests, own])
        self._places = np.concatenate([self._places, places])
        order = np.argsort(self._digests, kind="stable")
        self._digests, self._places = self._digests[order], self._places[order]
        self._files += 1
        self._recent = {}

"""A file of tokens and the names beside it, gathered picture by picture."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np

from pixelgen.runs import atomic
from pixelgen.sources.interface import BadPicture
from pixelgen.token_store.known import Known
from pixelgen.token_store.manifest import Names, TokenFile
from pixelgen.token_store.recording import Encoded


class Gathering:
    """What will be one file: tokens go to the disk as they come, under a temporary name."""

    def __init__(
        self, folder: Path, name: str, shape: tuple[int, ...], dtype: str, known: Known
    ) -> None:
        """Begin a file.

        Args:
            folder, name: where it will be.
            shape: of a picture's tokens.
            dtype: of the tokens.
            known: which pictures there have been.

        Raises:
            StorageError: the folder cannot be written to.
        """
        self._path = folder / name
        self._temporary = atomic.temporary_of(self._path)
        self._shape, self._dtype, self._known = shape, np.dtype(dtype), known
        self._names = Names()
        self._digest = hashlib.sha256()
        with atomic.explained(self._path):
            self._file = self._temporary.open("wb")
            self._file.write(self._header)  # of no pictures; as long as that of any number

    def __len__(self) -> int:
        return len(self._names.names)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell, not even of what was left out."""
        return not (self._names.names or self._names.bad or self._names.duplicates)

    def add(self, found: Encoded | BadPicture) -> None:
        """Take in a picture; of one that is bad, or was there before, only that it was so."""
        if isinstance(found, BadPicture):
            self._names.bad.append((found.name, found.reason))
        elif (first := self._known.name_of(found.key)) is not None:
            self._names.duplicates.append((found.name, first))
        else:
            self._known.add(found.key, found.name)
            self._names.names.append(found.name)
            self._names.groups.append(found.group)
            self._names.digests.append(found.key)
            data = np.ascontiguousarray(found.tokens, self._dtype).data
            self._digest.update(data)
            with atomic.explained(self._path):
                self._file.write(data)

    def end(self, items: int) -> TokenFile:
        """Put the file in its place, with the names beside it, and let another begin.

        Args:
            items: how many items of the source were gone through so far.

        Raises:
            StorageError: the folder cannot be written to.
        """
        names = (self._names.model_dump_json() + "\n").encode()
        file = TokenFile(
            file=self._path.name,
            pictures=len(self),
            items=items,
            size=self._file.tell(),
            sha256=self._digest.hexdigest(),
            names_sha256=hashlib.sha256(names).hexdigest(),
        )
        atomic.write_bytes(file.names_file(self._path.parent), names)
        with atomic.explained(self._path):
            self._file.seek(0)
            self._file.write(self._header)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self._path)
        atomic.sync_directory(self._path.parent)
        self._known.end_file(self._names.digests)
        return file

    def close(self) -> None:
        """Leave nothing behind, if it was not ended."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    @property
    def _header(self) -> bytes:
        return header_of((len(self), *self._shape), self._dtype)


def header_of(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """Return what NumPy writes before an array; as long for any number of pictures.

    Comparing with it, a reader need not parse what a stranger may have written.
    """
    buffer = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def is_whole(folder: Path, file: TokenFile, header: bytes) -> bool:
    """Whether a file and the names beside it are what was written.

    Args:
        folder, file: where it is.
        header: with which it must begin; its checksum is of what follows.
    """
    expected = {
        folder / file.file: (header, file.sha256),
        file.names_file(folder): (b"", file.names_sha256),
    }
    for path, (begin, digest) in expected.items():
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as opened:
            if opened.read(len(begin)) != begin:
                return False
            if hashlib.file_digest(opened, "sha256").hexdigest() != digest:
                return False
    return True

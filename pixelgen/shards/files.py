"""Shards as files: tar, as WebDataset reads it, and Parquet, as Hugging Face reads it.

The same pictures give the same bytes: no times, users or random numbers are written.
"""

from __future__ import annotations

import io
import json
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pixelgen.errors import OptionError
from pixelgen.runs import atomic
from pixelgen.shards.manifest import Form


class ShardWriter(ABC):
    """Takes pictures one after the other."""

    @abstractmethod
    def add(self, number: int, png: bytes, about: dict[str, Any]) -> None:
        """Add a picture.

        Args:
            number: of the picture.
            png: the picture as a PNG file.
            about: what is known of it: numbers, text.

        Raises:
            OSError: it cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Write what is left to write."""


class TarWriter(ShardWriter):
    """`00000007.png` and `00000007.json` of picture 7."""

    def __init__(self, path: Path) -> None:
        self._archive = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, number: int, png: bytes, about: dict[str, Any]) -> None:
        """Add a picture, and what is known of it as JSON."""
        description = json.dumps(about, sort_keys=True).encode() + b"\n"
        for ending, data in (("png", png), ("json", description)):
            member = tarfile.TarInfo(f"{number:08d}.{ending}")
            member.size = len(data)
            member.mode = 0o644
            self._archive.addfile(member, io.BytesIO(data))

    def close(self) -> None:
        """Write the end of the archive."""
        self._archive.close()


class ParquetWriter(ShardWriter):
    """A row a picture: `image` as {bytes, path}, and columns of what is known of it."""

    ROWS_AT_ONCE = 256  # rows of a group, which are in memory together

    def __init__(self, path: Path) -> None:
        pa, self._parquet = _pyarrow()
        self._pa = pa
        picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        self._schema = pa.schema(
            [
                ("image", picture),
                ("number", pa.int64()),
                ("seed", pa.int64()),
                ("group", pa.string()),
            ]
        )
        self._path = path
        self._file: Any = None
        self._rows: list[dict[str, Any]] = []

    def add(self, number: int, png: bytes, about: dict[str, Any]) -> None:
        """Add a picture."""
        image = {"bytes": png, "path": f"{number:08d}.png"}
        self._rows.append({"image": image, **about})
        if len(self._rows) == self.ROWS_AT_ONCE:
            self._write()

    def close(self) -> None:
        """Write the rows that are left, and the file's end."""
        self._write()
        self._file.close()

    def _write(self) -> None:
        if self._file is None:
            self._file = self._parquet.ParquetWriter(self._path, self._schema)
        if self._rows:
            self._file.write_table(self._pa.Table.from_pylist(self._rows, self._schema))
            self._rows = []


WRITERS: dict[Form, type[ShardWriter]] = {"tar": TarWriter, "parquet": ParquetWriter}


@contextmanager
def new_shard(path: Path, form: Form) -> Iterator[ShardWriter]:
    """Write a shard under a temporary name, which becomes `path` when the block has ended well.

    Raises:
        StorageError: the disk is full, or the folder cannot be written to.
        OptionError: what the form needs is not installed.
    """
    temporary = atomic.temporary_of(path)
    with atomic.explained(path):
        writer = WRITERS[form](temporary)  # type: ignore[call-arg]
    try:
        yield writer
        with atomic.explained(path):
            writer.close()
            atomic.sync_file(temporary)
            temporary.replace(path)
            atomic.sync_directory(path.parent)
    except BaseException:
        with suppress(Exception):  # what is open cannot be removed everywhere
            writer.close()
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_form(form: Form) -> None:
    """Raise `OptionError` if what the form needs is not installed."""
    if form == "parquet":
        _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OptionError(
            "Parquet needs pyarrow, which is not installed",
            where="in --shards",
            remedy="Take --shards tar, or: pip install pyarrow",
        ) from None
    return pyarrow, pyarrow.parquet

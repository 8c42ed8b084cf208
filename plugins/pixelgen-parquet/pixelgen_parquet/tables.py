"""`parquet`: pictures in a column of Parquet files, read a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pixelgen.data.reading import EncodedPicture
from pixelgen.errors import SourceError, did_you_mean
from pixelgen.sources.encoded import EncodedOptions, EncodedSource
from pixelgen.sources.interface import BadPicture
from pixelgen.sources.shards import find_shards, names_of

ROWS_AT_ONCE = 64
READ_AT_ONCE = 1 << 16  # bytes
ENDINGS = frozenset({".parquet", ".pq"})


class Tables(EncodedSource):
    """Pictures in a column of Parquet files, as whole PNG, JPEG or other picture files.

    The place is a file, a folder of them, or a pattern (`data/train-*.parquet`). The column holds
    bytes, or `{bytes, path}` as Hugging Face writes it. A picture is called after its file and its
    row, counted from 0, unless a column names it.
    """

    example = "pixelgen run data/ --source parquet"

    class Options(EncodedOptions):
        """Which columns are read."""

        column: str = Field("image", description="the column of the pictures")
        group: str | None = Field(None, description="the column that names a picture's group")
        title: str | None = Field(None, description="the column that names a picture")

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        for path in self._files[:1]:  # so that a mistake is said at once
            self._check(path, _opened(path).schema_arrow)

    @cached_property
    def _files(self) -> list[Path]:
        return find_shards(self.place, ENDINGS)

    @cached_property
    def _names(self) -> dict[Path, str]:
        return names_of(self._files)

    def length(self) -> int | None:
        """Return how many rows there are, of which some may hold no picture."""
        try:
            rows = sum(pq.read_metadata(path).num_rows for path in self._files)
        except (OSError, pa.ArrowException):
            return None
        return min(rows, self.options.limit or rows)

    def encoded(self) -> Iterator[EncodedPicture | BadPicture]:
        """Yield the pictures file by file; a damaged file is a bad picture, and ends there."""
        taken: set[str] = set()
        for path in self.mixed(self._files):
            called, row = self._names[path], 0
            try:
                file = _opened(path)
                self._check(path, file.schema_arrow)
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=self._columns):
                    for values in batch.to_pylist():
                        found = self._picture(values, f"{called}:{row}")
                        row += 1
                        if self.options.title and found.name in taken:
                            found = BadPicture(f"{called}:{row - 1}", "its name is taken")
                        elif isinstance(found, EncodedPicture):
                            taken.add(found.name)
                        yield found
            except (OSError, pa.ArrowException) as error:
                yield BadPicture(f"{called}:{row}", f"the file cannot be read on: {error}")
            except SourceError as error:
                yield BadPicture(called, str(error))

    @property
    def _columns(self) -> list[str]:
        options = self.options
        return [each for each in (options.column, options.group, options.title) if each is not None]

    def _check(self, path: Path, schema: pa.Schema) -> None:
        for column in self._columns:
            if column not in schema.names:
                raise SourceError(
                    f"there is no column {column!r}",
                    where=f"in {path}",
                    remedy=f"{did_you_mean(column, schema.names)}It has {', '.join(schema.names)}; "
                    "name the pictures' by -o source.column=…",
                )
        kind = schema.field(self.options.column).type
        if pa.types.is_struct(kind) and "bytes" in {field.name for field in kind}:
            kind = kind.field("bytes").type
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise SourceError(
                f"column {self.options.column!r} holds {kind}, not picture files",
                where=f"in {path}",
                remedy="Give a column of bytes, or of {bytes, path}: -o source.column=…",
            )

    def _picture(self, values: dict[str, Any], place: str) -> EncodedPicture | BadPicture:
        options = self.options
        given = values[options.title] if options.title else None
        name = place if given is None else str(given)
        data = values[options.column]
        if isinstance(data, dict):
            data, path = data["bytes"], data.get("path")
            if not data and path:
                file = PurePosixPath(path).name
                return BadPicture(name, f"the cell names a file, {file}, and does not hold it")
        if not data:
            return BadPicture(name, "the cell is empty")
        group = values[options.group] if options.group else None
        return EncodedPicture(data, name, "" if group is None else str(group))


def _opened(path: Path) -> pq.ParquetFile:
    try:
        # As it comes: pyarrow would else hold a whole group of rows, which may be a million.
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_AT_ONCE)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"{path.name} is no Parquet file that can be read: {error}",
            where=f"in {path}",
            remedy="Mend or remove it",
        ) from error

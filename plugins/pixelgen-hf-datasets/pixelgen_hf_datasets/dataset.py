"""`hf-datasets`: the pictures of a Hugging Face dataset, from the Hub or from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import fsspec
from pydantic import Field

from pixelgen.data.reading import EncodedPicture
from pixelgen.errors import SourceError, did_you_mean
from pixelgen.sources.encoded import EncodedOptions, EncodedSource
from pixelgen.sources.interface import BadPicture
from pixelgen.untrusted import user_path

HUB = "hf://"
SAVED = ("dataset_info.json", "dataset_dict.json")  # files of a folder that save_to_disk wrote


class HuggingFace(EncodedSource):
    """Pictures of a dataset: `owner/name` on the Hub, which is streamed and not downloaded first.

    Or the folder that `Dataset.save_to_disk` wrote, which is mapped into memory. A picture is
    called after its split and its number, counted from 0. No code of a dataset is ever run.
    """

    example = "pixelgen run owner/name --source hf-datasets"

    class Options(EncodedOptions):
        """Which part of the dataset is read."""

        split: str = Field("train", description="the split, such as train")
        config: str | None = Field(None, description="the dataset's configuration")
        revision: str | None = Field(None, description="a branch, tag or commit on the Hub")
        column: str | None = Field(
            None, description="the column of the pictures; the first of pictures if left out"
        )
        group: str | None = Field(None, description="the column that names a picture's group")

    def length(self) -> int | None:
        """Return how many pictures there are; None where the dataset is streamed."""
        if isinstance(self._dataset, datasets.IterableDataset):
            return None
        return min(len(self._dataset), self.options.limit or len(self._dataset))

    def encoded(self) -> Iterator[EncodedPicture | BadPicture]:
        """Yield the pictures in the dataset's order."""
        column, groups = self._columns
        rows = self._dataset.cast_column(column, datasets.Image(decode=False))
        number = 0  # of the next
        try:
            for row in rows:
                yield self._picture(row, f"{self.options.split}-{number:08d}", column, groups)
                number += 1
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            name = f"{self.options.split}-{number:08d}"
            yield BadPicture(name, f"the dataset cannot be read on: {error}")

    @cached_property
    def _dataset(self) -> Any:
        """The dataset, or the part of it that was asked for.

        Raises:
            SourceError: it is not there, or cannot be reached, or has no such split.
        """
        options, location = self.options, self.place
        folder = user_path(location)
        try:
            if any((folder / name).is_file() for name in SAVED):
                found = datasets.load_from_disk(str(folder))
            else:
                found = datasets.load_dataset(
                    location, options.config, revision=options.revision, streaming=True
                )
        except Exception as error:  # of the Hub, the network, the files: of many kinds
            raise SourceError(
                f"the dataset {location!r} cannot be had: {_first_line(error)}",
                where="in the place of the pictures",
                remedy="Give owner/name as on the Hub (log in with `hf auth login` where it is not "
                "public), or a folder that save_to_disk wrote",
            ) from error
        if not isinstance(found, Mapping):
            return found
        if options.split not in found:
            raise SourceError(
                f"there is no split {options.split!r}",
                where=f"in {location}",
                remedy=f"{did_you_mean(options.split, list(found))}It has {', '.join(found)}: "
                "-o source.split=…",
            )
        return found[options.split]

    @cached_property
    def _columns(self) -> tuple[str, str | None]:
        """The names of the columns of pictures and of groups.

        Raises:
            SourceError: there is no such column, or none of pictures.
        """
        features = self._dataset.features or {}
        pictures = [
            name for name, feature in features.items() if isinstance(feature, datasets.Image)
        ]
        column = self.options.column or next(iter(pictures), None)
        for name in (column, self.options.group):
            if name is not None and name not in features:
                raise self._no_column(f"there is no column {name!r}", name)
        if column is None:
            raise self._no_column("no column holds pictures", "image")
        if not _may_hold_pictures(features[column]):
            raise self._no_column(f"the column {column!r} holds no pictures", "image")
        return column, self.options.group

    def _no_column(self, what: str, sought: str) -> SourceError:
        names = list(self._dataset.features or ())
        known = ", ".join(names) or "none that are known"
        return SourceError(
            what,
            where=f"in {self.place}, split {self.options.split}",
            remedy=f"{did_you_mean(sought, names)}It has {known}: -o source.column=…",
        )

    def _picture(
        self, row: Mapping[str, Any], name: str, column: str, groups: str | None
    ) -> EncodedPicture | BadPicture:
        cell = row[column] or {}
        group = "" if groups is None or row[groups] is None else self._group(groups, row[groups])
        if data := cell.get("bytes"):
            return EncodedPicture(data, name, group)
        if not cell.get("path"):
            return BadPicture(name, "the cell is empty")
        if cell["path"].rpartition("::")[2].startswith(HUB):
            return _fetched(cell["path"], name, group)
        # Whoever made the dataset must not choose what is read here.
        path, folder = Path(cell["path"]), user_path(self.place)
        if not (path.is_file() and path.resolve().is_relative_to(folder.resolve())):
            return BadPicture(name, f"it names {cell['path']}, which is no file in the dataset")
        return EncodedPicture(path.read_bytes(), name, group)

    def _group(self, column: str, value: Any) -> str:
        feature = self._dataset.features[column]
        if isinstance(feature, datasets.ClassLabel) and isinstance(value, int):
            return str(feature.int2str(value)) if value >= 0 else ""
        return str(value)


def _may_hold_pictures(feature: Any) -> bool:
    """Whether a column of this feature can be read as pictures: as such, as files, or by path."""
    if isinstance(feature, Mapping):
        return bool({"bytes", "path"} & set(feature))
    text = ("binary", "large_binary", "string", "large_string")
    return isinstance(feature, datasets.Image) or getattr(feature, "dtype", None) in text


def _fetched(path: str, name: str, group: str) -> EncodedPicture | BadPicture:
    """A picture that lies on the Hub as a file of its own, or in an archive there."""
    try:
        with fsspec.open(path, "rb") as stream:
            return EncodedPicture(stream.read(), name, group)
    except Exception as error:  # of a connection, or a damaged archive
        return BadPicture(name, f"it cannot be fetched: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

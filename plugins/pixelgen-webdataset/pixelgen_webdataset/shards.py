"""`webdataset`: pictures in tar shards, read from beginning to end as WebDataset lays them out."""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from tarfile import EOFHeaderError, HeaderError  # type: ignore[attr-defined]
from typing import Any

from braceexpand import braceexpand
from pydantic import Field
from webdataset.gopen import gopen
from webdataset.tariterators import group_by_keys

from pixelgen.data.reading import EXTENSIONS, EncodedPicture
from pixelgen.errors import OptionError, SourceError
from pixelgen.sources.encoded import EncodedOptions, EncodedSource
from pixelgen.sources.interface import BadPicture
from pixelgen.sources.shards import find_shards, names_of

PIPE = "pipe:"
ALLOWING_PIPES = "PIXELGEN_PIPES"
META = re.compile(r"__[^/]*__($|/)")  # of WebDataset itself
ENDINGS = frozenset({".tar", ".tgz", ".gz"})


class Shards(EncodedSource):
    """Pictures in tar files, in which files of the same name but for the ending are one sample.

    The place is a tar file, a folder of them, a pattern (`shards/*.tar`), a range
    (`shards/{0000..0099}.tar`), or `pipe:COMMAND`, whose output is a tar file. A picture is called
    after its shard and its key. Nothing is unpacked to disk.
    """

    example = "pixelgen run 'shards/{0000..0099}.tar' --source webdataset"

    class Options(EncodedOptions):
        """Which members of a shard are taken."""

        pictures: str = Field(
            "", description="the ending of the pictures, such as jpg; any picture's if left out"
        )
        group: str | None = Field(
            None,
            description="the ending of the member that names a picture's group, such as cls or "
            "txt; or json.FIELD",
        )

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        group = options.group
        if group is not None and (not group or group == "json"):
            raise OptionError(
                f"{group!r} names no group",
                where="in source.group",
                remedy="Give an ending such as cls, or the field of a JSON member: json.label",
            )
        self._shards  # noqa: B018 - what is not there is said at once

    def encoded(self) -> Iterator[EncodedPicture | BadPicture]:
        """Yield the pictures shard by shard; a damaged shard is a bad picture, and ends there."""
        for shard in self.mixed(self._shards):
            name = self._names[shard]
            seen: set[str] = set()
            try:
                for sample in _samples(shard):
                    found = self._picture(sample, name)
                    if found is None:
                        continue
                    if found.name in seen:
                        yield BadPicture(found.name, "the shard has another of this name")
                    else:
                        if isinstance(found, EncodedPicture):
                            seen.add(found.name)
                        yield found
            except Exception as error:  # a damaged archive can raise nearly anything
                yield BadPicture(name, f"the shard cannot be read to its end: {_reason(error)}")

    @cached_property
    def _shards(self) -> list[str]:
        if self.place.startswith(PIPE):
            if not os.environ.get(ALLOWING_PIPES):
                raise SourceError(
                    f"{self.place!r} would run a command",
                    where="in the place of the pictures",
                    remedy=f"If it is yours, allow it: {ALLOWING_PIPES}=1 pixelgen …. A recipe of "
                    "somebody else's must not run commands here",
                )
            return self._places
        places = self._places
        return [str(shard) for place in places for shard in find_shards(place, ENDINGS)]

    @property
    def _places(self) -> list[str]:
        try:
            return list(braceexpand(self.place))
        except ValueError as error:
            raise SourceError(
                f"{self.place!r} is no range: {error}",
                where="in the place of the pictures",
                remedy="Write one as shards/{0000..0099}.tar",
            ) from None

    @cached_property
    def _names(self) -> dict[str, str]:
        if self.place.startswith(PIPE):
            several = len(self._shards) > 1
            return {
                shard: f"pipe-{number}" if several else "pipe"
                for number, shard in enumerate(self._shards)
            }
        return {str(shard): name for shard, name in names_of(list(map(Path, self._shards))).items()}

    def _picture(self, sample: dict[str, Any], shard: str) -> EncodedPicture | BadPicture | None:
        """The picture of a sample; None where it has none."""
        wanted = self.options.pictures.lower().lstrip(".")
        endings = [wanted] if wanted else [ending.lstrip(".") for ending in sorted(EXTENSIONS)]
        ending = next((each for each in endings if each in sample), None)
        if ending is None:
            return None if wanted else _dotted(sample, shard)
        name = f"{shard}/{sample['__key__']}.{ending}"
        try:
            group = self._group(sample)
        except (KeyError, ValueError) as error:
            return BadPicture(name, f"its group cannot be read: {error}")
        return EncodedPicture(sample[ending], name, group)

    def _group(self, sample: dict[str, Any]) -> str:
        if self.options.group is None:
            return ""
        ending, _, field = self.options.group.partition(".")
        if ending not in sample:
            raise ValueError(f"it has no member .{ending}")
        text = sample[ending].decode("utf-8")
        if ending != "json":
            return str(text.strip())
        document = json.loads(text)
        if not isinstance(document, dict) or field not in document:
            raise ValueError(f"its JSON has no field {field!r}")
        return str(document[field])


def _dotted(sample: dict[str, Any], shard: str) -> BadPicture | None:
    """What is wrong where names have dots in them: WebDataset's endings begin at the first."""
    key = sample["__key__"]
    found = [ending for ending in sample if Path(ending).suffix in EXTENSIONS]
    if not found:
        return None
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return BadPicture(
        f"{shard}/{key}.{found[0]}{more}",
        f"in a shard the ending begins at a name's first dot, so this is {key!r} with the ending "
        f"{found[0]!r}: leave out dots, or take it with -o source.pictures={found[0]}",
    )


def _samples(shard: str) -> Iterator[dict[str, Any]]:
    """The samples of one shard: `__key__`, and the contents of members by their endings."""
    stream: Any = gopen(shard) if shard.startswith(PIPE) else Path(shard).open("rb")  # noqa: SIM115
    with closing(stream):
        members = _Members(shard, stream)
        yield from group_by_keys(members)
    if members.problem is not None:  # only now: the sample before it is whole
        raise members.problem


class _Members:
    """The files in a tar, as `group_by_keys` takes them.

    What is wrong with the archive ends it, and is kept in `problem`; `tarfile` itself takes a
    header that is damaged or cut off for the archive's end.
    """

    def __init__(self, shard: str, stream: Any) -> None:
        self.shard, self.stream = shard, stream
        self.problem: Exception | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            with tarfile.open(fileobj=self.stream, mode="r|*", tarinfo=_Member) as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # or it would keep them all
                    if member.isreg() and not META.match(member.name):
                        opened = archive.extractfile(member)
                        assert opened is not None
                        data = opened.read()
                        yield {"fname": member.name, "data": data, "__url__": self.shard}
                self.problem = getattr(archive, "problem", None)
        except Exception as error:  # a damaged archive can raise nearly anything
            self.problem = error


class _Member(tarfile.TarInfo):
    """Tells its archive of a header that ends it, and is not the mark of its end."""

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> _Member:
        """Read the next header."""
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if not isinstance(error, EOFHeaderError):
                tarfile.problem = ValueError(
                    f"it is damaged or cut off after {tarfile.offset:,} bytes"
                )
            raise


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error.args[0]) if error.args else type(error).__name__

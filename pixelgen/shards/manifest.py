"""`manifest.json` in a folder of shards: what was asked, and which shards are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pixelgen.bounds import MOST_PICTURES
from pixelgen.errors import RunUnreadable, StorageError
from pixelgen.runs import atomic
from pixelgen.runs.directory import read_json

FILE = "manifest.json"
SCHEMA = 1

Form = Literal["tar", "parquet"]


class Part(BaseModel):
    """Of a manifest: unknown entries and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


AnyPart = TypeVar("AnyPart", bound=Part)


def read_part(kind: type[AnyPart], path: Path, schema: int | None = None) -> AnyPart | None:
    """Return what a JSON file holds; None if there is none.

    Args:
        kind: what it is to hold.
        path: of the file, which may be a stranger's.
        schema: the newest `schema_version` that can be read, where the file says which it has.

    Raises:
        RunUnreadable: it is damaged, or from a newer version.
    """
    if not path.exists():
        return None
    values = read_json(path)
    version = values.get("schema_version")
    if schema is not None and isinstance(version, int) and version > schema:
        raise RunUnreadable(
            f"the manifest has schema {version}, and this pixelgen reads up to {schema}",
            where=str(path),
            remedy="Install a newer pixelgen-core",
        )
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise RunUnreadable(
            f"the manifest is damaged: {place}: {problem['msg']}",
            where=str(path),
            remedy="Choose another place with --out",
        ) from None


class Document(Part):
    """The JSON file that says what is in a folder.

    Attributes:
        FILE: its name.
        SCHEMA: the version that is written, and the newest that can be read.
    """

    FILE: ClassVar[str]
    SCHEMA: ClassVar[int]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return that of a folder; None if it has none.

        Raises:
            RunUnreadable: it is damaged, or from a newer version.
        """
        return read_part(cls, folder / cls.FILE, cls.SCHEMA)

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            StorageError: the folder cannot be written to.
        """
        atomic.write_text(folder / self.FILE, self.model_dump_json(indent=1) + "\n")


class Shard(Part):
    """A shard that is whole.

    Attributes:
        file: its name.
        first, pictures: the number of its first picture, and how many it holds.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal.
    """

    file: str = Field(pattern=r"^shard-\d{5,9}\.(tar|parquet)$")
    first: int = Field(ge=0, le=MOST_PICTURES)
    pictures: int = Field(ge=1, le=MOST_PICTURES)
    size: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(Document):
    """What a folder of shards holds, and what it is to hold.

    Attributes:
        schema_version: of this file.
        run: the name of the run that painted.
        model: SHA-256 of its model's weights and tokenizer, in hexadecimal.
        form: of the shards.
        first, pictures: the number of the first picture, and how many there are to be.
        shard_size: pictures in a shard; the last one may hold fewer.
        seed: of the painting.
        asked: what else was asked, by the names of `Run.sample`.
        shards: those that are whole, in order.
        finished: whether these are all.
    """

    FILE: ClassVar[str] = FILE
    SCHEMA: ClassVar[int] = SCHEMA

    schema_version: int = SCHEMA
    run: str
    model: str = Field(pattern=r"^[0-9a-f]{64}$")
    form: Form
    first: int = Field(ge=0, le=MOST_PICTURES)
    pictures: int = Field(ge=0, le=MOST_PICTURES)
    shard_size: int = Field(ge=1, le=MOST_PICTURES)
    seed: int = Field(ge=0)
    asked: dict[str, Any] = Field(default_factory=dict)
    shards: list[Shard] = Field(default_factory=list)
    finished: bool = False

    def check_same(self, other: Manifest, folder: Path) -> None:
        """Raise `StorageError`, saying what differs, unless both ask for the same shards.

        A number of pictures that is larger than before is no difference.
        """
        skipped = {"schema_version", "run", "pictures", "asked", "shards", "finished"}
        ours, theirs = (
            {**each.model_dump(exclude=skipped), **each.asked} for each in (self, other)
        )
        for name in sorted({*ours, *theirs}):
            if ours.get(name) != theirs.get(name):
                what = "another model" if name == "model" else f"{name} {theirs.get(name)!r}"
                here = "" if name == "model" else f", and now with {ours.get(name)!r}"
                raise StorageError(
                    f"the shards there were painted with {what}{here}",
                    where=str(folder),
                    remedy="Choose another place with --out, or ask for the same again",
                )
        if other.pictures > self.pictures:
            raise StorageError(
                f"there are to be {other.pictures:,} pictures there, not {self.pictures:,}",
                where=str(folder),
                remedy="Choose another place with --out, or ask for as many or more",
            )

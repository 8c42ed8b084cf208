"""`tokens.json` in a folder of encoded pictures: how they were encoded, and which shards are whole.

tokens.json          what this file describes
tokenizer/           the fitted tokenizer
held-out.npy         (N, 1, gh, gw): tokens of the pictures that are never trained on
held-out.json        their names, groups and digests
shard-00000.npy      (N, 1 + variants, gh, gw): tokens of pictures to learn, plain and varied
shard-00000.json     the same of these, and what was left out on the way
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from pixelgen.errors import RunUnreadable, StorageError
from pixelgen.shards.manifest import Document, Part, read_part

FILE = "tokens.json"
TOKENIZER = "tokenizer"
HELD_OUT = "held-out.npy"
SCHEMA = 1
MOST = 10**9  # pictures, tokens of a picture, colours
MOST_VARIANTS = 1000

Name = Field(pattern=r"^(shard-\d{5,9}|held-out)\.npy$")
Pair = Annotated[tuple[str, str], Field(strict=False)]  # JSON has lists
Digest = Field(pattern=r"^[0-9a-f]{64}$")
Count = Field(ge=0, le=MOST)
Side = Annotated[int, Field(ge=1, le=1 << 12)]  # of a grid; that of a picture has the same limit


class TokenFile(Part):
    """A file of tokens that is whole, with the JSON file beside it.

    Attributes:
        file: its name; that of the other ends in .json.
        pictures: how many it holds.
        items: how many items of the source were gone through until its last picture.
        size: of the file of tokens, in bytes.
        sha256: of the tokens in it, without NumPy's heading, in hexadecimal.
        names_sha256: of the other.
    """

    file: str = Name
    pictures: int = Count
    items: int = Count
    size: int = Field(ge=1)
    sha256: str = Digest
    names_sha256: str = Digest

    def names_file(self, folder: Path) -> Path:
        """The JSON file."""
        return (folder / self.file).with_suffix(".json")


class Names(Part):
    """What is beside a file of tokens, an entry a picture.

    Attributes:
        names, groups: of the pictures.
        digests: 16 hexadecimal digits of the SHA-256 of each one's pixels.
        bad: (name, reason) of what could not be read since the file before.
        duplicates: (dropped name, kept name) of those with the same pixels as an earlier one.
    """

    names: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    digests: list[str] = Field(default_factory=list)
    bad: list[Pair] = Field(default_factory=list)
    duplicates: list[Pair] = Field(default_factory=list)


class TokenManifest(Document):
    """How pictures were encoded.

    Attributes:
        schema_version: of this file.
        recipe: the tables of the recipe that decide over tokens: seed, source, data, tokenizer.
        variants: how many varied copies of each picture there are beside the plain one.
        palette_pictures: at most how many pictures the tokenizer was fitted on.
        shard_size: pictures in a shard; the last one may hold fewer.
        dtype: of the tokens.
        grid: (gh, gw), the shape of a picture in tokens.
        vocab_size: V.
        items: how many items the source has, good and bad.
        held_out: the pictures that are only measured; None until they are encoded.
        shards: those that are whole, in order.
        finished: whether these are all.
    """

    FILE: ClassVar[str] = FILE
    SCHEMA: ClassVar[int] = SCHEMA

    schema_version: int = SCHEMA
    recipe: dict[str, Any]
    variants: int = Field(ge=0, le=MOST_VARIANTS)
    palette_pictures: int = Field(ge=1, le=MOST)
    shard_size: int = Field(ge=1, le=MOST)
    dtype: Literal["uint8", "uint16", "int32"] = "int32"
    grid: tuple[Side, Side] = Field((1, 1), strict=False)
    vocab_size: int = Field(1, ge=1, le=MOST)
    items: int = Count
    held_out: TokenFile | None = None
    shards: list[TokenFile] = Field(default_factory=list)
    finished: bool = False

    @property
    def pictures(self) -> int:
        """How many there are to learn."""
        return sum(shard.pictures for shard in self.shards)

    @property
    def gone_through(self) -> int:
        """How many items of the source the whole shards are of."""
        return self.shards[-1].items if self.shards else 0

    def shape_of(self, file: TokenFile) -> tuple[int, ...]:
        """Return the shape of the tokens in a file: (N, copies, gh, gw)."""
        return (file.pictures, 1 if file.file == HELD_OUT else 1 + self.variants, *self.grid)

    def check_same(self, other: TokenManifest, folder: Path) -> None:
        """Raise `StorageError`, saying what differs, unless both ask for the same tokens."""
        asked = ("variants", "palette_pictures", "shard_size", "items")
        ours, theirs = (
            {**_flat(each.recipe), **{name: getattr(each, name) for name in asked}}
            for each in (self, other)
        )
        for name in sorted({*ours, *theirs}):
            if ours.get(name) != theirs.get(name):
                raise StorageError(
                    f"the pictures there are encoded with {name} {theirs.get(name)!r}, and not "
                    f"with {ours.get(name)!r}",
                    where=str(folder),
                    remedy="Choose another place with --out, or ask for the same again",
                )


def read_names(folder: Path, file: TokenFile) -> Names:
    """Return what is beside a file of tokens.

    Raises:
        RunUnreadable: it is missing or damaged.
    """
    path = file.names_file(folder)
    names = read_part(Names, path)
    if names is None or not (
        len(names.names) == len(names.groups) == len(names.digests) == file.pictures
    ):
        raise RunUnreadable(
            "the file is missing" if names is None else f"it is not of {file.pictures} pictures",
            where=str(path),
            remedy="Encode the pictures again with the same command, which goes on there",
        )
    return names


def _flat(values: BaseModel | dict[str, Any], before: str = "") -> dict[str, Any]:
    """`{"data.size": …}` of nested tables."""
    flat: dict[str, Any] = {}
    for name, value in dict(values).items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{before}{name}."))
        else:
            flat[f"{before}{name}"] = value
    return flat

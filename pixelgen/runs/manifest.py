"""What `run.json` holds, checked before anything in it is believed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

SCHEMA = 1

Count = Annotated[int, Field(ge=0, lt=2**63)]


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("the time has no zone")
    return text


Time = Annotated[str, AfterValidator(_time)]  # ISO 8601


class _Part(BaseModel):
    """Entries that are not known are kept: a later version of the same schema may add some."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class Plugin(_Part):
    name: str
    distribution: str = ""
    version: str = ""


class BadFile(_Part):
    name: str
    reason: str


class Duplicate(_Part):
    dropped: str
    kept: str


class Data(_Part):
    """The pictures: a fingerprint of all, and of each by name, and which are learned.

    Of many there are `learned`, and `train` lists the first of them.
    """

    fingerprint: str
    groups: list[str] = Field(min_length=1)
    learned: Count | None = None
    train: list[str]
    held_out: list[str]
    digests: dict[str, str] = Field(default_factory=dict)
    bad: list[BadFile] = Field(default_factory=list)
    duplicates: list[Duplicate] = Field(default_factory=list)


class Spent(_Part):
    epochs: Count
    steps: Count
    targets: Count
    seconds: float = Field(ge=0)


class Best(_Part):
    held_out_bits_per_pixel: float | None = None
    step: Count = 0


class Manifest(_Part):
    """`run.json`."""

    schema_: int = Field(alias="schema", ge=1, le=SCHEMA)
    state: Literal["running", "painting", "stopped", "finished"]
    plugins: dict[str, Plugin]
    data: Data
    notes: list[str] = Field(default_factory=list)
    seed: Count
    spent: Spent | None = None
    best: Best | None = None
    started: Time | None = None
    ended: Time | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    device: str = ""
    parameters: Count | None = None


def filled(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a `run.json` that is without complaint, with every entry that it lacks at its default.

    So what reads it need not ask whether an older or another version wrote it.
    """
    return Manifest.model_validate(manifest).model_dump(by_alias=True)


def complaint(manifest: dict[str, Any]) -> str | None:
    """Return what is wrong with the contents of a `run.json` in a few words, or None."""
    try:
        Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        return f"{place[:80]}: {first['msg']}"
    return None

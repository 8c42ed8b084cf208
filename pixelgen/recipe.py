"""Recipes: everything that decides what a run does, as TOML.

A recipe leaves out what it does not care about; `pixelgen.resolving` decides that.

    seed = 1

    [source]
    name = "folder"
    location = "paintings/"

    [data]
    size = [75, 75]

    [tokenizer]
    name = "numpy-kmeans"
    colors = 1000               # an option of the plugin

    [model]
    name = "torch-lstm"

    [training]
    minutes = 4
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pixelgen.data.augmentation import Augmentation
from pixelgen.data.fitting import Fit
from pixelgen.data.segments import SCANS
from pixelgen.errors import PixelgenError, RecipeError, did_you_mean
from pixelgen.options import as_typed, describe_options, with_none
from pixelgen.pace import Knot, from_the_first_step
from pixelgen.untrusted import read_text

PLUGIN_SECTIONS = ("source", "tokenizer", "model", "sampler", "executor")
BUDGETS = {"epochs", "steps", "minutes"}
MOST_RECIPE = 1 << 20  # bytes


class Section(BaseModel):
    """A table of a recipe; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _text_stays_as_typed(cls, values: Any) -> Any:
        return as_typed(cls, values) if isinstance(values, Mapping) else values


class OwnSection(Section):
    """A table whose keys are pixelgen's own; the word `none` unsets one that may be unset."""

    @model_validator(mode="before")
    @classmethod
    def _none_unsets(cls, values: Any) -> Any:
        return with_none(cls, values) if isinstance(values, Mapping) else values


class PluginSection(Section):
    """A table that names a plugin; its other keys are the plugin's options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str | None = Field(None, description="the plugin; the best that is installed if left out")

    @property
    def options(self) -> dict[str, Any]:
        """The plugin's own options."""
        return dict(self.__pydantic_extra__ or {})


class SourceSection(PluginSection):
    location: str | None = Field(None, description="folder, file or address of the pictures")


class DataSection(OwnSection):
    size: tuple[int, int] = Field((75, 75), description="width and height in pixels")
    fit: Fit = Field("stretch", description="how pictures of another shape are brought to the size")
    augment: tuple[str, ...] = Field(
        ("flips", "crops", "colours"), description="flips, crops, colours; empty for none"
    )
    jitter: float | None = Field(
        None,
        ge=0,
        le=2,
        description="strength of the colours' augmentation; unset: 0.1, and 0.25 for long runs",
    )
    held_out: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="share of the distinct pictures that is never trained on; 256 at most",
    )
    split_seed: int = Field(1, ge=0, lt=2**32, description="decides which pictures are held out")
    scan: str | None = Field(
        None,
        description=f"order of the cells: {', '.join(SCANS)}; unset: the one that suits the model",
    )

    @field_validator("size", mode="before")
    @classmethod
    def _one_number_is_a_square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int) else value

    @field_validator("size")
    @classmethod
    def _size_is_sensible(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not all(1 <= side <= 4096 for side in value):
            raise ValueError("sides must be from 1 to 4096 pixels")
        return value

    @field_validator("augment", mode="before")
    @classmethod
    def _augment_words(cls, value: Any) -> Any:
        words = [value] if isinstance(value, str) else value
        if not (isinstance(words, list | tuple) and all(isinstance(word, str) for word in words)):
            raise ValueError("augment is a list of words")
        return Augmentation.parse(value).names()


class TrainingSection(OwnSection):
    epochs: int | None = Field(None, ge=1, description="stop after so many passes over the data")
    steps: int | None = Field(None, ge=1, description="stop after so many batches")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="stop after so many minutes of training"
    )
    patience: int = Field(
        0, ge=0, description="stop after so many evaluations without improvement; 0 for never"
    )
    weights: Literal["best", "last"] = Field(
        "best",
        description="which to paint with: those of the fewest held-out bits, or the last measured, "
        "however far they have overfitted",
    )
    checkpoint_every: float = Field(
        60.0,
        ge=0,
        allow_inf_nan=False,
        description="seconds between checkpoints within an epoch, or such as 90s, 5m, 1h; 0 for "
        "none but at epochs' ends",
    )
    checkpoints: int = Field(
        2,
        ge=1,
        le=1000,
        description="how many of the last checkpoints to keep, beside the best weights",
    )
    pace: tuple[Knot, ...] = Field(
        (),
        description="what a run by minutes, or one that went on to a larger budget, settled on; "
        "written by the run so that its recipe reproduces it: (step, progress there, step at "
        "which progress reaches 1)",
    )

    _pace_begins_with_the_run = field_validator("pace")(from_the_first_step)

    @field_validator("checkpoint_every", mode="before")
    @classmethod
    def _units_of_time(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        written = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(s|sec|m|min|h)?", value.strip())
        if not written:
            raise ValueError("write a time such as 60s, 5m or 1h")
        return float(written[1]) * {"m": 60, "h": 3600}.get((written[2] or "s")[0], 1)


class PaintingSection(OwnSection):
    pictures: int = Field(8, ge=0, le=1_000_000, description="how many to paint at the end")
    temperatures: tuple[float, ...] = Field(
        (), description="one row of pictures each; the sampler's own if empty"
    )
    while_training: int = Field(
        6, ge=0, le=64, description="how many to paint after epochs, to see the model learn"
    )
    every: int = Field(
        0, ge=0, description="paint after every so many epochs; 0 for early ones and then fewer"
    )

    @field_validator("temperatures", mode="before")
    @classmethod
    def _one_number_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @field_validator("temperatures")
    @classmethod
    def _temperatures_are_positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < temperature <= 100 for temperature in value):
            raise ValueError("temperatures must be above 0 and at most 100")
        return value


class Recipe(Section):
    """A recipe as written: what is left out is decided when it is resolved."""

    seed: int = Field(1, ge=0, lt=2**63, description="of every random choice")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    source: SourceSection = SourceSection()
    data: DataSection = DataSection()
    tokenizer: PluginSection = PluginSection()
    model: PluginSection = PluginSection()
    sampler: PluginSection = PluginSection()
    executor: PluginSection = PluginSection()
    training: TrainingSection = TrainingSection()
    painting: PaintingSection = PaintingSection()
    trackers: dict[str, dict[str, Any]] = Field(
        {}, description="what else hears of the run: a table of options for each, by name"
    )

    @property
    def temperatures(self) -> tuple[float, ...]:
        """What the run paints at: what it is told, or its sampler's. Of a resolved recipe."""
        return self.painting.temperatures or (self.sampler.options.get("temperature", 1.0),)

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """Check a nested mapping.

        Raises:
            RecipeError: a key is unknown or a value is not allowed; says where and what is.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explain(error, where) from None

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe from a TOML file; raises as `parse`, and where the file is no TOML."""
        return cls.parse(read_toml(path), where=str(path))

    def toml(self) -> str:
        """Return the recipe as TOML; what is None is left out, as TOML has no such value."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; later layers win. A new budget replaces an older one of any kind."""
    merged: dict[str, Any] = {}
    for layer in layers:
        newer, older = layer.get("training"), merged.get("training")
        if isinstance(newer, Mapping) and isinstance(older, Mapping) and _has_budget(newer):
            gone = BUDGETS | {"pace"}
            merged["training"] = {key: old for key, old in older.items() if key not in gone}
        for key, value in layer.items():
            before = merged.get(key)
            if not (isinstance(value, Mapping) and isinstance(before, Mapping)):
                merged[key] = dict(value) if isinstance(value, Mapping) else value
                continue
            named = before.get("name")
            if key == "trackers":  # each of which has a table of its own
                each = {name: _joined(before.get(name), table) for name, table in value.items()}
                merged[key] = {**before, **each}
            elif named is not None and value.get("name", named) != named:
                merged[key] = dict(value)  # another plugin: the old one's options do not apply
            else:
                merged[key] = {**before, **value}
    return merged


def _has_budget(training: Mapping[str, Any]) -> bool:
    return any(training.get(key) not in (None, "none") for key in BUDGETS)


def _joined(older: Any, newer: Any) -> Any:
    """Two tables as one, the newer on top; the newer, where one of them is none."""
    if isinstance(older, Mapping) and isinstance(newer, Mapping):
        return {**older, **newer}
    return newer


def read_toml(path: Path) -> dict[str, Any]:
    """Return the contents of a TOML file.

    Raises:
        RecipeError: the file is missing, unreadable or no TOML.
    """
    text = read_recipe_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"the recipe is not TOML: {error}",
            where=str(path),
            remedy="See how one is written: pixelgen recipes NAME",
        ) from error


def read_recipe_text(path: Path) -> str:
    """Return the text of a recipe's file.

    Raises:
        RecipeError: it is missing, no text, or too long to be a recipe.
    """
    try:
        return read_text(path, MOST_RECIPE)
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        is_text = not isinstance(error, UnicodeDecodeError)
        reason = str(error) if is_text else f"the recipe is not TOML: {error}"
    raise RecipeError(
        f"cannot read the recipe: {reason}",
        where=str(path),
        remedy="See what there is: pixelgen recipes",
    )


def _explain(error: ValidationError, where: str) -> PixelgenError:
    first = error.errors()[0]
    section: type[BaseModel] = Recipe
    for part in first["loc"][:-1]:
        annotation = section.model_fields[str(part)].annotation if isinstance(part, str) else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        section = annotation
    place = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    known = [option.name for option in describe_options(section)]
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        return RecipeError(
            f"unknown key {place!r}",
            where=f"in {where}",
            remedy=f"{did_you_mean(key, known)}Known here: {', '.join(known)}",
        )
    if first["type"] == "model_type":
        return RecipeError(
            f"{place!r} cannot be {first['input']!r}: it is a table",
            where=f"in {where}",
            remedy=f"Write [{place}], and its keys on the lines below",
        )
    described = {option.name: option for option in describe_options(section)}
    key = next((str(part) for part in reversed(first["loc"]) if str(part) in described), "")
    option = described.get(key)
    allowed = ""
    if option:
        bounds = f" {option.bounds}" if option.bounds else ""
        allowed = f"Allowed: {option.type}{bounds} ({option.description})"
    message = str(first["msg"]).removeprefix("Value error, ")
    return RecipeError(
        f"{repr(place) if place else 'the recipe'} cannot be {first['input']!r}: {message}",
        where=f"in {where}",
        remedy=allowed,
    )


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_none(inner) for inner in value if inner is not None]
    return value

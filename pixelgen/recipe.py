"""Recipes: everything that decides what a run does, as TOML.

A recipe leaves out what it does not care about. Resolving it fills in every default and picks the
plugins; the resolved recipe is written into the run directory and reproduces the run.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pixelgen.data.augmentation import Augmentation
from pixelgen.data.collection import Collection, collect
from pixelgen.data.fitting import Fit
from pixelgen.data.segments import SCANS, Segments, check_scan
from pixelgen.errors import (
    OptionError,
    PixelgenError,
    PluginUnusable,
    RecipeError,
    did_you_mean,
)
from pixelgen.executors.interface import Executor
from pixelgen.executors.local import Local
from pixelgen.options import describe_options, parse_options
from pixelgen.plugins import Catalogue, catalogue
from pixelgen.sources.interface import Source
from pixelgen.sources.tokens import Tokens
from pixelgen.token_store.settling import SOURCE, is_token_folder, settled
from pixelgen.untrusted import read_text

# On the Monet set, weak jitter is better after a minute, and strong jitter after a quarter of an
# hour.
JITTER, LONG_JITTER = 0.1, 0.25
LONG_RUN = 8.0  # minutes

PLUGIN_SECTIONS = ("source", "tokenizer", "model", "sampler", "executor")
BUDGETS = {"epochs", "steps", "minutes"}
MOST_RECIPE = 1 << 20  # bytes


class Section(BaseModel):
    """A table of a recipe; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


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


class DataSection(Section):
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
        0.15, ge=0, lt=1, description="share of the distinct pictures that is never trained on"
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


class TrainingSection(Section):
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
    pace: tuple[tuple[int, float, int], ...] = Field(
        (),
        description="what a run by minutes settled on, written by the run so that its recipe "
        "reproduces it: (step, progress there, step at which progress reaches 1)",
    )

    @field_validator("checkpoint_every", mode="before")
    @classmethod
    def _units_of_time(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        written = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(s|sec|m|min|h)?", value.strip())
        if not written:
            raise ValueError("write a time such as 60s, 5m or 1h")
        return float(written[1]) * {"m": 60, "h": 3600}.get((written[2] or "s")[0], 1)


class PaintingSection(Section):
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


@dataclass(frozen=True)
class Resolved:
    """A recipe with every default filled in and every plugin loaded.

    Attributes:
        recipe: complete; `recipe.toml()` reproduces the run.
        classes: the plugin class of each section.
        options: the checked options of each section.
        reasons: for each plugin that was not named, which was taken and why.
        trackers: the class and the checked options of each tracker, by name.
    """

    recipe: Recipe
    classes: dict[str, type[Any]]
    options: dict[str, Any]
    reasons: list[str] = field(default_factory=list)
    trackers: dict[str, tuple[type[Any], Any]] = field(default_factory=dict)

    def source(self) -> Source:
        """Return where the pictures come from."""
        made: Source = self.classes["source"](
            self.options["source"], self.recipe.source.location, seed=self.recipe.seed
        )
        return made

    def collect(self) -> Collection:
        """Read the pictures; raises as `pixelgen.data.collection.collect`."""
        source = self.source()
        if isinstance(source, Tokens):
            return source.collection(self.recipe.device)
        executor = self.executor()
        threads = isinstance(executor, Local) and executor.options.kind == "threads"
        # Sources read ahead in threads themselves, where that helps.
        return collect(source, self.recipe.data.size, executor=None if threads else executor)

    def with_model_settled(self, tokens: int) -> Resolved:
        """Return the same with all decided that the model leaves to the pictures.

        Args:
            tokens: how many there are to be learned.
        """
        options = self.classes["model"].settle(self.options["model"], tokens)
        section = {"name": self.recipe.model.name, **_written(options)}
        model = type(self.recipe.model).model_validate(section)
        return replace(
            self,
            recipe=self.recipe.model_copy(update={"model": model}),
            options={**self.options, "model": options},
        )

    def executor(self) -> Executor:
        """Return what independent work is spread with."""
        made: Executor = self.classes["executor"](self.options["executor"])
        return made


def resolve(
    recipe: Recipe,
    plugins: Catalogue | None = None,
    *,
    kinds: Sequence[str] = PLUGIN_SECTIONS,
) -> Resolved:
    """Pick the plugins that a recipe leaves open, check all options, and fill in the defaults.

    Args:
        recipe: as written.
        plugins: to pick from; those that are installed if None.
        kinds: of the plugins that will be needed; the others are left open, and are not imported.

    Raises:
        PluginNotFound, PluginUnusable, PluginConflict: a named plugin cannot be had.
        OptionError: an option is unknown or out of bounds.
        RecipeError: the budget is given twice.
    """
    plugins = plugins or catalogue()
    _check_budget(recipe.training)
    if recipe.data.scan is not None:
        check_scan(recipe.data.scan, where="in [data], or --scan")
    _check_device(recipe.device)
    named = recipe.source.name or (is_token_folder(recipe.source.location) and SOURCE)
    if named == SOURCE:
        recipe = settled(recipe)
    classes: dict[str, type[Any]] = {}
    options: dict[str, Any] = {}
    reasons = []
    filled: dict[str, Any] = {}
    for kind in kinds:
        section: PluginSection = getattr(recipe, kind)
        name = section.name
        if name is None:
            if kind == "source":
                name = "folder" if recipe.source.location else "sample"
            else:
                name, why = _best_that_loads(plugins, kind)
                if kind in ("tokenizer", "model"):
                    reasons.append(f"{kind} {name} ({why})")
        classes[kind] = plugins.load(kind, name)
        options[kind] = parse_options(
            classes[kind].Options, section.options, owner=f"{kind} {name}"
        )
        dumped = {"name": name, **_written(options[kind])}
        filled[kind] = (
            {"location": _absolute(recipe.source.location), **dumped}
            if kind == "source"
            else dumped
        )
    if classes["source"].needs_location and not recipe.source.location:
        raise RecipeError(
            f"source {filled['source']['name']!r} needs to know where the pictures are",
            where="in the recipe",
            remedy="Name the place: pixelgen run PICTURES, or location = … under [source]",
        )
    trackers: dict[str, tuple[type[Any], Any]] = {}
    for name, values in recipe.trackers.items():
        loaded = plugins.load("tracker", name)
        parsed = parse_options(loaded.Options, values, owner=f"tracker {name}")
        trackers[name] = (loaded, parsed)
    training = recipe.training
    if not (training.epochs or training.steps or training.minutes):
        training = training.model_copy(update={"minutes": 1.0})
    data = recipe.data
    if data.jitter is None:
        long = (training.minutes or 0) >= LONG_RUN
        data = data.model_copy(update={"jitter": LONG_JITTER if long else JITTER})
    if data.scan is None and "model" in classes:
        segments: Segments = classes["model"].segments(options["model"])
        data = data.model_copy(update={"scan": segments.scan})
    complete = recipe.model_copy(
        update={
            "data": data,
            "training": training,
            "trackers": {name: _written(parsed) for name, (_, parsed) in trackers.items()},
            **{
                kind: type(getattr(recipe, kind)).model_validate(values)
                for kind, values in filled.items()
            },
        }
    )
    return Resolved(complete, classes, options, reasons, trackers)


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; later layers win. A new budget replaces an older one of any kind."""
    merged: dict[str, Any] = {}
    for layer in layers:
        newer, older = layer.get("training"), merged.get("training")
        if isinstance(newer, Mapping) and isinstance(older, Mapping) and newer.keys() & BUDGETS:
            gone = BUDGETS | {"pace"}
            merged["training"] = {key: old for key, old in older.items() if key not in gone}
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
                named = merged[key].get("name")
                if named is not None and value.get("name", named) != named:
                    merged[key] = dict(value)  # another plugin: the old one's options do not apply
                else:
                    merged[key] = {**merged[key], **value}
            else:
                merged[key] = dict(value) if isinstance(value, Mapping) else value
    return merged


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


def _absolute(location: str | None) -> str | None:
    """A path that holds from every folder; what is no path here is left alone."""
    if location is None:
        return None
    try:
        return str(Path(location).resolve(strict=True))
    except (OSError, RuntimeError, ValueError):  # not there, a name that is none, a loop of links
        return location


def _check_budget(training: TrainingSection) -> None:
    given = [key for key in ("epochs", "steps", "minutes") if getattr(training, key) is not None]
    if len(given) > 1:
        raise RecipeError(
            f"the budget is given as {' and as '.join(given)}",
            where="in [training]",
            remedy="Give one of epochs, steps and minutes",
        )


def _check_device(device: str) -> None:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise OptionError(
            f"no device is called {device!r}",
            where="in the recipe's device, or --device",
            remedy=f"{did_you_mean(device, ('auto', 'cpu', 'cuda'))}Known: auto, cpu, cuda, cuda:N",
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


def _best_that_loads(plugins: Catalogue, kind: str) -> tuple[str, str]:
    """The best plugin of a kind and why; one whose import fails is passed over, and said to be."""
    broken: dict[str, str] = {}
    while True:
        name, why = plugins.best(kind, broken)
        try:
            plugins.load(kind, name)
        except PluginUnusable as error:
            broken[name] = error.what
        else:
            return name, why


def _written(options: BaseModel) -> dict[str, Any]:
    """Options as a recipe writes them, which has no None: it is left out, or the word `none`."""
    fields = type(options).model_fields
    return {
        name: "none" if value is None else value
        for name, value in options.model_dump(mode="json").items()
        if value is not None or fields[name].get_default(call_default_factory=True) is not None
    }


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_none(inner) for inner in value if inner is not None]
    return value

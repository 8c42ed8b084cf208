"""Resolving a recipe: its plugins are picked and loaded, its options checked, its gaps filled.

What comes out is complete: written into the run directory, it reproduces the run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pixelgen.data.collection import Collection, collect
from pixelgen.data.segments import Segments, check_scan
from pixelgen.errors import OptionError, PluginUnusable, RecipeError, did_you_mean
from pixelgen.executors.interface import Executor
from pixelgen.executors.local import Local
from pixelgen.names import readable
from pixelgen.options import parse_options, written
from pixelgen.plugins import Catalogue, catalogue
from pixelgen.recipe import PLUGIN_SECTIONS, PluginSection, Recipe, TrainingSection
from pixelgen.sources.interface import Source
from pixelgen.sources.tokens import Tokens
from pixelgen.token_store.settling import SOURCE, is_token_folder, settled

# On the Monet set, weak jitter is better after a minute, and strong jitter after a quarter of an
# hour.
JITTER, LONG_JITTER = 0.1, 0.25
LONG_RUN = 8.0  # minutes


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
        usual = isinstance(executor, Local) and executor.options == Local.Options()
        # Sources read ahead in threads themselves, where that helps.
        return collect(source, self.recipe.data.size, executor=None if usual else executor)

    def with_model_settled(self, tokens: int) -> Resolved:
        """Return the same with all decided that the model leaves to the pictures.

        Args:
            tokens: how many there are to be learned.

        Raises:
            PluginUnusable: the model would have the pictures cut otherwise now.
        """
        model_class = self.classes["model"]
        options = model_class.settle(self.options["model"], tokens)
        if model_class.segments(options) != model_class.segments(self.options["model"]):
            raise PluginUnusable(
                f"model {self.recipe.model.name!r} settles on other segments than it was given",
                where=f"in {model_class.__module__}.{model_class.__name__}.settle",
                remedy="Mend it: settle only options that segments does not look at; or name "
                "another model",
            )
        section = {"name": self.recipe.model.name, **written(options)}
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
    kinds: Sequence[str] = (*PLUGIN_SECTIONS, "tracker"),
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
    check_device(recipe.device)
    location = None
    if "source" in kinds:
        location = _location(recipe.source.location)
        named = recipe.source.name or (is_token_folder(recipe.source.location) and SOURCE)
        if named == SOURCE:
            recipe = settled(recipe)
    classes: dict[str, type[Any]] = {}
    options: dict[str, Any] = {}
    reasons = []
    filled: dict[str, Any] = {}
    for kind in (kind for kind in PLUGIN_SECTIONS if kind in kinds):
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
        dumped = {"name": name, **written(options[kind])}
        filled[kind] = {"location": location, **dumped} if kind == "source" else dumped
    if "source" in kinds and classes["source"].needs_location and not recipe.source.location:
        raise RecipeError(
            f"source {filled['source']['name']!r} needs to know where the pictures are",
            where="in the recipe",
            remedy="Name the place: pixelgen run PICTURES, or location = … under [source]",
        )
    trackers = _trackers(recipe, plugins) if "tracker" in kinds else {}
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
            "trackers": {
                **recipe.trackers,
                **{name: written(parsed) for name, (_, parsed) in trackers.items()},
            },
            **{
                kind: type(getattr(recipe, kind)).model_validate(values)
                for kind, values in filled.items()
            },
        }
    )
    return Resolved(complete, classes, options, reasons, trackers)


def _trackers(recipe: Recipe, plugins: Catalogue) -> dict[str, tuple[type[Any], Any]]:
    """The class and the checked options of each."""
    found: dict[str, tuple[type[Any], Any]] = {}
    for name, values in recipe.trackers.items():
        loaded = plugins.load("tracker", name)
        found[name] = loaded, parse_options(loaded.Options, values, owner=f"tracker {name}")
    return found


def _location(given: str | None) -> str | None:
    """A path that holds from every folder; what is no path here is left alone.

    Raises:
        RecipeError: a recipe cannot hold the name; Linux allows any bytes in one.
    """
    if given is None:
        return None
    try:
        absolute = str(Path(given).resolve(strict=True))
    except (OSError, RuntimeError, ValueError):  # not there, a name that is none, a loop of links
        absolute = given
    if readable(absolute) != absolute:
        raise RecipeError(
            f"a recipe is UTF-8, and the name {readable(absolute)!r} is not",
            where="in the place of the pictures",
            remedy="Rename the folder",
        )
    return absolute


def _check_budget(training: TrainingSection) -> None:
    given = [key for key in ("epochs", "steps", "minutes") if getattr(training, key) is not None]
    if len(given) > 1:
        raise RecipeError(
            f"the budget is given as {' and as '.join(given)}",
            where="in [training]",
            remedy="Give one of epochs, steps and minutes",
        )


def check_device(device: str) -> None:
    """Raise `OptionError` if no device can be called so; whether it is there, plugins say."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise OptionError(
            f"no device is called {device!r}",
            where="in the recipe's device, or --device",
            remedy=f"{did_you_mean(device, ('auto', 'cpu', 'cuda'))}Known: auto, cpu, cuda, cuda:N",
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

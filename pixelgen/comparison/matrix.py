"""Which settings are compared, for which seeds, under which budget.

From the command line's options, or as TOML:

    seeds = 3

    [budget]
    minutes = 4                             # or epochs, or targets

    [base]                                  # a recipe: what all have in common
    data = { size = 75 }

    [matrix]                                # every combination is one setting
    model = ["torch-lstm", "markov"]
    "tokenizer.colors" = [256, 1000]

    [[setting]]                             # or settings one by one, each a recipe with a name
    name = "wide LSTM"
    model = { name = "torch-lstm", hidden = 512 }
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from pixelgen.comparison.budget import UNITS, Budget
from pixelgen.comparison.labels import NOT_COMPARED
from pixelgen.errors import OptionError, RecipeError, RunUnreadable, did_you_mean
from pixelgen.options import Options, parse_options
from pixelgen.recipe import BUDGETS, PLUGIN_SECTIONS, Recipe, merge
from pixelgen.runs.directory import RunDirectory

DEFAULT_BUDGET = {"minutes": 1.0}
# What a comparison needs of a run; its pictures are painted when it is measured.
LEAST_PAINTING = {"painting": {"pictures": 0, "while_training": 0}}
ALIASES = {"quantizer": "tokenizer"}


class MatrixFile(Options):
    """The tables of a comparison's TOML file."""

    seeds: int | tuple[int, ...] = Field(
        1, description="how many seeds each setting is trained with, or which"
    )
    budget: dict[str, Any] = Field({}, description="minutes, epochs or targets, the same for all")
    base: dict[str, Any] = Field({}, description="a recipe: what all settings have in common")
    matrix: dict[str, list[Any]] = Field(
        {}, description="plugins, or options as kind.option, each with the values to compare"
    )
    setting: tuple[dict[str, Any], ...] = Field(
        (), description="settings one by one, each a recipe with a name"
    )


@dataclass(frozen=True)
class Setting:
    """One side of a comparison.

    Attributes:
        recipe: the tables of a recipe, without seed and budget.
        name: what it is called; None to call it by what sets it apart.
    """

    recipe: dict[str, Any]
    name: str | None = None


@dataclass(frozen=True)
class Matrix:
    """All that decides what a comparison runs."""

    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    budget: Budget

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str) -> Matrix:
        """Check a nested mapping of the form of the TOML file.

        Args:
            values: the tables.
            where: where they are from, for errors.

        Raises:
            OptionError, RecipeError: a key or a value is not allowed.
        """
        file = parse_options(MatrixFile, values, owner=where)
        Recipe.parse(file.base, where=f"[base] of {where}")
        base = merge(LEAST_PAINTING, file.base)
        training = dict(base.pop("training", {}))
        in_base = {key: training.pop(key) for key in [*BUDGETS] if key in training}
        training.pop("pace", None)
        if training:
            base["training"] = training
        settings = []
        for given in file.setting or ({},):
            own = {ALIASES.get(key, key): value for key, value in given.items()}
            name = own.pop("name", None)
            Recipe.parse(own, where=f"[[setting]] of {where}")
            if "seed" in own:
                raise RecipeError(
                    f"a setting has a seed of its own: {own['seed']}",
                    where=f"in [[setting]] of {where}",
                    remedy="Set the seeds for all: seeds = 3, or a list of them",
                )
            for chosen in itertools.product(*_axes(file.matrix, where)):
                settings.append(_setting(merge(base, own), name, chosen, where))
        return cls(
            settings=tuple(_distinct(settings)),
            seeds=_seeds(file.seeds, base.get("seed", 1), where),
            budget=Budget.parse(file.budget or in_base or DEFAULT_BUDGET, where=f"in {where}"),
        )


def read_finished(paths: Sequence[Path]) -> list[tuple[Setting, list[Path]]]:
    """Return the settings of finished run directories, each with its runs.

    Runs whose recipes differ in nothing but their seed are one setting.

    Raises:
        RunNotFound, RunUnreadable: there is no run, or it has not finished.
    """
    settings: dict[str, tuple[Setting, list[Path]]] = {}
    for path in paths:
        run = RunDirectory.open(path)
        if run.manifest().get("state") not in ("finished", "stopped"):
            raise RunUnreadable(
                "the run has not finished",
                where=str(path),
                remedy=f"Finish it first: pixelgen resume {path}",
            )
        recipe = Recipe.read(run.recipe).model_dump(mode="json", exclude_none=True)
        recipe["training"].pop("pace", None)
        compared = {key: value for key, value in recipe.items() if key not in NOT_COMPARED}
        key = json.dumps(compared, sort_keys=True)
        settings.setdefault(key, (Setting(compared), []))[1].append(path)
    return list(settings.values())


def _axes(matrix: Mapping[str, list[Any]], where: str) -> list[list[tuple[str, Any]]]:
    """For each axis its (path, value) pairs; plugins before their options."""
    known = [name for name in Recipe.model_fields if name not in ("seed", "painting")]
    axes = []
    for path, values in sorted(matrix.items(), key=lambda axis: "." in axis[0]):
        kind, dot, option = path.partition(".")
        kind = ALIASES.get(kind, kind)
        place = f"in [matrix] of {where}"
        if kind not in known:
            raise OptionError(
                f"nothing is called {kind!r}",
                where=place,
                remedy=f"{did_you_mean(kind, known)}Known: {', '.join(known)}",
            )
        if kind == "training" and option in BUDGETS | {"pace"}:
            raise OptionError(
                f"{path!r} cannot be compared: the budget must be the same for all",
                where=place,
                remedy=f"Set it under [budget], as one of {', '.join(UNITS)}",
            )
        if not values:
            raise OptionError(
                f"{path!r} has no values", where=place, remedy="Give some, or leave it out"
            )
        if dot and not option:
            raise OptionError(
                f"{path!r} names no option", where=place, remedy="For example: model.hidden"
            )
        axes.append([(f"{kind}{dot}{option.replace('-', '_')}", value) for value in values])
    return axes


def _setting(
    recipe: Mapping[str, Any], name: Any, chosen: Sequence[tuple[str, Any]], where: str
) -> Setting:
    for path, value in chosen:
        kind, dot, option = path.partition(".")
        if dot:
            layer: dict[str, Any] = {kind: {option: value}}
        else:
            layer = {kind: {"name": value} if kind in PLUGIN_SECTIONS else value}
        recipe = merge(recipe, layer)
    budgets = sorted((BUDGETS | {"pace"}) & set(recipe.get("training", {})))
    if budgets:
        raise RecipeError(
            f"a setting has a budget of its own: {', '.join(budgets)}",
            where=f"in [[setting]] of {where}",
            remedy="Set it for all, under [budget]",
        )
    recipe = {key: value for key, value in recipe.items() if key != "seed"}
    if name is None:
        return Setting(recipe)
    words = [str(value) if "." not in path else f"{path}={value}" for path, value in chosen]
    return Setting(recipe, ", ".join([str(name), *words]))


def _distinct(settings: Sequence[Setting]) -> list[Setting]:
    kept: list[Setting] = []
    for setting in settings:
        if setting.recipe not in [other.recipe for other in kept]:
            kept.append(setting)
    return kept


def _seeds(given: int | tuple[int, ...], first: int, where: str) -> tuple[int, ...]:
    seeds = tuple(range(first, first + given)) if isinstance(given, int) else given
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise OptionError(
            f"the seeds cannot be {given!r}",
            where=f"in {where}",
            remedy="Give how many, at least 1, or a list of different whole numbers from 0",
        )
    return seeds

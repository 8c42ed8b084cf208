"""Another backend, or another way to paint, in the place of what a run was trained with.

Models of one family read each other's files, and say in their `spec.json` which family that is. So
it is found out without importing the backend that wrote them, which need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pixelgen.errors import OptionError, PluginConflict, PluginUnusable, RunUnreadable
from pixelgen.models.interface import Model
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.recipe import PluginSection, Recipe
from pixelgen.runs.directory import read_json


def with_backend(recipe: Recipe, name: str, model: Path) -> Recipe:
    """Return the recipe with another model of the same family, and those options that it takes.

    Args:
        recipe: of the run.
        name: the model's.
        model: the folder that the run's own model was saved in.

    Raises:
        OptionError: the model is not of the family; says which names would do.
        PluginNotFound, PluginUnusable, PluginConflict: it cannot be had.
    """
    was = recipe.model.name
    if name == was:
        return recipe
    loaded: type[Model] = catalogue().load("model", name)
    family = family_of(model)
    if family is None or loaded.family != family:
        others = [other for other in members(family) if other != was]
        raise OptionError(
            f"model {name!r} cannot read what {was!r} has learned",
            where=f"in {model}",
            remedy=f"These can: {', '.join([str(was), *others])}"
            if others
            else f"Only {was} itself can",
        )
    options = {
        option: value
        for option, value in recipe.model.options.items()
        if option in loaded.Options.model_fields
    }
    section = PluginSection.model_validate({"name": name, **options})
    return recipe.model_copy(update={"model": section})


def with_painting_options(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """Return the recipe with these options of its model, which matter in painting alone.

    Raises:
        OptionError: there is no such option, or the model has learned with it as it is.
    """
    if not options:
        return recipe
    name = str(recipe.model.name)
    loaded: type[Model] = catalogue().load("model", name)
    options = {key.replace("-", "_"): value for key, value in options.items()}
    merged = {**recipe.model.options, **options}
    parse_options(loaded.Options, merged, owner=f"model {name}")
    free = sorted(loaded.painting_options)
    for option in options:
        if option not in free:
            raise OptionError(
                f"option {option!r} of {name} is as it was in training",
                where=f"in model.{option}",
                remedy="Train again with pixelgen run to change it"
                + (f"; only {', '.join(free)} can be changed now" if free else ""),
            )
    section = PluginSection.model_validate({"name": name, **merged})
    return recipe.model_copy(update={"model": section})


def family_of(model: Path) -> str | None:
    """Return the family of the model that was saved in this folder, or None if it has none."""
    try:
        family = read_json(model / "spec.json").get("family")
    except RunUnreadable:  # a model may keep what it likes in its folder
        return None
    return family if isinstance(family, str) else None


def members(family: str | None) -> list[str]:
    """Return the installed models of a family; those that cannot be used here are left out."""
    found = []
    for name in catalogue().names("model") if family else []:
        try:
            loaded: type[Model] = catalogue().load("model", name)
        except (PluginUnusable, PluginConflict):
            continue
        if loaded.family == family:
            found.append(name)
    return found

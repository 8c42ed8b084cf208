"""What a setting is called: by what sets it apart from the others, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pixelgen.recipe import PLUGIN_SECTIONS

# The model and the tokenizer first: they are what is mostly compared.
ORDER = ("model", "tokenizer", "source", "sampler", "data", "training")
NOT_COMPARED = {"seed", "painting", "executor", "trackers"}


def label_settings(recipes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each of several complete recipes.

    Plugins are named where they differ; options where they differ between recipes that use the same
    plugin, since those of different plugins cannot be set against each other.

        torch-lstm        markov order=1        markov order=2
    """
    sections = [*ORDER, *sorted(_keys(recipes) - {*ORDER})]
    labels = []
    for recipe in recipes:
        parts = []
        for section in sections:
            if section not in NOT_COMPARED:
                parts += _parts(section, recipe, recipes)
        labels.append(", ".join(parts) or f"{_name(recipe, 'model')}, {_name(recipe, 'tokenizer')}")
    return labels


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names with a number behind each that is there already: `LSTM`, `LSTM (2)`."""
    found: list[str] = []
    for plain in names:
        name, again = plain, 1
        while name in found:
            again += 1
            name = f"{plain} ({again})"
        found.append(name)
    return found


def _parts(
    section: str, recipe: Mapping[str, Any], recipes: Sequence[Mapping[str, Any]]
) -> list[str]:
    own = recipe.get(section)
    if not isinstance(own, Mapping):  # a key at the top, such as the device
        differs = any(other.get(section) != own for other in recipes)
        return [f"{section}={_short(own)}"] if differs else []
    is_plugin = section in PLUGIN_SECTIONS
    alike = [
        other.get(section, {})
        for other in recipes
        if not is_plugin or _name(other, section) == _name(recipe, section)
    ]
    keys = sorted(set().union(*alike) - {"name", "pace"})
    options = [
        f"{key}={_short(own.get(key))}"
        for key in keys
        if any(other.get(key) != own.get(key) for other in alike)
    ]
    named = is_plugin and (options or len(alike) < len(recipes))
    words = [_name(recipe, section), *options] if named else options
    return [" ".join(words)] if words else []


def _keys(recipes: Sequence[Mapping[str, Any]]) -> set[str]:
    return {key for recipe in recipes for key in recipe}


def _name(recipe: Mapping[str, Any], section: str) -> str:
    return str(recipe.get(section, {}).get("name"))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        joint = "×" if all(isinstance(each, int) for each in value) else "+"  # a size, or words
        return joint.join(_short(each) for each in value) or "none"
    return "none" if value is None else str(value)

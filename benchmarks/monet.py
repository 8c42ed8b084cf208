"""What benchmarks on the article's paintings have in common: where these are, recipe and tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pixelgen.data.collection import collect
from pixelgen.data.material import Material, fit_tokenizer, make_material
from pixelgen.executors.local import Local
from pixelgen.framing import framing_of
from pixelgen.models.markov import Markov
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve
from pixelgen.sources.folder import Folder


def monet() -> Path:
    """Return the folder of the paintings.

    Raises:
        SystemExit: the environment does not say where it is.
    """
    place = os.environ.get("PIXELGEN_TEST_DATA")
    if not place:
        raise SystemExit("PIXELGEN_TEST_DATA does not say where the paintings are")
    return Path(place) / "monet"


def recipe_of(split: int) -> dict[str, dict[str, Any]]:
    """Return 75×75 in 1,000 colours, with so many held out, and nothing painted meanwhile."""
    return {
        "data": {"size": 75, "held_out": 0.15, "split_seed": split},
        "tokenizer": {"name": "numpy-kmeans", "colors": 1000},
        "painting": {"pictures": 0, "while_training": 0},
    }


def material_of(pictures: Path, tables: dict[str, dict[str, Any]]) -> Material:
    """Return the pictures in tokens, row by row, as a recipe of these tables has them."""
    resolved = resolve(Recipe.parse(tables), kinds=("source", "tokenizer", "model", "executor"))
    recipe, serial = resolved.recipe, Local(Local.Options(kind="serial"))
    collection = collect(Folder(Folder.Options(), str(pictures)), recipe.data.size)
    chosen = collection.split(recipe.data.held_out, recipe.data.split_seed)
    framing = framing_of(recipe)
    tokenizer = resolved.classes["tokenizer"](resolved.options["tokenizer"])
    fit_tokenizer(tokenizer, collection, chosen, framing, recipe.seed, serial)
    segments = Markov.segments(Markov.Options())
    return make_material(collection, chosen, framing, tokenizer, segments, serial)

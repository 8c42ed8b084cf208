"""A matrix's runs as complete recipes, all checked before the first of them begins.

This loads every plugin that takes part, so it is done in a process of its own: see `isolation`.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pixelgen.comparison.budget import Budget, steps_for_targets
from pixelgen.comparison.comparable import Identity
from pixelgen.comparison.matrix import Matrix
from pixelgen.data.collection import Collection, Split
from pixelgen.data.material import make_cutter
from pixelgen.framing import framing_of
from pixelgen.recipe import Recipe, merge
from pixelgen.resolving import Resolved, resolve
from pixelgen.untrusted import is_file

MOST_LETTERS = 60  # of a run directory's name


@dataclass(frozen=True)
class Job:
    """One run that a comparison asks for.

    Attributes:
        setting: which of the matrix's settings it belongs to, by number.
        seed: its seed.
        recipe: complete, as TOML.
        name: of its directory: the plugins, the seed, and a digest of the recipe, the pictures and
            the files that the tokenizer's options name. So a run is found again whatever it is
            compared with, and one of another recipe, or of other pictures, never takes its place.
        held_out: which pictures it will be measured on.
    """

    setting: int
    seed: int
    recipe: str
    name: str
    held_out: Identity


def prepare(matrix: Matrix) -> list[Job]:
    """Return the runs of a matrix, every setting of the first seed before the next seed.

    So whatever changes over hours, such as the machine's temperature, falls on all alike, and a
    comparison that is broken off is still a fair one.

    Raises:
        PixelgenError: a plugin cannot be had, an option is wrong, or there are no pictures.
    """
    read: dict[str, _Pictures] = {}
    jobs = []
    for seed in matrix.seeds:
        for number, setting in enumerate(matrix.settings):
            tables = merge(setting.recipe, {"seed": seed, "training": _placeholder(matrix.budget)})
            resolved = resolve(Recipe.parse(tables, where=setting.name or "the comparison"))
            pictures = _pictures(resolved, read)
            training = matrix.budget.training(_steps(matrix.budget, resolved, pictures.split))
            recipe = Recipe.parse(
                merge(
                    resolved.recipe.model_dump(mode="json", exclude_none=True),
                    {"training": training},
                )
            )
            jobs.append(
                Job(
                    setting=number,
                    seed=seed,
                    recipe=recipe.toml(),
                    name=_directory_name(recipe, pictures.fingerprint),
                    held_out=_identity(recipe, pictures.collection, pictures.split),
                )
            )
    return jobs


def _placeholder(budget: Budget) -> dict[str, Any]:
    """A budget to resolve with, where the real one is not known yet."""
    return budget.training(steps=1)


class _Pictures(NamedTuple):
    """What a recipe learns from; the fingerprint is of all pixels."""

    collection: Collection
    split: Split
    fingerprint: str


def _pictures(resolved: Resolved, read: dict[str, _Pictures]) -> _Pictures:
    """Read the pictures of a recipe, or take them from those that were read already."""
    recipe = resolved.recipe
    data = recipe.data
    section = recipe.source.model_dump(mode="json")
    # A source without a location makes its own pictures, others for each seed, and one that mixes
    # them may take others for each.
    mixes = not recipe.source.location or recipe.source.options.get("shuffle")
    seed = recipe.seed if mixes else None
    key = json.dumps([section, data.size, data.held_out, data.split_seed, seed], sort_keys=True)
    if key not in read:
        collection = resolved.collect()
        split = collection.split(data.held_out, data.split_seed)
        read[key] = _Pictures(collection, split, collection.fingerprint())
    return read[key]


def _steps(budget: Budget, resolved: Resolved, split: Split) -> int | None:
    if budget.unit != "targets":
        return None
    tokenizer = resolved.classes["tokenizer"](resolved.options["tokenizer"], device="cpu")
    segments = resolved.classes["model"].segments(resolved.options["model"])
    framing = framing_of(resolved.recipe)
    scan_only = _Unfitted(tokenizer.token_shape)
    cutter = make_cutter(framing, scan_only, segments)  # type: ignore[arg-type]
    return steps_for_targets(budget.amount, cutter, len(split.train))


@dataclass(frozen=True)
class _Unfitted:
    """Stands in for a tokenizer that has no vocabulary yet; counting batches needs none."""

    token_shape: tuple[int, int]
    vocab_size: int = 1


def _identity(recipe: Recipe, collection: Collection, split: Split) -> Identity:
    framing = framing_of(recipe)
    chosen = [collection.pictures[index] for index in split.held_out]
    plain = [framing.plain(picture.pixels) for picture in chosen]
    width, height = recipe.data.size
    none = np.empty((0, height, width, collection.channels), np.uint8)
    pictures = np.stack(plain) if plain else none
    return Identity.of([picture.name for picture in chosen], pictures, recipe.data.fit)


def _directory_name(recipe: Recipe, fingerprint: str) -> str:
    named = hashlib.sha256((recipe.toml() + fingerprint).encode())
    for value in recipe.tokenizer.options.values():  # such as a palette's file
        if isinstance(value, str) and Path(value).is_absolute() and is_file(Path(value)):
            with suppress(OSError):  # which the run itself explains
                named.update(Path(value).read_bytes())
    digest = named.hexdigest()[:8]
    words = f"{recipe.model.name}-{recipe.tokenizer.name}"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", words)[:MOST_LETTERS].strip("-.")
    return f"{plain}-seed{recipe.seed}-{digest}"

"""Resolving recipes: gaps are filled, and a resolved recipe resolves to itself."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import pixelgen
from pixelgen import builtin
from pixelgen.data.segments import Segments
from pixelgen.errors import PluginUnusable, RecipeError
from pixelgen.models.markov import Markov
from pixelgen.plugins import Catalogue
from pixelgen.recipe import Recipe
from pixelgen.registration import Origin
from pixelgen.resolving import resolve

MARKOV = {"tokenizer": {"name": "rgb-grid"}, "model": {"name": "markov"}}


def test_everything_that_was_left_out_is_filled_in(folder):
    resolved = resolve(Recipe.parse({"source": {"location": str(folder)}, **MARKOV}))
    recipe = resolved.recipe
    assert recipe.source.name == "folder"
    assert recipe.sampler.name == "multinomial"
    assert recipe.sampler.options["temperature"] == 1.0
    assert recipe.model.options == resolved.options["model"].model_dump(mode="json")
    assert recipe.training.minutes == 1.0
    assert resolved.classes["model"].__name__ == "Markov"


def test_without_a_place_the_bundled_source_is_taken():
    assert resolve(Recipe.parse(MARKOV)).recipe.source.name == "sample"


def test_what_is_picked_is_said_and_what_is_named_is_not():
    picked = resolve(Recipe.parse({"tokenizer": {"name": "rgb-grid"}}))
    assert [reason.split()[0] for reason in picked.reasons] == ["model"]
    assert picked.recipe.model.name in picked.reasons[0]
    assert resolve(Recipe.parse(MARKOV)).reasons == []


def test_the_best_plugin_is_passed_over_where_its_import_fails():
    @pixelgen.hookimpl
    def register_models(register):
        register("torch-lstm", "module_that_is_broken:Model")

    plugins = Catalogue()
    plugins.add(builtin, Origin("builtin", "pixelgen-core", "1", "built-in"))
    broken = SimpleNamespace(register_models=register_models)
    plugins.add(broken, Origin("broken", "pixelgen-torch", "1", "entry point"))
    resolved = resolve(Recipe.parse({"tokenizer": {"name": "rgb-grid"}}), plugins)
    assert resolved.recipe.model.name == "numpy-lstm"
    assert "'torch-lstm' cannot be imported" in resolved.reasons[0]


def test_a_resolved_recipe_resolves_to_itself(quick):
    recipe = quick().recipe
    assert resolve(recipe).recipe == recipe


def test_a_resolved_recipe_survives_its_toml(quick, tmp_path: Path):
    recipe = quick(
        seed=2**62, painting={"temperatures": [0.2, 0.4]}, data={"augment": "flips"}
    ).recipe
    written = tmp_path / "recipe.toml"
    written.write_text(recipe.toml(), encoding="utf-8")
    assert Recipe.read(written) == recipe
    assert resolve(Recipe.read(written)).recipe == recipe


def test_a_place_is_made_absolute_so_that_the_recipe_holds_from_every_folder(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    resolved = resolve(Recipe.parse({"source": {"location": folder.name}, **MARKOV}))
    assert resolved.recipe.source.location == str(folder)


def test_an_option_set_to_none_stays_none_in_the_written_recipe(quick, toy_models):
    model = {"name": "learner", "forget_after": "none"}
    resolved = quick(model=model)
    assert resolved.options["model"].forget_after is None
    again = resolve(Recipe.parse(tomllib.loads(resolved.recipe.toml())))
    assert again.options["model"].forget_after is None


@pytest.mark.parametrize(
    ("training", "jitter"),
    [({"minutes": 1}, 0.1), ({"minutes": 15}, 0.25), ({"epochs": 500}, 0.1)],
)
def test_the_jitter_suits_the_budget_where_none_is_given(training, jitter):
    base = {"tokenizer": {"name": "rgb-grid"}, "model": {"name": "markov"}, "training": training}
    assert resolve(Recipe.parse(base)).recipe.data.jitter == jitter
    given = resolve(Recipe.parse({**base, "data": {"jitter": 0}}))
    assert given.recipe.data.jitter == 0


@pytest.mark.parametrize(
    ("model", "scan"),
    [
        ({"name": "numpy-lstm"}, "pyramid"),
        ({"name": "numpy-lstm", "context": "previous"}, "raster"),
        ({"name": "markov"}, "raster"),
    ],
)
def test_the_scan_suits_the_model_where_none_is_given(model, scan):
    base = {"tokenizer": {"name": "rgb-grid"}, "model": model}
    found = resolve(Recipe.parse(base)).recipe
    assert found.data.scan == scan
    assert tomllib.loads(found.toml())["data"]["scan"] == scan  # kept, whatever suits it later
    given = resolve(Recipe.parse({**base, "data": {"scan": "hilbert"}}))
    assert given.recipe.data.scan == "hilbert"


def test_no_scan_is_settled_on_where_no_model_is_needed():
    recipe = Recipe.parse({"tokenizer": {"name": "rgb-grid"}})
    assert resolve(recipe, kinds=("source", "tokenizer")).recipe.data.scan is None


def test_a_model_cannot_settle_on_other_segments():
    class Fickle(Markov):
        @classmethod
        def settle(cls, options, tokens):
            return options.model_copy(update={"order": 3})

        @classmethod
        def segments(cls, options):
            return Segments(memory="none", context="near", batch=options.order)

    resolved = resolve(Recipe.parse(MARKOV))
    fickle = replace(resolved, classes={**resolved.classes, "model": Fickle})
    with pytest.raises(PluginUnusable, match="other segments than it was given") as caught:
        fickle.with_model_settled(1000)
    assert "Fickle.settle" in caught.value.where
    assert resolved.with_model_settled(1000).recipe == resolved.recipe


def test_a_palettes_file_is_found_from_other_folders_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("p.hex").write_text("000000\nffffff\n")
    tokenizer = {"name": "fixed-palette", "palette": "p.hex"}
    resolved = resolve(Recipe.parse({**MARKOV, "tokenizer": tokenizer}))
    assert resolved.recipe.tokenizer.options["palette"] == str(tmp_path / "p.hex")
    for palette in ("pico-8", "missing.hex"):
        named = {**MARKOV, "tokenizer": {**tokenizer, "palette": palette}}
        assert resolve(Recipe.parse(named)).recipe.tokenizer.options["palette"] == palette


@pytest.mark.parametrize(
    ("executor", "reads"),
    [
        ({}, False),
        ({"workers": 2}, True),
        ({"kind": "processes"}, True),
        ({"kind": "serial"}, True),
    ],
)
def test_pictures_are_read_by_the_workers_that_are_asked_for(folder, monkeypatch, executor, reads):
    resolved = resolve(
        Recipe.parse({"source": {"location": str(folder)}, **MARKOV, "executor": executor})
    )
    given = []
    monkeypatch.setattr(
        "pixelgen.resolving.collect", lambda source, size, executor: given.append(executor)
    )
    resolved.collect()
    assert [each is not None for each in given] == [reads]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_place_that_a_recipe_cannot_hold_is_refused_before_anything_is_done(tmp_path):
    place = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(place).mkdir()
    with pytest.raises(RecipeError, match=r"caf\\\\xe9") as caught:
        resolve(Recipe.parse({"source": {"location": place}, "model": {"name": "markov"}}))
    assert "Rename" in caught.value.remedy

"""`pixelgen recipes`, and that every bundled recipe is one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pixelgen.cli.recipes import bundled_recipes, find_recipe
from pixelgen.recipe import Recipe

BUNDLED = list(bundled_recipes().values())


def test_the_bundled_recipes_are_listed_with_a_line_each(pixelgen):
    called = pixelgen("recipes")
    assert called.code == 0
    for recipe in BUNDLED:
        [line] = [line for line in called.out.splitlines() if line.startswith(recipe.stem + " ")]
        assert len(line.split()) > 4


def test_one_is_shown_whole(pixelgen):
    assert pixelgen("recipes", "monet").out == find_recipe("monet").read_text()


def test_an_unknown_one_is_answered_with_the_nearest(pixelgen):
    pixelgen("recipes", "quik").assert_explained("'quik'", "", "'quick'")


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_bundled_recipe_is_a_recipe(path):
    assert Recipe.read(path).training.model_dump(exclude_none=True)


def test_the_articles_recipe_is_the_articles():
    recipe = Recipe.read(find_recipe("monet"))
    assert recipe.data.size == (75, 75)
    assert recipe.data.augment == ()
    assert recipe.tokenizer.options["colors"] == 1000
    options = recipe.model.options
    assert (options["layers"], options["hidden"], options["dropout"]) == (2, 512, 0.2)
    assert (options["optimizer"], options["batch"]) == ("rmsprop", 128)
    assert (options["window"], options["window_step"]) == (75, 3)
    assert recipe.painting.temperatures == (0.2, 0.4, 0.6, 0.8)
    assert recipe.painting.every == 1


def test_a_file_is_found_before_a_name_and_a_name_by_its_stem(here):
    Path("monet").write_text("seed = 3\n")
    assert find_recipe("monet") == Path("monet")
    assert find_recipe("quick").name == "quick.toml"
    assert find_recipe("missing.toml") == Path("missing.toml")


def test_a_bundled_recipe_is_run_by_name(learn):
    recipe = tomllib.loads(learn("-r", "quick", "--dry-run").out)
    assert recipe["training"]["minutes"] == 4
    assert recipe["painting"]["pictures"] == 24

"""The recipes that come with pixelgen say what they are, resolve, and hold what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelgen.cli.recipes import bundled_recipes, find_recipe, recipe_folder
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve

RECIPES = list(bundled_recipes())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_resolves_with_the_plugins_of_this_repository(name: str) -> None:
    pytest.importorskip("pixelgen_torch", reason="the recipes name models of pixelgen-torch")
    resolved = resolve(Recipe.read(find_recipe(name)))
    assert Recipe.parse(resolved.recipe.model_dump(mode="json", exclude_none=True))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_begins_with_what_it_does(name: str) -> None:
    first = find_recipe(name).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


def test_the_articles_recipe_is_the_articles() -> None:
    recipe = Recipe.read(find_recipe("monet"))
    assert recipe.data.size == (75, 75)
    assert recipe.data.augment == ()
    assert recipe.tokenizer.options["colors"] == 1000
    model = recipe.model.options
    assert (model["layers"], model["hidden"], model["dropout"]) == (2, 512, 0.2)
    assert (model["optimizer"], model["batch"]) == ("rmsprop", 128)
    assert (model["window"], model["window_step"]) == (75, 3)
    assert (model["context"], model["memory"], model["output"]) == ("previous", "picture", "plain")
    assert recipe.painting.temperatures == (0.2, 0.4, 0.6, 0.8)
    assert recipe.painting.every == 1


def test_bundled_recipes_are_found_in_a_checkout() -> None:
    assert Path(recipe_folder(), "monet.toml").is_file()

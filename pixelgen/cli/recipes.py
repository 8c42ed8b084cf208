"""`pixelgen recipes`: the recipes that come with pixelgen, by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

BUDGET_VARIABLE = "PIXELGEN_MINUTES"


def recipe_folder() -> Path:
    """Return the folder of the bundled recipes: in the package, or `examples/` of a checkout."""
    packaged = Path(__file__).parent.parent / "examples"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "examples"


def bundled_recipes() -> dict[str, Path]:
    """Return the bundled recipes by name; beside them lie matrices of `pixelgen compare`."""
    found = sorted(recipe_folder().glob("*.toml"))
    return {path.stem: path for path in found if not path.stem.startswith("compare-")}


def find_recipe(name: str) -> Path:
    """Return the path of a recipe: a file, or the name of a bundled one.

    Raises:
        RecipeError: there is neither.
    """
    from pixelgen.errors import RecipeError, did_you_mean
    from pixelgen.untrusted import is_file

    path = Path(name)
    if path.suffix == ".toml" or is_file(path):
        return path
    known = bundled_recipes()
    if name not in known:
        raise RecipeError(
            f"no recipe is called {name!r}, and there is no such file",
            where="in --recipe",
            remedy=f"{did_you_mean(name, known)}Known: {', '.join(known)}; or give a .toml file",
        )
    return known[name]


def default_budget() -> dict[str, Any]:
    """Return the budget that PIXELGEN_MINUTES sets for runs that are given none.

    Raises:
        OptionError: the variable is not a number above 0.
    """
    from pixelgen.errors import OptionError

    text = os.environ.get(BUDGET_VARIABLE)
    if not text:
        return {}
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not minutes > 0:
        raise OptionError(
            f"{BUDGET_VARIABLE} cannot be {text!r}",
            where="in the environment",
            remedy="Give minutes, such as 0.5, or unset it",
        )
    return {"training": {"minutes": minutes}}


def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this recipe whole.")] = None,
) -> None:
    """Show the bundled recipes, or one of them whole.

    Use one with: pixelgen run PICTURES --recipe NAME
    """
    from rich.console import Console
    from rich.table import Table

    from pixelgen.cli.visible import echo

    if name is not None:
        from pixelgen.recipe import read_recipe_text

        echo(read_recipe_text(find_recipe(name)), nl=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("recipe", no_wrap=True)
    table.add_column("what it does")
    for path in bundled_recipes().values():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        table.add_row(path.stem, first.removeprefix("#").strip())
    Console().print(table)

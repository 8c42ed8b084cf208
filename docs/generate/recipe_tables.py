"""The page of a recipe's own tables, from their pydantic classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from docs.generate.tables import NOTE, code, options_table, table
from pixelgen.cli.recipes import bundled_recipes, recipe_folder
from pixelgen.options import describe_options
from pixelgen.recipe import PLUGIN_SECTIONS, Recipe

HEAD = """# Recipes

A recipe is a TOML file that decides a run. It leaves out what it does not care about;
`pixelgen run --dry-run` shows it with everything filled in, and every run keeps it so filled in as
`recipe.toml`. What the command line says overrides the recipe. An unknown key is an error that
names the nearest right one. TOML has no word for nothing: `"none"` unsets a key or an option that
may be none.

```toml
seed = 1

[data]
size = [75, 75]

[tokenizer]
name = "numpy-kmeans"
colors = 1000               # an option of the plugin

[model]
name = "markov"

[training]
minutes = 1
```
"""
AT_THE_TOP = """## At the top
"""
BUNDLED = """## Recipes that come with pixelgen

Run one with `pixelgen run PICTURES --recipe NAME`, and read it with `pixelgen recipes NAME`.
"""
MATRICES = """## Matrices that come with pixelgen

A matrix is no recipe: it says what is trained one after another, to be compared. They lie in the
`examples/` of a clone; run one with `pixelgen compare examples/MATRIX.toml PICTURES`.
"""
PLUGINS = """## The plugins' tables

`[source]`, `[tokenizer]`, `[model]`, `[sampler]` and `[executor]` each have a `name`, the plugin;
the other keys are [its options](options.md). `[source]` has a `location` too: the folder, or what
else the source reads from.
"""


def page() -> str:
    """Return the page, in Markdown."""
    parts = [NOTE, HEAD, AT_THE_TOP, _top_table(), PLUGINS]
    for name, section in Recipe.model_fields.items():
        annotation = section.annotation
        if name not in PLUGIN_SECTIONS and _is_table(annotation):
            assert isinstance(annotation, type)
            parts += [f"## `[{name}]`\n", options_table(annotation)]
    recipes = list(bundled_recipes().values())
    matrices = [path for path in sorted(recipe_folder().glob("*.toml")) if path not in recipes]
    parts += [BUNDLED, table(("recipe", "what it does"), _first_lines(recipes))]
    parts += [MATRICES, table(("matrix", "what it compares"), _first_lines(matrices))]
    return "\n".join(parts)


def _first_lines(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """The name of each file as code, and the comment on its first line."""
    return [
        (code(path.stem), path.read_text(encoding="utf-8").splitlines()[0].lstrip("# "))
        for path in paths
    ]


def _top_table() -> str:
    rows = [
        (code(option.name), code(str(option.default)), option.description)
        for option in describe_options(Recipe)
        if not _is_table(Recipe.model_fields[option.name].annotation)
    ]
    return table(("key", "default", "what it does"), rows)


def _is_table(annotation: object) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)

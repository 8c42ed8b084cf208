"""The page of a recipe's own tables, from their pydantic classes."""

from __future__ import annotations

import inspect

from pydantic import BaseModel

from docs.generate.tables import NOTE, code, options_table, table
from pixelgen.cli.recipes import recipe_folder
from pixelgen.options import describe_options
from pixelgen.recipe import PLUGIN_SECTIONS, Recipe

HEAD = """# Recipes

A recipe is a TOML file that decides a run. It leaves out what it does not care about;
`pixelgen run --dry-run` shows it with everything filled in, and every run keeps it so filled in as
`recipe.toml`. What the command line says overrides the recipe. An unknown key is an error that
names the nearest right one.

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
    recipes = (
        (code(path.stem), path.read_text(encoding="utf-8").splitlines()[0].lstrip("# "))
        for path in sorted(recipe_folder().glob("*.toml"))
    )
    parts += [BUNDLED, table(("recipe", "what it does"), recipes)]
    return "\n".join(parts)


def _top_table() -> str:
    rows = [
        (code(option.name), code(str(option.default)), option.description)
        for option in describe_options(Recipe)
        if not _is_table(Recipe.model_fields[option.name].annotation)
    ]
    return table(("key", "default", "what it does"), rows)


def _is_table(annotation: object) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)

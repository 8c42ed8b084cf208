"""What is settled, once pictures are encoded: the tables of a recipe that tokens depend on."""

from __future__ import annotations

from typing import Any

from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.recipe import Recipe
from pixelgen.token_store.manifest import FILE
from pixelgen.untrusted import user_path

SOURCE = "tokens"  # the source that reads them
TABLES = {"seed", "source", "data", "tokenizer"}
SETTLED = ("size", "fit", "augment", "jitter", "held_out", "split_seed")  # of [data]


def is_token_folder(location: str | None) -> bool:
    """Whether a place holds encoded pictures."""
    try:
        return location is not None and (user_path(location) / FILE).is_file()
    except (OSError, ValueError):  # too long a name, or one that is none
        return False


def deciding_tables(recipe: Recipe) -> dict[str, Any]:
    """Return what decides over the tokens of a resolved recipe's pictures."""
    tables = recipe.model_dump(mode="json", exclude_none=True)
    return {
        "seed": tables["seed"],
        "source": tables["source"],
        "data": {name: tables["data"][name] for name in SETTLED},
        "tokenizer": tables["tokenizer"],
    }


def settled(recipe: Recipe) -> Recipe:
    """Return a recipe that learns encoded pictures with what their encoding has settled filled in.

    Raises:
        RunUnreadable: the place of the pictures holds no tokens, or unfinished or damaged ones.
        OptionError: the recipe asks for something else.
    """
    from pixelgen.token_store.store import TokenStore

    folder = user_path(recipe.source.location or ".")
    tables = TokenStore(folder).manifest.recipe
    encoded = type(recipe).parse(tables, where=str(folder / FILE))
    if set(tables) != TABLES or set(tables["data"]) != set(SETTLED):
        raise RunUnreadable(
            "it does not say how the pictures were encoded",
            where=str(folder / FILE),
            remedy="Encode them again into another folder",
        )
    asked = recipe.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    for table in ("data", "tokenizer"):
        there = tables[table]
        for name, value in asked.get(table, {}).items():
            if (table == "tokenizer" or name in SETTLED) and value != there.get(name):
                raise OptionError(
                    f"the pictures are encoded with {table}.{name} = {there.get(name)!r}, and not "
                    f"{value!r}",
                    where=str(folder),
                    remedy="Leave it out, or encode the pictures again: pixelgen encode PICTURES "
                    "--out ANOTHER-PLACE",
                )
    data = recipe.data.model_copy(update={name: getattr(encoded.data, name) for name in SETTLED})
    source = recipe.source.model_copy(update={"name": SOURCE})
    settled_tables = {"data": data, "tokenizer": encoded.tokenizer, "source": source}
    return recipe.model_copy(update=settled_tables)

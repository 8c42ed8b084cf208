"""`-o kind.option=value`, and the other options of the command line, as the tables of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pixelgen.errors import OptionError, did_you_mean
from pixelgen.options import parse_value
from pixelgen.recipe import BUDGETS, Recipe

ALIASES = {"quantizer": "tokenizer"}
ONE_OF = BUDGETS | {"targets"}  # of [training], and of `pixelgen compare`


def parse_assignments(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return `{kind: {option: value}}` for texts such as `model.hidden=512`.

    Of trackers, `{"trackers": {name: {option: value}}}` for texts such as `trackers.bars.height=9`.

    Raises:
        OptionError: a text is not of this form, or its kind is unknown.
    """
    tables: dict[str, dict[str, Any]] = {}
    kinds = [name for name in Recipe.model_fields if name not in ("seed", "device")]
    for assignment in assignments:
        target, equals, value = assignment.partition("=")
        kind, dot, option = target.strip().partition(".")
        kind = ALIASES.get(kind, kind)
        if not (equals and dot and option):
            raise OptionError(
                f"{assignment!r} is not of the form kind.option=value",
                where="in -o",
                remedy="For example: -o model.hidden=512",
            )
        if kind not in kinds:
            raise OptionError(
                f"nothing is called {kind!r}",
                where=f"in -o {assignment}",
                remedy=f"{did_you_mean(kind, kinds)}Known: {', '.join(kinds)}",
            )
        table = tables.setdefault(kind, {})
        if kind == "trackers":  # of which each has a table of its own
            name, dot, option = option.partition(".")
            if not (name and dot and option):
                raise OptionError(
                    f"{assignment!r} names no option of a tracker",
                    where="in -o",
                    remedy="For example, of the tracker bars: -o trackers.bars.height=9",
                )
            table = table.setdefault(name, {})
        table[option.replace("-", "_")] = parse_value(value.strip())
    return tables


def check_agreement(assigned: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Raise `OptionError` where what was typed as `-o` contradicts options of their own.

    Args:
        assigned: of `parse_assignments`.
        given: the tables of the other options.
    """
    for kind, table in assigned.items():
        own = given.get(kind)
        if not isinstance(own, Mapping) or kind == "trackers":
            continue
        for name, value in table.items():
            rivals = ONE_OF if kind == "training" and name in ONE_OF else {name}
            for rival in sorted(rivals & own.keys()):
                if rival == name:
                    agrees = _meant(kind, name, value) == _meant(kind, name, own[name])
                else:
                    agrees = value == "none"  # unset, so that another can be given
                if not agrees:
                    raise OptionError(
                        f"{value!r} for {kind}.{name} contradicts {own[rival]!r} for "
                        f"{kind}.{rival}",
                        where=f"in -o {kind}.{name}, beside what sets the other",
                        remedy="Leave one of them out",
                    )


def _meant(kind: str, name: str, value: Any) -> Any:
    """What a value comes to in a recipe, such as 30 s of `30` and `"30s"`."""
    section = getattr(Recipe.parse({kind: {name: value}}), kind)
    return getattr(section, name) if name in type(section).model_fields else value


def parse_size(text: str) -> tuple[int, int]:
    """Return (width, height) for `75` or `100x75`.

    Raises:
        OptionError: the text is neither.
    """
    width, cross, height = text.lower().replace("×", "x").partition("x")
    try:
        return int(width), int(height if cross else width)
    except ValueError:
        raise OptionError(
            f"the size cannot be {text!r}",
            where="in --size",
            remedy="Give a side in pixels, such as 75, or width and height, such as 100x75",
        ) from None


def parse_temperatures(texts: Sequence[str], option: str = "--temperature") -> list[float]:
    """Return the numbers of `--temperature 0.5 --temperature 0.8` or `--temperature 0.5,0.8`.

    Raises:
        OptionError: one of them is not a number above 0.
    """
    values = []
    for word in (word for text in texts for word in text.split(",")):
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0 < value <= 100:
            raise OptionError(
                f"the temperature cannot be {word!r}",
                where=f"in {option}",
                remedy="Give numbers above 0 and at most 100, such as 0.6 or 0.4,0.6,0.8",
            )
        values.append(value)
    return values


def tables(**given: Any) -> dict[str, Any]:
    """Return the recipe tables for `table__key=value`, leaving out what is None or empty."""
    nested: dict[str, Any] = {}
    for path, value in given.items():
        if value is None or value == []:
            continue
        table, _, key = path.partition("__")
        if key:
            nested.setdefault(table, {})[key] = value
        else:
            nested[table] = value
    return nested

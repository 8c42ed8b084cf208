"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pydantic import BaseModel

from pixelgen.options import describe_options

NOTE = "<!-- Written by `python -m docs.generate`; change the code and run it, not this page. -->\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def options_table(options: type[BaseModel]) -> str:
    """Return a table of the options of a pydantic class: default, what is allowed, what it does."""
    rows = []
    for option in describe_options(options):
        allowed = " ".join(part for part in (option.type, option.bounds) if part)
        default = "none" if option.default in (None, ()) else written(option.default)
        rows.append((code(option.name), code(default), code(allowed), option.description))
    return table(("option", "default", "allowed", "what it does"), rows)


def code(text: str) -> str:
    """Return text set as code; nothing for nothing.

    Renderers do not agree on how a `|` in a table's code is written, but for HTML.
    """
    if "|" in text:
        return f"<code>{escape(text).replace('|', '&#124;')}</code>"
    return f"`{text}`" if text else ""


def written(value: object) -> str:
    """Return a value as a recipe writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(inner) for inner in value)}]"
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", "&#124;").replace("\n", " ")

"""The page of every command, from the very objects that `--help` is made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from docs.generate.tables import NOTE, code, table
from pixelgen.cli import app

HEAD = """# Command line

Every command answers `--help`, and completes in the shell after `pixelgen --install-completion`.
What it made is on its last line of output; what it says while it works goes to the error stream.
"""


def page() -> str:
    """Return the page, in Markdown; commands of other plugins are not on it."""
    root = typer.main.get_command(app)
    context = root.context_class(root, info_name="pixelgen")
    parts = [NOTE, HEAD, "## pixelgen\n", *_parts(root, context)]
    for command, inner in _below(root, context):
        parts += [f"## {inner.command_path}\n", *_parts(command, inner)]
    return "\n".join(parts)


def _below(group: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    """Every command below a group, with its context, in the order of `--help`."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = command.context_class(command, info_name=name, parent=context)
        if command.hidden:
            continue
        if hasattr(command, "list_commands"):
            yield from _below(command, inner)
        else:
            yield command, inner


def _parts(command: Any, context: Any) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"    {usage}\n", inspect.cleandoc(command.help or "") + "\n"]
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is None or parameter.name == "help":  # hidden, or said above
            continue
        usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
        panel = getattr(parameter, "rich_help_panel", None) or usual
        names, what = record
        panels.setdefault(panel, []).append((code(names.strip()), what))
    for panel, rows in panels.items():
        if rows:
            parts.append(f"**{panel}**\n\n{table(('', 'what it does'), rows)}")
    return parts

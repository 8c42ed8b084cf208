"""`pixelgen plugins new`: the distribution of a new plugin, which works as written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new_plugin(
    name: Annotated[str, typer.Argument(help="Lower-case words joined by hyphens.")],
    kind: Annotated[
        str, typer.Option(metavar="tokenizer|model|sampler|source|executor|tracker|command|events")
    ],
    into: Annotated[Path, typer.Option(help="The folder that it is put into.")] = Path(),
    author: Annotated[str, typer.Option(help="For the licence.")] = "The authors",
) -> None:
    """Write a plugin's distribution: code that works, tests, licence, CI. Overwrites nothing.

    The last line is the folder's path.
    """
    from pixelgen.errors import OptionError
    from pixelgen.scaffold.distribution import write_distribution

    taken = _taken(name)
    if taken:
        raise OptionError(
            f"the name {name!r} is taken: {taken}",
            where="among the installed plugins",
            remedy="Choose another name, or uninstall that one",
        )
    folder = write_distribution(name, kind, into, author)
    typer.echo(
        f"Next, in this folder: pip install -e '.[test]', pytest, pixelgen plugins check {name}"
    )
    typer.echo(str(folder))


def _taken(name: str) -> str:
    """Who has this name already; an empty string if nobody."""
    from pixelgen.cli import app
    from pixelgen.plugins import catalogue

    found = catalogue()
    for (kind, known), (claim, *_) in found.registrations.items():
        if known == name:
            return f"it is a {kind} of plugin {claim.origin}"
    for origin in found.origins:
        if name == origin.plugin or f"pixelgen-{name}" == origin.distribution:
            return f"it is that of plugin {origin}"
    commands = [
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    ]
    commands += [str(group.name) for group in app.registered_groups]
    return "it is a command of pixelgen" if name in commands else ""

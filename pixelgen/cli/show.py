"""`pixelgen show`: a run's pictures in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    count: Annotated[
        int, typer.Option("-n", "--pictures", min=1, help="How many to show at most.")
    ] = 8,
    how: Annotated[
        str,
        typer.Option(
            metavar="auto|blocks|kitty|iterm|sixel",
            help="How the terminal draws pictures; found out if left out.",
        ),
    ] = "auto",
) -> None:
    """Show what a run has painted, here in the terminal, and say where its page is."""
    import sys

    from rich.console import Console
    from rich.markup import escape

    from pixelgen.cli.failing import visible
    from pixelgen.cli.terminal_pictures import PROTOCOLS, detect, draw, side_by_side
    from pixelgen.errors import OptionError, RunUnreadable, did_you_mean
    from pixelgen.run import Run
    from pixelgen.runs.pictures import painted_in, read_png

    known = ("auto", *PROTOCOLS)
    if how not in known:
        raise OptionError(
            f"pictures cannot be drawn by {how!r}",
            where="in --how",
            remedy=f"{did_you_mean(how, known)}Known: {', '.join(known)}",
        )
    opened = Run(run)
    painted = painted_in(opened.directory.samples, opened.recipe.seed)[:count]
    if not painted:
        raise RunUnreadable(
            "the run has painted nothing yet",
            where=str(opened.directory.samples),
            remedy=f"Paint some: pixelgen sample {run}",
        )
    pictures = [read_png(each.path, remedy="Paint it again: pixelgen sample") for each in painted]
    console = Console(highlight=False)
    protocol = detect() if how == "auto" else how
    for line in side_by_side(pictures, protocol, console.width):
        draw(line, protocol, console, sys.stdout)
    page = opened.path / "report.html"
    where = str(page) if page.exists() else f"not made yet: pixelgen report {run}"
    console.print(f"The page: {escape(visible(where))}", soft_wrap=True)

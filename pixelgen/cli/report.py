"""`pixelgen report`: make a run's page again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(run: Annotated[Path, typer.Argument(help="The run directory.")]) -> None:
    """Make the page of a run again, with what has been painted and measured since.

    Also evolution.png and evolution.gif, from the moments that the run has kept. Needs nothing but
    the run directory. The last line printed is the path of the page.
    """
    from pixelgen.report.evolution import write_evolution
    from pixelgen.report.page import write_page
    from pixelgen.run import Run

    opened = Run(run)
    write_evolution(opened.directory)
    typer.echo(write_page(opened))

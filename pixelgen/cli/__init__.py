"""The command line: one file a command; this one only assembles them.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

from pixelgen.cli import (
    compare,
    complete_picture,
    encode,
    evaluate,
    palette,
    plugins,
    recipes,
    report,
    resume,
    run,
    sample,
    show,
)
from pixelgen.cli.failing import Debug, explain
from pixelgen.cli.plugin_commands import WithPlugins

app = typer.Typer(
    name="pixelgen",
    cls=WithPlugins,
    help="Learn a folder of pictures as sequences of quantised colours, and paint new ones.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from pixelgen import __version__

        typer.echo(f"pixelgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and leave.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    Debug.on = debug


app.command("run")(run.run)
app.command("sample")(sample.sample)
app.command("complete")(complete_picture.complete_picture)
app.command("resume")(resume.resume)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("show")(show.show)
app.command("encode")(encode.encode)
app.command("compare")(compare.compare)
app.command("palette")(palette.palette)
app.command("recipes")(recipes.recipes)
app.add_typer(plugins.app, name="plugins")


def main() -> None:
    """Run the command line; the entry point of `pixelgen`."""
    # Of damaged pictures Pillow says much that nobody can act on; we name them, with the reason.
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
    with explain():
        app()

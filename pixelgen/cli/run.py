"""`pixelgen run`: learn pictures and paint new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli import complete
from pixelgen.cli.arguments import (
    PICTURES,
    PLUGINS,
    Assignments,
    Augment,
    Colors,
    Device,
    FitTo,
    QuantizerName,
    Recursive,
    RunExecutor,
    Seed,
    Size,
    SourceName,
)

BUDGET = "How long"
PAINTING = "Paint"


def run(
    pictures: Annotated[
        str | None,
        typer.Argument(help="Folder of pictures; without one, the bundled sample source."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            "-r",
            help="A recipe: a TOML file, or a name that `pixelgen recipes` shows.",
        ),
    ] = None,
    source: SourceName = None,
    quantizer: QuantizerName = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Learns sequences of tokens.",
            autocompletion=complete.models,
            rich_help_panel=PLUGINS,
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            "-s",
            help="Chooses the next token.",
            autocompletion=complete.samplers,
            rich_help_panel=PLUGINS,
        ),
    ] = None,
    executor: RunExecutor = None,
    option: Assignments = None,
    colors: Colors = None,
    size: Size = None,
    fit: FitTo = None,
    augment: Augment = None,
    recursive: Recursive = False,
    scan: Annotated[
        str | None,
        typer.Option(
            metavar="raster|serpentine|column|hilbert|pyramid",
            help="Order in which a picture is read and painted; if left out, the one that suits "
            "the model.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the pictures.", rich_help_panel=BUDGET),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Minutes of training; measuring and painting come on top. One if no budget is "
            "given.",
            rich_help_panel=BUDGET,
        ),
    ] = None,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time between checkpoints within an epoch, such as 30s or 5m; a minute if left "
            "out.",
            rich_help_panel=BUDGET,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("-n", "--pictures", help="How many to paint.", rich_help_panel=PAINTING),
    ] = None,
    temperature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T[,T…]",
            help="The article's «diversity»: lower is tamer. Several give a row each.",
            rich_help_panel=PAINTING,
        ),
    ] = None,
    seed: Seed = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            help="A tracker that hears of the run too, such as csv or tensorboard; repeatable.",
            autocompletion=complete.trackers,
            rich_help_panel=PLUGINS,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory; a new one under runs/ if left out.")
    ] = None,
    device: Device = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the resolved recipe and leave.")
    ] = False,
) -> None:
    """Learn a folder of pictures and paint new ones.

    The last line printed is the path of the contact sheet.
    """
    from pixelgen.api import start
    from pixelgen.cli.assignments import (
        check_agreement,
        parse_assignments,
        parse_size,
        parse_temperatures,
        tables,
    )
    from pixelgen.cli.display import make_display
    from pixelgen.cli.interrupt import stop_on_signals
    from pixelgen.cli.outcome import finish
    from pixelgen.cli.recipes import default_budget, find_recipe
    from pixelgen.cli.visible import echo
    from pixelgen.recipe import Recipe, merge, read_toml
    from pixelgen.resolving import resolve

    given = tables(
        source__name=source,
        source__location=pictures,
        source__recursive=recursive or None,
        tokenizer__name=quantizer,
        tokenizer__colors=colors,
        model__name=model,
        sampler__name=sampler,
        executor__name=executor,
        data__size=None if size is None else list(parse_size(size)),
        data__fit=fit,
        data__augment=augment,
        data__scan=scan,
        training__epochs=epochs,
        training__minutes=minutes,
        training__checkpoint_every=checkpoint_every,
        painting__pictures=count,
        painting__temperatures=parse_temperatures(temperature or []),
        trackers={name: {} for name in track or []} or None,
        seed=seed,
        device=device,
    )
    written = read_toml(find_recipe(recipe)) if recipe else {}
    assigned = parse_assignments(option or [])
    check_agreement(assigned, given)
    merged = merge(default_budget(), written, merge(assigned, given))
    resolved = resolve(Recipe.parse(merged, where=f"recipe {recipe}" if recipe else "options"))
    if dry_run:
        echo(resolved.recipe.toml(), nl=False)
        return
    display = make_display()
    with stop_on_signals() as stop:
        outcome = start(resolved, out, display, stop)
    finish(outcome, stop.exit_code)

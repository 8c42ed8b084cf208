"""`pixelgen sample`: paint from a run that has been trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli import complete


def sample(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    count: Annotated[int, typer.Option("-n", "--pictures", min=1, help="How many to paint.")] = 8,
    temperature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T[,T…]",
            help="The article's «diversity»: lower is tamer. Several give a row each.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same pictures.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            autocompletion=complete.models,
            help="Another backend of the run's model, such as numpy-lstm for torch-lstm.",
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option("--sampler", "-s", autocompletion=complete.samplers, help="Another sampler."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="sampler.OPTION=VALUE", help="Any option of the sampler."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="The sub-folder whose kind of picture to paint.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures; the run's samples/ if left out.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")
    ] = None,
) -> None:
    """Paint pictures from a finished or stopped run.

    The last line printed is the path of the contact sheet.
    """
    from rich.console import Console
    from rich.progress import Progress

    from pixelgen.cli.assignments import parse_assignments, parse_temperatures
    from pixelgen.cli.visible import echo
    from pixelgen.errors import OptionError
    from pixelgen.run import Gallery, Run

    opened = Run(run, device=device, model=model)
    options = parse_assignments(option or [])
    if other := sorted(set(options) - {"sampler"}):
        raise OptionError(
            f"only the sampler's options can be changed now, not the {other[0]}'s",
            where="in -o",
            remedy="Train again with pixelgen run to change the others",
        )
    recipe = opened.recipe
    temperatures: list[float | None] = [*parse_temperatures(temperature or [])]
    temperatures = temperatures or [*recipe.painting.temperatures] or [None]
    used = recipe.seed if seed is None else seed
    chosen = options.get("sampler")
    samplers = [opened.sampler(value, name=sampler, options=chosen) for value in temperatures]
    gallery = Gallery(out or opened.directory.samples, used)
    cells = opened.cutter.scan.cells
    with Progress(
        console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal
    ) as bar:
        for value, at_temperature in zip(temperatures, samplers, strict=True):
            named = "" if value is None else f" at temperature {value:g}"
            task = bar.add_task(f"Painting{named}", total=count * cells)
            first = 0
            parts = opened.sample_in_parts(
                count,
                seed=used,
                group=group,
                sampler=at_temperature,
                progress=lambda done, task=task: bar.update(task, completed=done),  # type: ignore[misc]
            )
            for pictures in parts:
                gallery.add(
                    pictures, first=first, temperature=value if len(temperatures) > 1 else None
                )
                first += len(pictures)
    echo(gallery.write_sheet())

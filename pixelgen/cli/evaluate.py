"""`pixelgen evaluate`: how good a run's model is, and whether its pictures are copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli.arguments import Device, ExecutorName, OtherBackend


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    count: Annotated[
        int, typer.Option("-n", "--pictures", min=1, help="How many samples to paint and judge.")
    ] = 64,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the samples; the run's own if left out.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.01, max=100, help="Of the samples; the run's own.")
    ] = None,
    model: OtherBackend = None,
    executor: ExecutorName = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="executor.OPTION=VALUE", help="An option of the executor."),
    ] = None,
    device: Device = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json.")] = False,
) -> None:
    """Measure a finished run: held-out bits, calibration, likeness, diversity, novelty.

    Writes evaluation.json and evaluation/ into the run directory.
    """
    from rich.console import Console

    from pixelgen.cli.evaluate_display import Bar, show
    from pixelgen.cli.painting import executor_named, plugin_options
    from pixelgen.evaluation.conduct import evaluate as measure

    options = plugin_options(option, ("executor",))
    spread = executor_named(executor, options["executor"])
    with Bar(Console(stderr=True)) as bar:
        found = measure(
            run,
            samples=count,
            seed=seed,
            temperature=temperature,
            device=device,
            model=model,
            executor=spread,
            progress=bar,
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    show(Console(highlight=False), found, run)

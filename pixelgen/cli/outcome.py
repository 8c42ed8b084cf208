"""The end of `run` and `resume`: what came of it, and where it is."""

from __future__ import annotations

import typer
from rich.console import Console

from pixelgen.carrying_out import Outcome
from pixelgen.cli.display import bits, duration
from pixelgen.cli.visible import echo, shown


def finish(outcome: Outcome, exit_code: int) -> None:
    """Say how the run ended; the contact sheet's path is the last line, on the output stream."""
    console = Console(stderr=True, highlight=False)
    run, manifest = outcome.run, outcome.run.manifest
    spent, best = manifest["spent"], manifest["best"]
    if outcome.end == "stopped" and manifest["state"] == "painting":
        console.print("Stopped before all was painted", soft_wrap=True)
        console.print(f"Go on with it: pixelgen resume {shown(run.path)}", soft_wrap=True)
        echo(run.path)
        raise typer.Exit(exit_code)
    ended = {
        "budget": "Finished",
        "patience": "Finished early: the held-out bits no longer improve",
        "stopped": "Stopped",
    }[outcome.end]
    kept = run.recipe.training.weights
    console.print(
        f"{ended} after {spent['epochs']} epochs ({spent['steps']:,} steps, "
        f"{duration(spent['seconds'])}); {kept} held-out bits per pixel: "
        f"{bits(best['held_out_bits_per_pixel'])}",
        soft_wrap=True,
    )
    path = shown(run.path)
    if outcome.end == "stopped":
        console.print(f"Go on with it: pixelgen resume {path}", soft_wrap=True)
    console.print(f"Paint more: pixelgen sample {path} -n 16", soft_wrap=True)
    if outcome.page:
        console.print(f"Look at it: {shown(outcome.page)}", soft_wrap=True)
    echo(outcome.sheet or run.path)
    if exit_code and outcome.end == "stopped":  # else the stop came when all had been done
        raise typer.Exit(exit_code)

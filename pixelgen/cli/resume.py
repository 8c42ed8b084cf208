"""`pixelgen resume`: go on with a run from its last checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli import complete
from pixelgen.cli.arguments import Device


def resume(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    epochs: Annotated[
        int | None, typer.Option(help="A new budget: epochs in all, counting those done.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="A new budget: minutes in all, counting those spent.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            autocompletion=complete.models,
            help="Go on with another backend of the run's model, such as torch-lstm.",
        ),
    ] = None,
    device: Device = None,
    changed_pictures: Annotated[
        bool,
        typer.Option(
            "--changed-pictures",
            help="Go on although pictures were added, removed or altered: new ones are learned, "
            "and what was held out stays so.",
        ),
    ] = False,
) -> None:
    """Go on with a run from its last checkpoint that is whole.

    Without a new budget, the run goes on to the end of the one that it was given.
    """
    from pixelgen import api
    from pixelgen.cli.display import make_display
    from pixelgen.cli.interrupt import stop_on_signals
    from pixelgen.cli.outcome import finish
    from pixelgen.errors import OptionError

    if epochs is not None and minutes is not None:
        raise OptionError(
            "the budget is given as epochs and as minutes",
            where="in --epochs and --minutes",
            remedy="Give one of them",
        )
    display = make_display()
    with stop_on_signals() as stop:
        outcome = api.resume(
            run,
            epochs=epochs,
            minutes=minutes,
            device=device,
            model=model,
            changed_pictures=changed_pictures,
            listener=display,
            should_stop=stop,
        )
    finish(outcome, stop.exit_code)

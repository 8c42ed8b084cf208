"""Options that several commands take alike."""

from __future__ import annotations

from typing import Annotated

import typer

from pixelgen.cli import complete

Device = Annotated[str | None, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")]

OtherBackend = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        autocompletion=complete.models,
        help="Another backend of the run's model, such as numpy-lstm for torch-lstm.",
    ),
]

ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        autocompletion=complete.executors,
        help="Whose workers share the work; the results are the same.",
    ),
]

"""Options that several commands take alike."""

from __future__ import annotations

from typing import Annotated

import typer

from pixelgen.cli import complete

PICTURES = "Learn from"  # headings in the help of what learns
PLUGINS = "Plugins"

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

# -- of commands that read pictures to learn ----------------------------------------------------

SourceName = Annotated[
    str | None,
    typer.Option(
        help="Where pictures come from.",
        autocompletion=complete.sources,
        rich_help_panel=PLUGINS,
    ),
]

QuantizerName = Annotated[
    str | None,
    typer.Option(
        "--quantizer",
        "-q",
        "--tokenizer",
        help="Turns colours into tokens.",
        autocompletion=complete.tokenizers,
        rich_help_panel=PLUGINS,
    ),
]

RunExecutor = Annotated[
    str | None,
    typer.Option(
        help="Shares out work on pictures.",
        autocompletion=complete.executors,
        rich_help_panel=PLUGINS,
    ),
]

Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        metavar="KIND.OPTION=VALUE",
        help="Any option of a plugin or of the recipe, such as model.hidden=512; repeatable. "
        "See: pixelgen plugins show NAME",
        rich_help_panel=PLUGINS,
    ),
]

Colors = Annotated[
    int | None,
    typer.Option(help="Size of the palette.", rich_help_panel=PICTURES),
]

Size = Annotated[
    str | None,
    typer.Option(metavar="S|WxH", help="Size of the pictures in pixels.", rich_help_panel=PICTURES),
]

FitTo = Annotated[
    str | None,
    typer.Option(
        metavar="stretch|cover|contain",
        help="How pictures of another shape are brought to the size.",
        rich_help_panel=PICTURES,
    ),
]

Augment = Annotated[
    str | None,
    typer.Option(
        metavar="none|all|flips,crops,colours",
        help="Variants of the pictures that are learned too.",
        rich_help_panel=PICTURES,
    ),
]

Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive", help="Look into sub-folders; each is a group.", rich_help_panel=PICTURES
    ),
]

Seed = Annotated[int | None, typer.Option(help="Of every random choice.")]

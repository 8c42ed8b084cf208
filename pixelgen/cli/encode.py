"""`pixelgen encode`: turn pictures into files of tokens, once, for training to map into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli.arguments import (
    PICTURES,
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

DECIDING = ("source", "data", "tokenizer", "executor")  # the tables that tokens depend on


def encode(
    pictures: Annotated[
        str | None,
        typer.Argument(help="Folder or shards of pictures; the bundled sample source without."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the tokens.")] = Path("tokens"),
    source: SourceName = None,
    quantizer: QuantizerName = None,
    executor: RunExecutor = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KIND.OPTION=VALUE",
            help="An option of the source, tokenizer or executor, or of what is done to the "
            "pictures, such as data.held_out=0.1; repeatable.",
        ),
    ] = None,
    colors: Colors = None,
    size: Size = None,
    fit: FitTo = None,
    augment: Augment = None,
    recursive: Recursive = False,
    variants: Annotated[
        int,
        typer.Option(
            min=0,
            help="Varied copies of each picture, which epochs learn in turn; without any, all "
            "epochs learn the plain pictures.",
            rich_help_panel=PICTURES,
        ),
    ] = 0,
    palette_pictures: Annotated[
        int,
        typer.Option(
            min=1,
            help="At most how many pictures the palette is learned from, chosen by seed.",
            rich_help_panel=PICTURES,
        ),
    ] = 2000,
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures in a shard.")] = 4096,
    seed: Seed = None,
    device: Device = None,
) -> None:
    """Encode pictures to tokens, once; `pixelgen run TOKENS` then learns from those.

    The same command goes on where it was interrupted. The last line printed is the folder.
    """
    from rich.console import Console

    from pixelgen.cli.assignments import check_agreement, parse_assignments, parse_size, tables
    from pixelgen.cli.encode_display import encoding_bar, summary
    from pixelgen.cli.visible import echo, shown
    from pixelgen.errors import OptionError
    from pixelgen.recipe import Recipe, merge
    from pixelgen.resolving import resolve
    from pixelgen.token_store.encoding import encode_pictures
    from pixelgen.token_store.settling import SETTLED

    given = tables(
        source__name=source,
        source__location=pictures,
        source__recursive=recursive or None,
        tokenizer__name=quantizer,
        tokenizer__colors=colors,
        executor__name=executor,
        data__size=None if size is None else list(parse_size(size)),
        data__fit=fit,
        data__augment=augment,
        seed=seed,
        device=device,
    )
    assigned = parse_assignments(option or [])
    useless = [f"options of {kind}" for kind in assigned if kind not in DECIDING]
    useless += [f"data.{name}" for name in assigned.get("data", {}) if name not in SETTLED]
    if useless:
        raise OptionError(
            f"{useless[0]} cannot decide anything about tokens",
            where="in -o",
            remedy=f"Give options of {', '.join(DECIDING)}; the others to pixelgen run {out}",
        )
    check_agreement(assigned, given)
    # Encoding holds Python's lock for much of its time: threads would wait for one another.
    usual = {} if executor else {"executor": {"name": "local", "kind": "processes"}}
    recipe = Recipe.parse(merge(usual, assigned, given), where="options")
    resolved = resolve(recipe, kinds=("source", "tokenizer", "executor"))
    console = Console(stderr=True, highlight=False)
    for reason in resolved.reasons:
        console.print(f"Took {shown(reason)}", soft_wrap=True)
    with encoding_bar(console) as progress:
        manifest = encode_pictures(
            resolved,
            out,
            variants=variants,
            shard_size=shard_size,
            palette_pictures=palette_pictures,
            progress=progress,
        )
    for line in summary(manifest, out):
        console.print(shown(line), soft_wrap=True)
    echo(out)

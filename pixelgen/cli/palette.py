"""`pixelgen palette`: the colours of pictures, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli import complete
from pixelgen.cli.visible import shown


def palette(
    context: typer.Context,
    pictures: Annotated[str, typer.Argument(help="A folder of pictures, or one picture.")],
    colors: Annotated[int, typer.Option(min=1, max=65_536, help="How many colours.")] = 32,
    quantizer: Annotated[
        str,
        typer.Option(
            "--quantizer",
            "-q",
            "--tokenizer",
            autocompletion=complete.tokenizers,
            help="What chooses them.",
        ),
    ] = "numpy-kmeans",
    compare: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Quantizers to set against each other in a table."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o", metavar="quantizer.OPTION=VALUE", help="Any option of the quantizer; repeatable."
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write the palette: .gpl, .hex, .pal, .ase, .aco or .png; repeatable.",
        ),
    ] = None,
    before_after: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Write pictures beside what the palette makes of them."
        ),
    ] = None,
    sort: Annotated[str, typer.Option(metavar="eye|share|none", help="The order.")] = "eye",
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Take pictures in sub-folders too.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same colours.")] = 0,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")
    ] = "auto",
) -> None:
    """Find the best colours for pictures, show them with their error, and write palette files."""
    from rich.console import Console

    from pixelgen.cli.assignments import parse_assignments
    from pixelgen.cli.palette_display import comparison_table, show_palette
    from pixelgen.cli.palette_fitting import (
        Readable,
        check_colors,
        check_outputs,
        fit_quantizer,
        ordering,
        write_before_after,
    )
    from pixelgen.errors import OptionError
    from pixelgen.tokenizers.palette_file import write_palette

    console = Console(highlight=False)
    given = parse_assignments(option or [])
    if other := sorted(set(given) - {"tokenizer"}):
        raise OptionError(
            f"a palette has no {other[0]}",
            where="in -o",
            remedy="Only options of the quantizer can be given: -o quantizer.space=oklab",
        )
    options = given.get("tokenizer", {})
    order = ordering(sort)
    check_outputs([*(out or []), *([before_after] if before_after else [])], before_after)
    names = [quantizer]
    if compare:
        names = list(dict.fromkeys(name.strip() for name in compare.split(",") if name.strip()))
        if not names:
            raise OptionError(
                f"{compare!r} names no quantizer",
                where="in --compare",
                remedy="For example: --compare numpy-kmeans,median-cut",
            )
    source = context.get_parameter_source("colors")
    if source is not None and source.name == "COMMANDLINE":
        check_colors(names)
    readable = Readable(pictures, recursive=recursive)

    if compare:
        fitted = [
            fit_quantizer(name, readable, colors, options, seed=seed, device=device)
            for name in names
        ]
        console.print(comparison_table(fitted))
        with_palette = [one for one in fitted if one.tokenizer.palette is not None]
        best = min(with_palette or fitted, key=lambda one: one.measured.distortion.mse)
    else:
        best = fit_quantizer(quantizer, readable, colors, options, seed=seed, device=device)
    found = best.colours()
    chosen = order(found, best.measured.shares)
    show_palette(console, best, found[chosen], best.measured.shares[chosen])
    for path in out or []:
        write_palette(path, found[chosen], name=Path(pictures).resolve().name)
        console.print(f"Written: {shown(path)}", soft_wrap=True)
    if before_after:
        write_before_after(before_after, readable, best.tokenizer)
        console.print(f"Written: {shown(before_after)}", soft_wrap=True)
    for bad in readable.bad:
        Console(stderr=True, highlight=False).print(
            f"Passed over: {shown(bad.name)}: {shown(bad.reason)}", soft_wrap=True
        )

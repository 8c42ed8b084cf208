"""`pixelgen complete`: keep a part of a picture and paint the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixelgen.cli import painting
from pixelgen.cli.arguments import Device, OtherBackend


def complete_picture(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    picture: Annotated[Path, typer.Argument(help="The picture to complete.")],
    keep: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="How much of the height is kept, from the top; 0.5 if left out."
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="A picture that keeps where it is light, or opaque, and has the rest painted."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("-n", "--variants", min=1, help="How many variants to paint.")
    ] = 4,
    first: Annotated[int, typer.Option(min=0, help="The number of the first of them.")] = 0,
    in_palette: Annotated[
        bool,
        typer.Option("--in-palette", help="Bring what is kept to the run's palette, too."),
    ] = False,
    temperature: painting.Temperatures = None,
    temperature_schedule: painting.Course = None,
    seed: painting.Seed = None,
    width: painting.Width = None,
    height: painting.Height = None,
    best_of: painting.BestOf = 1,
    group: painting.Group = None,
    model: OtherBackend = None,
    sampler: painting.SamplerName = None,
    option: painting.Assignments = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the pictures. If left out, one in completions/ of the run, named "
            "after the picture and where it lies, or in it one of its own for what differs from "
            "the defaults, such as keep=0.25."
        ),
    ] = None,
    device: Device = None,
) -> None:
    """Keep a part of a picture, paint the rest, and show both side by side.

    The last line printed is the path of the contact sheet.
    """
    from rich.console import Console

    from pixelgen.cli.visible import echo, shown
    from pixelgen.completion import KEPT
    from pixelgen.report.contact_sheet import contact_sheet, most_on_sheet, png_bytes
    from pixelgen.report.gallery import Gallery
    from pixelgen.run import Run
    from pixelgen.runs import atomic

    chosen = painting.plugin_options(option)
    opened = Run(run, device=device, model=model, model_options=chosen["model"])
    course = painting.parse_course(temperature_schedule, temperature)
    asked = painting.asked_temperatures(temperature, course, chosen["sampler"])
    samplers = [opened.sampler(value, name=sampler, options=chosen["sampler"]) for value in asked]
    kind = painting.parse_group(group, opened.groups)
    used = opened.recipe.seed if seed is None else seed
    if out is None:  # of several temperatures each is in its files' names
        told = asked[0] if len(asked) == 1 and (*asked,) != opened.recipe.temperatures else None
        settings = {
            "keep": None if keep == KEPT else keep,
            "mask": mask and painting.named_apart(mask),
            "in_palette": in_palette or None,
            **painting.differing(
                opened,
                chosen,
                model=model,
                sampler=sampler,
                temperature=temperature_schedule or told,
                best_of=best_of,
                group=group,
            ),
        }
        out = opened.path / "completions" / painting.named_apart(picture)
        out /= painting.folder_name(opened, width, height, settings)
    gallery = Gallery(out, used)
    done = []
    with painting.painting_bar(
        opened, count, width=width, height=height, best_of=best_of
    ) as begin_bar:
        for value, at_temperature in zip(asked, samplers, strict=True):
            done.append(
                opened.complete(
                    picture,
                    keep=keep,
                    mask=mask,
                    variants=count,
                    in_palette=in_palette,
                    temperature=course or value,
                    seed=used,
                    first=first,
                    group=kind,
                    width=width,
                    height=height,
                    best_of=best_of,
                    sampler=at_temperature,
                    progress=begin_bar("Painting"),
                )
            )
            gallery.add(
                done[-1].variants, first=first, temperature=value if len(asked) > 1 else None
            )
    if done[0].beyond_palette:
        result = "the result has those too" if in_palette else "the result keeps the picture's own"
        Console(stderr=True, highlight=False).print(
            f"{done[0].beyond_palette:.0%} of the kept pixels of {shown(picture)} have colours "
            f"that the palette has not (mean ΔE in OKLab {done[0].palette_distance:.3f}). The "
            f"model saw the nearest that it has; {result}",
            soft_wrap=True,
        )
    title = "the picture, what is kept, and "
    words = [
        title
        + ("completions" if course or value is None else f"completions at temperature {value:g}")
        for value in asked
    ]
    most = 2 + most_on_sheet(done[0].variants)
    sheet = contact_sheet([each.side_by_side[:most] for each in done], words)
    atomic.write_bytes(gallery.sheet, png_bytes(sheet))
    echo(gallery.sheet)

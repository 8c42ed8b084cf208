"""`pixelgen sample`: paint from a run that has been trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pixelgen.cli import painting
from pixelgen.cli.arguments import Device, ExecutorName, OtherBackend


def sample(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    count: Annotated[int, typer.Option("-n", "--pictures", min=1, help="How many to paint.")] = 8,
    first: Annotated[int, typer.Option(min=0, help="The number of the first of them.")] = 0,
    temperature: painting.Temperatures = None,
    temperature_schedule: painting.Course = None,
    seed: painting.Seed = None,
    width: painting.Width = None,
    height: painting.Height = None,
    prime: Annotated[
        Path | None, typer.Option(help="A picture whose first rows each picture begins with.")
    ] = None,
    prime_rows: Annotated[
        int | None,
        typer.Option(min=1, help="How many rows of pixels, with --prime; 5 if left out."),
    ] = None,
    best_of: painting.BestOf = 1,
    group: painting.Group = None,
    model: OtherBackend = None,
    sampler: painting.SamplerName = None,
    executor: ExecutorName = None,
    option: painting.Assignments = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the pictures. If left out, samples/ or shards/ of the run, or in "
            "samples/ one of its own for what differs from the run's, such as samples/300x75."
        ),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(
            metavar="tar|parquet",
            help="Write shards with a manifest, and no single pictures. The same command goes on "
            "where it was interrupted.",
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures in a shard, with --shards; 1000 if left out."),
    ] = None,
    device: Device = None,
) -> None:
    """Paint pictures from a finished or stopped run.

    The last line printed is the path of the contact sheet, or of the shards' manifest.
    """
    from pixelgen.cli.visible import echo
    from pixelgen.report.gallery import Gallery
    from pixelgen.request import Temperature
    from pixelgen.run import Run

    painting.check_together("--prime-rows", prime_rows, "--prime", prime)
    painting.check_together("--shard-size", shard_size, "--shards", shards)
    rows = prime_rows or 5
    chosen = painting.plugin_options(option, ("model", "sampler", "executor"))
    opened = Run(run, device=device, model=model, model_options=chosen["model"])
    spread = painting.executor_named(executor, chosen["executor"])
    recipe = opened.recipe
    course = painting.parse_course(temperature_schedule, temperature)
    asked = painting.asked_temperatures(temperature, course, chosen["sampler"])
    own = recipe.temperatures
    if asked == [None] and len(own) > 1:
        asked = [*own]
    used = recipe.seed if seed is None else seed
    samplers = [opened.sampler(value, name=sampler, options=chosen["sampler"]) for value in asked]
    shared: dict[str, Any] = {
        "group": painting.parse_group(group, opened.groups),
        "width": width,
        "height": height,
        "prime": prime,
        "prime_rows": rows,
        "best_of": best_of,
        "executor": spread,
    }
    bar = painting.painting_bar(opened, count, width=width, height=height, best_of=best_of)
    if shards is not None:
        from pixelgen.shards.painting import paint_shards

        form = painting.parse_shards(shards, asked)
        with bar as begin_bar:
            manifest = paint_shards(
                opened,
                out or opened.path / "shards",
                count,
                form=form,
                shard_size=shard_size or 1000,
                seed=used,
                first=first,
                temperature=course or asked[0],
                sampler=samplers[0],
                progress=begin_bar("Painting", in_pictures=True),
                **shared,
            )
        echo(manifest)
        return
    if out is None:  # in samples/ itself a name tells all that sets a picture apart from its own
        settings = {
            **painting.differing(
                opened,
                chosen,
                model=model,
                sampler=sampler,
                temperature=temperature_schedule,
                best_of=best_of,
                group=group,
            ),
            "prime": None if prime is None else f"{painting.named_apart(prime)}-{rows}",
        }
        out = opened.directory.samples / painting.folder_name(opened, width, height, settings)
        plain = bool(course) or (len(own) == 1 and asked in ([None], [*own]))
    else:
        plain = len(asked) == 1
    gallery = Gallery(out, used)
    with bar as begin_bar:
        for value, at_temperature in zip(asked, samplers, strict=True):
            along: Temperature = course or value
            words = "Painting" if course or value is None else f"Painting at temperature {value:g}"
            number = first
            parts = opened.sample_in_parts(
                count,
                temperature=along,
                seed=used,
                first=first,
                sampler=at_temperature,
                progress=begin_bar(words),
                **shared,
            )
            for pictures in parts:
                gallery.add(pictures, first=number, temperature=None if plain else value)
                number += len(pictures)
    echo(gallery.write_sheet())

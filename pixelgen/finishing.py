"""What a run does once it has learned: paint its pictures, and show how they came to be."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from pixelgen.data.material import Material
from pixelgen.errors import PixelgenError
from pixelgen.listener import Listener
from pixelgen.options import parse_options
from pixelgen.report.evolution import write_evolution
from pixelgen.report.gallery import Gallery
from pixelgen.report.keeping import keep_for_report
from pixelgen.report.page import write_page
from pixelgen.resolving import Resolved
from pixelgen.run import Run
from pixelgen.runs import atomic
from pixelgen.runs.moments import FINISHED, Moment, add_moment, read_moments
from pixelgen.samplers.interface import Sampler


class _Stopped(Exception):
    """A stop was asked for while it painted."""


def paint_gallery(
    run: Run, listener: Listener, should_stop: Callable[[], bool] = lambda: False
) -> Gallery | None:
    """Paint what the recipe asks for into `samples/`, and its contact sheet.

    Args:
        run: whose weights are there.
        listener: is told.
        should_stop: is asked again and again.

    Returns:
        What was painted; None where a stop was asked for before it was all there.
    """
    painting = run.recipe.painting
    listener.stage(f"Painting {painting.pictures} pictures")
    gallery = Gallery(run.directory.samples, run.recipe.seed)
    several = len(painting.temperatures) > 1
    cells = painting.pictures * run.cutter.scan.cells

    def look(painted: int) -> None:
        if painted < cells and should_stop():
            raise _Stopped

    try:
        for sampler in samplers_of(run.resolved):
            first = 0
            for pictures in run.sample_in_parts(painting.pictures, sampler=sampler, progress=look):
                temperature = sampler.options.temperature if several else None
                gallery.add(pictures, first=first, temperature=temperature)
                first += len(pictures)
    except _Stopped:
        return None
    gallery.write_sheet()
    return gallery


def show_evolution(run: Run, gallery: Gallery | None) -> None:
    """Add the finished pictures to the moments, and draw the strip and the animation of them all.

    Args:
        run: a run that has ended.
        gallery: what it has painted since, which is not painted again.
    """
    known = read_moments(run.directory)
    if known is None:
        return
    samplers = samplers_of(run.resolved)
    rows = gallery.rows if gallery else []
    if len(rows) != len(samplers) or any(len(row) < known.pictures for row in rows):
        rows = [run.sample(known.pictures, sampler=sampler) for sampler in samplers]
    best, spent = run.manifest["best"], run.manifest["spent"]
    bits = best["held_out_bits_per_pixel"]
    moment = Moment(
        file=FINISHED,
        epoch=spent["epochs"],
        step=spent["steps"],
        seconds=spent["seconds"],
        held_out_bits_per_pixel=None if bits is None else round(bits, 6),
        ending="so far" if run.manifest["state"] == "stopped" else "finished",
    )
    pictures = np.stack([row[: known.pictures] for row in rows])
    add_moment(run.directory, moment, pictures, known.temperatures)
    write_evolution(run.directory)


def samplers_of(resolved: Resolved) -> list[Sampler]:
    """Return a sampler for each of the recipe's temperatures."""
    options = resolved.options["sampler"]
    made = [
        parse_options(
            type(options),
            {**options.model_dump(), "temperature": temperature},
            owner=f"sampler {resolved.recipe.sampler.name}",
        )
        for temperature in resolved.recipe.temperatures
    ]
    return [resolved.classes["sampler"](each) for each in made]


def write_report(run: Run, material: Material, listener: Listener) -> Path | None:
    """Write the run's page; a run that is trained is not lost because its page cannot be made.

    Returns:
        Where the page is, or None, and the listener was told why.
    """
    listener.stage("Making the page")
    try:
        keep_for_report(run.directory, material)
        return write_page(run)
    except Exception as error:  # whatever it is: the run is whole without a page
        if isinstance(error, PixelgenError):
            reason = str(error)
        else:
            log = run.path / "report-error.txt"
            with suppress(PixelgenError):
                atomic.write_text(log, traceback.format_exc())
            reason = f"{type(error).__name__}: {error} (in {log})"
        listener.note(f"There is no page: {reason}")
        return None

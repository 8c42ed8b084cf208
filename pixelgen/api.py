"""Starting and resuming runs: what the command line and `import pixelgen` both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pixelgen.carrying_out import (
    Outcome,
    announce,
    carry_out,
    loop_of,
    pace_of,
    read_pictures,
    tracked,
)
from pixelgen.data.material import fit_tokenizer, make_material
from pixelgen.framing import framing_of
from pixelgen.listener import Listener
from pixelgen.models.interface import Model
from pixelgen.processes import help_if_asked
from pixelgen.provenance import manifest_of
from pixelgen.recipe import Recipe, merge, read_toml
from pixelgen.resolving import Resolved, resolve
from pixelgen.resuming import resume as resume
from pixelgen.run import Run
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory, check_free

UNSUITABLE = frozenset("{}*?[]<>|:;&$\"'")  # in a folder's name; patterns and commands have them


def train(
    pictures: str | Path | None = None,
    *,
    quantizer: str | None = None,
    model: str | None = None,
    sampler: str | None = None,
    source: str | None = None,
    colors: int | None = None,
    size: int | tuple[int, int] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    recipe: str | Path | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Learn pictures and paint new ones; return the finished run.

        run = pixelgen.train("paintings/", quantizer="numpy-kmeans", model="torch-lstm", minutes=4)
        run.sample(16)  # (16, 75, 75, 3) uint8

    Args:
        pictures: the folder; the bundled sample source if None.
        quantizer: the name of a tokenizer; the best that is installed if None.
        model: the name of a model; the best that is installed if None.
        sampler: the name of a sampler; `multinomial` if None.
        source: the name of a source; `folder` if None, and `sample` where no pictures are given.
        colors: size of the palette.
        size: of the pictures in pixels, a side or (width, height).
        epochs: the budget in passes over the pictures.
        minutes: the budget in minutes of training; one if neither is given.
        seed: of every random choice.
        device: auto, cpu, cuda or cuda:N.
        options: tables as in a recipe, such as `{"model": {"hidden": 512}, "data": {…}}`.
        recipe: a TOML file, or its contents, that all other arguments override.
        out: the run directory; a new one under `runs/` if None.
        listener: is told of everything that happens.

    Raises:
        PixelgenError: something that the caller can mend; nothing half-made is left behind.
    """
    given = recipe if isinstance(recipe, Mapping) else read_toml(Path(recipe)) if recipe else {}
    named: dict[str, dict[str, Any]] = {
        "source": {"name": source, "location": None if pictures is None else str(pictures)},
        "tokenizer": {"name": quantizer, "colors": colors},
        "model": {"name": model},
        "sampler": {"name": sampler},
        "data": {"size": size},
        "training": {"epochs": epochs, "minutes": minutes},
    }
    layers = {
        table: {key: value for key, value in values.items() if value is not None}
        for table, values in named.items()
    }
    top = {"seed": seed, "device": device}
    flat = {key: value for key, value in top.items() if value is not None}
    layers = {table: values for table, values in layers.items() if values}
    parsed = Recipe.parse(merge(given, merge(options or {}, layers, flat)))
    return start(resolve(parsed), Path(out) if out else None, listener or Listener()).run


def start(
    resolved: Resolved,
    out: Path | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Carry a resolved recipe out: read, fit, train, paint.

    The run directory is made only when everything that can be wrong with the input has been
    checked, so an error leaves nothing behind. Of several processes that `torchrun` has started,
    the first does all that; the others help it to train, and end with it (`pixelgen.processes`).

    Args:
        resolved: what to do.
        out: the run directory; a new one under `runs/` if None.
        listener: is told of everything that happens.
        should_stop: is asked after each step; True stops, saves and paints.

    Raises:
        PixelgenError: something that the caller can mend.
        KeyboardInterrupt: a stop was asked for before the run began.
    """
    help_if_asked(resolved.classes["model"], str(resolved.recipe.model.name))
    listener = listener or Listener()
    check_free(out or free_place(resolved.recipe))
    listening = tracked(resolved)  # a tracker that cannot be made is said before anything is done
    for reason in resolved.reasons:
        listener.note(f"Took {reason}")
    recipe = resolved.recipe
    collection, split = read_pictures(resolved, listener)
    _stop_here_if(should_stop())
    framing = framing_of(recipe)
    tokenizer = collection.fitted_tokenizer
    if tokenizer is None:
        listener.stage("Fitting the palette")
        tokenizer = resolved.classes["tokenizer"](
            resolved.options["tokenizer"], device=recipe.device
        )
        fit_tokenizer(tokenizer, collection, split, framing, recipe.seed, resolved.executor())
    for note in tokenizer.notes:
        listener.note(note)
    _stop_here_if(should_stop())
    segments = resolved.classes["model"].segments(resolved.options["model"])
    material = make_material(collection, split, framing, tokenizer, segments, resolved.executor())
    resolved = resolved.with_model_settled(material.tokens)
    recipe = resolved.recipe
    model: Model = resolved.classes["model"].build(
        material.spec, resolved.options["model"], seed=recipe.seed, device=recipe.device
    )

    def fill(made: RunDirectory) -> None:
        atomic.write_text(made.recipe, recipe.toml())
        made.save_tokenizer(tokenizer)
        made.write_manifest(manifest_of(resolved, material, model))

    with listening:
        run = RunDirectory.create(out or free_place(recipe), fill)
        with run.locked():
            written = recipe.model_dump(mode="json")
            announce("run_started", listener, directory=run.path, recipe=written)
            loop = loop_of(
                resolved, material, model, run, pace_of(recipe, material), listener, should_stop
            )
            return carry_out(loop, resolved, listener)


def free_place(recipe: Recipe) -> Path:
    """Return the first free `runs/<place>-<number>`; of a pattern, after the source instead."""
    location = recipe.source.location
    stem = Path(location).resolve().stem if location else ""
    if not stem or set(stem) & UNSUITABLE:
        stem = recipe.source.name or "run"
    number = 1
    while (path := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return path


def _stop_here_if(asked: bool) -> None:
    """Leave before there is a run: nothing has been written that could be gone on with."""
    if asked:
        raise KeyboardInterrupt

"""A run from its pictures to its report: what beginning one and going on with one share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.data.collection import Collection, Split
from pixelgen.data.material import Material
from pixelgen.finishing import paint_gallery, samplers_of, show_evolution, write_report
from pixelgen.generation import in_turn, paint_many
from pixelgen.listener import Listener
from pixelgen.loop_state import LoopState
from pixelgen.models.interface import Model
from pixelgen.pace import Pace
from pixelgen.plugins import catalogue
from pixelgen.provenance import now
from pixelgen.recipe import Recipe
from pixelgen.report.contact_sheet import contact_sheet, png_bytes
from pixelgen.resolving import Resolved
from pixelgen.run import Run
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.manifest import filled
from pixelgen.runs.moments import Moment, add_moment
from pixelgen.runs.pictures import set_aside
from pixelgen.trackers.interface import tracking
from pixelgen.training import End, Loop


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it left.

    Attributes:
        run: the run.
        end: `budget`, `patience`, or `stopped` (by a signal).
        sheet: the contact sheet; None if nothing was painted.
        page: the report; None if nothing was painted, or it could not be made.
    """

    run: Run
    end: End
    sheet: Path | None
    page: Path | None = None


def read_pictures(
    resolved: Resolved, listener: Listener, data: Mapping[str, Any] | None = None
) -> tuple[Collection, Split]:
    """Read the pictures; split them as the run did whose manifest has this `data`."""
    recipe = resolved.recipe
    listener.stage("Reading pictures")
    collection = resolved.collect()
    if data is None:
        split = collection.split(recipe.data.held_out, recipe.data.split_seed)
    else:
        split = collection.split_as(data)
    for bad in collection.bad:
        listener.note(f"Left out {bad.name}: {bad.reason}")
    if collection.duplicates:
        pairs = ", ".join(f"{dropped} = {kept}" for dropped, kept in collection.duplicates[:3])
        more = len(collection.duplicates) - 3
        listener.note(
            f"Left out {len(collection.duplicates)} exact duplicates: {pairs}"
            + (f" and {more} more" if more > 0 else "")
        )
    learned = f"{len(split.train)} pictures to learn, {len(split.held_out)} held out"
    listener.note(learned if split.held_out else f"{learned}: too few to measure on any")
    return collection, split


def tracked(resolved: Resolved) -> AbstractContextManager[None]:
    """Let the recipe's trackers hear of what happens for the length of a `with` block."""
    return tracking({name: kind(options) for name, (kind, options) in resolved.trackers.items()})


def model_of(
    resolved: Resolved,
    material: Material,
    checkpoint: Path | None,
    training_state: Mapping[str, np.ndarray] | None,
) -> Model:
    """The model of a checkpoint, ready to go on; an untrained one where there is none."""
    recipe, chosen = resolved.recipe, resolved.classes["model"]
    options = resolved.options["model"]
    if checkpoint is None or training_state is None:
        built: Model = chosen.build(material.spec, options, seed=recipe.seed, device=recipe.device)
        return built
    loaded: Model = chosen.load(checkpoint, options, device=recipe.device)
    loaded.restore_training_state(training_state)
    return loaded


def pace_of(recipe: Recipe, material: Material, state: LoopState | None = None) -> Pace:
    """The budget, of which `state` tells what is spent already."""
    training = recipe.training
    if training.pace:
        return Pace.settled(training.pace)
    if training.minutes:
        return Pace(minutes=training.minutes)
    if training.steps:
        return Pace(steps=training.steps)
    per_epoch = material.batches_per_epoch
    if state is None:
        state = LoopState()
    left = (training.epochs or 1) - state.epoch
    return Pace(steps=max(1, state.step - state.batch + per_epoch * left))


def loop_of(
    resolved: Resolved,
    material: Material,
    model: Model,
    run: RunDirectory,
    pace: Pace,
    listener: Listener,
    should_stop: Callable[[], bool],
) -> Loop:
    """Return the loop that trains, and paints the same few seeds at times."""
    recipe = resolved.recipe

    def sample(metrics: Mapping[str, Any]) -> None:
        count = recipe.painting.while_training
        if not count:
            return
        epoch: int = metrics["epoch"]
        samplers = samplers_of(resolved)
        rows = []
        for sampler in samplers:
            grids = paint_many(
                loop.model,
                material.cutter,
                sampler,
                seed=recipe.seed,
                pictures=range(count),
                groups=in_turn(range(count), material.spec.groups),
            )
            rows.append(np.concatenate([material.tokenizer.decode(part) for part in grids]))
            announce(
                "pictures_sampled",
                listener,
                directory=run.path,
                epoch=epoch,
                temperature=sampler.options.temperature,
                pictures=rows[-1],
            )
        temperatures = [sampler.options.temperature for sampler in samplers]
        labels = [f"temperature {temperature:g}" for temperature in temperatures]
        sheet = contact_sheet(rows, labels if len(labels) > 1 else ())
        atomic.write_bytes(run.samples / f"epoch-{epoch:04d}.png", png_bytes(sheet))
        painted = np.stack(rows)
        add_moment(run, Moment.of(metrics), painted, temperatures)
        listener.sampled(epoch, temperatures, painted)

    loop = Loop(
        model=model,
        material=material,
        run=run,
        pace=pace,
        seed=recipe.seed,
        patience=recipe.training.patience,
        weights=recipe.training.weights,
        sample=sample,
        sample_every=recipe.painting.every,
        listener=listener,
        should_stop=should_stop,
        announce=lambda metrics: announce(
            "epoch_finished", listener, directory=run.path, metrics=metrics
        ),
        load=partial(model_of, resolved, material),
        checkpoint_every=recipe.training.checkpoint_every,
        keep=recipe.training.checkpoints,
    )
    return loop


def carry_out(
    loop: Loop, resolved: Resolved, listener: Listener, ended: End | None = None
) -> Outcome:
    """Train, paint with the best weights, and close the run's books.

    Where training had `ended` already, and the process died while it painted, only that is done.
    """
    run, recipe = loop.run, resolved.recipe
    if ended is None:
        listener.begin(loop.state, _description(loop, resolved))
        try:
            ended = loop.train()
        finally:
            listener.end()
        _close_training(loop, recipe, ended, listener)
    state = loop.state
    finished = Run(run.path)
    if state.best_bits is None or state.best_step == state.step:
        finished.model = loop.model  # the very weights on disk: no need to read them back
    gallery = None
    if recipe.painting.pictures:
        # One who had stopped the training has asked for what it can paint; later, for an end.
        should_stop = (lambda: False) if loop.should_stop() else loop.should_stop
        gallery = paint_gallery(finished, listener, should_stop)
        if gallery is None:
            return Outcome(finished, "stopped", None)
    run.write_manifest({**run.manifest(), "state": "stopped" if ended == "stopped" else "finished"})
    show_evolution(finished, gallery)
    page = write_report(finished, loop.material, listener) if gallery else None
    announce("run_finished", listener, directory=run.path, manifest=run.manifest())
    return Outcome(finished, ended, gallery.sheet if gallery else None, page)


def _close_training(loop: Loop, recipe: Recipe, ended: End, listener: Listener) -> None:
    """Write down what training came to; the run is left in the state `painting`."""
    run, state = loop.run, loop.state
    if state.best_bits is None:
        run.save_model(loop.model)
    in_one_go = recipe.training.minutes is None and len(loop.pace.knots) == 1
    if not in_one_go and ended != "stopped" and loop.pace.knots[-1][-1]:
        settled = recipe.training.model_copy(update={"pace": tuple(loop.pace.knots)})
        recipe = recipe.model_copy(update={"training": settled})
        atomic.write_text(run.recipe, recipe.toml())
    manifest = filled(run.manifest())
    if manifest["spent"] and manifest["best"]:  # it has painted before, by these weights or others
        step = manifest["best"]["step"] or manifest["spent"]["steps"]
        if step != (state.best_step or state.step):
            folder = set_aside(run.samples, step)
            if folder is not None:
                listener.note(f"What it painted after {step:,} steps is in {folder} now")
    run.write_manifest(
        {
            **manifest,
            "state": "painting",
            "ended": now(),
            "ended_by": ended,
            "spent": {
                "epochs": state.epoch,
                "steps": state.step,
                "targets": state.targets,
                "seconds": round(state.seconds, 3),
            },
            "best": {"held_out_bits_per_pixel": state.best_bits, "step": state.best_step},
        }
    )


def _description(loop: Loop, resolved: Resolved) -> str:
    recipe, material, model = resolved.recipe, loop.material, loop.model
    width, height = recipe.data.size
    return (
        f"{recipe.model.name} ({model.parameter_count:,} parameters, {model.device}) learns "
        f"{len(material.split.train)} pictures of {width}×{height} in "
        f"{material.tokenizer.vocab_size:,} tokens by {recipe.tokenizer.name}"
    )


def announce(event: str, listener: Listener, **arguments: Any) -> None:
    """Tell all plugins of an event, and the listener, once, of those that failed."""
    for problem in catalogue().announce(event, **arguments):
        listener.note_once(str(problem))

"""Starting and resuming runs: what the command line and `import pixelgen` both call."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen import __version__
from pixelgen.backends import with_backend
from pixelgen.changes import Changes, changes_since
from pixelgen.data.collection import Collection, Split
from pixelgen.data.material import Material, fit_tokenizer, make_material
from pixelgen.errors import RecipeError, RunUnreadable
from pixelgen.finishing import paint_gallery, samplers_of, show_evolution, write_report
from pixelgen.generation import paint_many
from pixelgen.models.interface import Model
from pixelgen.pace import Pace
from pixelgen.plugins import catalogue
from pixelgen.recipe import Recipe, Resolved, merge, read_toml, resolve
from pixelgen.report.contact_sheet import contact_sheet, png_bytes
from pixelgen.run import Run, check_fits, framing_of
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory, check_free
from pixelgen.runs.moments import Moment, add_moment, forget_moments_after
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.trackers.interface import tracking
from pixelgen.training import End, Listener, Loop, LoopState

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


def start(
    resolved: Resolved,
    out: Path | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Carry a resolved recipe out: read, fit, train, paint.

    The run directory is made only when everything that can be wrong with the input has been
    checked, so an error leaves nothing behind.

    Args:
        resolved: what to do.
        out: the run directory; a new one under `runs/` if None.
        listener: is told of everything that happens.
        should_stop: is asked after each step; True stops, saves and paints.

    Raises:
        PixelgenError: something that the caller can mend.
        KeyboardInterrupt: a stop was asked for before the run began.
    """
    listener = listener or Listener()
    check_free(out or free_place(resolved.recipe))
    for reason in resolved.reasons:
        listener.note(f"Took {reason}")
    recipe = resolved.recipe
    collection, split = _read(resolved, listener)
    _stop_here_if(should_stop())
    framing = framing_of(recipe)
    listener.stage("Fitting the palette")
    tokenizer: Tokenizer = resolved.classes["tokenizer"](
        resolved.options["tokenizer"], device=recipe.device
    )
    fit_tokenizer(tokenizer, collection, split, framing, recipe.seed)
    for note in tokenizer.notes:
        listener.note(note)
    _stop_here_if(should_stop())
    segments = resolved.classes["model"].segments(resolved.options["model"])
    material = make_material(collection, split, framing, tokenizer, segments, resolved.executor())
    model: Model = resolved.classes["model"].build(
        material.spec, resolved.options["model"], seed=recipe.seed, device=recipe.device
    )

    def fill(made: RunDirectory) -> None:
        atomic.write_text(made.recipe, recipe.toml())
        made.save_tokenizer(tokenizer)
        made.write_manifest(_manifest(resolved, material, model))

    run = RunDirectory.create(out or free_place(recipe), fill)
    with run.locked(), _tracked(resolved):
        written = recipe.model_dump(mode="json")
        _announce("run_started", listener, directory=run.path, recipe=written)
        loop = _loop(resolved, material, model, run, _pace(recipe, material), listener, should_stop)
        return _carry_out(loop, resolved, listener)


def resume(
    path: Path,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    device: str | None = None,
    model: str | None = None,
    changed_pictures: bool = False,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Go on with a run from its last checkpoint that is whole.

    Args:
        path: the run directory.
        epochs: a new budget in epochs, counting those done; the recipe's if None.
        minutes: a new budget in minutes, counting those spent; the recipe's if None.
        device: in place of the recipe's.
        model: another model of the same family, which goes on from the weights, and from the
            optimizer's moments where it can.
        changed_pictures: go on although the pictures are not those that the run began with. What
            was held out stays so; what is new is learned.
        listener: is told of everything that happens.
        should_stop: as for `start`.

    Raises:
        RunNotFound, RunUnreadable: there is no run, or it is damaged.
        RunInUse: another process is going on with it.
        RecipeError: the budget is spent already, or the pictures have changed.
        OptionError: `model` is of another family.
    """
    listener = listener or Listener()
    run = RunDirectory.open(path)
    with run.locked():
        manifest = run.manifest()
        budget = {"epochs": epochs} if epochs else {"minutes": minutes} if minutes else {}
        checkpoint = _checkpoint_to_go_on_from(run, manifest, listener)
        recipe = Recipe.read(run.recipe)
        if budget:
            tables = recipe.model_dump(mode="json", exclude_none=True)
            recipe = Recipe.parse(merge(tables, {"training": budget}))
        if device:
            recipe = recipe.model_copy(update={"device": device})
        trained_with = recipe.model.name
        if model:
            recipe = with_backend(recipe, model, checkpoint or run.model)
        resolved = resolve(recipe)
        state, training_state = LoopState(), None
        if checkpoint:
            progress, training_state = run.checkpoints.read(checkpoint)
            state = LoopState.parse(progress, where=checkpoint)
        metrics = [line for line in run.metrics() if state.covers(line)]
        collection, split = _read(resolved, listener, manifest["data"])
        changes = changes_since(manifest["data"], collection)
        if changes:
            _allow(changes, collection, run, recipe, changed_pictures)
            listener.note(f"Going on with other pictures: {changes}")
        run.check_whole(run.tokenizer)
        tokenizer: Tokenizer = resolved.classes["tokenizer"].load(
            run.tokenizer, device=recipe.device
        )
        segments = resolved.classes["model"].segments(resolved.options["model"])
        material = make_material(
            collection, split, framing_of(recipe), tokenizer, segments, resolved.executor()
        )
        if checkpoint and training_state is not None and recipe.model.name != trained_with:
            learner: Model = resolved.classes["model"].load(
                checkpoint, resolved.options["model"], device=recipe.device
            )
            _hand_over(learner, training_state, state, f"{trained_with} to {model}", listener)
        else:
            learner = _model_of(resolved, material, checkpoint, training_state)
        check_fits(learner, material.spec, where=checkpoint or run.path)
        if changes:  # sequences under way, and what was measured on other pictures, are void
            state.begin_epoch_again()
            if changes.touches(manifest["data"]["held_out"]):
                state.best_bits = None
        ended = manifest.get("ended_by") if manifest["state"] == "painting" else None
        if budget or ended == "stopped":
            ended = None
        if budget:
            state.without_improvement = 0
        elif manifest["state"] == "finished" and manifest.get("ended_by") == "patience":
            raise _spent(state, path, "the run has ended: the held-out bits no longer improved")
        pace = _pace(recipe, material, state)
        if pace.minutes is not None:
            if minutes or Pace.settled(state.knots).is_spent(state.step):  # of a smaller budget
                pace.extend(state.step, state.seconds)
            else:
                pace.resume(state.knots, state.step, state.seconds)
        if pace.is_spent(state.step) and manifest["state"] in ("stopped", "finished"):
            raise _spent(state, path, "the run has used up its budget")
        atomic.write_text(run.recipe, recipe.toml())
        run.write_metrics(metrics)
        forget_moments_after(run, state.step)
        manifest["plugins"]["model"] = _plugin("model", str(recipe.model.name))
        if changes:
            note = f"after step {state.step} the pictures were others: {changes}"
            manifest["notes"] = [*manifest.get("notes", []), note]
            manifest["data"] = _data(collection, split)
        if not ended:
            manifest["state"] = "running"
            listener.note(f"Going on from step {state.step} (epoch {state.epoch + 1})")
        run.write_manifest({**manifest, "device": learner.device})
        loop = _loop(resolved, material, learner, run, pace, listener, should_stop)
        loop.state = state
        loop.apply_state()
        with _tracked(resolved):
            return _carry_out(loop, resolved, listener, ended)


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


# -- parts of a run -----------------------------------------------------------------------------


def _read(
    resolved: Resolved, listener: Listener, data: Mapping[str, Any] | None = None
) -> tuple[Collection, Split]:
    """Read the pictures; split them as the run did whose manifest has this `data`."""
    recipe = resolved.recipe
    listener.stage("Reading pictures")
    collection = resolved.collect()
    if data is None:
        split = collection.split(recipe.data.held_out, recipe.data.split_seed)
    else:
        split = collection.split_as(data["train"], data["held_out"])
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


def _tracked(resolved: Resolved) -> AbstractContextManager[None]:
    return tracking({name: kind(options) for name, (kind, options) in resolved.trackers.items()})


def _stop_here_if(asked: bool) -> None:
    """Leave before there is a run: nothing has been written that could be gone on with."""
    if asked:
        raise KeyboardInterrupt


def _model_of(
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


def _checkpoint_to_go_on_from(
    run: RunDirectory, manifest: Mapping[str, Any], listener: Listener
) -> Path | None:
    """The newest checkpoint that is whole; None where a run died before it wrote its first."""
    checkpoint, passed = run.checkpoints.newest_whole()
    for sentence in passed:
        listener.note(sentence)
    if checkpoint is None and (passed or manifest["state"] != "running"):
        raise RunUnreadable(
            "no checkpoint is whole" if passed else "the run has no checkpoint any more",
            where=str(run.path / "checkpoints"),
            remedy="Its best weights are kept in model/ and can be painted from; to train, begin "
            f"again: pixelgen run --recipe {run.recipe} --out ANOTHER-PLACE",
        )
    if passed:
        listener.note(f"Took an older one, {checkpoint.name if checkpoint else ''}")
    elif checkpoint is None:
        listener.note("The run ended before its first checkpoint: it begins again")
    return checkpoint


def _pace(recipe: Recipe, material: Material, state: LoopState | None = None) -> Pace:
    """The budget, of which `state` tells what is spent already."""
    training = recipe.training
    if training.pace:
        return Pace.settled(training.pace)
    if training.minutes:
        return Pace(minutes=training.minutes)
    if training.steps:
        return Pace(steps=training.steps)
    per_epoch = material.cutter.batches_per_epoch(len(material.split.train))
    if state is None:
        state = LoopState()
    left = (training.epochs or 1) - state.epoch
    return Pace(steps=max(1, state.step - state.batch + per_epoch * left))


def _loop(
    resolved: Resolved,
    material: Material,
    model: Model,
    run: RunDirectory,
    pace: Pace,
    listener: Listener,
    should_stop: Callable[[], bool],
) -> Loop:
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
                groups=[picture % material.spec.groups for picture in range(count)],
            )
            rows.append(np.concatenate([material.tokenizer.decode(part) for part in grids]))
            _announce(
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
        announce=lambda metrics: _announce(
            "epoch_finished", listener, directory=run.path, metrics=metrics
        ),
        load=partial(_model_of, resolved, material),
        checkpoint_every=recipe.training.checkpoint_every,
        keep=recipe.training.checkpoints,
    )
    return loop


def _carry_out(
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
        _close_training(loop, recipe, ended)
    state = loop.state
    finished = Run(run.path)
    if state.best_bits is None or state.best_step == state.step:
        finished.model = loop.model  # the very weights on disk: no need to read them back
    gallery = paint_gallery(finished, listener) if recipe.painting.pictures else None
    run.write_manifest({**run.manifest(), "state": "stopped" if ended == "stopped" else "finished"})
    show_evolution(finished, gallery)
    page = write_report(finished, loop.material, listener) if gallery else None
    _announce("run_finished", listener, directory=run.path, manifest=run.manifest())
    return Outcome(finished, ended, gallery.sheet if gallery else None, page)


def _close_training(loop: Loop, recipe: Recipe, ended: End) -> None:
    """Write down what training came to; the run is left in the state `painting`."""
    run, state = loop.run, loop.state
    if state.best_bits is None:
        run.save_model(loop.model)
    if recipe.training.minutes and ended != "stopped" and loop.pace.knots[-1][-1]:
        settled = recipe.training.model_copy(update={"pace": tuple(loop.pace.knots)})
        recipe = recipe.model_copy(update={"training": settled})
        atomic.write_text(run.recipe, recipe.toml())
    run.write_manifest(
        {
            **run.manifest(),
            "state": "painting",
            "ended": _now(),
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


def _manifest(resolved: Resolved, material: Material, model: Model) -> dict[str, Any]:
    plugins = {
        kind: _plugin(kind, getattr(resolved.recipe, kind).name) for kind in resolved.classes
    }
    return {
        "state": "running",
        "started": _now(),
        "versions": {
            "pixelgen-core": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "platform": platform.platform(),
        },
        "plugins": plugins,
        "device": model.device,
        "seed": resolved.recipe.seed,
        "parameters": model.parameter_count,
        "vocab_size": material.tokenizer.vocab_size,
        "notes": [*resolved.reasons, *material.tokenizer.notes],
        "data": _data(material.collection, material.split),
    }


def _data(collection: Collection, split: Split) -> dict[str, Any]:
    """What the manifest says of the pictures."""
    return {
        "fingerprint": collection.fingerprint(),
        "groups": collection.groups,
        "train": [collection.pictures[index].name for index in split.train],
        "held_out": [collection.pictures[index].name for index in split.held_out],
        "digests": collection.digests(),
        "bad": [{"name": bad.name, "reason": bad.reason} for bad in collection.bad],
        "duplicates": [
            {"dropped": dropped, "kept": kept} for dropped, kept in collection.duplicates
        ],
    }


def _plugin(kind: str, name: str) -> dict[str, str]:
    """What the manifest says of a plugin."""
    origin = catalogue().find(kind, name).origin
    return {"name": name, "distribution": origin.distribution, "version": origin.version}


def _hand_over(
    model: Model,
    training_state: Mapping[str, np.ndarray],
    state: LoopState,
    change: str,
    listener: Listener,
) -> None:
    """Let another backend go on from a training state, as far as it can; `change` names both."""
    try:
        model.restore_training_state(training_state)
    except RunUnreadable as error:
        # Sequences under way cannot be gone on with either, so the epoch is begun again.
        state.begin_epoch_again()
        listener.note(
            f"From {change}: the weights go over; the optimizer starts anew ({error.what})"
        )
    else:
        listener.note(f"From {change}: the weights go over, and what the optimizer has gathered")


def _allow(
    changes: Changes, collection: Collection, run: RunDirectory, recipe: Recipe, told_to: bool
) -> None:
    """Refuse pictures that are not those that the run began with, unless told to go on."""
    where = recipe.source.location or f"source {recipe.source.name}"
    groups = run.manifest()["data"]["groups"]
    new_run = f"begin a new run with pixelgen run --recipe {run.recipe}"
    if collection.groups != groups:
        raise RecipeError(
            f"the groups have changed since the run began: they were {', '.join(groups)!r} and "
            f"are {', '.join(collection.groups)!r}",
            where=where,
            remedy=f"A model knows its groups by number: {new_run}",
        )
    if not told_to:
        raise RecipeError(
            f"the pictures have changed since the run began: {changes}",
            where=where,
            remedy="Put them back as they were, go on all the same with pixelgen resume "
            f"{run.path} --changed-pictures, or {new_run}",
        )


def _spent(state: LoopState, path: Path, what: str) -> RecipeError:
    return RecipeError(
        f"{what}: {state.epoch} epochs, {state.seconds / 60:.1f} min",
        where=str(path),
        remedy="Give a larger one in all, such as --epochs "
        f"{2 * max(state.epoch, 1)} or --minutes {max(1, round(state.seconds / 30))}",
    )


def _announce(event: str, listener: Listener, **arguments: Any) -> None:
    for problem in catalogue().announce(event, **arguments):
        listener.note(str(problem))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

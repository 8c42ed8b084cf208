"""Starting and resuming runs: what the command line and `import pixelgen` both call."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen import __version__
from pixelgen.backends import with_backend
from pixelgen.data.collection import Collection, Split, collect
from pixelgen.data.material import Material, fit_tokenizer, make_material
from pixelgen.errors import RecipeError, RunUnreadable
from pixelgen.executors.interface import Executor
from pixelgen.generation import paint_many
from pixelgen.models.interface import Model
from pixelgen.options import parse_options
from pixelgen.pace import Pace
from pixelgen.plugins import catalogue
from pixelgen.recipe import Recipe, Resolved, merge, read_toml, resolve
from pixelgen.report.contact_sheet import contact_sheet, png_bytes
from pixelgen.run import Gallery, Run, framing_of
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory, check_free
from pixelgen.samplers.interface import Sampler
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.training import End, Listener, Loop, LoopState


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
    """

    run: Run
    end: End
    sheet: Path | None


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
    material = make_material(collection, split, framing, tokenizer, segments, _executor(resolved))
    model: Model = resolved.classes["model"].build(
        material.spec, resolved.options["model"], seed=recipe.seed, device=recipe.device
    )
    run = RunDirectory.create(out or free_place(recipe))
    try:
        atomic.write_text(run.recipe, recipe.toml())
        run.save_tokenizer(tokenizer)
        run.write_manifest(_manifest(resolved, material, model))
    except BaseException:  # half-made, and no run yet
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    _announce("run_started", listener, directory=run.path, recipe=recipe.model_dump(mode="json"))
    loop = _loop(resolved, material, model, run, _pace(recipe, material), listener, should_stop)
    return _carry_out(loop, resolved, listener)


def resume(
    path: Path,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    device: str | None = None,
    model: str | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Go on with a run from its last checkpoint.

    Args:
        path: the run directory.
        epochs: a new budget in epochs, counting those done; the recipe's if None.
        minutes: a new budget in minutes, counting those spent; the recipe's if None.
        device: in place of the recipe's.
        model: another model of the same family, which goes on from the weights, and from the
            optimizer's moments where it can.
        listener: is told of everything that happens.
        should_stop: as for `start`.

    Raises:
        RunNotFound, RunUnreadable: there is no run, or no checkpoint.
        RecipeError: the budget is spent already, or the pictures have changed.
        OptionError: `model` is of another family.
    """
    listener = listener or Listener()
    run = RunDirectory.open(path, to_write=True)
    checkpoint = run.latest_checkpoint()
    recipe = Recipe.read(run.recipe)
    if epochs or minutes:
        budget = {"training": {"epochs": epochs} if epochs else {"minutes": minutes}}
        recipe = Recipe.parse(merge(recipe.model_dump(mode="json", exclude_none=True), budget))
    if device:
        recipe = recipe.model_copy(update={"device": device})
    trained_with = recipe.model.name
    if model:
        recipe = with_backend(recipe, model, checkpoint)
    resolved = resolve(recipe)
    progress, training_state = run.read_checkpoint(checkpoint)
    try:
        state = LoopState(**progress)
    except TypeError as error:
        raise RunUnreadable(
            f"the checkpoint's state is not what it should be: {error}",
            where=str(checkpoint / "progress.json"),
        ) from None
    collection, split = _read(resolved, listener)
    _check_unchanged(run, collection, recipe)
    tokenizer: Tokenizer = resolved.classes["tokenizer"].load(run.tokenizer, device=recipe.device)
    segments = resolved.classes["model"].segments(resolved.options["model"])
    material = make_material(
        collection, split, framing_of(recipe), tokenizer, segments, _executor(resolved)
    )
    learner: Model = resolved.classes["model"].load(
        checkpoint, resolved.options["model"], device=recipe.device
    )
    if recipe.model.name == trained_with:
        learner.restore_training_state(training_state)
    else:
        _hand_over(learner, training_state, state, f"{trained_with} to {model}", listener)
    pace = _pace(recipe, material)
    if pace.minutes is not None:
        if minutes or Pace.settled(state.knots).is_spent(state.step):  # of a smaller budget
            pace.extend(state.step, state.seconds)
        else:
            pace.resume(state.knots, state.step, state.seconds)
    if pace.is_spent(state.step):
        raise RecipeError(
            f"the run has used up its budget: {state.epoch} epochs, {state.seconds / 60:.1f} min",
            where=str(path),
            remedy="Give a larger one in all, such as --epochs "
            f"{2 * max(state.epoch, 1)} or --minutes {max(1, round(state.seconds / 30))}",
        )
    atomic.write_text(run.recipe, recipe.toml())
    run.write_metrics([line for line in run.metrics() if line["step"] <= state.step])
    manifest = run.manifest()
    manifest["plugins"]["model"] = _plugin("model", str(recipe.model.name))
    run.write_manifest({**manifest, "state": "running", "device": learner.device})
    listener.note(f"Going on from step {state.step} (epoch {state.epoch + 1})")
    loop = _loop(resolved, material, learner, run, pace, listener, should_stop)
    loop.state = state
    return _carry_out(loop, resolved, listener)


def free_place(recipe: Recipe) -> Path:
    """Return the first free `runs/<source>-<number>`."""
    location = recipe.source.location
    stem = Path(location).resolve().stem if location else recipe.source.name or "run"
    number = 1
    while (path := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return path


# -- parts of a run -----------------------------------------------------------------------------


def _read(resolved: Resolved, listener: Listener) -> tuple[Collection, Split]:
    recipe = resolved.recipe
    listener.stage("Reading pictures")
    source = resolved.classes["source"](
        resolved.options["source"], recipe.source.location, seed=recipe.seed
    )
    collection = collect(source, recipe.data.size)
    split = collection.split(recipe.data.held_out, recipe.data.split_seed)
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


def _executor(resolved: Resolved) -> Executor:
    made: Executor = resolved.classes["executor"](resolved.options["executor"])
    return made


def _stop_here_if(asked: bool) -> None:
    """Leave before there is a run: nothing has been written that could be gone on with."""
    if asked:
        raise KeyboardInterrupt


def _pace(recipe: Recipe, material: Material) -> Pace:
    training = recipe.training
    if training.pace:
        return Pace.settled(training.pace)
    if training.minutes:
        return Pace(minutes=training.minutes)
    if training.steps:
        return Pace(steps=training.steps)
    per_epoch = material.cutter.batches_per_epoch(len(material.split.train))
    return Pace(steps=per_epoch * (training.epochs or 1))


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

    def sample(epoch: int) -> None:
        count = recipe.painting.while_training
        if not count:
            return
        rows = []
        for sampler in _samplers(resolved):
            grids = paint_many(
                model, material.cutter, sampler, seed=recipe.seed, pictures=range(count)
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
        temperatures = [sampler.options.temperature for sampler in _samplers(resolved)]
        labels = [f"temperature {temperature:g}" for temperature in temperatures]
        sheet = contact_sheet(rows, labels if len(labels) > 1 else ())
        atomic.write_bytes(run.samples / f"epoch-{epoch:04d}.png", png_bytes(sheet))
        listener.sampled(epoch, temperatures, np.stack(rows))

    return Loop(
        model=model,
        material=material,
        run=run,
        pace=pace,
        seed=recipe.seed,
        patience=recipe.training.patience,
        sample=sample,
        sample_every=recipe.painting.every,
        listener=listener,
        should_stop=should_stop,
        announce=lambda metrics: _announce(
            "epoch_finished", listener, directory=run.path, metrics=metrics
        ),
    )


def _carry_out(loop: Loop, resolved: Resolved, listener: Listener) -> Outcome:
    """Train, paint with the best weights, and close the run's books."""
    run, recipe = loop.run, resolved.recipe
    listener.begin(loop.state, _description(loop, resolved))
    try:
        end = loop.train()
    finally:
        listener.end()
    state = loop.state
    if state.best_bits is None:
        run.save_model(loop.model)
    if recipe.training.minutes and end != "stopped" and loop.pace.knots[-1][-1]:
        settled = recipe.training.model_copy(update={"pace": tuple(loop.pace.knots)})
        recipe = recipe.model_copy(update={"training": settled})
        atomic.write_text(run.recipe, recipe.toml())
    manifest = {
        **run.manifest(),
        "state": "stopped" if end == "stopped" else "finished",
        "ended": _now(),
        "ended_by": end,
        "spent": {
            "epochs": state.epoch,
            "steps": state.step,
            "targets": state.targets,
            "seconds": round(state.seconds, 3),
        },
        "best": {"held_out_bits_per_pixel": state.best_bits, "step": state.best_step},
    }
    run.write_manifest(manifest)
    finished = Run(run.path)
    if state.best_bits is None or state.best_step == state.step:
        finished.model = loop.model  # the very weights on disk: no need to read them back
    sheet = paint_gallery(finished, listener) if recipe.painting.pictures else None
    _announce("run_finished", listener, directory=run.path, manifest=run.manifest())
    return Outcome(finished, end, sheet)


def paint_gallery(run: Run, listener: Listener) -> Path:
    """Paint what the recipe asks for into `samples/`; return the contact sheet's path."""
    painting = run.recipe.painting
    listener.stage(f"Painting {painting.pictures} pictures")
    gallery = Gallery(run.directory.samples, run.recipe.seed)
    several = len(painting.temperatures) > 1
    for sampler in _samplers(run.resolved):
        first = 0
        for pictures in run.sample_in_parts(painting.pictures, sampler=sampler):
            temperature = sampler.options.temperature if several else None
            gallery.add(pictures, first=first, temperature=temperature)
            first += len(pictures)
    return gallery.write_sheet()


def _samplers(resolved: Resolved) -> list[Sampler]:
    """One sampler a temperature, or the recipe's own."""
    options = resolved.options["sampler"]
    temperatures = resolved.recipe.painting.temperatures
    made = [
        parse_options(
            type(options),
            {**options.model_dump(), "temperature": temperature},
            owner=f"sampler {resolved.recipe.sampler.name}",
        )
        for temperature in temperatures
    ]
    return [resolved.classes["sampler"](each) for each in made or [options]]


def _description(loop: Loop, resolved: Resolved) -> str:
    recipe, material, model = resolved.recipe, loop.material, loop.model
    width, height = recipe.data.size
    return (
        f"{recipe.model.name} ({model.parameter_count:,} parameters, {model.device}) learns "
        f"{len(material.split.train)} pictures of {width}×{height} in "
        f"{material.tokenizer.vocab_size:,} tokens by {recipe.tokenizer.name}"
    )


def _manifest(resolved: Resolved, material: Material, model: Model) -> dict[str, Any]:
    collection, split = material.collection, material.split
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
        "data": {
            "fingerprint": collection.fingerprint(),
            "groups": collection.groups,
            "train": [collection.pictures[index].name for index in split.train],
            "held_out": [collection.pictures[index].name for index in split.held_out],
            "bad": [{"name": bad.name, "reason": bad.reason} for bad in collection.bad],
            "duplicates": [
                {"dropped": dropped, "kept": kept} for dropped, kept in collection.duplicates
            ],
        },
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
        state.batch, state.epoch_nats, state.epoch_targets = 0, 0.0, 0
        listener.note(
            f"From {change}: the weights go over; the optimizer starts anew ({error.what})"
        )
    else:
        listener.note(f"From {change}: the weights go over, and what the optimizer has gathered")


def _check_unchanged(run: RunDirectory, collection: Collection, recipe: Recipe) -> None:
    data = run.manifest()["data"]
    if data["fingerprint"] == collection.fingerprint():
        return
    before = {*data["train"], *data["held_out"]}
    now = {picture.name for picture in collection.pictures}
    changes = [f"{len(now - before)} added", f"{len(before - now)} gone"]
    if before == now:
        changes = ["the same names with other pixels"]
    raise RecipeError(
        f"the pictures have changed since the run began: {', '.join(changes)}",
        where=recipe.source.location or f"source {recipe.source.name}",
        remedy="Put them back as they were, or begin a new run with pixelgen run --recipe "
        f"{run.recipe}",
    )


def _announce(event: str, listener: Listener, **arguments: Any) -> None:
    for problem in catalogue().announce(event, **arguments):
        listener.note(str(problem))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

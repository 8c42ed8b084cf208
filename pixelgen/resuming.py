"""Going on with a run from its last checkpoint that is whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.backends import with_backend
from pixelgen.carrying_out import (
    Outcome,
    carry_out,
    loop_of,
    model_of,
    pace_of,
    read_pictures,
    tracked,
)
from pixelgen.changes import Changes, changes_since
from pixelgen.data.collection import Collection
from pixelgen.data.material import make_material
from pixelgen.errors import RecipeError, RunUnreadable
from pixelgen.framing import framing_of
from pixelgen.listener import Listener
from pixelgen.loop_state import LoopState
from pixelgen.models.interface import Model
from pixelgen.plugins import catalogue
from pixelgen.processes import help_if_asked, world_size
from pixelgen.provenance import data_of, now, plugin_of
from pixelgen.recipe import Recipe, merge
from pixelgen.resolving import resolve
from pixelgen.run import check_fits
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.moments import forget_moments_after
from pixelgen.tokenizers.interface import Tokenizer


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
    _help_if_asked(Recipe.read(run.recipe), model)
    with run.locked():
        manifest = run.manifest()
        asked = {"epochs": epochs, "minutes": minutes}
        budget = {name: amount for name, amount in asked.items() if amount is not None}
        checkpoint = _checkpoint_to_go_on_from(run, manifest, listener)
        recipe = Recipe.read(run.recipe)
        if budget:
            tables = recipe.model_dump(mode="json", exclude_none=True)
            new = merge(tables, {"training": budget})
            recipe = Recipe.parse(new, where="the recipe with the new budget")
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
        collection, split = read_pictures(resolved, listener, manifest["data"])
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
            learner = model_of(resolved, material, checkpoint, training_state)
        check_fits(learner, material.spec, where=checkpoint or run.path)
        if changes:  # sequences under way, and what was measured on other pictures, are void
            state.begin_epoch_again()
            if changes.touches(manifest["data"]["held_out"]):
                state.best_bits = state.lowest_bits = None
                state.best_step = 0
        ended = manifest.get("ended_by") if manifest["state"] == "painting" else None
        if budget or ended == "stopped":
            ended = None
        if budget:
            state.without_improvement = 0
        elif manifest["state"] == "finished" and manifest.get("ended_by") == "patience":
            raise _spent(state, path, "the run has ended: the held-out bits no longer improved")
        pace = pace_of(recipe, material, state)
        if not recipe.training.pace:
            pace.resume(state.knots, state.minutes, state.step, state.seconds)
        if pace.is_spent(state.step) and manifest["state"] in ("stopped", "finished"):
            raise _spent(state, path, "the run has used up its budget")
        with tracked(resolved):
            atomic.write_text(run.recipe, recipe.toml())
            run.write_metrics(metrics)
            forget_moments_after(run, state.step)
            manifest["resumed"] = now()
            manifest["plugins"]["model"] = plugin_of("model", str(recipe.model.name))
            if changes:
                note = f"after step {state.step} the pictures were others: {changes}"
                manifest["notes"] = [*manifest.get("notes", []), note]
                manifest["data"] = data_of(collection, split)
            if not ended:
                manifest["state"] = "running"
                listener.note(f"Going on from step {state.step} (epoch {state.epoch + 1})")
            run.write_manifest({**manifest, "device": learner.device})
            loop = loop_of(resolved, material, learner, run, pace, listener, should_stop)
            loop.state = state
            loop.apply_state()
            return carry_out(loop, resolved, listener, ended)


def _help_if_asked(recipe: Recipe, model: str | None) -> None:
    """Where this process is not the job's first, help that one, and leave."""
    name = model or str(recipe.model.name)
    if world_size() > 1:
        help_if_asked(catalogue().load("model", name), name)


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
    if collection.fitted_tokenizer is not None:  # other tokens may stand for other colours
        raise RecipeError(
            "the tokens have changed since the run began",
            where=where,
            remedy=f"Put them back from a copy, or {new_run}",
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

"""Checks of learning: that it happens, repeats, and goes on after an interruption."""

from __future__ import annotations

import numpy as np
import safetensors.numpy

from pixelgen.testing.arrays import expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.files import folder
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.models.world import TOKENS, World, make_world, options_of
from pixelgen.testing.subject import Subject
from pixelgen.untrusted import check_finite

MOST_STEPS = 300
FALLS_TO = 0.7  # of the loss that it begins with


@check("model")
def check_build_is_deterministic(subject: Subject) -> None:
    """The same seed builds the same model, and the same batches then teach it the same, bit for
    bit, whatever the process has done before.

    What to do: draw all random numbers from generators of your own, keyed by `seed`; dropout's too.
    """
    world = make_world(subject)
    first, again = world.build(seed=5), world.build(seed=5)
    expect_equal(world.nll(first), world.nll(again), "nll of two models of one seed")
    for number, batch in enumerate(world.batches()[:2]):
        for model in (first, again):
            model.train_step(batch, number / 4)
    expect_equal(world.nll(first), world.nll(again), "nll of two models, trained alike")


@check("model")
def check_options_are_settled_once(subject: Subject) -> None:
    """`settle` decides what is undecided and nothing else: settling again changes nothing, since a
    run that is repeated settles what it has settled; and `segments` are the same before and after,
    since the pictures are cut before they are counted.

    What to do: set only options that are None, and none that `segments` looks at.
    """
    given, settled = subject.parsed(), options_of(subject)
    if type(settled) is not type(given):
        raise Broken(f"settle returns {type(settled).__name__}, not {type(given).__name__}")
    again = subject.type.settle(settled, 10 * TOKENS)
    if again != settled:
        raise Broken(f"settle makes {again} of {settled}, which it had settled")
    before, after = subject.type.segments(given), subject.type.segments(settled)
    if before != after:
        raise Broken(f"segments are {before} and, once the options are settled, {after}")


@check("model")
def check_loss_falls(subject: Subject) -> None:
    """A model learns a simple rule, that each token follows from the one before it, within 300
    steps: its loss falls by three tenths.

    What to do: look at the sign of the update, at the learning rate's schedule over `progress`, and
    whether `context` reaches the network. Smaller options may learn sooner.
    """
    world = _learnable(make_world(subject, grid=(6, 6), pictures=16, groups=1, vocab=4))
    model = world.build()
    start = float(world.nll(model).mean())
    nats, step = start, 0
    while step < MOST_STEPS:
        for batch in world.batches(seed=step):
            model.train_step(batch, min(step / MOST_STEPS, 1.0))
            step += 1
        nats = float(world.nll(model).mean())
        if nats < FALLS_TO * start:
            return
    raise Broken(f"after {step} steps the loss is {nats:.3f} nats; it began at {start:.3f}")


@check("model")
def check_training_resumes_exactly(subject: Subject) -> None:
    """A model that is saved with its `training_state`, loaded and given the state back goes on
    exactly: bit for bit as the one that was not interrupted. The state is a mapping from names to
    NumPy arrays of finite numbers that can be written to a safetensors file; it is a copy, which
    training leaves alone.

    What to do: return everything besides the weights that a step looks at: moments, the step's
    number, random state, carried states. Copy the arrays, and keep no infinity in them.
    """
    world = make_world(subject, pictures=4)
    model = world.trained(2)
    kept = model.training_state()
    for name, array in kept.items():
        if not (isinstance(name, str) and isinstance(array, np.ndarray)):
            raise Broken(f"training_state has {name!r}: {type(array).__name__}, not an array")
        if array.dtype.kind not in "fiub":
            raise Broken(f"training_state has {name!r} of {array.dtype}, which is no number")
    try:
        check_finite(kept)
    except ValueError as error:
        raise Broken(f"{error}: no run could be gone on with") from None
    copies = {name: array.copy() for name, array in kept.items()}
    batches = world.batches()
    rest = (batches * 4)[2 % len(batches) : 2 % len(batches) + 3]
    with folder() as directory:
        model.save(directory)
        for number, batch in enumerate(rest):
            model.train_step(batch, (2 + number) / 8)
        for name, array in kept.items():
            expect_equal(array, copies[name], f"{name!r} of an earlier training_state, after steps")
        loaded = world.load(directory)
        file = directory / "state.safetensors"
        written = {name: array.copy(order="C") for name, array in copies.items()}
        safetensors.numpy.save_file(written, file)
        loaded.restore_training_state(safetensors.numpy.load_file(file))
    for number, batch in enumerate(rest):
        loaded.train_step(batch, (2 + number) / 8)
    expect_equal(
        world.nll(loaded), world.nll(model), "nll, trained with an interruption and without"
    )


@check("model")
def check_no_side_effects(subject: Subject) -> None:
    """Building, training, measuring and painting print nothing, change no state that the process
    shares, such as global random numbers, and do not write into the arrays that they are given.

    What to do: use generators of your own; copy an array before changing it; restore thread counts
    and the like.
    """
    world = make_world(subject)
    world.trained(1)  # what a framework does once, on its first use, is not the plugin's doing
    with unchanged("a model"):
        model = world.trained(2)
        world.nll(model)
        world.logits(model)
        model.training_state()
    tokens = world.canvases.copy()
    groups = world.groups.copy()
    for batch in world.cutter.training_batches(tokens, groups, np.random.default_rng(1)):
        before = [array.copy() for array in (batch.context, batch.targets, batch.positions)]
        model.train_step(batch, 0.5)
        model.nll(batch)
        for array, was in zip((batch.context, batch.targets, batch.positions), before, strict=True):
            expect_equal(array, was, "a batch, after train_step and nll and before")


def _learnable(world: World) -> World:
    """The same world with canvases in which each token is the one before it in its row, plus 1."""
    height, width = world.spec.grid
    first = np.random.default_rng(2).integers(0, world.spec.vocab_size, (len(world.canvases), 1))
    rows = first + np.arange(height)  # a row's first token follows from the row above
    tokens = (rows[:, :, None] + np.arange(width)) % world.spec.vocab_size
    canvases = tokens.reshape(len(world.canvases), -1).astype(np.int32)
    return World(world.subject, world.spec, world.cutter, canvases, world.groups)

"""Checks of a model's probabilities: their measure, their sum, and what they may depend on."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.testing.arrays import expect_array, expect_close, expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.models.world import TOLERANCE, make_world
from pixelgen.testing.subject import Subject


@check("model")
def check_nll_is_a_likelihood(subject: Subject) -> None:
    """`nll` returns the negative log-likelihood in nats of each target, (B, T) float32, finite and
    not negative.

    What to do: return −ln p with `astype(np.float32)`, not the mean, nor bits.
    """
    world = make_world(subject)
    model = world.trained()
    for batch in world.batches():
        nats = expect_array(model.nll(batch), "nll", shape=batch.targets.shape, dtype=np.float32)
        if not np.isfinite(nats).all():
            raise Broken("nll returns values that are not finite")
        if (nats < -TOLERANCE).any():
            raise Broken(f"nll returns {nats.min():.4f} nats: a probability above 1")


@check("model")
def check_probabilities_sum_to_one(subject: Subject) -> None:
    """The probabilities of all tokens at a place, e to the power of −`nll`, sum to one.

    What to do: normalise over the vocabulary, of V tokens: "outside" is never a target.
    """
    world = make_world(subject, pictures=1)
    model = world.trained()
    last = world.cutter.scan.order[-1]
    every = np.repeat(world.canvases, world.spec.vocab_size, axis=0)
    every[:, last] = np.arange(world.spec.vocab_size)
    groups = np.zeros(len(every), np.int32)
    total = 0.0
    for token, canvas in enumerate(every):
        for batch, _ in world.cutter.evaluation_batches(canvas[None], groups[:1]):
            nats = model.nll(batch)
            place = batch.positions == last
            if place.any():
                assert (batch.targets[place] == token).all()
                total += float(np.exp(-nats[place].astype(np.float64)).sum())
    if abs(total - 1) > TOLERANCE:
        raise Broken(f"the probabilities of the {world.spec.vocab_size} tokens sum to {total:.5f}")


@check("model")
def check_nll_agrees_with_decoder(subject: Subject) -> None:
    """What `nll` measures is what the decoder paints: at every position −ln softmax of the
    decoder's logits is the `nll` of the token there, whether positions are painted together or one
    at a time.

    What to do: look at how the decoder's state begins (`starts`), which slot it goes on from, and
    whether dropout is off in both.
    """
    world = make_world(subject)
    model = world.trained()
    measured = world.nll(model)
    for one_at_a_time in (False, True):
        painted = world.painted_nats(model, one_at_a_time=one_at_a_time)
        how = "one position at a time" if one_at_a_time else "along the schedule"
        expect_close(painted, measured, f"nats, painted {how} and by nll", tolerance=TOLERANCE)


@check("model")
def check_causality(subject: Subject) -> None:
    """A token that is painted later changes neither the logits nor the likelihood of an earlier
    one.

    What to do: look at `context` and at what was painted before, never at the rest of `canvas` or
    at `targets` from the place on.
    """
    world = make_world(subject, groups=1)
    model = world.trained()
    scan, size = world.cutter.scan, world.spec.vocab_size
    canvas = world.canvases[:1]
    measured, logits = world.nll(model, canvas), world.logits(model, canvas)
    for step in sorted({1, scan.cells // 2, scan.cells - 1}):
        changed = canvas.copy()
        changed[:, scan.order[step:]] = (canvas[:, scan.order[step:]] + 1) % size
        before = scan.order[:step]
        here = scan.order[: step + 1]
        expect_close(
            world.nll(model, changed)[:, before],
            measured[:, before],
            f"nll of the first {step} tokens, with other tokens from there on and without",
            tolerance=1e-5,
        )
        expect_close(
            world.logits(model, changed)[:, here],
            logits[:, here],
            f"logits of the first {step + 1} positions, with other tokens from there on",
            tolerance=1e-5,
        )


@check("model")
def check_nll_changes_nothing(subject: Subject) -> None:
    """`nll` may be called at any time: training goes on as if it had not been, and the same batch
    has the same likelihood again.

    What to do: keep the state that training carries, and its random numbers, apart from what `nll`
    reads with.
    """
    world = make_world(subject)
    disturbed, left_alone = world.trained(1), world.trained(1)
    batches = world.batches()
    first = world.nll(disturbed)
    expect_equal(world.nll(disturbed), first, "nll of one batch, twice")
    for model in (disturbed, left_alone):
        for batch in batches[1:]:
            model.train_step(batch, 0.5)
            if model is disturbed:
                world.nll(model, world.canvases[:1])
    expect_equal(
        world.nll(disturbed), world.nll(left_alone), "nll after training with nll between and not"
    )


@check("model")
def check_loss_is_in_nats(subject: Subject) -> None:
    """`train_step` returns the batch's mean loss in nats per token before the step: a number close
    to the mean of `nll`.

    What to do: return the mean over all targets, by the natural logarithm, of the weights before
    they are moved. Regularisation is not part of it.
    """
    world = make_world(subject, pictures=4)
    model = world.build()
    batch = world.batches()[0]
    before = float(model.nll(batch).mean())
    loss = model.train_step(batch, 0.0)
    if isinstance(loss, bool) or not isinstance(loss, float | int | np.floating):
        raise Broken(f"train_step returns {type(loss).__name__}, not a number")
    if not math.isfinite(loss) or abs(loss - before) > 0.1 + 0.05 * before:
        raise Broken(f"train_step returns {loss:.4f}; nll of the same batch was {before:.4f} nats")

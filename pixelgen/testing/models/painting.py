"""Checks of painting: the same picture whatever the batch, and by every road."""

from __future__ import annotations

import numpy as np

from pixelgen.generation import paint
from pixelgen.models.interface import Model
from pixelgen.samplers.top_k import TopK
from pixelgen.testing.arrays import expect_array, expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.models.world import World, make_world
from pixelgen.testing.subject import Subject


@check("model")
def check_rows_are_painted_alone(subject: Subject) -> None:
    """A row's logits depend on its own inputs alone, bit for bit: not on the other rows, nor on how
    many there are. This is what makes a seed mean the same picture at any batch size.

    What to do: multiply matrices in blocks of one fixed size, padded, since libraries sum in
    another order for another number of rows.
    """
    world = make_world(subject, pictures=7)
    model = world.trained()
    together = world.logits(model)
    for number in (0, 3, 6):
        part = slice(number, number + 1)
        alone = world.logits(model, world.canvases[part], groups=world.groups[part])
        expect_equal(alone, together[part], "logits of one picture, painted alone and among seven")
    one_at_a_time = world.logits(model, one_at_a_time=True)
    expect_equal(one_at_a_time, together, "logits, one position at a time and along the schedule")


@check("model")
def check_states_start_afresh(subject: Subject) -> None:
    """Where `starts` says so a slot's state begins anew, and otherwise it goes on: a decoder that
    was used before paints as a new one does.

    What to do: reset the state of the rows with `starts`, and of those rows only.
    """
    world = make_world(subject)
    model = world.trained()
    expected = world.logits(model)
    decoder = model.decoder(len(world.canvases) * world.schedule().segments)
    used = _Fixed(model, decoder)
    world.logits(used, (world.canvases + 1) % world.spec.vocab_size)
    expect_equal(world.logits(used), expected, "logits of a decoder used twice, and of a new one")


@check("model")
def check_fast_generate_equals_the_loop(subject: Subject) -> None:
    """`generate` returns the very tokens that the core's own loop paints, (N, P) int32, for one
    picture and for several, with any sampler; or None, which leaves it to the loop.

    What to do: use the plan's `uniforms` for the draws, its `schedule` or any order that respects
    it, and its `sampler`; if in doubt return None.
    """
    world = make_world(subject)
    model = world.trained()
    for pictures in ([0, 1, 2], [5]):
        for sampler in (None, TopK(TopK.Options(k=2, temperature=0.7))):
            plan = world.plan(pictures, sampler)
            fast = model.generate(plan)
            if fast is None:
                continue
            shape = (len(pictures), world.cutter.scan.cells)
            expect_array(fast, "generate", shape=shape, dtype=np.int32)
            expect_equal(fast, paint(model, plan), "tokens by generate and by the core's loop")


@check("model")
def check_a_seed_means_one_picture(subject: Subject) -> None:
    """A picture of a seed is the same painted alone and among others; painting leaves the model as
    it was.

    What to do: draw with the plan's `uniforms` and no other random numbers, and let `decoder` and
    `generate` change nothing that `nll` or another decoder looks at.
    """
    world = make_world(subject)
    model = world.trained()
    measured = world.nll(model)
    together = _painted(world, model, [0, 1, 2])
    for number in range(3):
        alone = _painted(world, model, [number])
        expect_equal(alone[0], together[number], f"picture {number}, painted alone and among three")
    expect_equal(_painted(world, model, [0, 1, 2]), together, "three pictures, painted twice")
    expect_equal(world.nll(model), measured, "nll after painting and before")


def _painted(world: World, model: Model, pictures: list[int]) -> np.ndarray:
    plan = world.plan(pictures)
    fast = model.generate(plan)
    tokens = paint(model, plan) if fast is None else fast
    if tokens.min() < 0 or tokens.max() >= world.spec.vocab_size:
        raise Broken(f"painted tokens from {tokens.min()} to {tokens.max()}")
    return tokens


class _Fixed:
    """Stands in for a model, and gives the same decoder again."""

    def __init__(self, model: Model, decoder: object) -> None:
        self._model, self._decoder = model, decoder

    def decoder(self, slots: int) -> object:
        return self._decoder

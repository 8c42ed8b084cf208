"""Checks of models at the edges: one token, one cell, one sequence; any scan, any palette."""

from __future__ import annotations

import numpy as np

from pixelgen.data.segments import SCANS
from pixelgen.generation import paint
from pixelgen.models.interface import Model
from pixelgen.testing.arrays import expect_close, expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.files import folder
from pixelgen.testing.models.world import TOLERANCE, World, make_world
from pixelgen.testing.subject import Subject


@check("model")
def check_vocabulary_of_one(subject: Subject) -> None:
    """With a single token in the vocabulary a model learns, measures and paints: the token is
    certain, at 0 nats.

    What to do: do not divide by `vocab_size - 1`, nor by the logarithm of `vocab_size`.
    """
    world = make_world(subject, vocab=1, pictures=2)
    _, nats = _works(world)
    if np.abs(nats).max() > 1e-3:
        raise Broken(f"the only token there is costs {np.abs(nats).max():.4f} nats")


@check("model")
def check_vocabulary_of_two(subject: Subject) -> None:
    """With two tokens in the vocabulary a model learns, measures and paints.

    What to do: let no option of yours (a k, a width) ask for more tokens than there are.
    """
    _works(make_world(subject, vocab=2, pictures=2))


@check("model")
def check_grid_of_one(subject: Subject) -> None:
    """A picture of a single token, a grid of 1×1, is learned, measured and painted.

    What to do: do not divide by `height - 1` or `width - 1`; sequences may be of length 1.
    """
    _works(make_world(subject, grid=(1, 1), pictures=2))


@check("model")
def check_batch_of_one(subject: Subject) -> None:
    """A batch of a single sequence, of one row or one column, is learned, measured and painted.

    What to do: keep the first axis: no `squeeze`. Statistics over a batch of one must be finite.
    """
    _works(make_world(subject, grid=(1, 5), pictures=1))
    _works(make_world(subject, grid=(5, 1), pictures=1, groups=1))


@check("model")
def check_any_palette(subject: Subject) -> None:
    """The palette is (V, 3) or, with alpha, (V, 4); or None, for tokens that are not colours.

    What to do: let what looks at colours fall away where `spec.palette` is None.
    """
    for channels in (0, 4):
        _works(make_world(subject, channels=channels, pictures=2))


@check("model")
def check_any_scan(subject: Subject) -> None:
    """A model works with every scan: raster, serpentine, column, hilbert and pyramid, whose named
    contexts have different neighbours; along each `nll` measures what the decoder paints.

    What to do: take the number of neighbours from `spec.context_size`, and places from
    `spec.rows` and `spec.columns`.
    """
    for scan in SCANS:
        if scan != "raster":
            grid = (2, 18) if scan == "pyramid" else (3, 4)  # of two levels
            world = make_world(subject, scan=scan, pictures=2, grid=grid)
            model, nats = _works(world)
            along = f"nats along the scan {scan}, painted and by nll"
            expect_close(world.painted_nats(model), nats, along, tolerance=TOLERANCE)


@check("model")
def check_properties(subject: Subject) -> None:
    """`device` names the device that was taken, and `parameter_count` counts the learned numbers.

    What to do: return `str` and `int`.
    """
    model = make_world(subject).trained(1)
    if not (isinstance(model.device, str) and model.device):
        raise Broken(f"device is {model.device!r}, not a name such as 'cpu'")
    count = model.parameter_count
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise Broken(f"parameter_count is {count!r}, not a whole number")


def _works(world: World) -> tuple[Model, np.ndarray]:
    """Train, measure, paint, save and load; return the model and the nats (N, P) of the tokens."""
    model = world.trained(2)
    nats = world.nll(model)
    if not np.isfinite(nats).all():
        raise Broken("nll returns values that are not finite")
    world.logits(model)
    tokens = paint(model, world.plan([0]))
    fast = model.generate(world.plan([0]))
    if fast is not None:
        expect_equal(fast, tokens, "tokens by generate and by the core's loop")
    with folder() as directory:
        model.save(directory)
        loaded = world.load(directory)
    expect_equal(world.nll(loaded), nats, "nll after loading and before saving")
    return model, nats

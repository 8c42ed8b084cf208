"""Painting: a seed means the same picture whatever the schedule, the batch or the company."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from toys import Scrambler

from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_spec
from pixelgen.data.scans import make_scan
from pixelgen.data.schedule import make_schedule
from pixelgen.data.segments import SCANS
from pixelgen.errors import TrainingError
from pixelgen.generation import PICTURES_AT_ONCE, Plan, paint, paint_many
from pixelgen.models.interface import Decoder
from pixelgen.plan import Wishes
from pixelgen.samplers.multinomial import Multinomial

pytestmark = pytest.mark.usefixtures("small_pyramids")

VOCABULARY = 7
MEMORIES = ("none", "row", "picture")
CONTEXTS = ("previous", "near", "wide", ((-2, 1), (0, -3)))
SAMPLER = Multinomial(Multinomial.Options())


def make_cutter(scan="raster", memory="row", context="wide", grid=(6, 9)) -> Cutter:
    made = make_scan(scan, grid)
    segments = Scrambler.segments(Scrambler.Options(memory=memory, context=context))
    return Cutter(made, segments, made.offsets(context), VOCABULARY)


def make_model(cutter, model=Scrambler, seed=3):
    spec = make_spec(cutter, None, groups=3)
    options = Scrambler.Options(memory=cutter.segments.memory, context="near")
    return model.build(spec, options, seed=seed)


def grids(cutter, model=None, *, seed=1, pictures=range(3), **named):
    model = model or make_model(cutter)
    parts = paint_many(model, cutter, SAMPLER, seed=seed, pictures=pictures, **named)
    return np.concatenate(list(parts))


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("grid", [(6, 9), (9, 5)])
def test_painting_by_the_schedule_equals_one_position_a_step(scan, context, memory, grid):
    cutter = make_cutter(scan, memory, context, grid)
    model = make_model(cutter)
    canvases = []
    for one_at_a_time in (False, True):
        schedule = make_schedule(cutter.scan, cutter.table, memory, one_at_a_time=one_at_a_time)
        plan = Plan(cutter, schedule, SAMPLER, 5, np.arange(3), np.array([0, 2, 1], np.int32))
        canvases.append(paint(model, plan))
    np.testing.assert_array_equal(*canvases)
    assert len(np.unique(canvases[0])) == VOCABULARY


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_picture_is_the_same_alone_and_in_any_company(memory):
    cutter = make_cutter(memory=memory, context="near", grid=(4, 5))
    one, five, many = (grids(cutter, pictures=range(n)) for n in (1, 5, PICTURES_AT_ONCE + 6))
    np.testing.assert_array_equal(one[0], five[0])
    np.testing.assert_array_equal(five, many[:5])
    np.testing.assert_array_equal(grids(cutter, pictures=[66, 2]), many[[66, 2]])
    assert len(np.unique(many, axis=0)) == len(many)


def test_pictures_come_in_parts_of_bounded_size():
    cutter = make_cutter(grid=(2, 2))
    model = make_model(cutter)
    parts = paint_many(model, cutter, SAMPLER, seed=1, pictures=range(PICTURES_AT_ONCE + 6))
    assert [part.shape for part in parts] == [(PICTURES_AT_ONCE, 2, 2), (6, 2, 2)]


def test_no_pictures_give_no_parts():
    cutter = make_cutter(grid=(2, 2))
    assert not list(paint_many(make_model(cutter), cutter, SAMPLER, seed=1, pictures=[]))


def test_another_seed_gives_another_picture():
    cutter = make_cutter()
    assert (grids(cutter, seed=1) != grids(cutter, seed=2)).any()


def test_each_picture_is_painted_as_its_group():
    cutter = make_cutter()
    mixed = grids(cutter, groups=[0, 1, 2])
    for number in range(3):
        alone = grids(cutter, pictures=[number], groups=[number])
        np.testing.assert_array_equal(mixed[number], alone[0])
    assert (mixed[1] != grids(cutter)[1]).any()  # where all are of group 0


def test_progress_counts_every_cell_and_ends_with_all():
    cutter = make_cutter(memory="none", context="near", grid=(4, 5))
    told: list[int] = []
    grids(cutter, pictures=range(PICTURES_AT_ONCE + 1), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == (PICTURES_AT_ONCE + 1) * 20
    assert PICTURES_AT_ONCE * 20 in told


class Recorder(Decoder):
    """A decoder that keeps what it was shown."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.inputs = []

    def step(self, inputs):
        self.inputs.append(dataclasses.replace(inputs, canvas=inputs.canvas.copy()))
        with pytest.raises(ValueError, match="read-only"):
            inputs.canvas[0, 0] = 1
        return self.decoder.step(inputs)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
def test_a_decoder_sees_only_what_has_been_painted(scan, memory, monkeypatch):
    cutter = make_cutter(scan, memory)
    model = make_model(cutter)
    decoder = model.decoder
    recorders = []

    def recording(slots):
        recorders.append(Recorder(decoder(slots)))
        return recorders[-1]

    monkeypatch.setattr(model, "decoder", recording)
    final = grids(cutter, model, pictures=range(2)).reshape(2, -1)
    unpainted = np.ones((2, cutter.scan.cells), bool)
    for inputs in recorders[0].inputs:
        canvas = inputs.canvas
        assert (canvas[:, -1] == VOCABULARY).all()
        assert (canvas[:, :-1][unpainted] == VOCABULARY).all()
        np.testing.assert_array_equal(canvas[:, :-1][~unpainted], final[~unpainted])
        seen = canvas[inputs.pictures[:, None], cutter.table[inputs.positions]]
        np.testing.assert_array_equal(inputs.context, seen)
        if memory != "none":
            assert len(set(inputs.slots.tolist())) == len(inputs.slots)
        assert unpainted[inputs.pictures, inputs.positions].all()
        unpainted[inputs.pictures, inputs.positions] = False
    assert not unpainted.any()


def test_a_change_is_felt_only_by_what_comes_later(monkeypatch):
    """Paint with another number drawn at one cell: the cells before it stay as they were."""
    cutter = make_cutter("serpentine", "row", "near")
    model = make_model(cutter)
    schedule = make_schedule(cutter.scan, cutter.table, "row")
    plan = Plan(cutter, schedule, SAMPLER, 1, np.arange(1), np.zeros(1, np.int32))
    before = paint(model, plan)[0]
    step = 30
    cell = cutter.scan.order[step]
    plan.uniforms[0, cell] = (plan.uniforms[0, cell] + 0.5) % 1
    after = paint(model, plan)[0]
    earlier = cutter.scan.steps < step
    np.testing.assert_array_equal(before[earlier], after[earlier])
    assert before[cell] != after[cell]
    assert (before[cutter.scan.steps > step] != after[cutter.scan.steps > step]).any()


class FastPath(Scrambler):
    """A model that paints on its own device."""

    def generate(self, plan):
        self.plan = plan
        return np.full((len(plan.pictures), plan.cutter.scan.cells), 3, np.int32)


def test_a_model_may_paint_the_whole_plan_itself():
    cutter = make_cutter(grid=(2, 3))
    model = make_model(cutter, FastPath)
    told: list[int] = []
    painted = grids(cutter, model, pictures=[4, 9], groups=[1, 2], progress=told.append)
    assert (painted == 3).all()
    assert told == [12]
    assert model.plan.pictures.tolist() == [4, 9]
    assert model.plan.groups.tolist() == [1, 2]


class NotANumber(Scrambler):
    def decoder(self, slots):
        class Broken(Decoder):
            def step(self, inputs):
                return np.full((len(inputs.positions), VOCABULARY), np.nan, np.float32)

        return Broken()


def test_logits_that_are_not_numbers_are_an_error():
    cutter = make_cutter()
    with pytest.raises(TrainingError, match="not numbers"):
        grids(cutter, make_model(cutter, NotANumber))


def test_the_smallest_temperatures_are_those_of_the_most_probable_colours():
    cutter = make_cutter()
    coldest, greedy = (
        grids(cutter, wishes=Wishes(temperatures=np.full(6, temperature)))
        for temperature in (1e-39, 1e-6)
    )
    np.testing.assert_array_equal(coldest, greedy)

"""Painting on the device: the very tokens of the core's loop, with steps of one shape.

Here the device is the CPU, told to do as a GPU does. What a GPU does is in `test_torch_gpu.py`.
"""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from pixelgen.data.bands import bands
from pixelgen.data.batches import Cutter
from pixelgen.errors import TrainingError
from pixelgen.generation import Wishes, paint, paint_many
from pixelgen.plan import Plan
from pixelgen.plugins import catalogue
from pixelgen.samplers.interface import Sampler
from pixelgen.samplers.multinomial import Multinomial
from pixelgen.samplers.top_k import TopK

torch = pytest.importorskip("torch")

from pixelgen_torch import cuda_graph  # noqa: E402
from pixelgen_torch import painter as painters  # noqa: E402
from pixelgen_torch.decoder import NetworkDecoder  # noqa: E402
from pixelgen_torch.gpt import GPTDecoder  # noqa: E402
from pixelgen_torch.lstm import TorchLSTM  # noqa: E402
from pixelgen_torch.painter import Painter  # noqa: E402

from . import test_torch_families as families  # noqa: E402
from . import test_torch_lstm as lstms  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_pyramids")

SAMPLER = Multinomial(Multinomial.Options())
LSTMS = ["default", "two layers with dropout", "picture", "no colours", "no tokens", "plain"]
OTHERS = ["mlp", "gpt", "gpt, itself alone"]
CUTS = {"top-k": {"k": 3}, "top-p": {"p": 0.7}, "min-p": {"share": 0.2}, "typical": {"mass": 0.6}}
every_sampler = pytest.mark.parametrize("name", ["multinomial", "greedy", *CUTS])


@pytest.fixture
def as_a_gpu(monkeypatch):
    """Steps of 16 rows, all on the device, which is the CPU."""
    monkeypatch.setattr("pixelgen_torch.model.is_gpu", lambda device: True)
    monkeypatch.setattr("pixelgen_torch.decoder.is_gpu", lambda device: True)
    monkeypatch.setattr(NetworkDecoder, "together", 16)
    monkeypatch.setattr(GPTDecoder, "together", 4)


def model_of(kind, **world):
    """A model that has learned a little, and its cutter."""
    if kind in families.KINDS:
        return families.trained(kind, **world)
    model, cutter = lstms.make(lstms.KINDS[kind], groups=2, **world)
    for batch in lstms.batches(cutter, groups=2)[:3]:
        model.train_step(batch, 0.0)
    return model, cutter


def plan_of(cutter, pictures=3, *, seed=5, sampler=SAMPLER, grid=None, given=None, **more):
    """The plan of the first band of some pictures."""
    band = next(iter(bands(cutter, grid, given)))
    return Plan(
        band.cutter,
        band.schedule,
        sampler,
        seed,
        np.arange(pictures),
        np.arange(pictures, dtype=np.int32) % 2,
        places=band.places,
        **more,
    )


def assert_painted_alike(model, plan):
    there = model.generate(plan)
    assert there.dtype == np.int32
    np.testing.assert_array_equal(there, paint(model, plan))


@pytest.mark.parametrize("scan", ["raster", "pyramid", "hilbert"])
@pytest.mark.parametrize("kind", LSTMS + OTHERS)
def test_the_tokens_are_those_of_the_cores_loop(as_a_gpu, kind, scan):
    model, cutter = model_of(kind, scan=scan)
    assert_painted_alike(model, plan_of(cutter))


@pytest.mark.parametrize("kind", ["default", "gpt"])
def test_a_picture_is_the_same_alone_and_among_others(as_a_gpu, kind):
    model, cutter = model_of(kind)
    together = model.generate(plan_of(cutter, 7))
    for count in (1, 2, 6):
        np.testing.assert_array_equal(model.generate(plan_of(cutter, count)), together[:count])


@pytest.mark.parametrize("kind", ["default", "mlp", "gpt"])
def test_steps_of_one_shape_give_the_numbers_of_any_other(monkeypatch, kind):
    model, cutter = model_of(kind)
    plan = plan_of(cutter)
    nats = {}
    for together in (None, 4, 64):
        if together is not None:
            monkeypatch.setattr("pixelgen_torch.decoder.is_gpu", lambda device: True)
            monkeypatch.setattr(NetworkDecoder, "together", together)
            monkeypatch.setattr(GPTDecoder, "together", together)
            shapes = shapes_of(monkeypatch, type(model.decoder(1)))
        nats[together] = np.zeros((3, cutter.scan.cells))
        paint(model, plan, nats=nats[together])
        if together is not None:
            assert shapes == {together}
    np.testing.assert_allclose(nats[4], nats[None], atol=1e-5)
    np.testing.assert_allclose(nats[64], nats[None], atol=1e-5)


def shapes_of(monkeypatch, decoder):
    """The numbers of rows of a decoder's steps from now on."""
    seen = set()
    between = decoder.between
    monkeypatch.setattr(
        decoder,
        "between",
        lambda self, x, slots, keep: seen.add(len(x)) or between(self, x, slots, keep),
    )
    return seen


@every_sampler
def test_every_sampler_paints_on_the_device(as_a_gpu, name):
    model, cutter = model_of("default")
    sampler = catalogue().load("sampler", name)
    plan = plan_of(cutter, sampler=sampler(sampler.Options(**CUTS.get(name, {}), temperature=0.8)))
    assert_painted_alike(model, plan)


def test_given_tokens_stand_and_are_read(as_a_gpu):
    model, cutter = model_of("default", scan="pyramid")
    generator = np.random.default_rng(2)
    grid = generator.integers(0, cutter.vocab_size, cutter.scan.grid, np.int32)
    grid[generator.random(grid.shape) < 0.5] = -1
    given = np.tile(cutter.scan.canvas(grid[None]), (3, 1))
    plan = plan_of(cutter, given=grid)
    assert_painted_alike(model, with_given(plan, given))
    # Another plan's tokens, painted by the same painter.
    assert_painted_alike(model, with_given(plan, np.roll(given, 1, 1)))


def with_given(plan, given):
    return Plan(
        plan.cutter, plan.schedule, plan.sampler, plan.seed, plan.pictures, plan.groups, given
    )


def test_a_course_of_temperatures_is_followed(as_a_gpu):
    model, cutter = model_of("default")
    course = np.linspace(1.5, 0.2, cutter.scan.cells)
    plan = plan_of(cutter, temperatures=course)
    assert_painted_alike(model, plan)
    assert (model.generate(plan) != model.generate(plan_of(cutter))).any()


def test_a_picture_of_another_size_is_painted_in_bands(as_a_gpu, monkeypatch):
    monkeypatch.setattr("pixelgen.data.bands.ROWS", 6)
    monkeypatch.setattr("pixelgen.data.bands.CELLS", 1)
    model, cutter = model_of("default", scan="pyramid")
    wishes = Wishes(grid=(21, 9))
    assert model.generate(plan_of(cutter, grid=wishes.grid)) is not None
    there = list(paint_many(model, cutter, SAMPLER, seed=1, pictures=range(2), wishes=wishes))
    monkeypatch.setattr(TorchLSTM, "generate", lambda self, plan: None)
    loop = list(paint_many(model, cutter, SAMPLER, seed=1, pictures=range(2), wishes=wishes))
    np.testing.assert_array_equal(there, loop)


def test_mixtures_of_groups_are_left_to_the_loop(as_a_gpu):
    model, cutter = model_of("default")
    assert model.generate(plan_of(cutter, mixture={0: 0.5, 1: 0.5})) is None


def test_on_a_cpu_painting_is_left_to_the_loop():
    model, cutter = model_of("default")
    assert model.generate(plan_of(cutter)) is None


class OfNumPy(Sampler):
    """A sampler that does not keep to the namespace that it is given."""

    def probabilities(self, logits, xp):
        assert isinstance(logits, np.ndarray)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)


def test_a_sampler_that_takes_no_tensors_is_left_to_the_loop(as_a_gpu):
    model, cutter = model_of("default")
    assert model.generate(plan_of(cutter, sampler=OfNumPy(OfNumPy.Options()))) is None


@pytest.fixture
def made(monkeypatch):
    """The painters that have been made."""
    painters_made = []

    class Counted(Painter):
        def __init__(self, *args):
            super().__init__(*args)
            painters_made.append(self)

    monkeypatch.setattr(painters, "Painter", Counted)
    return painters_made


def test_a_painter_serves_again_until_something_changes(as_a_gpu, made):
    model, cutter = model_of("default")

    def makes(plan):
        before = len(made)
        assert_painted_alike(model, plan)
        return len(made) > before

    assert makes(plan_of(cutter))
    assert not makes(plan_of(cutter, seed=6))
    assert makes(plan_of(cutter, 2))
    assert not makes(plan_of(cutter))
    assert makes(plan_of(cutter, 2, sampler=TopK(TopK.Options(k=2))))
    assert makes(plan_of(cutter, 2, sampler=TopK(TopK.Options(k=3))))
    assert not makes(plan_of(cutter, 2, sampler=TopK(TopK.Options(k=3))))
    assert makes(plan_of(cutter, 2, grid=(5, 8)))
    assert makes(plan_of(cutter, 2, temperatures=np.full(cutter.scan.cells, 0.5)))
    assert not makes(plan_of(cutter, 2, temperatures=np.full(cutter.scan.cells, 0.7)))
    assert makes(plan_of(cutter))  # more than are kept have been made since


def test_a_painter_takes_each_plans_own_groups_and_places(as_a_gpu, made):
    model, cutter = model_of("default")
    plan = plan_of(cutter)
    assert_painted_alike(model, plan)
    others = Plan(cutter, plan.schedule, SAMPLER, 5, plan.pictures, 1 - plan.groups)
    assert_painted_alike(model, others)
    turned = np.arange(cutter.scan.cells, dtype=np.int32)[::-1].copy()
    for places in (turned, None):
        elsewhere = Plan(
            cutter, plan.schedule, SAMPLER, 5, plan.pictures, plan.groups, places=places
        )
        assert_painted_alike(model, elsewhere)
    assert len(made) == 1


def test_a_painter_paints_no_other_waves_and_no_other_contexts(as_a_gpu, made):
    model, cutter = model_of("default")
    plan = plan_of(cutter)
    assert_painted_alike(model, plan)
    waves = [wave[::-1].copy() for wave in plan.schedule.waves]
    turned = replace(plan.schedule, waves=waves)
    assert_painted_alike(model, replace_schedule(plan, turned))
    assert len(made) == 2
    like_it = Cutter(cutter.scan, cutter.segments, cutter.offsets, cutter.vocab_size)
    assert_painted_alike(model, Plan(like_it, turned, SAMPLER, 5, plan.pictures, plan.groups))
    assert len(made) == 3


def replace_schedule(plan, schedule):
    return Plan(plan.cutter, schedule, plan.sampler, plan.seed, plan.pictures, plan.groups)


def test_warming_up_takes_more_waves_than_a_plan_may_have(as_a_gpu, monkeypatch):
    model, cutter = model_of("mlp", grid=(1, 2))
    plan = plan_of(cutter)
    assert len(plan.schedule.waves) < cuda_graph.WARM_UP

    def recorded(work, device):
        for _ in range(cuda_graph.WARM_UP + 1):
            work()
        return work

    monkeypatch.setattr(painters, "recorded", recorded)
    assert_painted_alike(model, plan)


def test_a_decoder_of_another_kind_is_left_to_the_loop(as_a_gpu, monkeypatch):
    model, cutter = model_of("default")
    monkeypatch.setattr(model, "decoder", lambda slots: object())
    assert model.generate(plan_of(cutter)) is None


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
def test_a_painter_paints_with_no_earlier_weights(as_a_gpu, optimizer):
    model, cutter = lstms.make({"optimizer": optimizer, "learning_rate": 0.1}, groups=2)
    plan = plan_of(cutter)
    before = model.generate(plan)
    for batch in lstms.batches(cutter, groups=2):
        model.train_step(batch, 0.0)
        assert_painted_alike(model, plan)
    assert (model.generate(plan) != before).any()


def test_no_more_painters_are_kept_than_memory_is_meant_for(as_a_gpu, monkeypatch):
    model, cutter = model_of("default")
    for count in range(1, 6):
        model.generate(plan_of(cutter, count))
    assert len(model._painters._idle) == painters.KEPT
    monkeypatch.setattr(painters, "KEPT_CELLS", 7 * (cutter.scan.cells + 2))
    model.generate(plan_of(cutter, 6))
    assert [painter._pictures for painter in model._painters._idle] == [6]


def test_a_lack_of_memory_gives_back_what_painters_had(as_a_gpu, monkeypatch):
    model, cutter = model_of("default")
    model.generate(plan_of(cutter))

    def lacking(slots):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model, "decoder", lacking)
    with pytest.raises(torch.OutOfMemoryError):
        model.generate(plan_of(cutter, 2))
    assert model._painters._idle == []


def test_so_does_one_while_it_paints(as_a_gpu, monkeypatch):
    model, cutter = model_of("default")
    model.generate(plan_of(cutter))
    model.generate(plan_of(cutter, 2))

    def lacking(painter, steps):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Painter, "_paint_wave", lacking)
    with pytest.raises(torch.OutOfMemoryError):
        model.generate(plan_of(cutter))
    assert model._painters._idle == []


def test_a_model_that_has_painted_can_be_copied(as_a_gpu):
    model, cutter = model_of("default")
    painted = model.generate(plan_of(cutter))
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.generate(plan_of(cutter)), painted)


def test_where_only_deterministic_operations_are_allowed_the_loop_paints(as_a_gpu):
    model, cutter = model_of("default")
    torch.use_deterministic_algorithms(True)
    try:
        assert model.generate(plan_of(cutter)) is None
    finally:
        torch.use_deterministic_algorithms(False)


def test_all_bands_in_the_midst_of_a_tall_picture_are_one_painters(as_a_gpu, made, monkeypatch):
    monkeypatch.setattr("pixelgen.data.bands.ROWS", 6)
    monkeypatch.setattr("pixelgen.data.bands.CELLS", 1)
    model, cutter = model_of("default")
    wishes = Wishes(grid=(60, 6))
    list(paint_many(model, cutter, SAMPLER, seed=1, pictures=range(2), wishes=wishes))
    assert 2 <= len(made) <= 3


def test_logits_that_are_not_numbers_are_an_error_and_the_next_plan_is_painted(as_a_gpu):
    model, cutter = model_of("default")
    leaf = model.network.leaves()["output.bias"]
    kept = leaf.detach().clone()
    with torch.no_grad():
        leaf.fill_(float("nan"))
    with pytest.raises(TrainingError, match="not numbers"):
        model.generate(plan_of(cutter))
    with torch.no_grad():
        leaf.copy_(kept)
    assert_painted_alike(model, plan_of(cutter))


@pytest.fixture
def replayed(monkeypatch):
    """Waves painted by what stands for graphs, one an entry; they paint nothing if that is said."""
    waves = []

    def stand_in(*, paints):
        def recorded(work, device):
            work()  # as when it is recorded

            def replay():
                waves.append(1)
                if paints:
                    work()

            return replay

        monkeypatch.setattr("pixelgen_torch.painter.recorded", recorded)
        return waves

    return stand_in


@pytest.mark.parametrize("pictures", [1, 9])  # all waves of one step; of one to five
def test_graphs_that_paint_alike_are_used(as_a_gpu, replayed, pictures):
    model, cutter = model_of("default")
    plan = plan_of(cutter, pictures)
    waves = replayed(paints=True)
    whole, checked = len(plan.schedule.waves), min(painters.CHECKED, len(plan.schedule.waves))
    assert_painted_alike(model, plan)
    assert len(waves) == checked + whole
    assert_painted_alike(model, plan)
    assert len(waves) == checked + 2 * whole


def test_graphs_that_paint_otherwise_are_not_used(as_a_gpu, replayed):
    model, cutter = model_of("default")
    plan = plan_of(cutter)
    waves = replayed(paints=False)
    assert_painted_alike(model, plan)
    assert len(waves) == min(painters.CHECKED, len(plan.schedule.waves))


class Looking(Multinomial):
    """Looks at a number, for which the device must be waited for."""

    def probabilities(self, logits, xp):
        float(logits[0, 0])
        return super().probabilities(logits, xp)


def test_with_a_sampler_that_waits_nothing_is_recorded(as_a_gpu, replayed):
    model, cutter = model_of("default")
    waves = replayed(paints=True)
    assert_painted_alike(model, plan_of(cutter, sampler=Looking(Looking.Options())))
    assert waves == []


@pytest.mark.parametrize("kind", ["default", "mlp", "gpt"])
def test_a_wave_takes_no_more_steps_than_its_rows_need(as_a_gpu, monkeypatch, kind):
    model, cutter = model_of(kind)
    plan = plan_of(cutter, 9)
    taken = []
    step = Painter._step
    monkeypatch.setattr(Painter, "_step", lambda self, *rows: taken.append(1) or step(self, *rows))
    assert_painted_alike(model, plan)
    at_once = model.decoder(1).at_once
    assert len(taken) == sum(-(-9 * len(wave) // at_once) for wave in plan.schedule.waves)

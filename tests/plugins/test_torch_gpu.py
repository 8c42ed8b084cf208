"""On a GPU: the numbers of the CPU, nothing that waits in the midst of a step, and CUDA graphs."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pixelgen.generation import paint
from pixelgen.models.interface import StepInputs
from pixelgen.plugins import catalogue

torch = pytest.importorskip("torch")

from pixelgen_torch import painter as painters  # noqa: E402

from . import test_torch_families as families  # noqa: E402
from . import test_torch_lstm as lstms  # noqa: E402
from .test_torch_painter import (  # noqa: E402
    CUTS,
    LSTMS,
    OTHERS,
    Looking,
    assert_painted_alike,
    every_sampler,
    model_of,
    plan_of,
)

pytestmark = [
    pytest.mark.usefixtures("small_pyramids"),
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

KINDS = ["default", "two layers with dropout", "picture", "plain", "mlp", "gpt"]


def pair(kind, **options):
    """The same model on the CPU and on the GPU, and their cutter."""
    if kind in families.KINDS:
        model, cutter = families.build(kind, options, groups=2)
    else:
        model, cutter = lstms.make({**lstms.KINDS[kind], **options}, groups=2)
    return model, moved(model), cutter


def moved(model):
    """A copy of a model there, that has taken no step."""
    weights, options = model.network.weights(), model.network.options
    network = type(model.network)(model.spec, options, weights, torch.device("cuda", 0))
    return type(model)(network, model.seed)


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_what_the_cpu_learns(kind, optimizer):
    here, there, cutter = pair(kind, precision="float32", optimizer=optimizer, dropout=0)
    for batch in lstms.batches(cutter, groups=2)[:5]:
        losses = [model.train_step(batch, 0.1) for model in (here, there)]
        assert losses[1] == pytest.approx(losses[0], abs=1e-3)
    batch = lstms.batches(cutter, groups=2)[0]
    np.testing.assert_allclose(there.nll(batch), here.nll(batch), atol=0.02)


@pytest.mark.parametrize("hidden", [128, 160, 512])  # by which cuDNN chooses its algorithm
def test_bfloat16_stays_near_float32(hidden):
    here, there, cutter = pair("default", precision="auto", hidden=hidden, dropout=0)
    for batch in lstms.batches(cutter, groups=2)[:3]:
        losses = [model.train_step(batch, 0.1) for model in (here, there)]
        assert losses[1] == pytest.approx(losses[0], abs=0.05)


@pytest.mark.parametrize("kind", ["default", "mlp", "gpt"])
def test_a_step_waits_for_its_loss_and_for_nothing_else(kind):
    _, there, cutter = pair(kind, dropout=0)
    first, *others = [batch for batch in lstms.batches(cutter, groups=2) if batch.starts.all()][:4]
    there.train_step(first, 0.1)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as waits:
            warnings.simplefilter("always")
            for batch in others:
                there.train_step(batch, 0.1)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(waits) == len(others)


@pytest.mark.parametrize("kind", ["default", "mlp", "gpt"])
def test_training_goes_on_from_its_state(kind):
    _, there, cutter = pair(kind, precision="float32")
    todo = lstms.batches(cutter, groups=2)
    for batch in todo[:3]:
        there.train_step(batch, 0.1)
    again = moved(there)
    again.restore_training_state(there.training_state())
    for batch in todo[3:6]:
        losses = [model.train_step(batch, 0.1) for model in (there, again)]
        assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_a_lack_of_memory_is_known_and_the_step_can_be_taken_in_parts():
    _, there, cutter = pair("default")
    batch = lstms.batches(cutter, groups=2)[0]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-5)
    try:
        with pytest.raises(torch.OutOfMemoryError) as lacking:
            hoard = [torch.empty(1 << 20, device="cuda") for _ in range(1 << 12)]
            del hoard
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert there.ran_out_of_memory(lacking.value)
    assert there.learn_in_parts(2)
    assert np.isfinite(there.train_step(batch, 0.1))


# -- painting ----------------------------------------------------------------------------------


def on_the_gpu(kind):
    """A model that has learned a little, moved there, and its cutter."""
    model, cutter = model_of(kind, scan="pyramid")
    return moved(model), cutter


@pytest.fixture
def graphs(monkeypatch):
    """What has been recorded."""
    made = []
    record = painters.recorded
    monkeypatch.setattr(painters, "recorded", lambda *args: made.append(record(*args)) or made[-1])
    return made


def assert_used(model, graphs):
    """The last painter paints with the graphs, all of which were recorded."""
    assert graphs
    assert None not in graphs
    assert set(model._painters._idle[-1]._graphs.values()) <= set(graphs)
    assert model._painters._idle[-1]._graphs


@pytest.mark.parametrize("kind", LSTMS + OTHERS)
def test_on_a_gpu_the_tokens_are_those_of_the_loop_and_of_a_graph(kind, graphs):
    model, cutter = on_the_gpu(kind)
    assert_painted_alike(model, plan_of(cutter))
    assert_used(model, graphs)
    assert_painted_alike(model, plan_of(cutter, seed=9))
    assert_painted_alike(model, plan_of(cutter, 64))
    course = np.linspace(1.5, 0.2, cutter.scan.cells)
    assert_painted_alike(model, plan_of(cutter, temperatures=course))
    assert_used(model, graphs)


@every_sampler
def test_on_a_gpu_every_sampler_can_be_recorded(name, graphs):
    model, cutter = on_the_gpu("default")
    sampler = catalogue().load("sampler", name)
    chosen = sampler(sampler.Options(**CUTS.get(name, {})))
    assert_painted_alike(model, plan_of(cutter, sampler=chosen))
    assert_used(model, graphs)


@pytest.mark.parametrize("painting", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["default", "mlp", "gpt"])
def test_on_a_gpu_a_rows_bits_do_not_depend_on_its_place(kind, painting):
    """At the widths of real models, in steps of one shape."""
    wide = {"embedding": 256, "painting": painting}
    if kind == "gpt":
        wide["heads"] = 8
    else:
        wide["hidden"] = 512
    if kind in families.KINDS:
        model, cutter = families.build(kind, wide, groups=2)
    else:
        model, cutter = lstms.make(wide, vocab=1000, groups=2)
    model = moved(model)
    rows = model.decoder(1).at_once
    generator = np.random.default_rng(3)
    context = generator.integers(0, cutter.vocab_size + 1, (rows, model.spec.context_size))
    positions = generator.integers(0, cutter.scan.cells, rows)

    def logits(order):
        return model.decoder(rows).step(
            StepInputs(
                context=context[order].astype(np.int32),
                positions=positions[order].astype(np.int32),
                slots=np.arange(len(order), dtype=np.int32),
                starts=np.ones(len(order), bool),
                groups=np.zeros(len(order), np.int32),
                canvas=np.zeros((1, 1), np.int32),
                pictures=np.zeros(len(order), np.int32),
            )
        )

    expected = logits(np.arange(rows))
    for order in (generator.permutation(rows), np.roll(np.arange(rows), 1), np.arange(3)):
        np.testing.assert_array_equal(logits(order), expected[order])


def test_on_a_gpu_what_fails_to_be_recorded_leaves_nothing_behind(monkeypatch, graphs):
    monkeypatch.setattr(painters, "waits_for_nothing", lambda *args: True)
    model, cutter = on_the_gpu("default")
    before = torch.cuda.current_stream()
    assert_painted_alike(model, plan_of(cutter, sampler=Looking(Looking.Options())))
    assert graphs == [None]
    assert torch.cuda.current_stream() == before
    graphs.clear()
    assert_painted_alike(model, plan_of(cutter))
    assert_used(model, graphs)


def test_on_a_gpu_several_threads_paint_with_one_model(graphs):
    model, cutter = on_the_gpu("default")
    plans = [plan_of(cutter, 2 + seed % 3, seed=seed) for seed in range(12)]
    expected = [paint(model, plan) for plan in plans]
    with ThreadPoolExecutor(4) as threads:
        for painted, tokens in zip(threads.map(model.generate, plans), expected, strict=True):
            np.testing.assert_array_equal(painted, tokens)
    assert_used(model, graphs)

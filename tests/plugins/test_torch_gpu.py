"""Training on a GPU: the numbers of the CPU, and nothing that waits in the midst of a step."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from . import test_torch_families as families  # noqa: E402
from . import test_torch_lstm as lstms  # noqa: E402

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
    network = type(model.network)(
        model.spec, model.network.options, model.network.weights(), torch.device("cuda", 0)
    )
    return model, type(model)(network, model.seed), cutter


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
    again = type(there)(
        type(there.network)(
            there.spec, there.network.options, there.network.weights(), torch.device("cuda", 0)
        ),
        0,
    )
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

"""A step taken in parts is the step taken at once, but for rounding: dropout, memory and all."""

from __future__ import annotations

import numpy as np
import pytest
from canonical_toys import KINDS, batches, make
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.segments import equal_parts
from pixelgen.models.canonical import muon
from pixelgen.models.numpy_lstm import NumpyLSTM


def torch_lstm():
    return pytest.importorskip("pixelgen_torch.lstm").TorchLSTM


BACKENDS = {"numpy-lstm": lambda: NumpyLSTM, "torch-lstm": torch_lstm}


@given(count=st.integers(1, 200), parts=st.integers(1, 200))
def test_parts_are_whole_and_equal(count, parts):
    slices = equal_parts(count, parts)
    sizes = [part.stop - part.start for part in slices]
    assert [row for part in slices for row in range(count)[part]] == list(range(count))
    assert len(slices) == min(count, parts)
    assert max(sizes) - min(sizes) <= 1


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param]()


@pytest.mark.parametrize("kind", ["default", "two layers with dropout", "picture", "plain"])
def test_the_result_is_that_of_whole_batches(backend, kind):
    options = {**KINDS[kind], **({"precision": "float32"} if backend is not NumpyLSTM else {})}
    whole, cutter = make(backend, options)
    parted, _ = make(backend, options)
    assert parted.learn_in_parts(4)
    for number, batch in enumerate(batches(cutter)[:6]):
        losses = [model.train_step(batch, number / 10) for model in (whole, parted)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    one, other = whole.training_state(), parted.training_state()
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_allclose(other[name], array, rtol=2e-3, atol=2e-5, err_msg=name)


def test_a_step_that_fails_leaves_the_model_as_it_was(backend, monkeypatch):
    """Memory can run out after a part has been learned, and half the masks are drawn."""
    options = {"layers": 2, "memory": "picture", "chunk": 5, "dropout": 0.3}
    calm, cutter = make(backend, options)
    shaken, _ = make(backend, options)
    module, name = "pixelgen_torch.learning", "mean_cross_entropy"
    if backend is NumpyLSTM:
        module, name = backend.train_step.__module__, "loss_and_gradients"
    loss = getattr(__import__(module, fromlist=[name]), name)
    for batch in batches(cutter)[:4]:
        calls = []

        def failing(*arguments, calls=calls):
            calls.append(1)
            if len(calls) == 2:
                raise MemoryError
            return loss(*arguments)

        for model in (calm, shaken):
            model.learn_in_parts(2)
        monkeypatch.setattr(f"{module}.{name}", failing)
        with pytest.raises(MemoryError):
            shaken.train_step(batch, 0.1)
        monkeypatch.setattr(f"{module}.{name}", loss)
        assert shaken.train_step(batch, 0.1) == calm.train_step(batch, 0.1)
    one, other = calm.training_state(), shaken.training_state()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def test_a_move_that_memory_does_not_suffice_for_moves_nothing(monkeypatch):
    """Of NumPy's optimizer: some matrices would have moved already, and move twice."""
    calm, cutter = make(NumpyLSTM, {})
    shaken, _ = make(NumpyLSTM, {})
    batch, *_ = batches(cutter)
    orthogonal, calls = muon.orthogonal, []

    def failing(matrix):
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return orthogonal(matrix)

    monkeypatch.setattr(muon, "orthogonal", failing)
    with pytest.raises(MemoryError):
        shaken.train_step(batch, 0.1)
    monkeypatch.undo()
    assert shaken.train_step(batch, 0.1) == calm.train_step(batch, 0.1)
    np.testing.assert_array_equal(shaken.nll(batch), calm.nll(batch))
    one, other = calm.training_state(), shaken.training_state()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def test_a_lower_learning_rate_moves_the_weights_less(backend):
    quick, cutter = make(backend, {"optimizer": "rmsprop", "clip": None})
    slow, _ = make(backend, {"optimizer": "rmsprop", "clip": None})
    before = {name: array.copy() for name, array in weights(quick).items()}
    assert slow.scale_learning_rate(0.25)
    batch = batches(cutter)[0]
    for model in (quick, slow):
        model.train_step(batch, 0)
    moved = [
        np.abs(weights(model)["output.bias"] - before["output.bias"]).sum()
        for model in (quick, slow)
    ]
    assert moved[1] == pytest.approx(moved[0] / 4, rel=1e-3)


def weights(model):
    found = model._network.weights if isinstance(model, NumpyLSTM) else model.network.weights()
    return {name: np.asarray(weight).copy() for name, weight in found.items()}


def test_a_leader_whose_step_fails_copies_its_model_to_the_others_again(monkeypatch):
    """Who had taken the step already would else be a step ahead from then on."""
    company = pytest.importorskip("pixelgen_torch.company")
    others = object.__new__(company.Company)
    others.rank, others.size, others._leads = 0, 1, None
    told = []
    monkeypatch.setattr(others, "tell", lambda message: told.append(type(message).__name__))
    monkeypatch.setattr(others, "summed", lambda tensors: None)
    monkeypatch.setattr("pixelgen_torch.model.company", lambda: others)
    model, cutter = make(torch_lstm(), {})
    [first, second, *_] = batches(cutter)
    model.train_step(first, 0.0)
    move = model.learning.optimizer.step
    monkeypatch.setattr(model.learning.optimizer, "step", out_of_memory)
    with pytest.raises(MemoryError):
        model.train_step(second, 0.1)
    monkeypatch.setattr(model.learning.optimizer, "step", move)
    model.train_step(second, 0.1)
    model.train_step(first, 0.2)
    assert told == ["Begin", "Step", "Step", "Begin", "Step", "Step"]


def out_of_memory(*_):
    raise MemoryError

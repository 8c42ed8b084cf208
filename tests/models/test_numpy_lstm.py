"""`numpy-lstm`: its gradients are the loss's, its painting is what it has learned, bit for bit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from canonical_toys import KINDS, VOCAB, batches, canvases, make, make_spec, nats_of, painted_logits
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.segments import Batch
from pixelgen.errors import DeviceNotFound, RunUnreadable
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.canonical.backward import loss_and_gradients
from pixelgen.models.canonical.forward import Network
from pixelgen.models.canonical.tiles import SIZES, WASTE, agreeing_sizes, cut
from pixelgen.models.interface import StepInputs
from pixelgen.models.numpy_lstm import NumpyLSTM

pytestmark = pytest.mark.usefixtures("small_pyramids")

EXACT = {"rtol": 0, "atol": 1e-5}


def weights_of(model):
    return {name: weight.copy() for name, weight in model._network.weights.items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


# -- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_every_gradient_is_what_finite_differences_say(kind, channels):
    model, cutter = make(NumpyLSTM, KINDS[kind], channels=channels, groups=2)
    batch = batches(cutter, groups=2)[0]
    masks = model._dropout_masks(batch)
    options, spec = model._network.options, model._network.spec
    generator = np.random.default_rng(0)
    shape = (len(batch.starts), options.hidden)
    state = [tuple(generator.normal(0, 1, (2, *shape))) for _ in range(options.layers)]
    wide = {name: weight.astype(np.float64) for name, weight in model._network.weights.items()}
    targets = batch.targets.T.reshape(-1)

    def measure(weights):
        network = Network(spec, options, weights)
        trace = network.run(batch.context, batch.positions, batch.groups, state, masks)
        return loss_and_gradients(network, trace, targets)

    _, gradients = measure(wide)
    assert gradients.keys() == wide.keys()
    for name, weight in wide.items():
        assert gradients[name].dtype == np.float64
        assert gradients[name].shape == weight.shape
        way = generator.normal(0, 1, weight.shape)
        step = 1e-5 / np.linalg.norm(way)
        there, _ = measure({**wide, name: weight + step * way})
        back, _ = measure({**wide, name: weight - step * way})
        slope = (there - back) / (2 * step)
        expected = (gradients[name] * way).sum()
        scale = np.linalg.norm(gradients[name]) * np.linalg.norm(way)
        assert abs(slope - expected) <= 1e-5 * scale + 1e-7, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_on_a_picture_seen_again_and_again(kind):
    model, cutter = make(NumpyLSTM, {**KINDS[kind], "dropout": 0.0, "learning_rate": 0.005})
    batch = batches(cutter)[0]
    losses = [model.train_step(batch, 0.0) for _ in range(60)]
    assert losses[0] == pytest.approx(np.log(VOCAB), abs=0.2)
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize(("vocab", "grid"), [(1, (1, 1)), (2, (1, 1)), (3, (1, 5)), (3, (5, 1))])
def test_the_smallest_vocabularies_and_grids_work(vocab, grid):
    model, cutter = make(NumpyLSTM, {"batch": 1}, vocab=vocab, grid=grid)
    for batch in batches(cutter):
        assert np.isfinite(model.train_step(batch, 0.5))
    nats = nats_by_cell(model, cutter, *canvases(cutter, count=1))
    assert nats.shape == (1, grid[0] * grid[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_trains_to_the_same_weights_and_another_to_others(kind):
    results = []
    for seed in (3, 3, 4):
        model, cutter = make(NumpyLSTM, KINDS[kind], seed=seed)
        for batch in batches(cutter):
            model.train_step(batch, 0.3)
        results.append(weights_of(model))
    assert_same(results[0], results[1])
    assert any((results[0][name] != results[2][name]).any() for name in results[0])


def test_dropout_draws_other_masks_at_each_step_and_in_each_layer_and_keeps_the_mean():
    model, cutter = make(NumpyLSTM, {"layers": 2, "dropout": 0.25, "hidden": 400})
    batch = batches(cutter)[0]
    first = model._dropout_masks(batch)
    model.train_step(batch, 0.0)
    second = model._dropout_masks(batch)
    assert (first[0] != first[1]).any()
    assert (first[0] != second[0]).any()
    assert np.unique(first[0]).tolist() == pytest.approx([0, 1 / 0.75])
    assert first[0].mean() == pytest.approx(1, abs=0.02)


def test_measuring_and_painting_change_nothing_that_training_goes_on_from():
    models = [make(NumpyLSTM, {"memory": "picture", "chunk": 5, "dropout": 0.2}) for _ in range(2)]
    (measured, cutter), (left_alone, _) = models
    for batch in batches(cutter):
        measured.train_step(batch, 0.1)
        left_alone.train_step(batch, 0.1)
        nats_by_cell(measured, cutter, *canvases(cutter, count=2))
        painted_logits(measured, cutter, *canvases(cutter, count=1))
    assert_same(weights_of(measured), weights_of(left_alone))
    assert_same(measured.training_state(), left_alone.training_state())


# -- painting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [0, 3])
def test_the_decoder_agrees_with_the_likelihoods(kind, channels):
    model, cutter = make(NumpyLSTM, KINDS[kind], channels=channels, groups=2)
    for batch in batches(cutter, groups=2)[:3]:
        model.train_step(batch, 0.0)
    data = canvases(cutter, groups=2)
    logits = painted_logits(model, cutter, *data)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(
        nats_of(logits, data[0]), nats_by_cell(model, cutter, *data), **EXACT
    )


@pytest.mark.parametrize("scan", ["serpentine", "column", "hilbert", "pyramid"])
@pytest.mark.parametrize("kind", ["default", "picture"])
def test_the_order_of_painting_changes_no_bit(scan, kind):
    model, cutter = make(NumpyLSTM, KINDS[kind], scan=scan)
    data = canvases(cutter)
    np.testing.assert_array_equal(
        painted_logits(model, cutter, *data),
        painted_logits(model, cutter, *data, one_at_a_time=True),
    )


ROWS = 600  # more than two of the largest tiles


def awkward_model():
    # Widths that are multiples of nothing, a vocabulary that fills no vector, two layers.
    options = {"hidden": 75, "embedding": 37, "projection": 30, "layers": 2}
    model, cutter = make(NumpyLSTM, options, vocab=103, groups=2)
    for batch in batches(cutter, groups=2)[:3]:  # since what is tied adds nothing at first
        model.train_step(batch, 0.0)
    return model


def step_inputs(model, seed):
    spec = model._network.spec
    generator = np.random.default_rng(seed)
    return StepInputs(
        context=generator.integers(0, spec.vocab_size + 1, (ROWS, spec.context_size), np.int32),
        positions=generator.integers(0, len(spec.rows), ROWS, np.int32),
        slots=np.arange(ROWS, dtype=np.int32),
        starts=generator.random(ROWS) < 0.3,
        groups=generator.integers(0, spec.groups, ROWS, np.int32),
        canvas=np.zeros((1, 1), np.int32),
        pictures=np.zeros(ROWS, np.int32),
    )


def take(inputs, chosen, slots):
    parts = ("context", "positions", "starts", "groups", "pictures")
    taken = {part: getattr(inputs, part)[chosen] for part in parts}
    return StepInputs(slots=slots.astype(np.int32), canvas=inputs.canvas, **taken)


def logits_of_chosen_rows(model, steps, chosen, slots):
    decoder = model.decoder(len(chosen))
    return [decoder.step(take(inputs, chosen, slots)) for inputs in steps]


@pytest.fixture(scope="module")
def reference():
    """A model, two steps over all rows, and the logits of both."""
    model = awkward_model()
    steps = [step_inputs(model, seed) for seed in (0, 1)]
    everyone = np.arange(ROWS)
    return model, steps, logits_of_chosen_rows(model, steps, everyone, everyone)


@given(rows=st.integers(1, ROWS), seed=st.integers(0, 2**32 - 1))
def test_a_rows_logits_are_the_same_bits_among_any_others(reference, rows, seed):
    model, steps, expected = reference
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(ROWS)[:rows]
    got = logits_of_chosen_rows(model, steps, chosen, generator.permutation(rows))
    for some, everyone in zip(got, expected, strict=True):
        np.testing.assert_array_equal(some, everyone[chosen])


@pytest.mark.parametrize("rows", [*range(1, 21), 63, 64, 65, 255, 256, 257, 321, 599])
def test_any_number_of_rows_gives_the_same_bits(reference, rows):
    model, steps, expected = reference
    chosen = np.arange(rows)
    got = logits_of_chosen_rows(model, steps, chosen, chosen)
    for some, everyone in zip(got, expected, strict=True):
        np.testing.assert_array_equal(some, everyone[:rows])


def test_widths_of_the_default_model_give_the_same_bits_at_any_number_of_rows():
    model = make(NumpyLSTM, {"hidden": 384, "embedding": 256, "projection": 256}, vocab=1000)[0]
    steps = [step_inputs(model, 0)]
    everyone = np.arange(ROWS)
    (expected,) = logits_of_chosen_rows(model, steps, everyone, everyone)
    for rows in (1, 3, 19, 75, 300):
        chosen = np.random.default_rng(rows).permutation(ROWS)[:rows]
        (got,) = logits_of_chosen_rows(model, steps, chosen, np.arange(rows))
        np.testing.assert_array_equal(got, expected[chosen])


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86 kernels")
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("kernels", ["Haswell", "Nehalem"])
def test_older_processors_give_the_same_bits_at_any_number_of_rows(kernels, threads):
    script = (
        "import test_numpy_lstm as t, numpy as np\n"
        "model = t.awkward_model()\n"
        "steps = [t.step_inputs(model, seed) for seed in (0, 1)]\n"
        "everyone = np.arange(t.ROWS)\n"
        "expected = t.logits_of_chosen_rows(model, steps, everyone, everyone)\n"
        "for rows in (1, 2, 5, 17, 40, 100, 300):\n"
        "    chosen = np.random.default_rng(rows).permutation(t.ROWS)[:rows]\n"
        "    got = t.logits_of_chosen_rows(model, steps, chosen, np.arange(rows))\n"
        "    assert all((a == b[chosen]).all() for a, b in zip(got, expected))\n"
    )
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "OPENBLAS_CORETYPE": kernels,  # a hint that another BLAS ignores
        "OPENBLAS_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@given(rows=st.integers(0, 2000))
def test_tiles_cover_every_row_once_and_overhang_by_little(rows):
    covered = 0
    for first, size in cut(rows, SIZES):
        assert first == covered
        covered += size
    assert rows <= covered <= max(WASTE * rows, rows + SIZES[-1] - 1)


@given(rows=st.integers(0, 2000))
def test_tiles_of_one_size_overhang_by_less_than_one(rows):
    tiles = list(cut(rows, (16,)))
    assert tiles == [(first, 16) for first in range(0, rows, 16)]


def test_where_no_size_agrees_with_itself_rows_are_computed_one_at_a_time(monkeypatch):
    monkeypatch.setattr("pixelgen.models.canonical.tiles._gives", lambda *_: False)
    assert agreeing_sizes([(8, 8)]) == (1,)


def test_sizes_that_give_other_bits_are_left_out(monkeypatch):
    agree = {(64, 64), (4, 64)}
    monkeypatch.setattr(
        "pixelgen.models.canonical.tiles._gives",
        lambda shape, size, largest: (size, largest) in agree,
    )
    assert agreeing_sizes([(8, 8)]) == (64, 4)


# -- files and resumption ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_is_read_back_as_it_was(kind, tmp_path):
    model, cutter = make(NumpyLSTM, KINDS[kind], groups=2)
    for batch in batches(cutter, groups=2):
        model.train_step(batch, 0.0)
    model.save(tmp_path)
    again = NumpyLSTM.load(tmp_path, model._network.options)
    assert_same(weights_of(model), weights_of(again))
    data = canvases(cutter, groups=2)
    np.testing.assert_array_equal(
        nats_by_cell(model, cutter, *data), nats_by_cell(again, cutter, *data)
    )
    assert again.parameter_count == model.parameter_count > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 2])
def test_training_that_was_interrupted_goes_on_as_if_it_had_not_been(kind, after, tmp_path):
    straight, cutter = make(NumpyLSTM, {**KINDS[kind], "dropout": 0.3})
    interrupted, _ = make(NumpyLSTM, {**KINDS[kind], "dropout": 0.3})
    steps = batches(cutter)
    for batch in steps[:after]:
        straight.train_step(batch, 0.1)
        interrupted.train_step(batch, 0.1)
    interrupted.save(tmp_path)
    resumed = NumpyLSTM.load(tmp_path, interrupted._network.options)
    resumed.restore_training_state(interrupted.training_state())
    for batch in steps[after : after + 4]:
        assert straight.train_step(batch, 0.5) == resumed.train_step(batch, 0.5)
    assert_same(weights_of(straight), weights_of(resumed))
    assert_same(straight.training_state(), resumed.training_state())


def test_the_state_returned_is_a_copy():
    model, cutter = make(NumpyLSTM)
    batch = batches(cutter)[0]
    model.train_step(batch, 0.0)
    state = dict(model.training_state())
    before = {name: array.copy() for name, array in state.items()}
    model.train_step(batch, 0.0)
    assert_same(state, before)


@pytest.mark.parametrize("other", [{"optimizer": "rmsprop"}, {"layers": 2}, {"hidden": 24}])
def test_another_models_training_state_is_refused(other):
    model, cutter = make(NumpyLSTM)
    stranger, _ = make(NumpyLSTM, other)
    for trained in (model, stranger):
        trained.train_step(batches(cutter)[0], 0.0)
    with pytest.raises(RunUnreadable, match="does not fit"):
        model.restore_training_state(stranger.training_state())
    with pytest.raises(RunUnreadable, match="does not fit"):
        stranger.restore_training_state(model.training_state())


def test_a_batch_that_goes_on_from_none_is_an_error():
    model, cutter = make(NumpyLSTM, {"memory": "picture", "chunk": 5})
    batch = batches(cutter)[1]
    assert isinstance(batch, Batch)
    assert not batch.starts.any()
    with pytest.raises(ValueError, match="cannot go on"):
        model.train_step(batch, 0.0)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tpu"])
def test_any_device_but_the_cpu_is_an_error_that_says_what_to_do(device):
    options = NumpyLSTM.Options()
    spec, _ = make_spec(NumpyLSTM.segments(options))
    with pytest.raises(DeviceNotFound, match="--device cpu"):
        NumpyLSTM.build(spec, options, device=device)

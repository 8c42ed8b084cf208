"""`keras-lstm` as a model of pixelgen: learning, likelihoods, files and resumption."""

from __future__ import annotations

import random

import numpy as np
import pytest
from canonical_toys import KINDS, VOCAB, batches, canvases, make

from pixelgen.errors import DeviceNotFound, OptionError, RunUnreadable
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.canonical.options import FAMILY
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.options import describe_options, parse_options

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytest.importorskip("keras", reason="Keras is not installed")
pytest.importorskip("pixelgen_keras", reason="pixelgen-keras is not installed")

from pixelgen_keras.batches import kept_outputs, padded  # noqa: E402
from pixelgen_keras.lstm import KerasLSTM  # noqa: E402
from pixelgen_keras.options import KerasOptions  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

FEW = ["default", "two layers with dropout", "picture", "plain", "article"]


def weights_of(model):
    return model._network.arrays(model._weights)


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", FEW)
def test_the_loss_falls_on_a_picture_seen_again_and_again(kind, precision):
    options = {**KINDS[kind], "dropout": 0.0, "learning_rate": 0.005, "precision": precision}
    model, cutter = make(KerasLSTM, options)
    batch = batches(cutter)[0]
    losses = [model.train_step(batch, 0.0) for _ in range(40)]
    assert losses[0] == pytest.approx(np.log(VOCAB), abs=0.2)
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("groups", [1, 3])
def test_palettes_and_groups_are_optional(channels, groups):
    model, cutter = make(KerasLSTM, channels=channels, groups=groups)
    losses = [model.train_step(batch, 0.0) for batch in batches(cutter, groups=groups)[:2]]
    assert np.isfinite(losses).all()
    names = weights_of(model)
    assert ("group_in.weight" in names) == (groups > 1)
    assert ("colour_in.0.weight" in names) == bool(channels)
    assert ("output.colour.0.weight" in names) == bool(channels)


@pytest.mark.parametrize(("vocab", "grid"), [(1, (1, 1)), (2, (1, 1)), (3, (1, 5)), (3, (5, 1))])
def test_the_smallest_vocabularies_and_grids_work(vocab, grid):
    model, cutter = make(KerasLSTM, {"batch": 1}, vocab=vocab, grid=grid)
    for batch in batches(cutter)[:2]:
        assert np.isfinite(model.train_step(batch, 0.5))
    nats = nats_by_cell(model, cutter, *canvases(cutter, count=1))
    assert nats.shape == (1, grid[0] * grid[1])
    if vocab == 1:
        np.testing.assert_allclose(nats, 0, atol=1e-6)


@pytest.mark.parametrize("kind", FEW)
def test_the_same_seed_trains_to_the_same_weights_and_another_to_others(kind):
    results = []
    for seed in (3, 3, 4):
        model, cutter = make(KerasLSTM, KINDS[kind], seed=seed)
        for batch in batches(cutter)[:4]:
            model.train_step(batch, 0.3)
        results.append(weights_of(model))
    assert_same(results[0], results[1])
    assert any((results[0][name] != results[2][name]).any() for name in results[0])


def test_a_new_model_has_the_canonical_first_weights():
    model, _ = make(KerasLSTM, {"layers": 2}, groups=2, seed=5)
    assert_same(weights_of(model), initial_weights(model.spec, model._options, 5))


def test_neither_building_nor_training_nor_painting_touches_global_random_states():
    tf.random.set_seed(7)
    np.random.seed(7)
    random.seed(7)
    numbers = np.random.get_state()[1].copy()
    python = random.getstate()
    model, cutter = make(KerasLSTM, {"layers": 2, "dropout": 0.5})
    for batch in batches(cutter)[:2]:
        model.train_step(batch, 0.0)
        model.nll(batch)
    model.decoder(3)
    drawn = tf.random.uniform([4]).numpy()
    assert (np.random.get_state()[1] == numbers).all()
    assert random.getstate() == python
    tf.random.set_seed(7)
    np.testing.assert_array_equal(tf.random.uniform([4]).numpy(), drawn)


@pytest.mark.parametrize("kind", ["default", "picture"])
def test_no_probability_depends_on_tokens_that_come_later(kind):
    model, cutter = make(KerasLSTM, KINDS[kind], scan="serpentine")
    tokens, groups = canvases(cutter, count=1)
    before = nats_by_cell(model, cutter, tokens, groups)[0]
    order = cutter.scan.order
    for step in (0, 5, 20, len(order) - 1):
        changed = tokens.copy()
        changed[0, order[step:]] = (changed[0, order[step:]] + 1) % VOCAB
        after = nats_by_cell(model, cutter, changed, groups)[0]
        np.testing.assert_allclose(after[order[:step]], before[order[:step]], rtol=0, atol=1e-6)


def test_measuring_in_between_changes_nothing_that_training_depends_on():
    results = []
    for measures in (False, True):
        model, cutter = make(KerasLSTM, {**KINDS["picture"], "dropout": 0.3})
        for batch in batches(cutter):
            model.train_step(batch, 0.0)
            if measures:
                nats_by_cell(model, cutter, *canvases(cutter, seed=9))
        results.append(weights_of(model))
    assert_same(*results)


def test_memory_reaches_from_chunk_to_chunk_of_a_picture_but_not_into_the_next():
    """With the `previous` context, only the memory can tell what came before the last token."""
    model, cutter = make(KerasLSTM, {**KINDS["picture"], "context": "previous"})
    tokens, groups = canvases(cutter, count=1)
    before = nats_by_cell(model, cutter, tokens, groups)
    tokens[0, 0] = (tokens[0, 0] + 1) % VOCAB
    changed = nats_by_cell(model, cutter, tokens, groups)
    assert (changed[0, 6:12] != before[0, 6:12]).any()
    np.testing.assert_array_equal(nats_by_cell(model, cutter, tokens, groups), changed)


def test_rows_of_memory_begin_afresh():
    model, cutter = make(KerasLSTM, {"context": "previous"})
    tokens, groups = canvases(cutter, count=1)
    before = nats_by_cell(model, cutter, tokens, groups)
    tokens[0, 1] = (tokens[0, 1] + 1) % VOCAB
    after = nats_by_cell(model, cutter, tokens, groups)
    assert (after[0, 2:6] != before[0, 2:6]).any()
    np.testing.assert_allclose(after[0, 6:], before[0, 6:], rtol=0, atol=1e-6)


def test_a_batch_that_goes_on_must_have_as_many_sequences():
    model, cutter = make(KerasLSTM, KINDS["picture"])
    first, second = batches(cutter)[:2]
    assert first.starts.all() and not second.starts.any()
    with pytest.raises(ValueError, match="cannot go on"):
        model.train_step(second, 0.0)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_dropout_drops_its_share_in_training_alone(share):
    kept = kept_outputs(3, 0, 0, share, (20, 30, 40), 32)
    assert kept[:, :30].mean() == pytest.approx(1 - share, abs=0.02)
    model, cutter = make(KerasLSTM, {"dropout": share})
    batch = batches(cutter)[0]
    np.testing.assert_array_equal(model.nll(batch), model.nll(batch))


def test_padding_a_batch_changes_nothing_of_its_gradients():
    """Three sequences in a batch of four: as if there were three."""
    model, cutter = make(KerasLSTM, {"precision": "float32"}, grid=(3, 6))
    tokens, groups = canvases(cutter, count=1)
    (batch,) = cutter.training_batches(tokens, groups, np.random.default_rng(0))
    results = []
    for usual in (3, 4):
        whole = padded(batch, usual)
        assert whole.rows == usual
        gradients = model._steps.gradients(model._weights, whole, model._fresh_state(usual))
        results.append(model._network.arrays(gradients))
    for name, gradient in results[0].items():
        np.testing.assert_allclose(results[1][name], gradient, rtol=0, atol=1e-6, err_msg=name)


# -- files ---------------------------------------------------------------------------------------


def test_a_model_is_read_back_as_it_was_saved(tmp_path):
    model, cutter = make(KerasLSTM, {"layers": 2}, groups=2)
    model.train_step(batches(cutter, groups=2)[0], 0.0)
    model.save(tmp_path)
    loaded = KerasLSTM.load(tmp_path, KerasOptions(), device="cpu")
    assert loaded._options.layers == 2
    assert_same(weights_of(model), weights_of(loaded))
    data = canvases(cutter, groups=2)
    np.testing.assert_array_equal(
        nats_by_cell(model, cutter, *data), nats_by_cell(loaded, cutter, *data)
    )


def test_the_weight_file_holds_the_canonical_names_and_shapes(tmp_path):
    model, _ = make(KerasLSTM, {"layers": 2}, groups=2)
    model.save(tmp_path)
    arrays = load_file(tmp_path / "model.safetensors")
    expected = weight_shapes(model.spec, model._options)
    assert set(expected) <= set(arrays)
    assert {name: arrays[name].shape for name in expected} == expected
    assert sum(arrays[name].size for name in expected) == model.parameter_count
    assert KerasLSTM.family == FAMILY


def test_a_damaged_file_is_named(tmp_path):
    model, _ = make(KerasLSTM)
    model.save(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RunUnreadable, match=r"model\.safetensors"):
        KerasLSTM.load(tmp_path, KerasOptions(), device="cpu")


@pytest.mark.parametrize("kind", FEW)
def test_training_goes_on_exactly_from_its_saved_state(kind, tmp_path):
    model, cutter = make(KerasLSTM, KINDS[kind])
    todo = batches(cutter)[:6]
    for index, batch in enumerate(todo[:3]):
        model.train_step(batch, index / len(todo))
    model.save(tmp_path)
    save_file(dict(model.training_state()), tmp_path / "state.safetensors")
    resumed = KerasLSTM.load(tmp_path, model._options, device="cpu")
    resumed.restore_training_state(load_file(tmp_path / "state.safetensors"))
    for index, batch in enumerate(todo[3:], 3):
        progress = index / len(todo)
        assert model.train_step(batch, progress) == resumed.train_step(batch, progress)
    assert_same(weights_of(model), weights_of(resumed))
    assert_same(dict(model.training_state()), dict(resumed.training_state()))


def test_a_training_state_is_a_copy():
    model, cutter = make(KerasLSTM)
    model.train_step(batches(cutter)[0], 0.0)
    before = dict(model.training_state())
    kept = {name: array.copy() for name, array in before.items()}
    model.train_step(batches(cutter)[1], 0.0)
    assert_same(before, kept)


def test_a_training_state_of_before_the_first_step_is_taken_back():
    model, cutter = make(KerasLSTM)
    fresh = dict(model.training_state())
    model.train_step(batches(cutter)[0], 0.0)
    model.restore_training_state(fresh)
    assert_same(dict(model.training_state()), fresh)


def test_a_training_state_that_does_not_fit_is_refused():
    model, _ = make(KerasLSTM)
    larger, cutter = make(KerasLSTM, {"hidden": 40})
    larger.train_step(batches(cutter)[0], 0.0)
    with pytest.raises(RunUnreadable, match="shape"):
        model.restore_training_state(larger.training_state())
    with pytest.raises(RunUnreadable, match="lacks"):
        model.restore_training_state({"seed": np.array(3)})


# -- options and devices -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"hiden": 5}, "hidden"),
        ({"backend": "tensorflov"}, "tensorflow"),
        ({"precision": "float16"}, "precision"),
        ({"window": 5}, "memory=picture"),
    ],
)
def test_a_wrong_option_is_explained(wrong, names):
    with pytest.raises(OptionError, match=names):
        parse_options(KerasOptions, wrong, owner="model keras-lstm")


def test_every_option_is_described():
    for option in describe_options(KerasOptions):
        assert option.description, option.name


@pytest.mark.parametrize("device", ["tpu9", "cuda:99"])
def test_a_device_that_is_not_there_is_an_error(device):
    model, _ = make(KerasLSTM)
    with pytest.raises(DeviceNotFound, match=device) as caught:
        KerasLSTM.build(model.spec, KerasOptions(), device=device)
    assert "finds: cpu" in caught.value.where


def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_an_error():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    model, _ = make(KerasLSTM)
    assert KerasLSTM.build(model.spec, KerasOptions()).device == "cpu"
    with pytest.raises(DeviceNotFound, match="cuda"):
        KerasLSTM.build(model.spec, KerasOptions(), device="cuda")


def test_a_gpu_that_tensorflow_cannot_use_is_told_how_it_could(monkeypatch):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    monkeypatch.setattr("pixelgen_keras.engines.interface.has_cuda_device", lambda: True)
    model, _ = make(KerasLSTM)
    with pytest.raises(DeviceNotFound) as caught:
        KerasLSTM.build(model.spec, KerasOptions(), device="cuda")
    assert "pixelgen-keras[tensorflow-cuda]" in caught.value.remedy

"""`keras-lstm` is the model that `torch-lstm` and `numpy-lstm` are: logits, gradients, pictures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from canonical_toys import SMALL, batches, canvases, make, make_spec, nats_of, painted_logits

from pixelgen import api
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.generation import paint_many
from pixelgen.models.canonical.backward import loss_and_gradients
from pixelgen.models.canonical.options import ARTICLE
from pixelgen.models.canonical.parameters import initial_weights
from pixelgen.models.canonical.weights import write_model
from pixelgen.models.numpy_lstm import NumpyLSTM
from pixelgen.options import parse_options
from pixelgen.run import Run
from pixelgen.samplers.multinomial import Multinomial

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytest.importorskip("keras", reason="Keras is not installed")
pytest.importorskip("pixelgen_keras", reason="pixelgen-keras is not installed")

from pixelgen_keras.batches import padded
from pixelgen_keras.lstm import KerasLSTM

CONTEXTS = ["previous", "near", "wide", ((0, -1), (-2, 0))]
SETTINGS = list(
    itertools.product(["row", "picture"], CONTEXTS, [1, 2], [0, 3, 4], ["palette", "plain"])
)
EXTREMES = {
    "article": {**ARTICLE, "window": 20, "hidden": 16},
    "no colours, no places": {"colours": False, "positions": "none"},
    "no tokens": {"token_embeddings": 0},
    "relative places": {"positions": "relative", "memory": "picture"},
    "levels": {},
    "untied": {"tied_neighbours": 0},
    "three tied, one head": {"tied_neighbours": 3, "tied_heads": 1},
    "one token and nothing else": {"colours": False, "positions": "none", "token_embeddings": 1},
}
OWN = {"precision", "backend"}  # options that not every backend has
PRECISE = {"precision": "float32", "chunk": 9}


def torch_lstm():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("pixelgen_torch", reason="pixelgen-torch is not installed")
    from pixelgen_torch.lstm import TorchLSTM

    return TorchLSTM


def read_by(kind, folder, options):
    """The saved model as one of another backend."""
    taken = {name: value for name, value in options.items() if name in kind.Options.model_fields}
    return kind.load(folder, kind.Options(**taken), device="cpu")


def twins(folder, options, **world):
    """A model with weights that none of is zero, what it was saved as, and the cutter."""
    options = {**PRECISE, **options}
    chosen = parse_options(KerasLSTM.Options, {**SMALL, **options}, owner="model keras-lstm")
    spec, cutter = make_spec(KerasLSTM.segments(chosen), **world)
    random = np.random.default_rng(4)
    weights = {
        name: weight + random.normal(0, 0.1, weight.shape)
        for name, weight in initial_weights(spec, chosen, 3).items()
    }
    write_model(folder, spec, chosen, weights)
    return KerasLSTM.load(folder, chosen, device="cpu"), {**SMALL, **options}, cutter


def keras_gradients(model, batch):
    whole = padded(batch)
    tensors = model._steps.gradients(model._weights, whole, model._fresh_state(whole.rows))
    return model._network.arrays(tensors)


def numpy_gradients(model, batch):
    network = model._network
    state = network.fresh_state(len(batch.starts))
    trace = network.run(batch.context, batch.positions, batch.groups, state)
    return loss_and_gradients(network, trace, batch.targets.T.reshape(-1))[1]


def assert_gradients_agree(got, expected):
    assert got.keys() == expected.keys()
    longest = max(np.linalg.norm(gradient) for gradient in expected.values())
    for name, gradient in expected.items():
        # A bias that moves all logits alike has a gradient of nothing but rounding.
        allowed = 1e-3 * np.linalg.norm(gradient) + 1e-6 * longest
        assert np.linalg.norm(got[name] - gradient) <= allowed, name


def assert_moved_alike(got, expected, before, model):
    """Weights have moved by the same, but for those whose gradient is nothing but rounding.

    AdamW moves these as far as any other.
    """
    state = model.training_state()
    size = {name: np.sqrt(state[f"optimizer.square.{name}"]) for name in before}
    least = 1e-4 * max(numbers.max() for numbers in size.values())
    for name, start in before.items():
        moved = (expected[name] - start)[size[name] > least]
        apart = (got[name] - expected[name])[size[name] > least]
        assert np.linalg.norm(apart) <= 1e-3 * np.linalg.norm(moved), name


def assert_near(got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("memory", "context", "layers", "channels", "output"), SETTINGS)
def test_logits_likelihoods_and_gradients_agree(
    tmp_path, memory, context, layers, channels, output
):
    trained, options, cutter = twins(
        tmp_path,
        {"memory": memory, "context": context, "layers": layers, "output": output},
        channels=channels,
        groups=2,
    )
    data = canvases(cutter, groups=2)
    logits, nats = painted_logits(trained, cutter, *data), nats_by_cell(trained, cutter, *data)
    for kind in (NumpyLSTM, torch_lstm()):
        twin = read_by(kind, tmp_path, options)
        assert_near(painted_logits(twin, cutter, *data), logits)
        assert_near(nats_by_cell(twin, cutter, *data), nats)
    assert_near(nats_of(logits, data[0]), nats)
    batch = batches(cutter, groups=2)[0]
    assert_gradients_agree(
        keras_gradients(trained, batch),
        numpy_gradients(read_by(NumpyLSTM, tmp_path, options), batch),
    )


@pytest.mark.parametrize("kind", EXTREMES)
def test_the_articles_recipe_and_other_extremes_agree(tmp_path, kind):
    worlds = {
        "relative places": {"grid": (18, 17)},  # more rows than shares
        "levels": {"grid": (7, 18), "scan": "pyramid"},
    }
    trained, options, cutter = twins(tmp_path, EXTREMES[kind], **worlds.get(kind, {}))
    twin = read_by(NumpyLSTM, tmp_path, options)
    data = canvases(cutter)
    assert_near(painted_logits(trained, cutter, *data), painted_logits(twin, cutter, *data))
    batch = batches(cutter)[0]
    assert_gradients_agree(keras_gradients(trained, batch), numpy_gradients(twin, batch))


@pytest.mark.parametrize("road", ["a loop", "keras's own LSTM"])
def test_every_road_through_a_sequence_agrees(tmp_path, road, monkeypatch):
    """The loop of long sequences, and Keras's layer, which is the road on a GPU."""
    from pixelgen_keras.engines import tensorflow

    if road == "a loop":
        monkeypatch.setattr(tensorflow, "UNROLLED", 2)
    else:
        monkeypatch.setattr(tensorflow.TensorFlowEngine, "walks_by_hand", False)
    options = {"memory": "picture", "layers": 2, "dropout": 0.3, "chunk": 8}
    trained, options, cutter = twins(tmp_path, options)
    twin = read_by(NumpyLSTM, tmp_path, options)
    data = canvases(cutter)
    assert_near(nats_by_cell(trained, cutter, *data), nats_by_cell(twin, cutter, *data))
    batch = batches(cutter)[0]
    assert_gradients_agree(keras_gradients(trained, batch), numpy_gradients(twin, batch))


@pytest.mark.parametrize("memory", ["row", "picture"])
@pytest.mark.parametrize("channels", [0, 3])
def test_equal_seeds_paint_equal_pictures(tmp_path, memory, channels):
    trained, options, cutter = twins(tmp_path, {"memory": memory}, channels=channels)
    twin_models = [read_by(kind, tmp_path, options) for kind in (NumpyLSTM, torch_lstm())]
    sampler = Multinomial(Multinomial.Options())
    for seed in range(3):
        painted = [
            np.concatenate(list(paint_many(model, cutter, sampler, seed=seed, pictures=range(4))))
            for model in (trained, *twin_models)
        ]
        np.testing.assert_array_equal(painted[1], painted[0])
        np.testing.assert_array_equal(painted[2], painted[0])


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
@pytest.mark.parametrize("memory", ["row", "picture"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_training_takes_the_course_that_numpy_takes(optimizer, memory, dropout):
    """The same losses, updates and, since both draw it alike, the same dropout."""
    options = {
        **PRECISE,
        "memory": memory,
        "optimizer": optimizer,
        "dropout": dropout,
        "learning_rate": 0.002,
        "warm_up": 2,
        "clip": 0.5,
    }
    first, cutter = make(KerasLSTM, options)
    second, _ = make(NumpyLSTM, {k: v for k, v in options.items() if k not in OWN})
    for step, batch in enumerate(batches(cutter)):
        expected = second.train_step(batch, step / 20)
        assert first.train_step(batch, step / 20) == pytest.approx(expected, abs=1e-4)
    ours, theirs = first._network.arrays(first._weights), second._network.weights
    assert_moved_alike(ours, theirs, initial_weights(first.spec, first._options, 3), second)


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
def test_a_step_of_training_is_torchs(tmp_path, optimizer):
    """From one training state: the update, with its decay, warm-up, schedule and clipping."""
    torch_kind = torch_lstm()
    trained, options, cutter = twins(
        tmp_path, {"optimizer": optimizer, "warm_up": 9, "clip": 0.1, "weight_decay": 0.5}
    )
    for batch in batches(cutter)[:2]:
        trained.train_step(batch, 0.1)
    trained.save(tmp_path)
    twin = read_by(torch_kind, tmp_path, options)
    twin.restore_training_state(dict(trained.training_state()))
    before = trained._network.arrays(trained._weights)
    for index, batch in enumerate(batches(cutter)[2:5]):
        progress = 0.2 + index / 10
        loss = twin.train_step(batch, progress)
        assert trained.train_step(batch, progress) == pytest.approx(loss, abs=1e-5)
    folder = tmp_path / "after"
    folder.mkdir()
    twin.save(folder)
    expected = read_by(NumpyLSTM, folder, options)._network.weights
    after = trained._network.arrays(trained._weights)
    assert_moved_alike(after, expected, before, twin)


@pytest.mark.parametrize("teacher", ["numpy", "torch"])
def test_a_model_that_another_backend_has_trained_is_read(tmp_path, teacher):
    kind = NumpyLSTM if teacher == "numpy" else torch_lstm()
    trained, cutter = make(kind, groups=2)
    for batch in batches(cutter, groups=2)[:3]:
        trained.train_step(batch, 0.0)
    trained.save(tmp_path)
    read = KerasLSTM.load(tmp_path, KerasLSTM.Options(), device="cpu")
    read.restore_training_state(dict(trained.training_state()))
    data = canvases(cutter, groups=2)
    assert_near(nats_by_cell(read, cutter, *data), nats_by_cell(trained, cutter, *data))


# -- whole runs ----------------------------------------------------------------------------------

TINY = {"hidden": 8, "embedding": 6, "projection": 5, "context": "near"}


@pytest.mark.parametrize(("first", "then"), [("keras", "numpy"), ("numpy", "keras")])
def test_a_run_goes_on_with_another_backend(quick, tmp_path, first, then):
    recipe = quick(model={"name": f"{first}-lstm", **TINY})
    run = api.start(recipe, tmp_path / "run").run
    before = run.metrics[-1]["train_bits_per_pixel"]
    resumed = api.resume(run.path, epochs=4, model=f"{then}-lstm").run
    assert resumed.recipe.model.name == f"{then}-lstm"
    assert resumed.metrics[-1]["train_bits_per_pixel"] < before
    np.testing.assert_array_equal(
        Run(run.path, model="numpy-lstm").sample(2), Run(run.path, model="keras-lstm").sample(2)
    )


def test_all_take_the_same_options_but_for_their_own():
    shared = NumpyLSTM.Options.model_fields.keys()
    assert KerasLSTM.Options.model_fields.keys() - shared == OWN
    assert KerasLSTM.segments(KerasLSTM.Options()) == NumpyLSTM.segments(NumpyLSTM.Options())

"""`torch-lstm` and `numpy-lstm` are one model: same files, logits, gradients and pictures."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from canonical_toys import batches, canvases, make, make_spec, nats_of, painted_logits

from pixelgen import api
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.generation import paint_many
from pixelgen.models.canonical.backward import loss_and_gradients
from pixelgen.models.canonical.options import ARTICLE
from pixelgen.models.numpy_lstm import NumpyLSTM
from pixelgen.run import Run
from pixelgen.samplers.multinomial import Multinomial

torch = pytest.importorskip("torch")

from pixelgen_torch.learning import targets_of  # noqa: E402
from pixelgen_torch.lstm import TorchLSTM  # noqa: E402
from pixelgen_torch.softmax import mean_cross_entropy  # noqa: E402

CONTEXTS = ["previous", "near", "wide", ((0, -1), (-2, 0))]
SETTINGS = list(
    itertools.product(["row", "picture"], CONTEXTS, [1, 2], [0, 3, 4], ["palette", "plain"])
)
settings = pytest.mark.parametrize(("memory", "context", "layers", "channels", "output"), SETTINGS)
EXTREMES = {
    "article": {**ARTICLE, "window": 20, "hidden": 16},
    "no colours, no places": {"colours": False, "positions": "none"},
    "no tokens": {"token_embeddings": 0},
    "relative places": {"positions": "relative", "memory": "picture"},
    "levels": {},
    "untied": {"tied_neighbours": 0},
    "three tied, one head": {"tied_neighbours": 3, "tied_heads": 1},
    "one token and nothing else": {
        "colours": False,
        "positions": "none",
        "token_embeddings": 1,
    },
}


def twins(folder, options, **world):
    """A torch model that has learned a little, the same in NumPy, and the cutter of both."""
    trained, cutter = make(TorchLSTM, {"precision": "float32", "chunk": 9, **options}, **world)
    for batch in batches(cutter, groups=world.get("groups", 1))[:3]:
        trained.train_step(batch, 0.0)
    trained.save(folder)
    return trained, as_numpy(folder, options), cutter


def as_numpy(folder, options):
    known = {name: value for name, value in options.items() if name != "precision"}
    return NumpyLSTM.load(folder, NumpyLSTM.Options(**{"chunk": 9, **known}))


def torch_gradients(model, batch):
    """The mean loss and its gradients by autograd, by the names of the weight file."""
    network = model.network
    h, _ = network.read(batch, network.fresh_state(len(batch.starts)), torch.float32, None)
    z, vectors, bias = network.answer(h, batch)
    loss = mean_cross_entropy(z, vectors, bias, targets_of(batch, network.device))
    leaves = network.leaves()
    found = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    first = 0
    for name, weight in network.weights().items():
        if name not in found:  # an embedding table, which is a part of all of them joined
            found[name] = found["tables"][first : first + len(weight)]
            first += len(weight)
    found.pop("tables", None)
    return loss.item(), {name: gradient.numpy() for name, gradient in found.items()}


def numpy_gradients(model, batch):
    network = model._network
    state = network.fresh_state(len(batch.starts))
    trace = network.run(batch.context, batch.positions, batch.groups, state)
    return loss_and_gradients(network, trace, batch.targets.T.reshape(-1))


def assert_gradients_agree(first, second, batch):
    loss, expected = torch_gradients(first, batch)
    got_loss, got = numpy_gradients(second, batch)
    assert got_loss == pytest.approx(loss, abs=1e-5)
    assert got.keys() == expected.keys()
    longest = max(np.linalg.norm(gradient) for gradient in expected.values())
    for name, gradient in expected.items():
        # A bias that moves all logits alike has a gradient of nothing but rounding.
        allowed = 1e-3 * np.linalg.norm(gradient) + 1e-6 * longest
        assert np.linalg.norm(got[name] - gradient) <= allowed, name


@settings
def test_logits_and_likelihoods_agree(tmp_path, memory, context, layers, channels, output):
    options = {"memory": memory, "context": context, "layers": layers, "output": output}
    first, second, cutter = twins(tmp_path, options, channels=channels, groups=2)
    data = canvases(cutter, groups=2)
    logits = painted_logits(first, cutter, *data)
    got = painted_logits(second, cutter, *data)
    np.testing.assert_allclose(got, logits, rtol=0, atol=1e-4)
    nats = nats_by_cell(first, cutter, *data)
    np.testing.assert_allclose(nats_by_cell(second, cutter, *data), nats, rtol=0, atol=1e-4)
    np.testing.assert_allclose(nats_of(got, data[0]), nats, rtol=0, atol=1e-4)


@settings
def test_gradients_agree(tmp_path, memory, context, layers, channels, output):
    options = {"memory": memory, "context": context, "layers": layers, "output": output}
    first, second, cutter = twins(tmp_path, options, channels=channels, groups=2)
    assert_gradients_agree(first, second, batches(cutter, groups=2)[0])


@pytest.mark.parametrize("kind", EXTREMES)
def test_the_articles_recipe_and_other_extremes_agree(tmp_path, kind):
    worlds = {
        "relative places": {"grid": (18, 17)},  # more rows than shares
        "levels": {"grid": (7, 18), "scan": "pyramid"},
    }
    first, second, cutter = twins(tmp_path, EXTREMES[kind], **worlds.get(kind, {}))
    data = canvases(cutter)
    np.testing.assert_allclose(
        painted_logits(second, cutter, *data),
        painted_logits(first, cutter, *data),
        rtol=0,
        atol=1e-4,
    )
    assert_gradients_agree(first, second, batches(cutter)[0])


@pytest.mark.parametrize("memory", ["row", "picture"])
@pytest.mark.parametrize("channels", [0, 3])
def test_equal_seeds_paint_equal_pictures(tmp_path, memory, channels):
    first, second, cutter = twins(tmp_path, {"memory": memory}, channels=channels)
    sampler = Multinomial(Multinomial.Options())
    for seed in range(3):
        painted = [
            np.concatenate(list(paint_many(model, cutter, sampler, seed=seed, pictures=range(4))))
            for model in (first, second)
        ]
        np.testing.assert_array_equal(painted[0], painted[1])


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
@pytest.mark.parametrize("memory", ["row", "picture"])
def test_training_takes_the_same_course(tmp_path, optimizer, memory):
    options = {
        "memory": memory,
        "optimizer": optimizer,
        "learning_rate": 0.002,
        "warm_up": 2,
        "clip": 0.5,
    }
    first, cutter = make(TorchLSTM, {"precision": "float32", "chunk": 9, **options})
    first.save(tmp_path)
    second, _ = make(NumpyLSTM, {"chunk": 9, **options})
    second = NumpyLSTM.load(tmp_path, second._network.options)
    for step, batch in enumerate(batches(cutter)):
        expected = first.train_step(batch, step / 20)
        assert second.train_step(batch, step / 20) == pytest.approx(expected, abs=1e-4)


def test_a_model_that_numpy_has_trained_is_read_by_torch(tmp_path):
    trained, cutter = make(NumpyLSTM, groups=2)
    for batch in batches(cutter, groups=2)[:3]:
        trained.train_step(batch, 0.0)
    trained.save(tmp_path)
    read = TorchLSTM.load(tmp_path, TorchLSTM.Options(precision="float32"), device="cpu")
    data = canvases(cutter, groups=2)
    np.testing.assert_allclose(
        nats_by_cell(read, cutter, *data), nats_by_cell(trained, cutter, *data), rtol=0, atol=1e-4
    )


# -- whole runs ----------------------------------------------------------------------------------

TINY = {"hidden": 8, "embedding": 6, "projection": 5, "context": "near"}


def test_a_run_that_torch_trained_is_painted_where_there_is_no_torch(quick, tmp_path):
    run = api.start(quick(model={"name": "torch-lstm", **TINY}), tmp_path / "run").run
    expected = run.sample(3, seed=5)
    script = (
        "import sys\n"
        "class NoFrameworks:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'tensorflow', 'keras', 'jax'):\n"
        "            raise ModuleNotFoundError(f'{name} is not here', name=name)\n"
        "sys.meta_path.insert(0, NoFrameworks())\n"
        "import pixelgen, numpy\n"
        "run = pixelgen.Run(sys.argv[1], model='numpy-lstm')\n"
        "numpy.save(sys.argv[2], run.sample(3, seed=5))\n"
        "assert 'torch' not in sys.modules\n"
    )
    pictures = tmp_path / "pictures.npy"
    done = subprocess.run(
        [sys.executable, "-c", script, str(run.path), str(pictures)],
        env={**os.environ, "PIXELGEN_PLUGINS": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(pictures), expected)


@pytest.mark.parametrize(("first", "then"), [("torch", "numpy"), ("numpy", "torch")])
@pytest.mark.parametrize("optimizer", ["muon", "adamw", "rmsprop"])
def test_a_run_goes_on_with_the_other_backend_as_with_its_own(
    quick, tmp_path, optimizer, first, then
):
    model = {"name": f"{first}-lstm", "optimizer": optimizer, **TINY}
    run = api.start(quick(model=model), tmp_path / "run").run
    shutil.copytree(run.path, tmp_path / "copy")
    by_itself = api.resume(run.path, epochs=4).run
    by_other = api.resume(tmp_path / "copy", epochs=4, model=f"{then}-lstm").run
    assert by_other.recipe.model.name == f"{then}-lstm"
    for kind in ("train_bits_per_pixel", "held_out_bits_per_pixel"):
        np.testing.assert_allclose(
            [line[kind] for line in by_other.metrics],
            [line[kind] for line in by_itself.metrics],
            atol=0.01,  # torch-lstm learns in bfloat16 where that is fast
        )
    np.testing.assert_array_equal(
        Run(by_other.path, model="numpy-lstm").sample(2),
        Run(by_other.path, model="torch-lstm").sample(2),
    )


def test_both_take_the_same_options_but_for_torchs_own():
    segments = NumpyLSTM.segments(NumpyLSTM.Options())
    assert segments == TorchLSTM.segments(TorchLSTM.Options())
    assert make_spec(segments)[0].context_size == 24
    own = TorchLSTM.Options.model_fields.keys() - NumpyLSTM.Options.model_fields.keys()
    assert NumpyLSTM.Options.model_fields.keys() <= TorchLSTM.Options.model_fields.keys()
    assert "precision" in own

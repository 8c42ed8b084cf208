"""Which engine Keras runs on: chosen once a process, and said clearly where it cannot be had."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import canonical_toys
import pytest

from pixelgen.plugins import catalogue
from pixelgen.registration import is_installed

pytest.importorskip("pixelgen_keras", reason="pixelgen-keras is not installed")

needs_tensorflow = pytest.mark.skipif(
    not (is_installed("keras") and is_installed("tensorflow")),
    reason="Keras or TensorFlow is not installed",
)


def run(program, **environment):
    """Run a program in a Python of its own; return its output and its error output."""
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if name not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**surroundings, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def path_to_toys():
    """A PYTHONPATH with which another process finds the toys that tests share."""
    folder = str(Path(canonical_toys.__file__).parent)
    return os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Make `pixelgen_keras.engines` believe that only these modules are installed."""
    from pixelgen_keras import engines

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(engines, "_imported", lambda: None)

    def install(*names):
        monkeypatch.setattr(engines, "is_installed", lambda name: name in names)
        return engines

    return install


def test_the_entry_point_registers_the_model():
    entries = importlib.metadata.entry_points(group="pixelgen")
    assert entries["keras"].value == "pixelgen_keras.plugin"
    registration = catalogue().find("model", "keras-lstm")
    assert registration.origin.distribution == "pixelgen-keras"
    assert registration.needs == ("keras",)
    if is_installed("keras"):
        assert registration.load().__name__ == "KerasLSTM"


def test_neither_registration_nor_the_options_import_keras():
    run(
        "import sys\n"
        "from pixelgen.plugins import catalogue\n"
        "assert 'keras-lstm' in catalogue().names('model')\n"
        "import pixelgen_keras.lstm\n"
        "assert not {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
    )


def test_without_any_engine_the_extra_is_named(only):
    from pixelgen.errors import PluginUnusable

    engines = only()
    with pytest.raises(PluginUnusable, match="none is installed") as caught:
        engines.open_engine("auto", "cpu")
    assert "pixelgen-keras[tensorflow]" in caught.value.remedy


def test_an_engine_that_is_not_installed_is_named(only):
    from pixelgen.errors import PluginUnusable

    engines = only("tensorflow")
    with pytest.raises(PluginUnusable, match="needs jax, which is not installed"):
        engines.open_engine("jax", "cpu")


def test_an_engine_of_keras_that_cannot_train_is_refused(only, monkeypatch):
    from pixelgen.errors import OptionError

    engines = only("openvino")
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    with pytest.raises(OptionError, match="openvino"):
        engines.open_engine("auto", "cpu")


@pytest.mark.parametrize(
    ("installed", "variable", "file", "expected"),
    [
        (("torch", "tensorflow", "jax"), None, None, "tensorflow"),
        (("torch", "jax"), None, None, "torch"),
        (("torch", "tensorflow"), "torch", None, "torch"),
        (("torch", "tensorflow"), None, "torch", "torch"),
        (("torch",), None, "tensorflow", "torch"),
        (("torch", "tensorflow"), None, "not JSON", "tensorflow"),
    ],
)
def test_auto_is_what_keras_is_set_to_or_the_first_one_installed(
    only, monkeypatch, tmp_path, installed, variable, file, expected
):
    engines = only(*installed)
    if variable:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if file:
        written = json.dumps({"backend": file}) if file != "not JSON" else "{"
        (tmp_path / "keras.json").write_text(written)
    assert (engines._configured() or engines._installed()) == expected


BUILD = """
import numpy as np
from pixelgen.models.interface import ModelSpec
from pixelgen_keras.lstm import KerasLSTM
places = np.zeros(1, np.int32)
spec = ModelSpec(3, (1, 1), (), places, places, places)
options = KerasLSTM.Options(hidden=4, embedding=4, projection=4, context="previous"{more})
model = KerasLSTM.build(spec, options, device="cpu")
"""


@needs_tensorflow
def test_another_engine_than_keras_was_imported_with_is_an_error():
    if not is_installed("torch"):
        pytest.skip("PyTorch is not installed")
    program = (
        "import keras, pixelgen\n"
        "from pixelgen.errors import PixelgenError\n"
        "try:\n"
        + "".join(f"    {line}\n" for line in BUILD.format(more=", backend='torch'").splitlines())
        + "except PixelgenError as error:\n"
        "    print(error)\n"
    )
    output, _ = run(program, KERAS_BACKEND="tensorflow")
    assert "already been imported with 'tensorflow'" in output
    assert "KERAS_BACKEND=torch" in output


@needs_tensorflow
def test_the_first_model_of_a_process_trains_to_the_bits_that_later_ones_do():
    program = """
import numpy as np
from canonical_toys import batches, canvases, make
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen_keras.lstm import KerasLSTM

trained = []
for _ in range(3):
    # Of full width, since small products are not merged with what follows them.
    options = {"hidden": 384, "embedding": 256, "projection": 256, "batch": 32}
    model, cutter = make(KerasLSTM, {**options, "precision": "bfloat16"}, vocab=1000, grid=(16, 16))
    for batch in batches(cutter)[:1]:
        model.train_step(batch, 0.0)
    nats_by_cell(model, cutter, *canvases(cutter))
    trained.append(model._network.arrays(model._weights))
for later in trained[1:]:
    for name, weight in later.items():
        np.testing.assert_array_equal(weight, trained[0][name], err_msg=name)
"""
    run(program, PYTHONPATH=path_to_toys())


@needs_tensorflow
def test_tensorflow_starts_without_chatter():
    output, errors = run(BUILD.format(more="") + "print(model._engine.name)")
    assert output.strip() == "tensorflow"
    assert errors == ""


def test_what_is_no_chatter_is_kept():
    program = (
        "import os\n"
        "from pixelgen_keras.engines.chatter import without_chatter\n"
        "try:\n"
        "    with without_chatter():\n"
        "        os.write(2, b'I0000 00:00:1.2 7 port.cc:153] all is well\\nE0000 trouble\\n')\n"
        "        raise ImportError\n"
        "except ImportError:\n"
        "    os.write(2, b'and after\\n')\n"
    )
    _, errors = run(program)
    assert errors == "E0000 trouble\nand after\n"


@pytest.mark.parametrize("engine", ["torch", "jax"])
def test_the_other_engines_compute_and_learn_the_same(engine, tmp_path):
    """In a process of its own, since Keras takes one engine a process."""
    if not (is_installed("keras") and is_installed(engine)):
        pytest.skip(f"Keras or {engine} is not installed")
    program = """
from pathlib import Path
import numpy as np
from canonical_toys import batches, canvases, make, painted_logits
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.numpy_lstm import NumpyLSTM
from pixelgen_keras.lstm import KerasLSTM

shared = {"layers": 2, "dropout": 0.3, "memory": "picture", "chunk": 9, "learning_rate": 0.002}
for kind in ({}, {"output": "plain", "optimizer": "rmsprop"}):
    own = {"backend": ENGINE, "precision": "float32"}
    first, cutter = make(KerasLSTM, {**shared, **kind, **own}, groups=2)
    second, _ = make(NumpyLSTM, {**shared, **kind}, groups=2)
    for step, batch in enumerate(batches(cutter, groups=2)):
        expected = second.train_step(batch, step / 20)
        assert abs(first.train_step(batch, step / 20) - expected) < 1e-4
    data = canvases(cutter, groups=2)
    for measure in (nats_by_cell, painted_logits):
        apart = np.abs(measure(first, cutter, *data) - measure(second, cutter, *data)).max()
        assert apart < 2e-3, apart
    state = dict(first.training_state())
    first.save(Path(FOLDER))
    again = KerasLSTM.load(Path(FOLDER), first._options, device="cpu")
    again.restore_training_state(state)
    batch = batches(cutter, groups=2)[0]
    assert first.train_step(batch, 0.5) == again.train_step(batch, 0.5)
assert first._engine.name == ENGINE
"""
    program = program.replace("ENGINE", repr(engine)).replace("FOLDER", repr(str(tmp_path)))
    run(program, PYTHONPATH=path_to_toys())


def test_keras_on_pytorch_leaves_the_processs_settings_as_they_were():
    torch = pytest.importorskip("torch")
    from pixelgen_keras.engines.torch import _exact_float32

    before = torch.backends.cudnn.rnn.fp32_precision
    with _exact_float32():
        assert torch.backends.cudnn.rnn.fp32_precision == "ieee"
    assert torch.backends.cudnn.rnn.fp32_precision == before
    assert torch.backends.cudnn.allow_tf32 in (True, False)  # which PyTorch refuses to tell within

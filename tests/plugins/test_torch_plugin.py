"""The distribution pixelgen-torch: found by its entry point, and light until it is used."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixelgen.plugins import catalogue

pytest.importorskip("pixelgen_torch")


def test_the_entry_point_registers_the_model():
    entries = importlib.metadata.entry_points(group="pixelgen")
    assert entries["torch"].value == "pixelgen_torch.plugin"
    registration = catalogue().find("model", "torch-lstm")
    assert registration.origin.distribution == "pixelgen-torch"
    assert registration.needs == ("torch",)
    assert registration.load().__name__ == "TorchLSTM"


def test_registration_imports_no_torch():
    program = (
        "import sys\n"
        "from pixelgen.plugins import catalogue\n"
        "assert 'torch-lstm' in catalogue().names('model')\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["torch-lstm", "torch-gpt", "torch-mlp"])
def test_painting_imports_no_compiler(name):
    """PyTorch's optimizers import it, which takes longer than painting a picture."""
    program = (
        "import sys\n"
        "from canonical_toys import canvases, make, painted_logits\n"
        "from pixelgen.plugins import catalogue\n"
        f"model, cutter = make(catalogue().load('model', {name!r}), without={{'hidden'}})\n"
        "painted_logits(model, cutter, *canvases(cutter))\n"
        "assert 'torch' in sys.modules and 'torch._dynamo' not in sys.modules\n"
    )
    toys = str(Path(__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": toys}
    )

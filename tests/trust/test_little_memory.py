"""A process that has little memory, for real, learns in parts or says what to lower."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_runs import make_pictures

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")

LITTLE = 64 << 20  # bytes; a whole batch did not fit into up to 96 MiB, and a part of it did

PROGRAM = """
import os, resource, sys
from pathlib import Path
import pixelgen
from pixelgen.errors import OutOfMemory
from pixelgen.models.numpy_lstm import NumpyLSTM

pictures, out, room = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = {"hidden": 64, "embedding": 64, "projection": 8, "batch": 512}
recipe = {
    "source": {"location": pictures},
    "data": {"size": 64, "augment": "none", "held_out": 0.1, "jitter": 0, "scan": "raster"},
    "tokenizer": {"name": "rgb-grid", "colors": 512},
    "model": {"name": "numpy-lstm", **model},
    "training": {"steps": 1, "checkpoint_every": 0},
    "painting": {"pictures": 0, "while_training": 0},
}
learn = NumpyLSTM.train_step
def learn_with_little(model, batch, progress):
    # Only here: a thread that is begun without memory for it may never tell that it began.
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, before[1]))
    try:
        return learn(model, batch, progress)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
if room:
    NumpyLSTM.train_step = learn_with_little
try:
    pixelgen.train(recipe=recipe, out=out)
except OutOfMemory as error:
    print(error)
"""


def test_a_batch_that_does_not_fit_is_learned_in_parts(tmp_path):
    make_pictures(tmp_path / "pictures")

    def parts(room: int) -> int | str:
        out = tmp_path / f"run-{room}"
        words = [str(tmp_path / "pictures"), str(out), str(room)]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PIXELGEN_PLUGINS": "none"},
        )
        if done.stdout:
            return done.stdout
        (progress,) = (out / "checkpoints").glob("*/progress.json")
        return int(json.loads(progress.read_text())["parts"])

    assert parts(0) == 1
    little = parts(LITTLE)  # on top of what the process has left to use again
    if isinstance(little, str):  # what that is depends on the allocator: it may be too little
        assert "-o model.batch" in little
    else:
        assert little > 1
        whole, parted = (weights(tmp_path / f"run-{room}") for room in (0, LITTLE))
        for name, array in whole.items():
            np.testing.assert_allclose(parted[name], array, atol=1e-4, err_msg=name)


def weights(run: Path) -> dict[str, np.ndarray]:
    return load_file(run / "model" / "model.safetensors")

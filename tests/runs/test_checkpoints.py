"""Which checkpoint a run that has derailed goes back to."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy

from pixelgen.runs import checksums
from pixelgen.runs.checkpoints import Checkpoints


def write(folder, step, weights):
    """A checkpoint with weights (bytes of a kind NumPy may lack, or an array) and no more."""
    place = folder / f"step-{step:08d}"
    place.mkdir(parents=True)
    if isinstance(weights, bytes):
        header = {"w": {"dtype": "BF16", "shape": [len(weights) // 2], "data_offsets": [0, 4]}}
        text = json.dumps(header).encode()
        (place / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + weights)
    else:
        safetensors.numpy.save_file({"w": weights}, place / "model.safetensors")
    checksums.seal(place)
    return place


@pytest.mark.parametrize("weights", [np.ones(2, np.float32), b"\x80\x3f\x80\x3f"])
def test_it_is_the_newest_in_which_every_number_is_one(tmp_path, weights):
    """Of kinds that NumPy has not, such as bfloat16, nothing is known, and nothing is removed."""
    sound = write(tmp_path, 3, weights)
    broken = write(tmp_path, 5, np.array([1, np.nan], np.float32))
    assert Checkpoints(tmp_path).newest_sound(9) == sound
    assert not broken.exists()

"""A run that is killed at any instant ends as one that is not, bit for bit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import killing
import pytest
from small_runs import MODELS
from targets import memory

KILLS = 7  # of each model, 21 in all; benchmarks/reliability.py has 500


@pytest.mark.skipif(os.name != "posix", reason="no fork")
@pytest.mark.parametrize("model", MODELS)
def test_it_ends_as_one_that_was_not_killed(model):
    if model == "torch-lstm":
        pytest.importorskip("pixelgen_torch")
    killed = 0
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        for trial in killing.trials(model, Path(folder), seed=20):
            assert not trial.wrong
            killed += trial.kills
            if killed >= KILLS:
                break

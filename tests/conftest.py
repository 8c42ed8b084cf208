"""Fixtures: a folder of pictures, recipes of a few steps, and the toy models."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from hypothesis import HealthCheck, settings
from PIL import Image

from pixelgen.plugins import registered
from pixelgen.recipe import Recipe, merge
from pixelgen.resolving import Resolved, resolve

# No clock decides over a test: a busy machine is not a bug.
settings.register_profile("pixelgen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pixelgen")

SIDE = 12


def pytest_configure() -> None:
    """Each worker of pytest-xdist keeps to a core of its own.

    Frameworks start as many threads as there are cores in each worker, which then wait for each
    other: on two cores that doubles the time of all tests.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(worker.removeprefix("gw")) % len(allowed)]})


def striped_picture(number: int) -> np.ndarray:
    """Return a picture that a model can learn from: hues that run with its row and column."""
    down, across = np.mgrid[:SIDE, :SIDE]
    noise = np.random.default_rng(number).integers(0, 24, (SIDE, SIDE, 3))
    colours = [across * 20 + 7 * number, down * 20, (down + across) * 10 + 20 * number]
    return (np.stack(colours, axis=-1) % 232 + noise).astype(np.uint8)


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests need not survive a power cut, and waiting for the disk would be most of their time."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def small_pyramids() -> Iterator[None]:
    """Pyramids have several levels on the small grids of tests too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelgen.data.scans.COARSEST", 3)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight pictures of 12×12."""
    path = tmp_path / "pictures"
    path.mkdir()
    for number in range(8):
        Image.fromarray(striped_picture(number)).save(path / f"picture-{number}.png")
    return path


@pytest.fixture
def toy_models() -> Iterator[None]:
    """The models `learner` and `scrambler`, registered for the length of a test."""
    with registered(toys, "toys"):
        yield


@pytest.fixture
def quick(folder: Path) -> Callable[..., Resolved]:
    """Make a resolved recipe of a few steps; takes tables that go on top of it."""

    def make(**tables: Any) -> Resolved:
        basis = {
            "source": {"name": "folder", "location": str(folder)},
            "data": {"size": SIDE, "held_out": 0.25, "augment": "flips"},
            "tokenizer": {"name": "rgb-grid", "colors": 27},
            "model": {"name": "markov"},
            "sampler": {"name": "multinomial"},
            "training": {"epochs": 2},
            "painting": {"pictures": 2, "while_training": 0},
        }
        return resolve(Recipe.parse(merge(basis, tables)))

    return make


@dataclasses.dataclass
class FakeClock:
    """Stands in for `time.perf_counter`; each look at it takes `seconds_a_look`."""

    seconds_a_look: float = 0.5
    now: float = 0.0
    looks: int = 0

    def perf_counter(self) -> float:
        self.looks += 1
        self.now += self.seconds_a_look
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock that the training loop looks at once a step."""
    fake = FakeClock()
    monkeypatch.setattr("pixelgen.training.time", fake)
    return fake

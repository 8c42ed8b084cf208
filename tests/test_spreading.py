"""Pictures that workers paint are those that one process paints."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen import api, spreading
from pixelgen.executors.local import Local
from pixelgen.run import Run


@pytest.fixture
def run(quick, tmp_path):
    return api.start(quick(), tmp_path / "run").run


def local(**options) -> Local:
    return Local(Local.Options(**options))


@pytest.mark.parametrize("kind", ["serial", "threads", "processes"])
def test_the_pictures_are_the_same(run, kind, monkeypatch):
    monkeypatch.setattr(spreading, "PICTURES_A_TASK", 3)
    asked = {"seed": 5, "first": 2, "temperature": (1.0, 0.7), "best_of": 2, "width": 12}
    here = run.sample(8, **asked)
    there = run.sample(8, **asked, executor=local(kind=kind, workers=2))
    np.testing.assert_array_equal(there, here)


def test_progress_counts_cells(run, monkeypatch):
    monkeypatch.setattr(spreading, "PICTURES_A_TASK", 2)
    here, there = [], []
    run.sample(5, best_of=2, progress=here.append)
    run.sample(5, best_of=2, progress=there.append, executor=local(kind="serial"))
    assert there[-1] == here[-1]
    assert there == sorted(there)


def test_no_pictures_are_no_work(run):
    assert run.sample(0, executor=local(kind="serial")).shape[0] == 0


def test_a_picture_to_begin_with_is_found_from_anywhere(run, folder, monkeypatch):
    prime = min(folder.iterdir())
    monkeypatch.chdir(prime.parent)
    here = run.sample(2, prime=prime.name, prime_rows=2)
    there = run.sample(2, prime=prime.name, prime_rows=2, executor=local(kind="serial"))
    np.testing.assert_array_equal(there, here)


def test_workers_take_options_of_any_kind(run, monkeypatch):
    monkeypatch.setattr("pixelgen.run.with_painting_options", lambda recipe, options: recipe)
    tiled = Run(run.path, model_options={"tiles": [2, 2]})
    np.testing.assert_array_equal(tiled.sample(2, executor=local(kind="serial")), run.sample(2))

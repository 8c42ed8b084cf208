"""A run that a released version wrote opens, paints the same pictures, and goes on.

`released/schema-N/` is a run directory as the first release with that schema wrote it, with the
pictures that it learned beside. It is never changed: a new schema gets a new one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.api import resume
from pixelgen.errors import RunUnreadable
from pixelgen.run import Run
from pixelgen.runs.manifest import SCHEMA

RELEASED = Path(__file__).parent / "released"


@pytest.fixture(params=[path.name for path in sorted(RELEASED.iterdir())])
def released(request, tmp_path) -> Path:
    """A copy of a released run, that finds its pictures."""
    run = tmp_path / "run"
    shutil.copytree(RELEASED / request.param, run)
    shutil.move(run / "pictures", tmp_path / "pictures")
    (run / "samples").mkdir(exist_ok=True)
    recipe = run / "recipe.toml"
    there = json.dumps(str(tmp_path / "pictures"))
    recipe.write_text(recipe.read_text().replace('"pictures"', there, 1))
    return run


def test_every_schema_has_a_run():
    assert {path.name for path in RELEASED.iterdir()} == {f"schema-{n + 1}" for n in range(SCHEMA)}


def test_it_opens_and_paints_what_it_painted(released):
    run = Run(released)
    assert run.manifest["state"] == "finished"
    assert [line["epoch"] for line in run.metrics] == [1, 2]
    for number, picture in enumerate(run.sample(2)):
        kept = Image.open(released / "samples" / f"seed1-{number:04d}.png")
        np.testing.assert_array_equal(picture, np.asarray(kept.convert("RGB")))


def test_it_goes_on(released):
    outcome = resume(released, epochs=3)
    assert outcome.run.manifest["spent"]["epochs"] == 3
    assert [line["epoch"] for line in outcome.run.metrics] == [1, 2, 3]


def test_its_best_weights_are_kept_where_it_goes_on_to_worse_ones(released, monkeypatch):
    before = json.loads((released / "run.json").read_text())["best"]
    monkeypatch.setattr("pixelgen.training.nats_by_cell", lambda *_: np.array([99.0]))
    assert resume(released, epochs=3).run.manifest["best"] == before


def test_one_of_a_later_version_is_refused_in_a_sentence(released):
    manifest = json.loads((released / "run.json").read_text())
    (released / "run.json").write_text(json.dumps({**manifest, "schema": SCHEMA + 1}))
    with pytest.raises(RunUnreadable, match=f"schema {SCHEMA + 1}, and this pixelgen reads"):
        Run(released)

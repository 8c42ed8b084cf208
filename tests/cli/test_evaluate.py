"""`pixelgen evaluate`: what it prints, as text and as JSON, and how it explains what is wrong."""

from __future__ import annotations

import json
import shutil

from pixelgen.evaluation.record import Evaluation


def test_it_prints_the_figures_and_where_the_pictures_are(learn, pixelgen, here, monkeypatch):
    learn("--epochs", 2, "--out", "run")
    monkeypatch.setenv("COLUMNS", "80")
    called = pixelgen("evaluate", "run", "-n", 2)
    assert called.code == 0, called.err
    assert all(len(line) <= 80 for line in called.out.splitlines())
    for word in ("Held out", "Calibration", "Novelty", "verdict", "run/evaluation/novelty.png"):
        assert word in called.out
    assert called.last.is_file()


def test_one_held_out_picture_has_no_interval(learn, pixelgen):
    learn("--epochs", 1, "--out", "run", "-o", "data.held_out=0.12")
    called = pixelgen("evaluate", "run", "-n", 1)
    assert called.code == 0, called.err
    [held_out] = [line for line in called.out.splitlines() if line.startswith("Held out")]
    assert " to " not in held_out


def test_json_is_the_file(learn, pixelgen, here):
    learn("--epochs", 1, "--out", "run")
    called = pixelgen("evaluate", "run", "-n", 1, "--json", "--seed", 3)
    assert json.loads(called.out) == json.loads((here / "run/evaluation.json").read_text())
    found = Evaluation.read(here / "run")
    assert found is not None and (found.seed, found.samples) == (3, 1)


def test_pictures_that_are_gone_are_asked_for(learn, pixelgen, folder):
    learn("--epochs", 1, "--out", "run")
    shutil.rmtree(folder)
    pixelgen("evaluate", "run").assert_explained(
        "no folder or picture 'pictures'", str(folder.parent)
    )


def test_a_run_without_held_out_pictures_is_explained(learn, pixelgen):
    learn("--epochs", 1, "--out", "run", "-o", "data.held_out=0.0")
    pixelgen("evaluate", "run").assert_explained("holds no pictures out", "run", "held_out=0.15")

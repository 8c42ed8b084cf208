"""A whole evaluation of a small run: what it leaves, what it says, and what it refuses."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image

from pixelgen.api import start
from pixelgen.errors import RecipeError, RunUnreadable, SourceError
from pixelgen.evaluation import conduct
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.evaluation.chosen import chosen
from pixelgen.evaluation.conduct import evaluate
from pixelgen.evaluation.drawing import heat_map, source_region
from pixelgen.evaluation.held_out import held_out_of, material_of
from pixelgen.evaluation.probabilities import distributions
from pixelgen.evaluation.record import Evaluation, Region, Transform
from pixelgen.run import Run
from pixelgen.runs import atomic


@pytest.fixture
def run(quick, tmp_path):
    return start(quick(), tmp_path / "run").run


def test_everything_it_speaks_of_is_there(run):
    found = evaluate(run.path, samples=3)
    assert Evaluation.read(run.path) == found
    named = [*found.sheets.values()]
    named += [path for each in found.bits.pictures for path in (each.picture, each.heat_map)]
    named += [path for each in found.novelty.samples for path in (each.sample, each.pair)]
    named += [each.training for each in found.novelty.samples]
    for path in named:
        with Image.open(run.path / path) as image:
            image.load()
    assert [each.index for each in found.novelty.samples] == [0, 1, 2]
    assert found.novelty.new + found.novelty.close + found.novelty.copies == 3
    trained = run.manifest["data"]["train"]
    assert {each.nearest for each in found.novelty.samples} <= set(trained)


def test_the_bits_are_those_of_the_run(run):
    bits = evaluate(run.path, samples=1).bits
    best = run.manifest["best"]["held_out_bits_per_pixel"]
    assert bits.held_out.mean == pytest.approx(best, rel=1e-5)
    assert np.mean(bits.rows) == pytest.approx(best, rel=1e-5)
    assert np.mean(bits.columns) == pytest.approx(best, rel=1e-5)
    assert sorted(each.name for each in bits.pictures) == sorted(run.manifest["data"]["held_out"])


def test_the_probabilities_looked_at_are_those_that_bits_are_measured_by(run):
    found = evaluate(run.path, samples=1)
    assert found.calibration.realised_bits == pytest.approx(found.bits.held_out.mean, rel=1e-4)
    assert found.calibration.tokens == 2 * 12 * 12


def test_some_pictures_stand_for_all_wherever_they_come(quick, tmp_path, monkeypatch):
    run = start(quick(data={"held_out": 0.5}), tmp_path / "run").run
    measured, looked_at = [], []

    def bits(model, cutter, canvases, groups):
        measured.append(canvases)
        return nats_by_cell(model, cutter, canvases, groups)

    def probabilities(model, cutter, canvases, groups, advance):
        looked_at.append(canvases)
        return distributions(model, cutter, canvases, groups, advance)

    monkeypatch.setattr(conduct, "nats_by_cell", bits)
    monkeypatch.setattr(conduct, "distributions", probabilities)
    monkeypatch.setattr(conduct, "MOST_TRAINED", 2)
    monkeypatch.setattr(conduct, "MOST_CALIBRATED", 2 * run.cutter.scan.cells)
    evaluate(run.path, samples=1)
    material = material_of(run)
    training = material.canvases(material.plain(material.split.train))
    for some, everything, purpose in (
        (measured[1], training, "trained"),
        (looked_at[0], material.held_out, "calibration"),
    ):
        places = chosen(len(everything), 2, purpose)
        assert list(places) != [0, 1]
        np.testing.assert_array_equal(some, everything[places])


@pytest.mark.parametrize("memory", ["none", "row", "picture"])
def test_every_token_is_met_once(quick, tmp_path, toy_models, memory):
    made = quick(model={"name": "learner", "memory": memory}, training={"epochs": 1})
    run = start(made, tmp_path / "run").run
    held_out = held_out_of(run)
    met = distributions(run.model, run.cutter, held_out.canvases, held_out.groups)
    log_probabilities, tokens = map(np.concatenate, zip(*met, strict=True))
    np.testing.assert_allclose(np.exp(log_probabilities).sum(axis=1), 1)
    assert sorted(tokens) == sorted(held_out.canvases.reshape(-1))


def test_the_samples_are_those_that_sample_paints(run):
    evaluate(run.path, samples=2, seed=5, temperature=0.7)
    painted = run.sample(2, seed=5, temperature=0.7)
    for index, picture in enumerate(painted):
        with Image.open(run.path / f"evaluation/sample-{index:04d}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), picture)


def test_a_run_that_has_not_ended_is_refused(run):
    manifest = {**run.manifest, "state": "running"}
    manifest.pop("ended")
    run.directory.write_manifest(manifest)
    with pytest.raises(RunUnreadable, match="has not ended"):
        evaluate(run.path)


def test_a_run_that_holds_nothing_out_is_refused(quick, tmp_path):
    run = start(quick(data={"held_out": 0.0}), tmp_path / "run").run
    with pytest.raises(RecipeError, match="holds no pictures out"):
        evaluate(run.path)


def test_changed_pictures_are_refused_and_nothing_is_written(run, folder):
    Image.new("RGB", (12, 12)).save(folder / "picture-0.png")
    with pytest.raises(SourceError, match="not those"):
        evaluate(run.path)
    assert not (run.path / "evaluation.json").exists()


def test_one_that_is_broken_off_leaves_no_figures_without_their_pictures(run, monkeypatch):
    evaluate(run.path, samples=2)

    def interrupted(path, fill):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "write_directory", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(run.path, samples=1)
    assert not (run.path / "evaluation.json").exists()


def test_a_damaged_or_newer_evaluation_is_refused(run):
    assert Evaluation.read(run.path) is None
    found = evaluate(run.path, samples=1)
    path = run.path / "evaluation.json"
    path.write_text(json.dumps({**found.model_dump(mode="json"), "schema_version": 99}))
    with pytest.raises(RunUnreadable, match="schema 99"):
        Evaluation.read(run.path)
    path.write_text("{")
    with pytest.raises(RunUnreadable, match="cannot be read"):
        Evaluation.read(run.path)


def test_copies_of_training_pictures_are_called_so(run, monkeypatch):
    names = run.manifest["data"]["train"][:3]
    folder = run.recipe.source.location
    pictures = np.stack([np.asarray(Image.open(f"{folder}/{name}")) for name in names])
    memorised = run.tokenizer.decode(run.tokenizer.encode(pictures))
    monkeypatch.setattr(Run, "sample", lambda self, count, **_: memorised)
    novelty = evaluate(run.path, samples=3).novelty
    assert [each.words for each in novelty.samples] == [f"copy of {name}" for name in names]
    assert all(each.largest_block == 12 and each.longest_run == 12 for each in novelty.samples)


def test_a_heat_map_is_dark_for_nothing_and_bright_for_much():
    drawn = heat_map(np.array([[0.0, 5.0], [20.0, math.inf]]), (2, 3), scale=10.0)
    assert drawn.shape == (4, 6, 3)
    light = drawn.astype(int).sum(axis=-1)
    assert light[0, 0] < light[0, 3] < light[2, 0] == light[3, 5]


def test_the_region_is_traced_back_through_the_transform():
    transform = Transform(mirrored=True, scale=1.25, shift=(5, 10))
    # A point at (down, across) goes to (5 + 1.25 down, 10 + 1.25 (100 − across)).
    found = source_region(Region(top=30, left=35, height=25, width=50), transform, 100)
    assert (found.top, found.height, found.width) == (20, 20, 40)
    assert found.left + found.width == 100 - 20

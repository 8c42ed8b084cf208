"""What a run's bits are set against is measured whatever model the run has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import pixelgen

LSTM = {"hidden": 4, "embedding": 4, "projection": 4, "context": "wide"}


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_counting_is_measured_alike_beside_every_run(pictures, tmp_path):
    """Along the scan that suits it, and not along that of the run's model."""

    def markov(scan: str) -> float:
        recipe = {
            "data": {"scan": scan, "size": (36, 12)},  # a pyramid of two levels
            "tokenizer": {"name": "rgb-grid", "colors": 8},
            "model": {"name": "numpy-lstm", **LSTM},
            "painting": {"pictures": 1, "while_training": 1},
        }
        run = pixelgen.train(pictures, recipe=recipe, epochs=1, out=tmp_path / scan)
        return float(json.loads((run.path / "report" / "baselines.json").read_text())["markov"])

    assert markov("pyramid") == markov("raster")


def test_a_run_whose_model_sees_other_neighbours_than_markov_has_all_of_them(pictures, tmp_path):
    recipe = {
        "tokenizer": {"name": "rgb-grid", "colors": 8},
        "model": {"name": "numpy-lstm", **LSTM},
        "painting": {"pictures": 1, "while_training": 1},
    }
    run = pixelgen.train(pictures, recipe=recipe, size=12, epochs=1, out=tmp_path / "run")
    found = json.loads((run.path / "report" / "baselines.json").read_text())
    assert found["guessing"] == pytest.approx(3)  # 8 tokens
    # Noise of 8 colours even compresses to no less than 3 bits, and counting does not help.
    assert min(found["png"], found["webp"]) > 3
    assert 3 <= found["markov"] < 4


def test_of_too_many_pictures_some_are_counted_and_the_page_says_how_many(
    pictures, tmp_path, monkeypatch, toy_models
):
    monkeypatch.setattr("pixelgen.data.material.PICTURES_A_CHUNK", 3)
    monkeypatch.setattr("pixelgen.report.baselines.MOST_TARGETS", 4 * 144)
    recipe = {"tokenizer": {"name": "rgb-grid", "colors": 8}, "model": {"name": "learner"}}
    run = pixelgen.train(pictures, recipe=recipe, size=12, epochs=1, out=tmp_path / "run")
    found = json.loads((run.path / "report" / "baselines.json").read_text())
    assert (found["markov_pictures"], found["markov_epochs"]) == (3, 1)
    assert "markov, on 3 pictures" in (run.path / "report.html").read_text()


def test_all_pictures_are_counted_in_chunks_where_they_are_not_too_many(
    pictures, tmp_path, monkeypatch, toy_models
):
    recipe = {"tokenizer": {"name": "rgb-grid", "colors": 8}, "model": {"name": "learner"}}
    recipe["data"] = {"augment": []}
    found = []
    for size in (3, 2048):
        monkeypatch.setattr("pixelgen.data.material.PICTURES_A_CHUNK", size)
        run = pixelgen.train(pictures, recipe=recipe, size=12, epochs=1, out=tmp_path / f"{size}")
        found.append(json.loads((run.path / "report" / "baselines.json").read_text()))
    assert found[0]["markov"] == pytest.approx(found[1]["markov"])  # counts know no order
    assert found[0]["markov_pictures"] == found[1]["markov_pictures"] == 0

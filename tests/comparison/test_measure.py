"""What is measured of one run, and the pictures that it is measured on."""

import tomllib

import numpy as np
import pytest
from comparison.small import SIDE, matrix_of, paint_folder
from PIL import Image

from pixelgen.api import start
from pixelgen.comparison.comparable import NotComparable
from pixelgen.comparison.measure import PAINTED, PICTURES, measure, read_measurement
from pixelgen.comparison.preparing import prepare
from pixelgen.errors import SourceError
from pixelgen.evaluation.held_out import held_out_of
from pixelgen.recipe import Recipe, merge
from pixelgen.resolving import resolve
from pixelgen.token_store.encoding import encode_pictures


@pytest.fixture
def folder(tmp_path):
    return paint_folder(tmp_path / "pictures", pictures=6)


@pytest.fixture
def train(folder, tmp_path):
    """Train a run on the folder; takes tables that go on top of its recipe."""

    def make(**tables):
        job = prepare(matrix_of(folder, seeds=1, setting=[{}]))[0]
        recipe = Recipe.parse(merge(tomllib.loads(job.recipe), tables))
        return start(resolve(recipe), tmp_path / "run").run

    return make


def test_held_out_pictures_are_read_again_as_the_run_saw_them(train):
    run = train()
    found = held_out_of(run)
    assert found.names == run.manifest["data"]["held_out"]
    assert found.pictures.shape == (4, SIDE, SIDE, 3)
    tokens = run.tokenizer.encode(found.pictures)
    np.testing.assert_array_equal(found.canvases, run.cutter.scan.canvas(tokens))
    assert found.groups.tolist() == [0, 0, 0, 0]


def test_pictures_that_have_changed_are_refused(train, folder):
    run = train()
    Image.new("RGB", (SIDE, SIDE), "red").save(folder / "picture-1.png")
    with pytest.raises(SourceError, match="not those that") as caught:
        held_out_of(run)
    assert str(folder) in caught.value.where


def test_distortion_of_transparent_pictures_whose_tokens_are_laid_on_white(folder, train, tmp_path):
    for path in folder.iterdir():
        pixels = np.asarray(Image.open(path).convert("RGBA")).copy()
        pixels[0, :, 3] = 0
        Image.fromarray(pixels).save(path)
    run = train(source={"alpha": True})
    assert held_out_of(run).pictures.shape[-1] == 4
    found = measure(run.path, tmp_path / "record")
    assert all(0 < error < 255**2 for error in found.mse)


def test_distortion_is_that_of_the_decoded_tokens(train, tmp_path):
    run = train()
    found = measure(run.path, tmp_path / "record")
    pictures = held_out_of(run).pictures
    levels = np.array([0, 128, 255])  # 27 colours are 3 levels a channel
    nearest = np.abs(pictures[..., None].astype(float) - levels).min(axis=-1)
    np.testing.assert_allclose(found.mse, (nearest**2).mean(axis=(1, 2, 3)))
    assert (found.vocab_size, found.token_shape) == (27, (1, 1))
    assert found.pixels_per_second > 0


def test_distortion_of_pictures_that_were_encoded_before_is_not_known(folder, tmp_path):
    job = prepare(matrix_of(folder, seeds=1, setting=[{}]))[0]
    resolved = resolve(Recipe.parse(tomllib.loads(job.recipe)))
    encode_pictures(resolved, tmp_path / "tokens")
    recipe = {"source": {"location": str(tmp_path / "tokens")}, "model": {"name": "markov"}}
    recipe |= {"training": {"epochs": 1}, "painting": {"pictures": 0, "while_training": 0}}
    run = start(resolve(Recipe.parse(recipe)), tmp_path / "run").run
    assert measure(run.path, tmp_path / "record").mse is None


def test_its_pictures_lie_beside_it(train, tmp_path):
    run, record = train(), tmp_path / "record"
    found = measure(run.path, record)
    sizes = {name: Image.open(record / f"{name}.png").size for name in PICTURES}
    one = SIDE + 1  # and a gap
    assert sizes["painted"] == (PAINTED * one - 1, SIDE)
    assert sizes["held-out"] == sizes["decoded"] == (4 * one - 1, SIDE)
    assert read_measurement(record, run.manifest["ended"]) == found


def test_a_measurement_that_is_no_longer_true_does_not_count(train, tmp_path):
    run, record = train(), tmp_path / "record"
    measure(run.path, record)
    assert read_measurement(record, "another time") is None
    (record / "measurement.json").write_text("{")
    assert read_measurement(record, run.manifest["ended"]) is None
    assert read_measurement(tmp_path / "none", "") is None


def test_a_run_that_held_nothing_out_cannot_be_measured(train, tmp_path):
    run = train(data={"held_out": 0.0})
    with pytest.raises(NotComparable, match="no pictures are held out"):
        measure(run.path, tmp_path / "record")

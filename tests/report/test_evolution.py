"""The evolution: the same seeds at each moment, in order, whatever happened in between."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelgen.api import start
from pixelgen.errors import RunUnreadable
from pixelgen.report.evolution import FINISHED_MS, animation, bits_of, chosen, strip, title_of
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.moments import Moment, add_moment, forget_moments_after, read_moments


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "run")


def moment(epoch, **more):
    return Moment(f"step-{epoch:08d}.png", epoch, epoch, float(epoch), **more)


def noise(seed, shape=(2, 3, 4, 5, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_pictures_come_back_as_they_were(run, channels):
    shape = (2, 3, 4, 5, channels)
    for epoch in (4, 1):
        add_moment(run, moment(epoch), noise(epoch, shape), [0.5, 1.0])
    known = read_moments(run)
    assert [each.epoch for each in known.moments] == [1, 4]
    for each in known.moments:
        np.testing.assert_array_equal(known.load(each), noise(each.epoch, shape))


def test_what_lies_ahead_of_a_checkpoint_is_forgotten_and_so_is_the_end(run):
    for epoch in (0, 1, 2):
        add_moment(run, moment(epoch), noise(epoch), [0.5, 1.0])
    end = Moment("finished.png", 1, 1, 1.0, ending="finished")
    add_moment(run, end, noise(9), [0.5, 1.0])
    forget_moments_after(run, 1)
    assert [each.epoch for each in read_moments(run).moments] == [0, 1]
    assert len(list((run.path / "evolution").glob("*.png"))) == 2


def test_a_missing_picture_is_said_to_be(run):
    add_moment(run, moment(1), noise(1), [0.5, 1.0])
    (run.path / "evolution" / "step-00000001.png").unlink()
    known = read_moments(run)
    with pytest.raises(RunUnreadable, match="cannot be read"):
        known.load(known.moments[0])


@given(st.sets(st.integers(0, 3000), min_size=1, max_size=60), st.integers(1, 12))
def test_of_many_moments_the_first_and_the_last_are_kept_in_order(epochs, most):
    moments = [moment(epoch) for epoch in sorted(epochs)]
    shown = chosen(moments, most)
    assert len(shown) == min(most, len(moments))
    assert shown[-1] == moments[-1]
    assert most == 1 or shown[0] == moments[0]
    assert shown == sorted(shown, key=lambda each: each.epoch)
    assert len({*shown}) == len(shown)


def test_labels_say_the_epoch_and_the_bits():
    assert title_of(moment(0)) == "untrained"
    assert title_of(moment(1200)) == "epoch 1,200"
    assert title_of(moment(3, ending="finished")) == "finished"
    assert bits_of(moment(3, held_out_bits_per_pixel=3.456, train_bits_per_pixel=2)) == "3.46 bits"
    assert bits_of(moment(3, train_bits_per_pixel=2.0)) == "2.00 trained"
    assert bits_of(moment(0)) == ""


def test_the_strip_holds_a_column_a_moment(run):
    for epoch in (0, 1, 2):
        pictures = np.zeros((1, 2, 4, 5, 3), np.uint8)
        pictures[..., 0] = 40 * (epoch + 1)
        add_moment(run, moment(epoch), pictures, [1.0])
    pixels = np.asarray(strip(read_moments(run)))
    places = [
        np.flatnonzero((pixels == (40 * (epoch + 1), 0, 0)).all(axis=-1).any(axis=0))[0]
        for epoch in (0, 1, 2)
    ]
    assert places == sorted(places)


def test_the_last_frame_is_held_longer(run):
    for epoch in (0, 1, 2):
        add_moment(run, moment(epoch), noise(epoch), [0.5, 1.0])
    with Image.open(io.BytesIO(animation(read_moments(run)))) as image:
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            durations.append(image.info["duration"])
    assert len(durations) == 3
    assert durations[-1] == FINISHED_MS > durations[0]


def test_a_run_ends_with_its_evolution_and_the_finished_pictures_are_the_gallerys(quick, tmp_path):
    resolved = quick(training={"epochs": 3}, painting={"while_training": 2, "pictures": 2})
    run = start(resolved, tmp_path / "run").run
    known = read_moments(run.directory)
    assert [title_of(each) for each in known.moments] == [
        *["untrained", "epoch 1", "epoch 2", "epoch 3", "finished"]
    ]
    finished = known.load(known.moments[-1])[0]
    for number, pixels in enumerate(finished):
        painted = np.asarray(Image.open(run.directory.samples / f"seed1-{number:04d}.png"))
        np.testing.assert_array_equal(pixels, painted)
    assert (run.path / "evolution.png").is_file()
    assert (run.path / "evolution.gif").is_file()

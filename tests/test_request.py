"""What is asked in pixels and names becomes tokens and numbers: sizes, courses, groups."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import striped_picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelgen.api import start
from pixelgen.errors import OptionError, SourceError
from pixelgen.recipe import PluginSection
from pixelgen.request import by_row, weights_of
from pixelgen.resolving import resolve
from pixelgen.run import Run

TINY = {"hidden": 8, "embedding": 6, "projection": 5, "context": "near"}


@pytest.fixture
def run(quick, tmp_path) -> Run:
    return start(quick(), tmp_path / "run").run


@pytest.fixture
def grouped(quick, tmp_path) -> Run:
    """A run of two sub-folders, dark and light, and a model that knows them apart."""
    folder = tmp_path / "kinds"
    for name, low in (("dark", 0), ("light", 170)):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            random = np.random.default_rng(number + low)
            pixels = random.integers(low, low + 80, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    recipe = quick(
        source={"location": str(folder), "recursive": True},
        model={"name": "numpy-lstm", "learning_rate": 0.02, "warm_up": 0, **TINY},
        training={"epochs": 12},
    )
    return start(recipe, tmp_path / "run").run


# -- sizes ---------------------------------------------------------------------------------------


def test_pictures_may_be_of_another_size(run):
    assert run.sample(2, width=30, height=8).shape == (2, 8, 30, 3)
    assert run.sample(1, height=20).shape == (1, 20, 12, 3)
    assert run.sample(0, width=30).shape == (0, 12, 30, 3)
    np.testing.assert_array_equal(run.sample(2, width=12, height=12), run.sample(2))


def test_every_size_begins_in_its_corner_alike_for_a_model_without_places(run):
    """`markov` knows no places, and its first row is drawn by the same numbers."""
    np.testing.assert_array_equal(run.sample(1, height=30)[:, :12], run.sample(1))


def test_a_size_that_tokens_do_not_fit_into_is_an_error(quick, tmp_path):
    patches = PluginSection.model_validate({"name": "patch-kmeans", "patches": 8})
    recipe = quick().recipe.model_copy(update={"tokenizer": patches})
    run = start(resolve(recipe), tmp_path / "run").run
    assert run.sample(1, width=20).shape == (1, 12, 20, 3)
    with pytest.raises(OptionError, match="21×12 pixels cannot be cut"):
        run.sample(1, width=21)


@pytest.mark.parametrize("positions", ["absolute", "relative", "none"])
@pytest.mark.parametrize("memory", ["row", "picture"])
def test_an_lstm_paints_other_sizes_with_any_positions(quick, tmp_path, positions, memory):
    model = {"name": "numpy-lstm", "positions": positions, "memory": memory, **TINY}
    run = start(quick(model=model, training={"steps": 2}), tmp_path / "run").run
    tall = run.sample(2, width=7, height=25)
    assert tall.shape == (2, 25, 7, 3)
    np.testing.assert_array_equal(run.sample(1, width=7, height=25)[0], tall[0])


# -- beginnings ----------------------------------------------------------------------------------


def test_pictures_begin_with_the_rows_of_another_in_the_palettes_colours(run, folder):
    begun = run.sample(3, prime=folder / "picture-0.png", prime_rows=4)
    tokens = run.tokenizer.encode(striped_picture(0)[None])
    seen = run.tokenizer.decode(tokens)[0]
    for picture in begun:
        np.testing.assert_array_equal(picture[:4], seen[:4])
    assert (begun[0][4:] != begun[1][4:]).any()
    assert (begun[0][4:] != run.sample(1)[0][4:]).any()


@pytest.mark.parametrize("rows", [0, 13])
def test_a_picture_cannot_begin_with_rows_that_are_not_there(run, rows):
    with pytest.raises(OptionError, match=f"12 rows cannot begin with {rows}"):
        run.sample(1, prime=striped_picture(0), prime_rows=rows)


def test_a_beginning_that_cannot_be_read_is_an_error(run, tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    with pytest.raises(SourceError, match="damaged"):
        run.sample(1, prime=tmp_path / "note.png")


# -- temperatures --------------------------------------------------------------------------------


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=5), st.integers(1, 40))
def test_a_course_begins_with_the_first_and_ends_with_the_last(temperatures, rows):
    course = by_row(temperatures, rows)
    assert course.shape == (rows,)
    assert course[0] == pytest.approx(temperatures[0])
    if rows > 1:
        assert course[-1] == pytest.approx(temperatures[-1])
    assert course.min() >= min(temperatures) - 1e-9
    assert course.max() <= max(temperatures) + 1e-9


def test_between_two_temperatures_is_a_straight_line():
    np.testing.assert_allclose(by_row((1.0, 0.5), 6), [1, 0.9, 0.8, 0.7, 0.6, 0.5])
    np.testing.assert_allclose(by_row((1.0, 0.5, 2.0), 5), [1, 0.75, 0.5, 1.25, 2])


def test_a_course_that_stays_where_it_is_is_a_temperature(run):
    np.testing.assert_array_equal(
        run.sample(2, temperature=(0.5, 0.5)), run.sample(2, temperature=0.5)
    )
    falling = run.sample(2, temperature=(1.0, 0.05))
    np.testing.assert_array_equal(falling[:, 0], run.sample(2)[:, 0])
    assert (falling[:, -1] != run.sample(2)[:, -1]).any()


# -- groups --------------------------------------------------------------------------------------


def test_groups_are_painted_by_name_mixed_by_weight_and_take_turns(grouped):
    assert grouped.groups == ["dark", "light"]
    means = {
        kind: grouped.sample(8, group=group).mean()
        for kind, group in {
            "dark": "dark",
            "mixed": {"dark": 0.5, "light": 0.5},
            "light": "light",
        }.items()
    }
    assert means["dark"] < means["light"] - 20
    turns = grouped.sample(4)
    for index, name in enumerate(["dark", "light"] * 2):
        alone = grouped.sample(1, first=index, group=name)[0]
        np.testing.assert_array_equal(turns[index], alone)
    np.testing.assert_array_equal(
        grouped.sample(2, group={"light": 3.0}), grouped.sample(2, group="light")
    )
    mixed = grouped.sample(4, group={"dark": 0.5, "light": 0.5})
    assert (mixed != grouped.sample(4, group="dark")).any()
    assert (mixed != grouped.sample(4, group="light")).any()


def test_weights_sum_to_one(grouped):
    assert weights_of(grouped, {"light": 3, "dark": 1}) == {1: 0.75, 0: 0.25}


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("drak", "Did you mean 'dark'"),
        ({"dark": 1, "lihgt": 1}, "Did you mean 'light'"),
        ({"dark": 0}, "the weight of the group 'dark' cannot be 0"),
        ({"dark": float("nan")}, "cannot be nan"),
        ({"dark": -1, "light": 2}, "cannot be -1"),
        ({}, "no group is named"),
    ],
)
def test_groups_and_weights_that_cannot_be_are_named(grouped, group, said):
    with pytest.raises(OptionError, match=said):
        grouped.sample(1, group=group)


# -- the best ------------------------------------------------------------------------------------


def test_the_best_is_one_of_its_tries(run):
    tries = run.sample(6)
    for index, best in enumerate(run.sample(2, best_of=3)):
        assert any((best == one).all() for one in tries[3 * index : 3 * index + 3])

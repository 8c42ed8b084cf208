"""A finished run: opened again, looked at, and painted from."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import pixelgen
from pixelgen.api import start
from pixelgen.errors import OptionError, PluginNotFound, RunNotFound
from pixelgen.evaluation.conduct import evaluate
from pixelgen.executors.local import Local
from pixelgen.recipe import Recipe, merge
from pixelgen.report.contact_sheet import MOST_PICTURES
from pixelgen.report.gallery import Gallery
from pixelgen.report.page import write_page
from pixelgen.run import Run


@pytest.fixture
def run(quick, tmp_path) -> Run:
    start(quick(painting={"pictures": 5}), tmp_path / "run")
    return Run(tmp_path / "run")


def test_the_painted_files_are_what_it_samples(run):
    painted = [
        np.asarray(Image.open(run.path / "samples" / f"seed1-{number:04d}.png"))
        for number in range(5)
    ]
    np.testing.assert_array_equal(painted, run.sample(5))


def test_a_seed_and_an_index_mean_the_same_picture(run):
    five = run.sample(5)
    np.testing.assert_array_equal(run.sample(1)[0], five[0])
    np.testing.assert_array_equal(run.sample(2, first=3), five[3:])
    np.testing.assert_array_equal(run.sample(70)[:5], five)
    assert (run.sample(1, seed=2) != five[:1]).any()


def test_parts_make_the_whole(run):
    parts = list(run.sample_in_parts(70))
    assert [len(part) for part in parts] == [64, 6]
    np.testing.assert_array_equal(np.concatenate(parts), run.sample(70))


def test_no_pictures_have_the_shape_of_pictures(run):
    assert run.sample(0).shape == (0, 12, 12, 3)
    assert run.sample(0).dtype == np.uint8


def test_progress_is_told_in_cells(run):
    told: list[int] = []
    run.sample(2, progress=told.append)
    assert told[-1] == 2 * 144


@pytest.mark.parametrize(
    "temperature", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), "course"]
)
def test_a_temperature_may_be_any_number(run, temperature):
    asked = [0.5] if temperature == "course" else temperature
    np.testing.assert_array_equal(run.sample(2, temperature=asked), run.sample(2, temperature=0.5))
    assert (run.sample(2, temperature=asked) != run.sample(2)).any()


def test_no_temperatures_are_no_course(run):
    with pytest.raises(OptionError, match="there is no temperature"):
        run.sample(1, temperature=[])


def test_its_own_temperature_is_the_one_that_it_painted_at(quick, tmp_path):
    painting = {"pictures": 2, "temperatures": [0.5]}
    run = start(quick(painting=painting), tmp_path / "run").run
    painted = [
        np.asarray(Image.open(run.path / "samples" / f"seed1-{number:04d}.png"))
        for number in range(2)
    ]
    np.testing.assert_array_equal(run.sample(2), painted)
    assert evaluate(run.path, samples=2).temperature == 0.5
    assert run.sampler(options={"temperature": 0.25}).options.temperature == 0.25
    several = start(quick(painting={"temperatures": [0.5, 0.7]}), tmp_path / "several").run
    assert several.sampler().options.temperature == 1.0


def test_it_paints_without_the_plugins_that_only_training_needed(run):
    painted = run.sample(2)
    tables = Recipe.read(run.directory.recipe).model_dump(exclude_none=True)
    gone = {kind: {"name": "gone", "speed": 3} for kind in ("source", "executor")}
    recipe = Recipe.parse(merge(tables, {**gone, "trackers": {"gone": {"speed": 3}}}))
    run.directory.recipe.write_text(recipe.toml(), encoding="utf-8")
    there = Run(run.path)
    np.testing.assert_array_equal(there.sample(2), painted)
    write_page(there)
    with pytest.raises(PluginNotFound):
        evaluate(run.path, samples=1)


def test_it_is_evaluated_without_its_trackers(run):
    before = evaluate(run.path, samples=1)
    tables = Recipe.read(run.directory.recipe).model_dump(exclude_none=True)
    recipe = Recipe.parse(merge(tables, {"trackers": {"gone": {"speed": 3}}}))
    run.directory.recipe.write_text(recipe.toml(), encoding="utf-8")
    assert evaluate(run.path, samples=1).bits == before.bits


def test_its_page_is_made_without_its_model(run):
    tables = Recipe.read(run.directory.recipe).model_dump(exclude_none=True)
    recipe = Recipe.parse(merge(tables, {"model": {"name": "gone"}}))
    run.directory.recipe.write_text(recipe.toml(), encoding="utf-8")
    assert write_page(Run(run.path)).is_file()


def test_a_temperature_changes_the_pictures(run):
    assert (run.sample(1, temperature=0.1) != run.sample(1)).any()
    np.testing.assert_array_equal(run.sample(1, temperature=1.0), run.sample(1))


def test_another_sampler_may_be_taken(run):
    greedy = run.sampler(name="greedy")
    np.testing.assert_array_equal(
        run.sample(1, sampler=greedy, seed=1), run.sample(1, sampler=greedy, seed=2)
    )
    top = run.sampler(0.5, name="top-k", options={"k": 2})
    assert (top.options.k, top.options.temperature) == (2, 0.5)


def test_a_sampler_has_the_temperature_that_is_asked_for(run):
    cool = run.sampler(0.5)
    np.testing.assert_array_equal(
        run.sample(1, temperature=0.5, sampler=cool), run.sample(1, temperature=0.5)
    )
    for temperature in (0.3, [0.3, 0.5]):
        with pytest.raises(OptionError, match=r"the sampler is at the temperature 0\.5, not at"):
            run.sample(1, temperature=temperature, sampler=cool)
        with pytest.raises(OptionError, match=r"the sampler is at the temperature 0\.5, not at"):
            run.complete(np.zeros((12, 12, 3), np.uint8), temperature=temperature, sampler=cool)
    course = [0.3, 0.5]
    np.testing.assert_array_equal(
        run.sample(1, temperature=course, sampler=run.sampler(1.0)),
        run.sample(1, temperature=course),
    )


@pytest.mark.parametrize("executor", [None, Local(Local.Options(kind="serial"))])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first": -1}, "first cannot be -1"),
        ({"seed": -3}, "seed cannot be -3"),
        ({"seed": 2**64}, f"seed cannot be {2**64}"),
        ({"pictures": -2}, "pictures cannot be -2"),
        ({"width": 0}, "the width cannot be 0"),
        ({"height": 0}, "the height cannot be 0"),
    ],
)
def test_numbers_that_cannot_be_are_named(run, asked, said, executor):
    with pytest.raises(OptionError, match=said):
        run.sample(**{"pictures": 1, **asked}, executor=executor)


def test_the_options_of_its_own_sampler_are_kept(quick, tmp_path):
    resolved = quick(sampler={"name": "top-k", "k": 3, "temperature": 0.7})
    run = start(resolved, tmp_path / "run").run
    assert run.sampler().options == resolved.options["sampler"]
    assert run.sampler(0.2).options.k == 3
    assert run.sampler(name="multinomial").options.temperature == 0.7


SMALL = {"hidden": 8, "embedding": 8, "projection": 8}


@pytest.mark.parametrize("model", [{"name": "markov"}, {"name": "numpy-lstm", **SMALL}])
def test_a_pyramid_is_learned_painted_at_any_size_completed_and_evaluated(quick, tmp_path, model):
    start(quick(data={"size": 20, "scan": "pyramid"}, model=model), tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.model.spec.coarser == 9
    assert run.sample(2).shape == (2, 20, 20, 3)
    assert run.sample(2, width=31, height=9).shape == (2, 9, 31, 3)
    picture = run.sample(1)[0]
    mask = np.ones((20, 20), bool)
    mask[5:12, 3:9] = False
    variants = run.complete(picture, mask=mask, variants=2).variants
    assert (variants[:, mask] == picture[mask]).all()
    measured = evaluate(run.path, samples=4)
    best = run.manifest["best"]["held_out_bits_per_pixel"]
    assert measured.bits.held_out.mean == pytest.approx(best, abs=1e-4)


def test_an_unknown_sampler_or_option_is_an_error(run):
    with pytest.raises(PluginNotFound, match="'gredy'"):
        run.sampler(name="gredy")
    with pytest.raises(OptionError, match="temperature"):
        run.sampler(-1.0)


def test_an_unknown_group_is_an_error_before_anything_is_painted(run):
    with pytest.raises(OptionError, match="no group is called 'sea'"):
        run.sample_in_parts(1, group="sea")


def test_it_knows_where_it_is_and_how_it_went(run):
    assert repr(run) == f"Run({str(run.path)!r})"
    assert [line["epoch"] for line in run.metrics] == [1, 2]
    assert run.manifest["state"] == "finished"
    assert run.device == "auto"
    assert pixelgen.Run(run.path, device="cpu").device == "cpu"


def test_where_there_is_no_run_it_says_so(tmp_path):
    with pytest.raises(RunNotFound):
        pixelgen.Run(tmp_path / "nowhere")


def test_importing_names_that_do_not_exist_fails_as_it_should():
    assert "train" in dir(pixelgen)
    with pytest.raises(AttributeError, match="paint"):
        _ = pixelgen.paint


class TestGallery:
    def pictures(self, count, value=7):
        return np.full((count, 3, 4, 3), value, np.uint8)

    def test_nothing_is_made_before_the_first_picture(self, tmp_path):
        Gallery(tmp_path / "new", 1)
        assert not (tmp_path / "new").exists()

    def test_pictures_are_numbered_on_from_the_first(self, tmp_path):
        gallery = Gallery(tmp_path / "new", 9)
        gallery.add(self.pictures(2), first=0)
        gallery.add(self.pictures(1), first=2)
        sheet = gallery.write_sheet()
        names = sorted(file.name for file in (tmp_path / "new").iterdir())
        numbered = [f"seed9-000{number}.png" for number in range(3)]
        assert names == ["contact-sheet.png", *numbered]
        assert sheet == tmp_path / "new" / "contact-sheet.png"

    def test_a_sheet_has_a_row_a_temperature_and_is_not_endless(self, tmp_path):
        few, many = Gallery(tmp_path / "few", 1), Gallery(tmp_path / "many", 1)
        few.add(self.pictures(MOST_PICTURES), first=0)
        for first in (0, MOST_PICTURES - 2):
            many.add(self.pictures(MOST_PICTURES - 2), first=first)
        assert Image.open(few.write_sheet()).size == Image.open(many.write_sheet()).size
        rows = Gallery(tmp_path / "rows", 1)
        for temperature in (0.2, 1.0):
            rows.add(self.pictures(3), first=0, temperature=temperature)
        sheet = Image.open(rows.write_sheet())
        assert sheet.height > sheet.width / 2
        assert (tmp_path / "rows" / "seed1-t0.2-0000.png").exists()

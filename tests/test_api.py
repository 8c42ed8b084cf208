"""Starting a run: what it leaves, that it can be repeated, and that failures leave nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pixelgen
from pixelgen.api import free_place, start
from pixelgen.errors import (
    NoPictures,
    OptionError,
    PixelgenError,
    RecipeError,
    RunExists,
    SourceError,
    StorageError,
)
from pixelgen.listener import Listener
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve


class Notes(Listener):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


SMALL = {"name": "numpy-lstm", "hidden": 8, "embedding": 8, "projection": 8}


def pictures_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (path / "samples").glob("seed*.png")}


class TestWhatTheModelDecides:
    @pytest.mark.parametrize(
        ("given", "few", "dropout"),
        [({}, 6 * 12 * 12 + 1, 0.2), ({}, 6 * 12 * 12, 0.0), ({"dropout": 0.1}, 10**9, 0.1)],
    )
    def test_few_tokens_are_learned_with_dropout(
        self, quick, tmp_path, monkeypatch, given, few, dropout
    ):
        monkeypatch.setattr("pixelgen.models.canonical.options.FEW_TOKENS", few)
        one = start(quick(data={"size": 12}, model={**SMALL, **given}), tmp_path / "one")
        assert Recipe.read(one.run.directory.recipe).model.options["dropout"] == dropout
        given = {**SMALL, "dropout": dropout}
        other = start(quick(data={"size": 12}, model=given), tmp_path / "other")
        assert pictures_of(one.run.path) == pictures_of(other.run.path)
        bits = [run.metrics[-1]["train_bits_per_pixel"] for run in (one.run, other.run)]
        assert bits[0] == bits[1]

    def test_a_run_that_goes_on_keeps_it(self, quick, tmp_path, monkeypatch):
        start(quick(model=SMALL), tmp_path / "run")
        monkeypatch.setattr("pixelgen.models.canonical.options.FEW_TOKENS", 0)
        outcome = pixelgen.resume(tmp_path / "run", epochs=3)
        assert outcome.run.recipe.model.options["dropout"] == 0.2

    def test_a_model_that_has_no_such_option_has_what_it_was_given(self, quick, tmp_path):
        resolved = quick()
        outcome = start(resolved, tmp_path / "run")
        assert outcome.run.recipe.model == resolved.recipe.model


class TestWhatIsLeft:
    def test_a_run_directory_holds_all_that_the_readme_says(self, quick, tmp_path):
        outcome = start(quick(painting={"while_training": 1}), tmp_path / "run")
        left = {str(file.relative_to(tmp_path / "run")) for file in outcome.run.path.rglob("*")}
        assert left >= {
            *["run.json", "recipe.toml", "metrics.jsonl"],
            *["model/model.safetensors", "samples/epoch-0001.png", "samples/epoch-0002.png"],
            *["samples/contact-sheet.png", "samples/seed1-0000.png", "samples/seed1-0001.png"],
        }
        assert any(name.startswith("tokenizer/") for name in left)
        assert any(name.startswith("checkpoints/step-") for name in left)
        assert not [name for name in left if ".tmp" in name or name.endswith(".old")]
        assert outcome.sheet == tmp_path / "run" / "samples" / "contact-sheet.png"

    def test_the_manifest_says_what_ran_on_what(self, quick, tmp_path):
        manifest = start(quick(), tmp_path / "run").run.manifest
        assert manifest["state"] == "finished"
        assert manifest["plugins"]["model"]["name"] == "markov"
        assert manifest["plugins"]["model"]["distribution"] == "pixelgen-core"
        assert manifest["versions"]["pixelgen-core"] == pixelgen.__version__
        assert manifest["vocab_size"] == 27
        data = manifest["data"]
        assert len(data["train"]) == 6
        assert len(data["held_out"]) == 2
        assert not set(data["train"]) & set(data["held_out"])

    def test_bad_pictures_and_duplicates_are_said_and_recorded(self, quick, folder, tmp_path):
        (folder / "broken.png").write_bytes(b"not a picture")
        for number in range(4):
            content = (folder / "picture-0.png").read_bytes()
            (folder / f"picture-0-copy-{number}.png").write_bytes(content)
        listener = Notes()
        manifest = start(quick(), tmp_path / "run", listener).run.manifest
        assert [bad["name"] for bad in manifest["data"]["bad"]] == ["broken.png"]
        assert len(manifest["data"]["duplicates"]) == 4
        told = "\n".join(listener.notes)
        assert "Left out broken.png: " in told
        assert "Left out 4 exact duplicates: " in told
        assert "and 1 more" in told
        assert "6 pictures to learn, 2 held out" in told

    def test_what_the_tokenizer_notes_is_told_and_kept(self, quick, tmp_path):
        listener = Notes()
        resolved = quick(tokenizer={"colors": 30})  # a grid has 27 at most
        manifest = start(resolved, tmp_path / "run", listener).run.manifest
        [note] = [note for note in manifest["notes"] if "27" in note]
        assert note in listener.notes

    def test_several_temperatures_give_a_row_each(self, quick, tmp_path):
        resolved = quick(painting={"temperatures": [0.2, 1.0]})
        run = start(resolved, tmp_path / "run").run
        assert set(pictures_of(run.path)) == {
            f"seed1-t{temperature}-000{number}.png"
            for temperature in ("0.2", "1")
            for number in (0, 1)
        }

    def test_no_pictures_wanted_is_no_sheet(self, quick, tmp_path):
        outcome = start(quick(painting={"pictures": 0}), tmp_path / "run")
        assert outcome.sheet is None
        assert pictures_of(outcome.run.path) == {}

    def test_groups_are_learned_from_sub_folders(self, quick, folder, tmp_path):
        for group in ("hay", "sea"):
            (folder / group).mkdir()
            for number, file in enumerate(sorted(folder.glob("*.png"))[:4]):
                file.rename(folder / group / f"{number}.png")
        run = start(quick(source={"recursive": True}), tmp_path / "run").run
        assert run.manifest["data"]["groups"] == ["hay", "sea"]
        assert run.sample(1, group="sea").shape == (1, 12, 12, 3)


class TestRepeating:
    def test_the_same_recipe_gives_the_same_pictures(self, quick, tmp_path):
        for name in ("one", "two"):
            start(quick(), tmp_path / name)
        assert pictures_of(tmp_path / "one") == pictures_of(tmp_path / "two")
        assert len(pictures_of(tmp_path / "one")) == 2

    def test_the_written_recipe_gives_them_too(self, quick, tmp_path):
        run = start(quick(), tmp_path / "one").run
        start(resolve(Recipe.read(run.directory.recipe)), tmp_path / "two")
        assert pictures_of(tmp_path / "one") == pictures_of(tmp_path / "two")

    def test_another_seed_gives_others(self, quick, tmp_path):
        one, two = (start(quick(seed=seed), tmp_path / str(seed)).run.sample(1) for seed in (1, 2))
        assert (one != two).any()


class TestFailing:
    """Whatever is wrong with the input is found before a run directory is made."""

    @pytest.fixture
    def fails(self, quick, tmp_path):
        def check(error: type[PixelgenError], **tables) -> PixelgenError:
            with pytest.raises(error) as caught:
                start(quick(**tables), tmp_path / "runs" / "run")
            assert not (tmp_path / "runs").exists()
            assert caught.value.what and caught.value.where and caught.value.remedy
            return caught.value

        return check

    def test_a_folder_that_is_not_there(self, fails, tmp_path):
        fails(SourceError, source={"location": str(tmp_path / "nowhere")})

    def test_a_folder_without_pictures(self, fails, tmp_path):
        (tmp_path / "empty").mkdir()
        fails(NoPictures, source={"location": str(tmp_path / "empty")})

    def test_an_unknown_context(self, fails):
        error = fails(OptionError, model={"context": "nearby"})
        assert "'near'" in error.remedy

    @pytest.mark.parametrize("step", ["recipe", "tokenizer", "manifest"])
    def test_a_disk_that_is_full_from_the_start(self, fails, monkeypatch, tmp_path, step):
        targets = {
            "recipe": "pixelgen.runs.atomic.write_text",
            "tokenizer": "pixelgen.runs.atomic.write_directory",
            "manifest": "pixelgen.runs.atomic.json_text",
        }

        def full(*args, **named):
            from pixelgen.runs.atomic import explained

            with explained(tmp_path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        (tmp_path / "runs").mkdir()
        monkeypatch.setattr(targets[step], full)
        with pytest.raises(AssertionError):  # the folder of runs is there, but nothing in it
            fails(StorageError)
        assert list((tmp_path / "runs").iterdir()) == []

    def test_a_place_that_is_taken_is_found_before_anything_is_read(self, quick, tmp_path):
        (tmp_path / "taken").mkdir()
        (tmp_path / "taken" / "thesis.txt").write_text("precious")
        listener = Notes()
        with pytest.raises(RunExists):
            start(quick(), tmp_path / "taken", listener)
        assert listener.notes == []
        assert [file.name for file in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


class TestFreePlace:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    def test_a_run_is_called_after_its_folder(self, quick):
        assert free_place(quick().recipe) == Path("runs/pictures-1")

    def test_runs_are_numbered(self, quick, tmp_path):
        (tmp_path / "runs" / "pictures-1").mkdir(parents=True)
        assert free_place(quick().recipe) == Path("runs/pictures-2")

    def test_a_run_of_the_bundled_source_is_called_after_that(self):
        recipe = Recipe.parse({"source": {"name": "sample"}})
        assert free_place(recipe) == Path("runs/sample-1")

    def test_a_pattern_names_no_folder(self):
        tables = {"source": {"name": "webdataset", "location": "shards/{0000..0099}.tar"}}
        assert free_place(Recipe.parse(tables)) == Path("runs/webdataset-1")

    def test_a_run_without_a_place_takes_it(self, quick):
        assert start(quick()).run.path == Path("runs/pictures-1")
        assert start(quick()).run.path == Path("runs/pictures-2")


class TestTrain:
    """`pixelgen.train`, the few lines of Python that do all of it."""

    def test_it_takes_what_the_command_line_takes(self, folder, tmp_path):
        run = pixelgen.train(
            folder,
            quantizer="rgb-grid",
            model="markov",
            sampler="top-k",
            colors=27,
            size=12,
            epochs=1,
            seed=5,
            device="cpu",
            options={"model": {"order": 1}, "sampler": {"k": 3}, "painting": {"pictures": 1}},
            out=tmp_path / "run",
        )
        recipe = run.recipe
        assert recipe.source.location == str(folder)
        assert recipe.data.size == (12, 12)
        assert recipe.model.options["order"] == 1
        assert recipe.sampler.options["k"] == 3
        assert (recipe.seed, recipe.device, recipe.training.epochs) == (5, "cpu", 1)
        assert run.sample(3).shape == (3, 12, 12, 3)

    def test_arguments_override_a_recipe(self, folder, tmp_path):
        recipe = {
            "tokenizer": {"name": "numpy-kmeans", "colors": 9},
            "model": {"name": "torch-lstm", "hidden": 512},
            "training": {"minutes": 60},
            "data": {"size": [12, 12]},
        }
        run = pixelgen.train(
            str(folder),
            recipe=recipe,
            model="markov",
            quantizer="rgb-grid",
            options={"model": {"order": 0}},
            epochs=1,
            out=tmp_path / "run",
        )
        assert run.recipe.model.name == "markov"
        assert run.recipe.model.options["order"] == 0
        assert run.recipe.training.minutes is None

    def test_a_recipe_may_be_a_file(self, quick, tmp_path):
        file = tmp_path / "mine.toml"
        file.write_text(quick().recipe.toml())
        run = pixelgen.train(recipe=file, out=str(tmp_path / "run"))
        assert run.recipe == quick().recipe

    def test_a_recipe_that_is_not_there_is_an_error(self, tmp_path):
        with pytest.raises(RecipeError, match="cannot read"):
            pixelgen.train(recipe=tmp_path / "missing.toml")

    def test_the_run_can_be_resumed_from_python(self, quick, tmp_path):
        start(quick(training={"epochs": 1}), tmp_path / "run")
        outcome = pixelgen.resume(tmp_path / "run", epochs=2)
        assert outcome.run.manifest["spent"]["epochs"] == 2

    def test_pictures_with_transparency_keep_it(self, tmp_path):
        folder = tmp_path / "sprites"
        folder.mkdir()
        for number in range(4):
            pixels = np.full((8, 8, 4), 255 - number, np.uint8)
            pixels[:, :4] = 0
            Image.fromarray(pixels).save(folder / f"{number}.png")
        run = pixelgen.train(
            folder,
            quantizer="numpy-kmeans",
            model="markov",
            colors=4,
            size=8,
            epochs=1,
            options={"source": {"alpha": True}},
            out=tmp_path / "run",
        )
        assert run.sample(2).shape == (2, 8, 8, 4)


def test_a_stop_before_the_run_has_begun_leaves_nothing(quick, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        start(quick(), tmp_path / "run", should_stop=lambda: True)
    assert not (tmp_path / "run").exists()

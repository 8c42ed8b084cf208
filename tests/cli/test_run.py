"""`pixelgen run`: from a folder to a contact sheet, as asked, and the same again."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.hookspecs import hookimpl
from pixelgen.options import Options as BaseOptions
from pixelgen.plugins import registered
from pixelgen.trackers.interface import Tracker


def pictures(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (path / "samples").glob("seed*.png")}


def written(path: str | Path = "runs/pictures-1") -> dict:
    return tomllib.loads((Path(path) / "recipe.toml").read_text())


def test_the_last_line_is_the_contact_sheet(learn):
    called = learn("--epochs", 2, "-n", 3)
    assert called.code == 0
    assert called.out == "runs/pictures-1/samples/contact-sheet.png\n"
    assert Image.open(called.last).size[0] > 100
    assert len(pictures(Path("runs/pictures-1"))) == 3


def test_what_happens_is_told_on_the_error_stream(learn):
    told = learn("--epochs", 2, "-n", 1).err
    assert "6 pictures" not in told  # 7 of 8: the default holds out 15 %
    assert "7 pictures to learn, 1 held out" in told
    assert re.search(r"epoch 2: bits per pixel [\d.]+ trained, [\d.]+ held out", told)
    assert "Finished after 2 epochs" in told
    assert "pixelgen sample runs/pictures-1" in told
    assert "\x1b" not in told


def test_where_no_plugin_is_named_the_first_line_says_which_was_taken_and_why(pixelgen, folder):
    called = pixelgen(
        *["run", folder, "-m", "markov", "--size", 12, "--epochs", 1, "--colors", 20],
        *["-o", "painting.while_training=0"],
    )
    assert called.code == 0
    assert re.match(r"Took tokenizer \S+ \(the best that is installed", called.err)


def test_the_same_seed_paints_the_same_bytes_and_another_does_not(learn):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert learn("--epochs", 1, "-n", 2, "--seed", seed, "--out", name).code == 0
    assert pictures(Path("a")) == pictures(Path("b"))
    assert {*pictures(Path("a")).values()}.isdisjoint(pictures(Path("c")).values())


def test_the_recipe_that_it_writes_reproduces_it(learn, pixelgen):
    learn("--epochs", 1, "-n", 2, "--temperature", "0.7", "--scan", "serpentine", "--out", "a")
    called = pixelgen("run", "--recipe", "a/recipe.toml", "--out", "b")
    assert called.code == 0
    assert pictures(Path("a")) == pictures(Path("b"))
    assert written("a") == written("b")


def test_the_command_line_comes_before_the_recipe_and_the_recipe_before_the_defaults(
    learn, tmp_path
):
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'seed = 5\n[training]\nminutes = 60\npatience = 9\n[model]\nname = "torch-lstm"\n'
        'hidden = 7\n[sampler]\nname = "top-k"\nk = 4\n[painting]\npictures = 1\n'
    )
    called = learn("-r", recipe, "--epochs", 1, "-o", "model.order=1", "--fit", "cover")
    assert called.code == 0, called.err
    resolved = written()
    assert resolved["seed"] == 5
    assert resolved["training"] == {
        "epochs": 1,
        "patience": 9,
        "weights": "best",
        "pace": [],
        "checkpoint_every": 60.0,
        "checkpoints": 2,
    }
    assert resolved["model"]["name"] == "markov"
    assert resolved["model"]["order"] == 1
    assert "hidden" not in resolved["model"]
    assert resolved["sampler"] == {"name": "top-k", "temperature": 1.0, "k": 4}
    assert resolved["data"]["fit"] == "cover"
    assert resolved["data"]["augment"] == ["flips"]
    assert resolved["painting"]["pictures"] == 1


@pytest.mark.parametrize("spelling", ["-q", "--quantizer", "--tokenizer"])
def test_quantizer_and_tokenizer_are_one_option(pixelgen, folder, spelling):
    called = pixelgen("run", folder, spelling, "rgb-grid", "-m", "markov", "--dry-run")
    assert tomllib.loads(called.out)["tokenizer"]["name"] == "rgb-grid"


@pytest.mark.parametrize("kind", ["quantizer", "tokenizer"])
def test_options_of_either_are_the_same_too(learn, kind):
    recipe = tomllib.loads(learn("-o", f"{kind}.levels=[2,3,4]", "--dry-run").out)
    assert recipe["tokenizer"]["levels"] == [2, 3, 4]


@pytest.fixture
def tracker(monkeypatch):
    """Let a tracker called `mine` be installed for the length of a `with` block."""

    def installed(kind):
        @hookimpl
        def register_trackers(register):
            register("mine", f"{module.__name__}:{kind.__name__}")

        module = types.ModuleType("tracker_of_a_test")
        setattr(module, kind.__name__, kind)
        module.register_trackers = register_trackers
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return registered(module)

    return installed


def test_an_option_that_is_text_stays_as_it_was_typed(learn, tracker):
    class Notes(Tracker):
        class Options(BaseOptions):
            title: str = "a run"
            author: str | None = None

    typed = ["-o", "trackers.mine.title=0x10", "-o", "trackers.mine.author=none"]
    with tracker(Notes):
        recipe = tomllib.loads(learn(*typed, "--dry-run").out)
    assert recipe["trackers"]["mine"] == {"title": "0x10"}


def test_none_unsets_what_pixelgen_settles_itself(learn):
    typed = ["-o", "data.jitter=none", "-o", "training.minutes=none", "--epochs", 3]
    recipe = tomllib.loads(learn(*typed, "--dry-run").out)
    assert recipe["data"]["jitter"] == 0.1
    assert "minutes" not in recipe["training"]


def test_options_of_a_tracker_stay_beside_its_name(learn, tracker):
    class Bars(Tracker):
        class Options(BaseOptions):
            height: int = 9
            bar_width: int = 1

    options = ["-o", "trackers.mine.height=50", "-o", "trackers.mine.bar-width=3"]
    with tracker(Bars):
        for words in ([], ["--track", "mine"], ["--track", "csv"]):
            shown = tomllib.loads(learn("--dry-run", *options, *words).out)
            assert shown["trackers"]["mine"] == {"height": 50, "bar_width": 3}
            assert ("csv" in shown["trackers"]) == ("csv" in words)
        learn("--dry-run", "-o", "trackers.my-bars=3").assert_explained("no option of a tracker")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "training.epochs=5", "--minutes", 4), "5 for training.epochs contradicts"),
        (("-o", "training.epochs=5", "--epochs", 4), "5 for training.epochs contradicts"),
        (("-o", "tokenizer.colors=9", "--colors", 8), "9 for tokenizer.colors contradicts"),
        (
            ("-o", "quantizer.name=median-cut", "-q", "octree"),
            "'median-cut' for tokenizer.name contradicts",
        ),
    ],
)
def test_what_is_typed_twice_must_not_contradict_itself(pixelgen, folder, words, said):
    called = pixelgen("run", folder, *words, "--dry-run")
    called.assert_explained(said, "in -o", "Leave one of them out")


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "training.minutes=none", "--epochs", 4),
        ("-o", "training.epochs=4", "--epochs", 4),
        ("-o", "training.checkpoint_every=30s", "--epochs", 4),
        ("-o", "training.checkpoint_every=30", "--checkpoint-every", "30s", "--epochs", 4),
        ("-o", "data.size=20", "--size", "20x20", "--epochs", 4),
        ("-o", 'data.augment=["flips"]', "--augment", "flips", "--epochs", 4),
        ("-o", "painting.temperatures=[0.5]", "--temperature", "0.5", "--epochs", 4),
    ],
)
def test_what_is_typed_twice_and_agrees_is_taken(pixelgen, folder, words):
    called = pixelgen("run", folder, *words, "-m", "markov", "--dry-run")
    assert tomllib.loads(called.out)["training"]["epochs"] == 4


def test_a_dry_run_shows_the_resolved_recipe_and_does_nothing(learn, here):
    called = learn("--dry-run", "--size", "16x12", "--temperature", "0.2,0.4", "--temperature", 1)
    assert called.code == 0
    recipe = tomllib.loads(called.out)
    assert recipe["data"]["size"] == [16, 12]
    assert recipe["painting"]["temperatures"] == [0.2, 0.4, 1.0]
    assert recipe["training"]["minutes"] == 1.0
    assert recipe["model"] == {"name": "markov", "order": 2, "context": "near"} | {
        key: recipe["model"][key] for key in ("strength", "batch")
    }
    assert not list(here.iterdir())


def test_several_temperatures_are_a_row_each(learn):
    called = learn("--epochs", 1, "-n", 2, "--temperature", "0.3,0.9")
    names = pictures(Path("runs/pictures-1"))
    assert sorted(names) == [
        *["seed1-t0.3-0000.png", "seed1-t0.3-0001.png"],
        *["seed1-t0.9-0000.png", "seed1-t0.9-0001.png"],
    ]
    sheet = Image.open(called.last)
    assert sheet.height > sheet.width * 0.9


def test_sub_folders_are_groups_where_they_are_asked_for(learn, folder):
    (folder / "hay").mkdir()
    (folder / "picture-0.png").rename(folder / "hay" / "0.png")
    assert learn("--recursive", "--epochs", 1, "-n", 1).code == 0
    assert json.loads(Path("runs/pictures-1/run.json").read_text())["data"]["groups"] == ["", "hay"]


def test_without_a_folder_the_bundled_pictures_are_learned(pixelgen):
    called = pixelgen(
        *["run", "-q", "rgb-grid", "-m", "markov", "--size", 12, "--epochs", 1, "-n", 1],
        *["-o", "source.pictures=4", "-o", "painting.while_training=0"],
    )
    assert called.out == "runs/sample-1/samples/contact-sheet.png\n"


def test_an_environment_variable_shortens_runs_that_are_given_no_budget(
    learn, monkeypatch, tmp_path
):
    monkeypatch.setenv("PIXELGEN_MINUTES", "0.25")
    assert tomllib.loads(learn("--dry-run").out)["training"]["minutes"] == 0.25
    assert "minutes" not in tomllib.loads(learn("--dry-run", "--epochs", 3).out)["training"]
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[training]\nepochs = 7\n")
    training = tomllib.loads(learn("--dry-run", "-r", recipe).out)["training"]
    assert (training["epochs"], "minutes" in training) == (7, False)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan"])
def test_a_budget_in_the_environment_that_is_no_number_is_an_error(learn, monkeypatch, value):
    monkeypatch.setenv("PIXELGEN_MINUTES", value)
    learn("--dry-run").assert_explained(f"cannot be '{value}'", "environment", "0.5")


def test_no_pictures_wanted_is_no_sheet_but_a_run(learn):
    assert learn("--epochs", 1, "-n", 0).last == Path("runs/pictures-1")


def test_a_run_that_no_longer_improves_says_that_it_ended_early(learn):
    called = learn("--epochs", 99, "-n", 1, "-o", "training.patience=1")
    assert called.code == 0
    assert "Finished early: the held-out bits no longer improve" in called.err


def test_the_palette_of_the_painted_pictures_is_the_tokenizers(learn):
    learn("--epochs", 1, "-n", 2)
    levels = {0, 128, 255}
    for file in Path("runs/pictures-1/samples").glob("seed*.png"):
        assert {*np.unique(np.asarray(Image.open(file))).tolist()} <= levels

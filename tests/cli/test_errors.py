"""What a person can mend is three parts and exit code 2, with no traceback and no litter."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from pixelgen.cli.failing import Debug
from pixelgen.cli.visible import visible
from pixelgen.errors import PixelgenError


@pytest.fixture(autouse=True)
def _nothing_is_left(here):
    """No test of this file leaves a run directory, half-made or whole."""
    yield
    assert not (here / "runs").exists()


class TestPlugins:
    def test_an_unknown_one_is_answered_with_the_nearest(self, learn):
        called = learn("-m", "markow")
        called.assert_explained("'markow'", "installed plugins", "'markov'")

    def test_a_known_one_that_is_not_installed_is_answered_with_what_to_install(
        self, learn, monkeypatch
    ):
        elsewhere = {("model", "marvel"): "pixelgen-marvel"}
        monkeypatch.setattr("pixelgen.plugins.KNOWN_ELSEWHERE", elsewhere)
        called = learn("-m", "marvel")
        called.assert_explained("'marvel'", "", "pip install pixelgen-marvel")

    @pytest.mark.parametrize("option", ["-q", "-m", "-s", "--source"])
    def test_every_kind_is_checked(self, learn, option):
        learn(option, "nothing-of-the-kind").assert_explained("'nothing-of-the-kind'")


class TestOptions:
    def test_an_unknown_one_is_answered_with_the_nearest(self, learn):
        called = learn("-o", "model.odrer=1")
        called.assert_explained("'odrer'", "model markov", "Did you mean 'order'")

    @pytest.mark.parametrize(
        ("assignment", "bounds"),
        [("model.order=9", "≤ 3"), ("model.strength=0", "> 0"), ("model.batch=many", "int")],
    )
    def test_one_out_of_bounds_is_answered_with_the_bounds(self, learn, assignment, bounds):
        value = assignment.partition("=")[2]
        learn("-o", assignment).assert_explained(value, "model markov", bounds)

    @pytest.mark.parametrize(
        ("assignment", "remedy"),
        [
            ("order=1", "model.hidden=512"),
            ("model.order", "model.hidden=512"),
            ("=1", "model.hidden=512"),
            ("modle.order=1", "'model'"),
        ],
    )
    def test_one_that_is_not_kind_option_value_is_shown_how(self, learn, assignment, remedy):
        learn("-o", assignment).assert_explained("", "-o", remedy)

    @pytest.mark.parametrize("size", ["large", "12x", "x12", "12x12x12", "1.5"])
    def test_a_size_is_one_number_or_two(self, learn, size):
        learn("--size", size).assert_explained(f"'{size}'", "--size", "100x75")

    def test_a_size_has_bounds(self, learn):
        learn("--size", "0").assert_explained("'data.size' cannot be", "", "width and height")

    @pytest.mark.parametrize("temperature", ["0", "-1", "hot", "nan", "inf", "0.5,,1", "101"])
    def test_a_temperature_is_a_number_above_zero(self, learn, temperature):
        learn("--temperature", temperature).assert_explained("cannot be", "--temperature", "0.6")

    @pytest.mark.parametrize(
        ("words", "what", "remedy"),
        [
            (["--epochs", "0"], "'training.epochs' cannot be 0", "≥ 1"),
            (["--minutes", "-1"], "'training.minutes' cannot be -1", "> 0"),
            (["--epochs", "1", "--minutes", "1"], "epochs and as minutes", "one of"),
            (["-n", "-1"], "'painting.pictures' cannot be -1", "≥ 0"),
            (["--seed", "-1"], "'seed' cannot be -1", "≥ 0"),
            (["--fit", "crop"], "'crop'", "stretch | cover | contain"),
            (["--augment", "flip"], "'flip'", "'flips'"),
            (["--scan", "rastr"], "'rastr'", "'raster'"),
            (["-o", "data.held_out=1"], "'data.held_out' cannot be 1", "< 1"),
        ],
    )
    def test_the_other_options_have_bounds_too(self, learn, words, what, remedy):
        learn(*words).assert_explained(what, "", remedy)


class TestPictures:
    def test_a_folder_that_is_not_there(self, pixelgen, folder, tmp_path):
        called = pixelgen("run", tmp_path / "pictuers", "-q", "rgb-grid", "-m", "markov")
        called.assert_explained("'pictuers'", "", "pictures")

    def test_a_folder_without_pictures(self, pixelgen, tmp_path):
        (tmp_path / "empty").mkdir()
        called = pixelgen("run", tmp_path / "empty", "-q", "rgb-grid", "-m", "markov")
        called.assert_explained("not one picture", str(tmp_path / "empty"), ".png")

    def test_a_folder_with_none_that_can_be_read(self, pixelgen, tmp_path):
        bad = tmp_path / "bad"
        bad.mkdir()
        for number in range(5):
            (bad / f"{number}.png").write_bytes(b"no picture")
        called = pixelgen("run", bad, "-q", "rgb-grid", "-m", "markov")
        called.assert_explained("not one of 5 pictures can be read".capitalize(), str(bad), "0.png")


class TestRecipes:
    def test_a_wrong_key_is_answered_with_the_nearest(self, learn, tmp_path):
        recipe = tmp_path / "mine.toml"
        recipe.write_text("[training]\nepoch = 3\n")
        learn("-r", recipe).assert_explained("'training.epoch'", str(recipe), "'epochs'")

    def test_one_that_is_not_there_and_one_that_is_not_toml(self, learn, tmp_path):
        recipe = tmp_path / "mine.toml"
        learn("-r", recipe).assert_explained("Cannot read the recipe", str(recipe), "recipes")
        recipe.write_text("[training")
        learn("-r", recipe).assert_explained("not TOML", str(recipe), "recipes")

    def test_an_unknown_name_is_answered_with_the_nearest(self, learn):
        learn("-r", "mone").assert_explained("'mone'", "--recipe", "'monet'")


class TestPlaces:
    def test_a_run_directory_that_exists(self, learn, here):
        assert learn("--epochs", 1, "-n", 1, "--out", "mine").code == 0
        before = sorted(here.rglob("*"))
        learn("--out", "mine").assert_explained("exists", "mine", "pixelgen resume mine")
        assert sorted(here.rglob("*")) == before

    def test_a_place_that_cannot_be_written_to(self, learn, here):
        Path("file").write_text("")
        learn("--out", "file/run").assert_explained("Cannot write", "file/run", "--out")

    def test_a_disk_that_is_full_from_the_start(self, learn, here, monkeypatch):
        def full(descriptor):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("os.fsync", full)
        learn("--epochs", 1, "--out", "mine").assert_explained("No space left", "", "free some")
        assert not list(here.iterdir())

    def test_a_disk_that_fills_up_leaves_a_run_that_goes_on(
        self, learn, pixelgen, here, monkeypatch
    ):
        flushed = []

        def full(descriptor):
            flushed.append(descriptor)
            if len(flushed) > 40:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("os.fsync", full)
        called = learn("--epochs", 9, "-n", 1, "--out", "mine")
        called.assert_explained("No space left", "mine", "pixelgen resume")
        monkeypatch.setattr("os.fsync", lambda descriptor: None)
        resumed = pixelgen("resume", "mine")
        assert resumed.code == 0, resumed.err
        assert "Finished after 9 epochs" in resumed.err
        assert not list(here.rglob("*.tmp"))


class TestShowing:
    def test_fewer_colours_than_asked_for_are_said_and_the_run_goes_on(self, pixelgen, tmp_path):
        flat = tmp_path / "flat"
        flat.mkdir()
        for number in range(4):
            Image.new("RGB", (8, 8), (number * 60, 0, 0)).save(flat / f"{number}.png")
        called = pixelgen(
            *["run", flat, "-q", "numpy-kmeans", "-m", "markov", "--colors", 256, "--size", 8],
            *["--epochs", 1, "-n", 1, "--out", "few", "-o", "painting.while_training=0"],
        )
        assert called.code == 0, called.err
        [line] = [line for line in called.err.splitlines() if "256" in line]
        assert "3" in line  # of 4 pictures, 3 are learned

    def test_a_traceback_is_shown_to_who_asks_for_it(self, pixelgen, monkeypatch):
        monkeypatch.setattr("sys.argv", ["pixelgen", "--debug", "plugins", "show", "markow"])
        from pixelgen.cli import main

        with pytest.raises(PixelgenError, match="markow"):
            main()
        assert Debug.on
        pixelgen("plugins", "show", "markow").assert_explained("markow")
        assert not Debug.on

    def test_the_shell_sees_the_exit_code_and_the_traceback(self, shell):
        for words, code in ((["plugins"], 2), (["--debug", "plugins"], 1)):
            process = shell(*words, "show", "markow")
            out, err = process.communicate(timeout=60)
            assert process.returncode == code
            assert ("Traceback" in err) == ("--debug" in words)
            assert "markow" in err
            assert out == ""

    def test_a_name_cannot_steer_the_terminal(self, learn):
        called = learn("-m", "mar\x1b[31mkov[bold]")
        assert "\x1b" not in called.err
        called.assert_explained(r"mar\x1b[31mkov[bold]")

    def test_control_characters_are_written_out(self):
        assert visible("a\x1b\x07é\n") == "a\\x1b\\x07é\n"

    @pytest.mark.parametrize("before", [["run"], ["run", "--recipe"], ["compare"], ["show"]])
    def test_a_name_that_is_too_long_for_a_file_is_explained(self, pixelgen, before):
        called = pixelgen(*before, "n" * 300)
        called.assert_explained("")
        assert "n" * 300 in called.err

    def test_an_interruption_outside_of_training_is_130(self, pixelgen, monkeypatch):
        def interrupted(*args, **named):
            raise KeyboardInterrupt

        monkeypatch.setattr("pixelgen.cli.recipes.bundled_recipes", interrupted)
        assert pixelgen("recipes").code == 130

import json

import pytest
import typer
from comparison.small import SIDE, paint_folder
from typer.testing import CliRunner

from pixelgen.cli.compare import compare
from pixelgen.errors import OptionError, PixelgenError, RecipeError

app = typer.Typer()
app.command()(compare)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def common(tmp_path_factory):
    """Arguments of a comparison of a few seconds."""
    folder = paint_folder(tmp_path_factory.mktemp("compare") / "pictures")
    arguments = [folder, "--model", "markov", "--quantizer", "rgb-grid", "--size", SIDE]
    return [*arguments, "--colors", 27, "--epochs", 1, "--out", folder.parent / "out"]


def test_a_matrix_is_run_and_its_table_and_page_named(common):
    result = invoke(*common, "--vary", "model.order=0,1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.strip().splitlines()
    assert lines[-1] == str(common[-1] / "compare.html")
    assert "markov order=1" in result.stdout
    assert "With one seed" in result.stderr
    read = json.loads((common[-1] / "compare.json").read_text())
    assert read["budget"] == "1 epoch"
    assert [setting["seeds"] for setting in read["settings"]] == [1, 1]


def test_again_it_only_reports(common):
    invoke(*common, "--vary", "model.order=0,1")
    again = invoke(*common, "--vary", "model.order=0,1")
    assert again.exit_code == 0
    assert again.stderr.count("finished before") == 2
    assert "training …" not in again.stderr


def test_finished_runs_are_compared_as_they_are(common, tmp_path):
    invoke(*common, "--vary", "model.order=0,1")
    runs = sorted((common[-1] / "runs").iterdir())
    result = invoke(*runs, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "compare.csv").read_text().count("\n") == 3


def test_a_file_is_the_matrix_and_options_are_laid_on_top(common, tmp_path):
    from pixelgen.cli.compare import _layered, _sort_out

    file = tmp_path / "matrix.toml"
    file.write_text("")
    assert _sort_out([str(common[0]), str(file)]) == (str(common[0]), file, [])
    written = {
        "seeds": 3,
        "budget": {"minutes": 4},
        "matrix": {"model": ["a", "b"], "tokenizer": ["x"]},
        "base": {"tokenizer": {"colors": 9}, "data": {"size": 5}},
    }
    layered = _layered(written, {"data": {"size": 7}}, {"model": ["c"]}, {"epochs": 2}, None)
    assert layered == {
        "seeds": 3,
        "budget": {"epochs": 2},
        "matrix": {"model": ["c"], "tokenizer": ["x"]},
        "base": {"tokenizer": {"colors": 9}, "data": {"size": 7}},
    }


def test_the_environments_budget_is_for_those_that_have_none(monkeypatch):
    from pixelgen.cli.compare import _layered

    monkeypatch.setenv("PIXELGEN_MINUTES", "0.25")
    assert _layered({}, {}, {}, {}, None)["budget"] == {"minutes": 0.25}
    assert _layered({"budget": {"epochs": 1}}, {}, {}, {}, None)["budget"] == {"epochs": 1}
    assert _layered({}, {"training": {"epochs": 1}}, {}, {}, None)["budget"] == {}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["one", "two"], OptionError, "do not go together"),
        (["--vary", "model=1"], OptionError, "not of the form"),
        (["--vary", "model.hidden"], OptionError, "not of the form"),
        (["--minutes", "1", "--epochs", "2"], OptionError, "'minutes' and as 'epochs'"),
        (
            ["--targets", "9", "-o", "training.minutes=2"],
            OptionError,
            "2 for training.minutes contradicts 9 for training.targets",
        ),
        (["-m", "a,b", "-o", "model.name=c"], OptionError, "'c' for model.name contradicts what"),
        (["--vary", "model.x=1,2", "-o", "model.x=3"], OptionError, "3 for model.x contradicts"),
        (["--colors", "9", "-o", "quantizer.colors=8"], OptionError, "8 for tokenizer.colors"),
        (["missing.toml"], RecipeError, "cannot read"),
        (["--recipe", "nonesuch"], RecipeError, "no recipe is called"),
    ],
)
def test_mistakes_are_explained(arguments, error, said):
    result = invoke(*arguments)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)
    assert result.exception.remedy


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ('[base]\nsource = "folder"', [], "'source' cannot be 'folder': it is a table"),
        ("base = 3", [], "'base' cannot be 3"),
        ("base = 3", ["--seed", 2], "'base' cannot be 3"),
        ("[base]\ntraining = 3", [], "'training' cannot be 3"),
        ("seeds = [1, 2]", ["--seed", 10], "one seed, 10, and a list of them, [1, 2]"),
        ("seeds = [1, 2]\n[base]\nseed = 7", [], "one seed, 7, and a list of them, [1, 2]"),
    ],
)
def test_mistakes_in_a_file_are_explained(tmp_path, text, words, said):
    (tmp_path / "matrix.toml").write_text(text)
    result = invoke(str(tmp_path / "matrix.toml"), *map(str, words))
    assert isinstance(result.exception, PixelgenError)
    assert said in str(result.exception)
    assert result.exception.remedy


def test_the_values_of_an_option_that_is_varied_twice_add_up():
    from pixelgen.cli.compare import _varied

    assert _varied(["model.hidden=256", "model.hidden=512"]) == {"model.hidden": [256, 512]}


def test_values_to_vary_are_numbers_or_words():
    from pixelgen.cli.compare import _varied

    assert _varied(["model.hidden=256,512", "data.scan=raster,hilbert", "model.x=[1, 2], [3]"]) == {
        "model.hidden": [256, 512],
        "data.scan": ["raster", "hilbert"],
        "model.x": [[1, 2], [3]],
    }


def test_a_run_that_is_given_twice_is_one(common):
    from pixelgen.cli.compare import _sort_out

    assert invoke(*common).exit_code == 0
    run = next(common[-1].rglob("run.json")).parent
    assert _sort_out([str(run), f"{run}/", str(run / ".." / run.name)]) == (None, None, [run])

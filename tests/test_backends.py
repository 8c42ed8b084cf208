"""Another backend of a family in the place of the one that a run was trained with."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
from pydantic import Field
from typer.testing import CliRunner

import pixelgen
from pixelgen import api
from pixelgen.backends import family_of, members, with_backend
from pixelgen.cli import app
from pixelgen.errors import OptionError, PluginNotFound, RunUnreadable
from pixelgen.listener import Listener
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.numpy_lstm import NumpyLSTM
from pixelgen.plugins import registered
from pixelgen.run import Run

TINY = {"name": "numpy-lstm", "hidden": 8, "embedding": 6, "projection": 5, "context": "near"}


class TwinOptions(CanonicalOptions):
    temper: int = Field(1, description="an option that the others have not")


class Twin(NumpyLSTM):
    """Another backend, whose arithmetic is the same."""

    Options = TwinOptions
    painting_options = frozenset({"temper"})


class Forgetful(Twin):
    """A backend that cannot go on with another's training state."""

    def restore_training_state(self, state):
        raise RunUnreadable("it cannot read it")


@pixelgen.hookimpl
def register_models(register):
    register("twin", "test_backends:Twin")
    register("forgetful", "test_backends:Forgetful")
    register("absent", "test_backends:Twin", needs=["a_package_that_is_not_installed"])


@pytest.fixture(autouse=True)
def _twins(monkeypatch):
    this = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "test_backends", this)
    with registered(this, "twins"):
        yield


class Notes(Listener):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def trained(quick, tmp_path):
    """A finished run of two epochs by `numpy-lstm`."""

    def make(**model):
        return api.start(quick(model={**TINY, **model}), tmp_path / "run").run

    return make


def test_a_run_is_painted_by_another_backend_of_the_family(trained):
    run = trained()
    other = Run(run.path, model="twin")
    assert type(other.model) is Twin
    assert other.recipe.model.name == "twin"
    np.testing.assert_array_equal(other.sample(3), run.sample(3))
    assert Run(run.path).recipe.model.name == "numpy-lstm"  # nothing was changed on disk


def test_its_own_backend_may_be_named_too(trained):
    run = trained()
    assert Run(run.path, model="numpy-lstm").recipe == run.recipe


def test_options_that_the_other_backend_has_not_are_left_behind(trained):
    run = trained(name="twin", temper=7, dropout=0.25)
    other = with_backend(run.recipe, "numpy-lstm", run.directory.model)
    assert other.model.name == "numpy-lstm"
    assert other.model.options["dropout"] == 0.25
    assert "temper" not in other.model.options


def test_an_option_of_painting_alone_can_be_set_anew(trained):
    run = trained(name="twin")
    assert run.resolved.options["model"].temper == 1
    other = Run(run.path, model_options={"temper": 3})
    assert other.resolved.options["model"].temper == 3
    np.testing.assert_array_equal(other.sample(1, seed=2), run.sample(1, seed=2))
    assert Run(run.path).recipe == run.recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": 9}, "'hidden' of twin is as it was.*only temper can be"),
        ({"tempre": 9}, "tempre.*temper"),
        ({"temper": "warm"}, "temper.*warm"),
    ],
)
def test_other_options_stay_as_they_were_in_training(trained, options, said):
    run = Run(trained(name="twin").path, model_options=options)
    with pytest.raises(OptionError, match=f"(?s){said}"):
        run.recipe  # noqa: B018


def test_a_model_of_another_family_is_an_error_that_says_which_would_do(trained):
    run = trained()
    with pytest.raises(OptionError, match=r"'markov' cannot read .*'numpy-lstm'.*twin") as error:
        _ = Run(run.path, model="markov").model
    assert "absent" not in str(error.value)


def test_a_model_without_a_family_is_read_by_itself_alone(quick, tmp_path):
    run = api.start(quick(), tmp_path / "run").run
    with pytest.raises(OptionError, match="Only markov itself can"):
        _ = Run(run.path, model="numpy-lstm").model


def test_an_unknown_model_is_an_error(trained):
    with pytest.raises(PluginNotFound, match="twim"):
        _ = Run(trained().path, model="twim").model


def test_the_family_is_read_from_the_models_own_files(trained, tmp_path):
    assert family_of(trained().directory.model) == NumpyLSTM.family
    assert family_of(tmp_path) is None
    (tmp_path / "spec.json").write_text('{"family": 3}')
    assert family_of(tmp_path) is None


def test_members_are_those_that_can_be_used_here():
    assert {"numpy-lstm", "twin", "forgetful"} <= set(members(NumpyLSTM.family))
    assert "absent" not in members(NumpyLSTM.family)
    assert members(None) == []


def test_training_goes_on_by_another_backend_and_a_note_says_with_what(trained):
    run, notes = trained(), Notes()
    resumed = api.resume(run.path, epochs=4, model="twin", listener=notes).run
    assert any("numpy-lstm to twin" in note and "gathered" in note for note in notes.notes)
    assert resumed.recipe.model.name == "twin"
    assert resumed.manifest["plugins"]["model"]["name"] == "twin"
    assert resumed.manifest["state"] == "finished"
    assert [line["epoch"] for line in resumed.metrics] == [1, 2, 3, 4]


def test_the_same_weights_come_of_either_backend(trained, tmp_path):
    run = trained(dropout=0.2, schedule="constant")
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    by_itself = api.resume(run.path, epochs=4).run
    by_twin = api.resume(copy, epochs=4, model="twin").run
    np.testing.assert_array_equal(by_itself.sample(2), by_twin.sample(2))
    assert [line["train_bits_per_pixel"] for line in by_itself.metrics] == [
        line["train_bits_per_pixel"] for line in by_twin.metrics
    ]


def test_where_the_optimizer_cannot_go_on_the_weights_do_and_a_note_says_so(trained):
    run, notes = trained(), Notes()
    before = run.metrics[-1]["train_bits_per_pixel"]
    resumed = api.resume(run.path, epochs=4, model="forgetful", listener=notes).run
    assert any("starts anew (it cannot read it)" in note for note in notes.notes)
    assert resumed.metrics[-1]["train_bits_per_pixel"] < before


@pytest.mark.parametrize("backend", ["twin", "forgetful"])
def test_an_epoch_under_way_is_gone_on_with_or_begun_again(quick, tmp_path, backend):
    asked = []

    def stop():
        asked.append(None)
        return len(asked) >= 3

    recipe = quick(model={**TINY, "memory": "picture", "chunk": 20}, painting={"pictures": 0})
    stopped = api.start(recipe, tmp_path / "run", should_stop=stop)
    assert stopped.end == "stopped"
    resumed = api.resume(stopped.run.path, epochs=3, model=backend)
    assert resumed.end == "budget"


def test_the_command_line_takes_a_model(trained, tmp_path):
    run = trained()
    call = CliRunner().invoke
    painted = call(app, ["sample", str(run.path), "-n", "1", "-m", "twin"])
    assert painted.exit_code == 0, painted.output
    resumed = call(app, ["resume", str(run.path), "--epochs", "3", "--model", "twin"])
    assert resumed.exit_code == 0, resumed.output
    assert Run(run.path).recipe.model.name == "twin"

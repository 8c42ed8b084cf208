"""Trackers hear of the runs that name them, and of no others."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pixelgen
from pixelgen.api import resume, start
from pixelgen.errors import OptionError, PluginNotFound, PluginUnusable
from pixelgen.listener import Listener
from pixelgen.plugins import Catalogue, Problem, catalogue, registered
from pixelgen.trackers.csv import CSV
from pixelgen.trackers.interface import tracking


def table(path: Path) -> list[dict[str, str]]:
    with (path / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_line_an_epoch_with_what_the_metrics_say(quick, tmp_path):
    outcome = start(quick(trackers={"csv": {}}, training={"epochs": 3}), tmp_path / "run")
    lines = table(outcome.run.path)
    assert [line["epoch"] for line in lines] == ["1", "2", "3"]
    for line, metrics in zip(lines, outcome.run.metrics, strict=True):
        assert line == {key: "" if value is None else str(value) for key, value in metrics.items()}


def test_csv_goes_on_after_a_resume_without_what_was_taken_back(quick, tmp_path):
    path = start(quick(trackers={"csv": {}}, training={"epochs": 2}), tmp_path / "run").run.path
    with (path / "metrics.csv").open("a") as file:
        file.write("9,9,9,1,1,1,1\n")  # by a process that died before its checkpoint
    resume(path, epochs=4)
    assert [line["epoch"] for line in table(path)] == ["1", "2", "3", "4"]


def test_csv_takes_back_what_the_run_takes_back(quick, tmp_path):
    run = start(quick(training={"epochs": 1}), tmp_path / "run").run
    [line] = run.metrics
    tracker, lines = CSV(CSV.Options()), []
    for number, epoch in enumerate([1, 2, 3, 2, 3]):
        lines = [*lines[: epoch - 1], {**line, "epoch": epoch, "step": number}]
        run.directory.write_metrics(lines)
        tracker.epoch_finished(run.path, lines[-1])
    found = [(line["epoch"], line["step"]) for line in table(run.path)]
    assert found == [("1", "0"), ("2", "3"), ("3", "4")]


def test_a_tracker_is_gone_when_its_run_has_ended(quick, tmp_path):
    start(quick(trackers={"csv": {}}), tmp_path / "tracked")
    start(quick(), tmp_path / "plain")
    assert not (tmp_path / "plain" / "metrics.csv").exists()
    assert not [each for each in catalogue().problems if "tracker" in str(each)]


def test_the_recipe_keeps_its_trackers(quick, tmp_path):
    run = start(quick(trackers={"csv": {}}), tmp_path / "run").run
    assert run.recipe.trackers == {"csv": {}}


class Deaf(pixelgen.Tracker):
    def epoch_finished(self, metrics):  # without its decorator
        """Never called."""


class Misspelt(pixelgen.Tracker):
    @pixelgen.hookimpl
    def epoch_finish(self, metrics):
        """Never called."""


@pytest.mark.parametrize(
    ("tracker", "said"), [(Deaf, "lacks the decorator"), (Misspelt, "did you mean epoch_finished")]
)
def test_a_tracker_that_would_hear_nothing_is_an_error(tracker, said):
    mine = tracking({"mine": tracker(tracker.Options())})
    with pytest.raises(PluginUnusable, match=said) as caught, mine:
        pytest.fail("it was taken in")
    assert "'mine'" in caught.value.what
    assert not [each for each in catalogue().problems if "tracker" in str(each)]


def test_a_tracker_that_uses_what_will_go_is_heard(monkeypatch, quick, tmp_path):
    """docs/versioning.md: it works, and is named in the list of plugins."""
    add = Catalogue.add

    def deprecating(found, module, origin):
        add(found, module, origin)
        found.problems.append(Problem(origin, "'metrics' goes with hooks 9"))

    monkeypatch.setattr(Catalogue, "add", deprecating)
    run = start(quick(trackers={"csv": {}}, training={"epochs": 2}), tmp_path / "run").run
    assert len(table(run.path)) == 2


def test_a_tracker_that_cannot_be_leaves_no_run_behind(quick, tmp_path):
    deaf = replace(quick(), trackers={"deaf": (Deaf, None)})
    with pytest.raises(PluginUnusable, match="would not hear"):
        start(deaf, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_fails_again_and_again_is_said_once(quick, tmp_path):
    class Fails:
        @pixelgen.hookimpl
        def epoch_finished(self, metrics):
            raise ConnectionError("nobody there")

    said: list[str] = []

    class Notes(Listener):
        def note(self, text):
            said.append(text)

    with registered(Fails(), "fails"):
        for number in range(2):  # by each run
            start(quick(training={"epochs": 3}), tmp_path / str(number), Notes())
    assert sum("nobody there" in text for text in said) == 2


def test_what_is_no_tracker_or_no_option_is_an_error(quick):
    with pytest.raises(PluginNotFound, match="no tracker is called 'cvs'") as caught:
        quick(trackers={"cvs": {}})
    assert "'csv'" in caught.value.remedy
    with pytest.raises(OptionError, match="unknown option 'colour'"):
        quick(trackers={"csv": {"colour": 1}})


def events(folder: Path) -> list:
    """The events in TensorBoard's files: records of a length, a checksum, the event, another."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for file in sorted(folder.glob("events.*")):
        data = file.read_bytes()
        while data:
            length = int.from_bytes(data[:8], "little")
            found.append(event_pb2.Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def test_tensorboard_is_written_the_metrics_the_pictures_and_the_recipe(quick, tmp_path):
    pytest.importorskip("pixelgen_tensorboard", reason="pixelgen-tensorboard is not installed")
    resolved = quick(
        trackers={"tensorboard": {}}, training={"epochs": 2}, painting={"while_training": 2}
    )
    run = start(resolved, tmp_path / "run").run
    bits, images, tags = {}, [], set()
    for event in events(run.path / "tensorboard"):
        for value in event.summary.value:
            tags.add(value.tag)
            if value.tag == "held_out_bits_per_pixel":
                bits[event.step] = value.simple_value
            if value.HasField("image"):
                images.append((event.step, value.image.width, value.image.height))
    assert bits == pytest.approx(
        {line["epoch"]: line["held_out_bits_per_pixel"] for line in run.metrics}
    )
    assert images == [(epoch, 24, 12) for epoch in (0, 1, 2)]
    assert any("recipe" in tag for tag in tags)


def test_tensorboard_takes_back_what_the_run_takes_back(tmp_path):
    tracker = pytest.importorskip(
        "pixelgen_tensorboard.tracker", reason="pixelgen-tensorboard is not installed"
    ).TensorBoard(None)
    for epoch in (1, 2, 3, 2, 3):  # as the loop says it: the pictures first
        tracker.pictures_sampled(tmp_path, epoch, 1.0, np.zeros((1, 2, 2, 3), np.uint8))
        tracker.epoch_finished(tmp_path, {"epoch": epoch, "step": 10})
    tracker.run_finished()
    written = events(tmp_path / "tensorboard")
    starts = [event.step for event in written if event.HasField("session_log")]
    assert starts == [2]
    told = [(event.step, value.tag) for event in written for value in event.summary.value]
    for tag in ("step", "temperature_1"):
        assert [step for step, each in told if each == tag] == [1, 2, 3, 2, 3]


def test_the_command_line_takes_trackers(quick, tmp_path, monkeypatch, folder, capsys):
    from pixelgen.cli import main

    monkeypatch.chdir(tmp_path)
    words = ["run", str(folder), "-q", "rgb-grid", "-m", "markov", "--size", "12", "--epochs", "1"]
    monkeypatch.setattr("sys.argv", ["pixelgen", *words, "-n", "1", "--track", "csv"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    path = Path(capsys.readouterr().out.splitlines()[-1]).parents[1]
    assert len(table(path)) == 1
    assert json.loads((path / "evolution" / "moments.json").read_text())["pictures"] == 6

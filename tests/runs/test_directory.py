"""The run directory: what is written can be read back, and what is damaged is said to be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from toys import Learner

from pixelgen.errors import (
    OptionError,
    PixelgenError,
    RunExists,
    RunNotFound,
    RunUnreadable,
    StorageError,
)
from pixelgen.models.interface import ModelSpec
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.manifest import SCHEMA

MANIFEST = {
    "state": "running",
    "plugins": {},
    "seed": 1,
    "data": {"fingerprint": "", "groups": [""], "train": [], "held_out": []},
}

LINE = {
    "epoch": 1,
    "step": 9,
    "seconds": 0.5,
    "progress": 0.25,
    "train_bits_per_pixel": 4.5,
    "held_out_bits_per_pixel": 4.75,
    "targets_per_second": 1e4,
}


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    created = RunDirectory.create(tmp_path / "runs" / "one")
    created.write_manifest(MANIFEST)
    return created


@pytest.fixture
def model() -> Learner:
    none = np.empty(0, np.int32)
    return Learner.build(ModelSpec(4, (2, 2), (), none, none, none), Learner.Options())


def unreadable(read) -> PixelgenError:
    with pytest.raises(RunUnreadable) as caught:
        read()
    assert caught.value.what and caught.value.where and caught.value.remedy
    return caught.value


def test_a_new_run_has_its_folders(tmp_path):
    run = RunDirectory.create(tmp_path / "new")
    assert run.samples.is_dir()
    assert (run.path / "checkpoints").is_dir()


def test_an_empty_folder_may_become_a_run(tmp_path):
    RunDirectory.create(tmp_path)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_place_that_is_taken_is_left_alone(tmp_path, what):
    place = tmp_path / "taken"
    if what == "folder":
        place.mkdir()
        (place / "thesis.txt").write_text("precious")
    else:
        place.write_text("precious")
    with pytest.raises(RunExists) as caught:
        RunDirectory.create(place)
    assert caught.value.where == str(place)
    assert "another place" in caught.value.remedy


def test_a_place_inside_a_file_is_an_error_that_can_be_mended(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="File exists"):
        RunDirectory.create(tmp_path / "file" / "run")


def test_where_there_is_no_run_those_beside_it_are_named(run):
    with pytest.raises(RunNotFound) as caught:
        RunDirectory.open(run.path.parent / "two")
    assert "one" in caught.value.remedy
    with pytest.raises(RunNotFound):
        RunDirectory.open(run.path.parent)


def test_the_manifest_carries_the_schema(run):
    assert run.manifest() == {"schema": SCHEMA, **MANIFEST}
    assert RunDirectory.open(run.path).manifest()["state"] == "running"


@pytest.mark.parametrize("schema", [SCHEMA + 1, "new", None])
def test_a_run_of_a_newer_version_is_refused(run, schema):
    (run.path / "run.json").write_text(json.dumps({"schema": schema}))
    error = unreadable(lambda: RunDirectory.open(run.path))
    assert repr(schema) in error.what
    assert "newer pixelgen-core" in error.remedy


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff\xfe", b"[1, 2]"])
def test_a_damaged_manifest_is_said_to_be(run, content):
    (run.path / "run.json").write_bytes(content)
    assert "run.json" in unreadable(lambda: RunDirectory.open(run.path)).where


def test_metrics_are_lines_of_json(run):
    assert run.metrics() == []
    lines = [{**LINE, "bits": 4.5}, {**LINE, "bits": None, "held_out_bits_per_pixel": None}]
    run.write_metrics(lines)
    assert run.metrics() == lines
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("line", [b'{"epoch": 2', b"\xff", b"5", b"{}"])
def test_a_damaged_line_of_metrics_is_numbered(run, line):
    run.write_metrics([LINE])
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert "line 2" in unreadable(run.metrics).what


@pytest.mark.parametrize("name", sorted(set(LINE) - {"held_out_bits_per_pixel"}))
@pytest.mark.parametrize("value", [None, "4", True])
def test_a_line_of_metrics_has_all_its_numbers(run, name, value):
    run.write_metrics([{**LINE, name: value}])
    assert name in unreadable(run.metrics).what


def test_a_model_that_was_set_aside_is_put_back_when_the_run_is_gone_on_with(run, model):
    run.save_model(model)
    run.model.rename(run.path / ".model.old")
    with RunDirectory.open(run.path).locked():
        pass
    assert (run.model / "model.safetensors").exists()


def test_a_checkpoint_that_was_set_aside_is_put_back_and_a_half_filled_one_removed(run, model):
    checkpoint = run.checkpoints.save(model, {"step": 3}, keep=2)
    checkpoint.rename(checkpoint.with_name(f".{checkpoint.name}.old"))
    half = checkpoint.with_name(".step-00000004.1.tmp")
    half.mkdir()
    with RunDirectory.open(run.path).locked():
        pass
    assert run.checkpoints.newest_whole()[0] == checkpoint
    assert not half.exists()


@pytest.mark.parametrize("folder", [".", "checkpoints", "samples", "evolution", "report"])
def test_a_half_written_file_of_a_process_that_was_killed_is_removed(run, folder):
    (run.path / folder).mkdir(exist_ok=True)
    half = run.path / folder / ".something.json.4711.tmp"
    half.write_bytes(b"half")
    with RunDirectory.open(run.path).locked():
        pass
    assert not half.exists()


@pytest.mark.parametrize(
    "link",
    [
        *("evolution/moments.json", "report/training.png", "completions/lilies"),
        *("samples/300x75", "samples/300x75/contact-sheet.png", "checkpoints/step-3/spec.json"),
    ],
)
@pytest.mark.parametrize("outside", ["a folder", "a file", "nothing", "itself"])
def test_a_link_out_of_a_run_is_refused_wherever_it_is(run, link, outside, tmp_path):
    (run.path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    if outside == "itself":
        (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (run.path / link).symlink_to(tmp_path / outside)
    assert repr(link) in unreadable(lambda: RunDirectory.open(run.path)).what


def test_a_link_within_a_run_is_followed(run):
    (run.path / "samples" / "latest").symlink_to(run.path / "checkpoints")
    RunDirectory.open(run.path)


def test_a_reader_leaves_alone_what_a_writer_is_filling(run):
    half = run.path / "checkpoints" / ".step-00000004.1.tmp"
    half.mkdir()
    RunDirectory.open(run.path)
    assert half.is_dir()


def test_a_last_line_of_metrics_that_was_cut_short_is_left_out(run):
    run.add_metrics(LINE)
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 2, "ste')
    assert run.metrics() == [LINE]


def test_a_checkpoint_holds_weights_training_state_and_progress(run, model):
    model.steps = 7
    path = run.checkpoints.save(model, {"step": 7, "knots": [[0, 0.0, 9]]}, keep=2)
    assert run.checkpoints.newest_whole()[0] == path
    progress, state = run.checkpoints.read(path)
    assert progress == {"step": 7, "knots": [[0, 0.0, 9]]}
    assert int(state["steps"]) == 7
    loaded = Learner.load(path, Learner.Options())
    np.testing.assert_array_equal(loaded.weights, model.weights)


def test_only_the_newest_checkpoints_are_kept(run, model):
    for step in (9, 99_999_999, 100_000_000, 10):
        run.checkpoints.save(model, {"step": step}, keep=2)
    kept = sorted(path.name for path in (run.path / "checkpoints").iterdir())
    assert len(kept) == 2
    assert run.checkpoints.newest_first()[0].name == "step-100000000"


@pytest.mark.parametrize("file", ["training.safetensors", "progress.json"])
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_damaged_checkpoint_is_said_to_be(run, model, file, damage):
    path = run.checkpoints.save(model, {"step": 7}, keep=2)
    if damage == "missing":
        (path / file).unlink()
    else:
        (path / file).write_bytes((path / file).read_bytes()[:5])
    assert file in unreadable(lambda: run.checkpoints.read(path)).where


def test_a_manifest_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    """Of more pictures than it has room to name; a run is not trained and then lost."""
    run = RunDirectory(tmp_path)
    run.write_manifest({"state": "running"})
    before = (tmp_path / "run.json").read_bytes()
    monkeypatch.setattr("pixelgen.untrusted.MOST_TEXT", 3000)
    with pytest.raises(OptionError, match="too many pictures") as caught:
        run.write_manifest({"data": {"train": [f"睡蓮{number}.png" for number in range(145)]}})
    assert "pixelgen encode" in caught.value.remedy
    assert (tmp_path / "run.json").read_bytes() == before

"""Atomic writes: the old file or the new one, never half of one, and no litter."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from pixelgen.errors import StorageError
from pixelgen.runs import atomic


def names(path: Path) -> list[str]:
    return sorted(inner.name for inner in path.iterdir())


def failing(number: int):
    """Return a stand-in for a call of the operating system that fails."""

    def fail(*args, **named):
        raise OSError(number, os.strerror(number))

    return fail


def fill_with(text: str):
    return lambda directory: (directory / "file").write_text(text)


def test_a_file_is_written_and_replaced(tmp_path):
    file = tmp_path / "file"
    for text in ("old", "nëw"):
        atomic.write_text(file, text)
        assert file.read_text(encoding="utf-8") == text
    assert names(tmp_path) == ["file"]


def test_json_is_written_for_people_too(tmp_path):
    atomic.write_json(tmp_path / "value.json", {"name": "Étretat", "list": [1]})
    text = (tmp_path / "value.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "Étretat", "list": [1]}
    assert "Étretat" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007])
def test_what_fills_a_directory_may_be_read_by_whom_the_umask_lets(tmp_path, umask):
    def fill(directory):
        save_file({"a": np.zeros(1)}, directory / "a.safetensors")  # with 0600, whatever the umask
        (directory / "b.json").write_text("{}")

    before = os.umask(umask)
    try:
        atomic.write_directory(tmp_path / "d", fill)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "d").iterdir()}
    assert modes == {0o666 & ~umask}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path, monkeypatch, call):
    file = tmp_path / "file"
    atomic.write_text(file, "old")
    target = "pixelgen.runs.atomic.os.fsync" if call == "fsync" else "pathlib.Path.replace"
    monkeypatch.setattr(target, failing(errno.ENOSPC))
    with pytest.raises(StorageError, match="No space left") as caught:
        atomic.write_text(file, "new")
    assert caught.value.where == str(file)
    assert "free some space" in caught.value.remedy
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_whatever_is_wrong_with_the_disk_says_what_to_do(tmp_path, monkeypatch, number):
    monkeypatch.setattr("pixelgen.runs.atomic.os.fsync", failing(number))
    with pytest.raises(StorageError) as caught:
        atomic.write_text(tmp_path / "file", "new")
    assert os.strerror(number) in caught.value.what
    assert caught.value.remedy


def test_a_missing_folder_and_a_file_in_its_place_are_errors(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        atomic.write_text(tmp_path / "missing" / "file", "new")
    atomic.write_text(tmp_path / "file", "a file")
    with pytest.raises(StorageError, match="Not a directory"):
        atomic.write_text(tmp_path / "file" / "inner", "new")


def test_a_directory_is_written_and_replaced_whole(tmp_path):
    path = tmp_path / "model"
    atomic.write_directory(path, fill_with("old"))
    (path / "stray").write_text("from elsewhere")
    atomic.write_directory(path, fill_with("new"))
    assert names(path) == ["file"]
    assert (path / "file").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_a_directory_may_hold_others(tmp_path):
    def fill(directory):
        (directory / "inner").mkdir()
        (directory / "inner" / "file").write_text("deep")

    atomic.write_directory(tmp_path / "model", fill)
    assert (tmp_path / "model" / "inner" / "file").read_text() == "deep"


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageError),
        (SafetensorError("I/O error: No space left on device (os error 28)"), StorageError),
        (RuntimeError("a bug"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_directory_that_cannot_be_filled_leaves_the_old_one(tmp_path, problem, told):
    path = tmp_path / "model"
    atomic.write_directory(path, fill_with("old"))

    def fill(directory):
        (directory / "file").write_text("ne")
        raise problem

    with pytest.raises(told) as caught:
        atomic.write_directory(path, fill)
    if told is StorageError:
        assert "No space left" in caught.value.what
        assert "free some space" in caught.value.remedy
    assert (path / "file").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_an_error_of_safetensors_without_a_number_is_told_in_its_words(tmp_path):
    def fill(directory):
        raise SafetensorError("invalid header")

    with pytest.raises(StorageError, match="invalid header"):
        atomic.write_directory(tmp_path / "model", fill)


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("calls_before_death", [0, 1])
def test_a_death_between_the_renames_loses_nothing(tmp_path, monkeypatch, calls_before_death):
    path = tmp_path / "model"
    atomic.write_directory(path, fill_with("old"))
    rename, calls = Path.rename, []

    def dying(self, target):
        if len(calls) == calls_before_death:
            raise Killed
        calls.append(self)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", dying)
    monkeypatch.setattr(
        shutil, "rmtree", lambda path, ignore_errors: None
    )  # the dead clear up nothing
    with pytest.raises(Killed):
        atomic.write_directory(path, fill_with("new"))
    monkeypatch.undo()
    atomic.recover(tmp_path)
    assert (path / "file").read_text() == "old"
    atomic.write_directory(path, fill_with("newer"))
    assert (path / "file").read_text() == "newer"


def test_a_death_before_the_old_one_is_removed_keeps_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "model"
    atomic.write_directory(path, fill_with("old"))
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    atomic.write_directory(path, fill_with("new"))
    monkeypatch.undo()
    assert names(tmp_path) == [".model.old", "model"]
    atomic.recover(tmp_path)
    assert (path / "file").read_text() == "new"
    atomic.write_directory(path, fill_with("newer"))
    assert names(tmp_path) == ["model"]


def test_there_is_nothing_to_recover_where_nothing_was_set_aside(tmp_path):
    atomic.recover(tmp_path)
    assert names(tmp_path) == []


class TestWhatIsRecovered:
    @pytest.fixture
    def dead(self):
        """The number of a process that has ended."""
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process.pid

    def test_is_what_a_dead_process_was_writing(self, tmp_path, dead):
        (tmp_path / f".run.json.{dead}.tmp").write_text("{")
        (tmp_path / f".model.{dead}.tmp").mkdir()
        fill_with("half")(tmp_path / f".model.{dead}.tmp")
        atomic.recover(tmp_path)
        assert names(tmp_path) == []

    def test_is_not_what_a_living_one_is_writing(self, tmp_path):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            (tmp_path / f".a.png.{other.pid}.tmp").write_text("")
            atomic.recover(tmp_path)
            assert names(tmp_path) == [f".a.png.{other.pid}.tmp"]
            other.communicate(b"\n")
        atomic.recover(tmp_path)
        assert names(tmp_path) == []

    def test_is_nothing_that_we_do_not_write(self, tmp_path, dead):
        others = [".mine.tmp", ".note.old", f".theirs.{dead}.tmp", "a.tmp"]
        for name in others:
            (tmp_path / name).write_text("kept")
        atomic.recover(tmp_path, lambda name: name.startswith("shard-"))
        assert names(tmp_path) == sorted(others)

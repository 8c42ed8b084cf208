"""Disks that are full, read-only or gone, for real: said clearly, and nothing saved is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import full_disk
import pytest
from small_runs import carry_out, difference, make_pictures, results, small_recipe

from pixelgen.api import resume, start
from pixelgen.errors import StorageError
from pixelgen.listener import Listener
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve
from pixelgen.run import Run
from pixelgen.runs.directory import RunDirectory

EVERY = 6  # pages; benchmarks/reliability.py tries each


@pytest.fixture(scope="module")
def mounting(tmp_path_factory) -> None:
    if not full_disk.may_mount(tmp_path_factory.mktemp("mounting")):
        pytest.skip("no right to mount a file system")


@pytest.fixture
def small(tmp_path) -> tuple[dict, dict]:
    """A recipe, and what it leaves where nothing goes wrong."""
    make_pictures(tmp_path / "pictures")
    recipe = small_recipe(tmp_path / "pictures", "markov")
    carry_out(recipe, tmp_path / "whole")
    return recipe, results(tmp_path / "whole")


@pytest.mark.usefixtures("mounting")
class TestARealDisk:
    def test_that_is_full_at_any_write_is_said_to_be_and_recovered_from(self, tmp_path):
        found = list(full_disk.faults(tmp_path, "markov", every=EVERY))
        assert [fault.wrong for fault in found] == [""] * len(found)
        assert [fault.failed for fault in found] == [True] * (len(found) - 1) + [False]
        assert len(found) > 4

    def test_that_is_read_only_is_said_to_be_and_gone_on_with_when_it_no_longer_is(
        self, tmp_path, small
    ):
        recipe, expected = small
        steps = iter(range(5))
        with full_disk.disk(tmp_path / "disk", 4096) as disk:
            start(
                resolve(Recipe.parse(recipe)),
                disk / "run",
                should_stop=lambda: next(steps, None) is None,
            )
            full_disk.remount(disk, "ro")
            with pytest.raises(StorageError, match="Read-only") as caught:
                resume(disk / "run")
            assert "--out" in caught.value.remedy
            with pytest.raises(StorageError, match="Read-only"):
                carry_out(recipe, disk / "another")
            full_disk.remount(disk, "rw")
            carry_out(recipe, disk / "run")
            [aside] = (disk / "run" / "samples").glob("step-*")  # when it was stopped
            shutil.rmtree(aside)
            assert difference(disk / "run", expected) == ""

    def test_a_finished_run_on_a_read_only_disk_can_be_painted_from(self, tmp_path, small):
        with full_disk.disk(tmp_path / "disk", 4096) as disk:
            shutil.copytree(tmp_path / "whole", disk / "run")
            full_disk.remount(disk, "ro")
            assert len(Run(disk / "run").sample(2)) == 2
            full_disk.remount(disk, "rw")


def test_a_folder_that_is_removed_meanwhile_is_said_to_be(tmp_path, small):
    recipe, _ = small

    class Removes(Listener):
        def epoch(self, metrics):
            if (tmp_path / "run").exists():
                shutil.rmtree(tmp_path / "run")

    with pytest.raises(StorageError) as caught:
        started(recipe, tmp_path / "run", Removes())
    assert "removed" in caught.value.remedy


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_folder_that_may_not_be_written_to_is_said_to_be(small, tmp_path):
    recipe, _ = small
    with tempfile.TemporaryDirectory() as name:  # where anybody may go, unlike to pytest's
        place = Path(name)
        place.chmod(0o755)
        shutil.copytree(tmp_path / "pictures", place / "pictures")
        recipe["source"]["location"] = str(place / "pictures")
        shutil.copytree(tmp_path / "whole", place / "run")
        (place / "forbidden").mkdir(mode=0o555)
        denied = "cannot write: Permission denied"
        assert said_to_nobody(lambda: carry_out(recipe, place / "forbidden" / "run")) == denied
        assert said_to_nobody(lambda: resume(place / "run", epochs=9)) == denied
        (place / "closed").mkdir(mode=0o000)
        closed = place / "closed" / "run"
        assert said_to_nobody(lambda: started(recipe, closed, Listener())) == denied
        assert "cannot be read: Permission denied" in said_to_nobody(lambda: Run(closed))
        assert RunDirectory.open(place / "run").checkpoints.newest_whole()[0] is not None


def said_to_nobody(function: Callable[[], object]) -> str:
    """Call a function as a user without rights; return what was wrong."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setegid(65_534)
                os.seteuid(65_534)
            function()
        except BaseException as error:
            os.write(write, (getattr(error, "what", "") or repr(error)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        return said.read().decode()


def started(recipe: dict, out: Path, listener: Listener) -> None:
    start(resolve(Recipe.parse(recipe)), out, listener)

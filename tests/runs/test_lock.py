"""A run directory belongs to one process, for as long as that lives and not longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pixelgen.errors import RunInUse, StorageError
from pixelgen.runs.lock import FILE, locked

HOLD = """
import sys
from pathlib import Path
from pixelgen.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_what_another_process_holds_is_refused_and_the_process_named(tmp_path, holder):
    with (
        pytest.raises(RunInUse, match=f"in use by process {holder.pid}, since 20") as caught,
        locked(tmp_path),
    ):
        pass
    assert "stop it first" in caught.value.remedy


def test_a_process_that_is_killed_leaves_no_lock(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / FILE).exists()
    with locked(tmp_path):
        pass


def test_it_can_be_taken_again_after_it_was_let_go(tmp_path):
    for _ in range(2):
        with locked(tmp_path), pytest.raises(RunInUse), locked(tmp_path):
            pass


def test_a_child_does_not_keep_the_lock_of_a_parent_that_is_gone(tmp_path):
    read, write = os.pipe()
    ready, tell = os.pipe()
    lock = locked(tmp_path)
    lock.__enter__()
    child = os.fork()
    if not child:
        os.close(write)
        os.write(tell, b".")
        os.read(read, 1)  # until the parent is done
        os._exit(0)
    os.read(ready, 1)
    lock.__exit__(None, None, None)
    with locked(tmp_path):
        pass
    for descriptor in (write, read, ready, tell):
        os.close(descriptor)
    os.waitpid(child, 0)


@pytest.mark.parametrize("told", ["", "{", "[1]", '{"pid": "x"}', '{"pid": 1, "host": "a"}'])
def test_a_holder_that_tells_nothing_is_another_process(tmp_path, holder, told):
    (tmp_path / FILE).write_text(told)
    with pytest.raises(RunInUse, match="in use by another process"), locked(tmp_path):
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / FILE).symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError), locked(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "precious"

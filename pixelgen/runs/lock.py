"""A run directory belongs to one process at a time.

The lock is the operating system's, on a file in the run directory: it goes with the process that
holds it, however that ends, so a crash leaves nothing to clear away. The file tells who holds it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pixelgen.errors import RunInUse
from pixelgen.runs import atomic

FILE = "run.lock"
MOST_BYTES = 4096  # of what is read of the holder

_held: set[int] = set()  # descriptors, to be closed in children, which would keep the lock alive


@contextmanager
def locked(run: Path, *, what: str = "run", then: str = "pixelgen resume") -> Iterator[None]:
    """Hold the lock of a run directory for the length of a `with` block.

    Args:
        run: the directory, which may hold something else that belongs to one process at a time.
        what: it holds, for the error.
        then: what to do when the other process has ended, with the directory after it.

    Raises:
        RunInUse: another process holds it; names the process and its machine.
        StorageError: the directory cannot be written to.
    """
    path = run / FILE
    with atomic.explained(path):
        # A link is not followed: the file that it leads to is not ours to write.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o644)
    try:
        if not _take(descriptor):
            raise RunInUse(
                f"the {what} is in use by {_holder(descriptor)}",
                where=str(run),
                remedy=f"Wait until it has ended, or stop it first; then: {then} {run}",
            )
        _held.add(descriptor)
        with atomic.explained(path):
            _tell(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        with suppress(OSError):
            os.close(descriptor)  # which lets go of the lock


def _tell(descriptor: int) -> None:
    me = {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(me).encode() + b"\n")


def _holder(descriptor: int) -> str:
    """Who holds the lock, as far as the file tells."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        told = json.loads(os.read(descriptor, MOST_BYTES))
        pid, host, since = int(told["pid"]), str(told["host"]), str(told["since"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "another process"
    where = "" if host == platform.node() else f" on {host}"
    return f"process {pid}{where}, since {since}"


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a locked byte cannot be read: one far beyond the text

    def _take(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: better no lock than no run
            return True
        return True

    def _close_in_child() -> None:
        for descriptor in _held:
            with suppress(OSError):
                os.close(descriptor)
        _held.clear()

    os.register_at_fork(after_in_child=_close_in_child)

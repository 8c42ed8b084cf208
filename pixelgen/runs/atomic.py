"""Writing files so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from pixelgen.errors import StorageError

GO_ON = "give the same command again; a run goes on with pixelgen resume"
TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+|gone)\.tmp")
ASIDE = re.compile(r"\.(?P<name>.+)\.old")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's word about a full disk or a forbidden folder into an error."""
    try:
        yield
    except (OSError, SafetensorError) as problem:
        error = _of_the_system(problem)
        remedies = {
            errno.ENOSPC: f"The disk is full: free some space, then {GO_ON}",
            errno.EDQUOT: f"Your quota is used up: free some space, then {GO_ON}",
            errno.EACCES: "Choose another place with --out, or ask for permission",
            errno.EROFS: "The disk is read-only: choose another place with --out",
            errno.ENOENT: "The folder has been removed meanwhile",
            errno.EEXIST: "A file stands where a folder should be: choose another --out",
            errno.ENOTDIR: "A file stands where a folder should be: choose another --out",
        }
        raise StorageError(
            f"cannot write: {error.strerror or error}",
            where=str(path),
            remedy=remedies.get(error.errno or 0, "Check the disk, or choose another with --out"),
        ) from problem


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file: to a temporary name beside it, flushed to the disk, then renamed.

    Raises:
        StorageError: the disk is full, or the folder cannot be written to.
    """
    temporary = temporary_of(path)
    with explained(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_directory(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8; otherwise as `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file; otherwise as `write_bytes`."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return what `write_json` writes."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_directory(path: Path, fill: Callable[[Path], None]) -> None:
    """Make `path` the directory that `fill` fills, replacing an older one.

    `fill` is given an empty temporary directory. An older directory is set aside first and removed
    last; `recover` puts it back if the process died in between.
    """
    aside = _aside(path)
    with explained(path):
        with _filled_beside(path, fill) as temporary:
            if path.exists():
                shutil.rmtree(aside, ignore_errors=True)
                path.rename(aside)
            temporary.rename(path)
            sync_directory(path.parent)
        shutil.rmtree(aside, ignore_errors=True)


def new_directory(path: Path, fill: Callable[[Path], None]) -> None:
    """Make a directory that is there whole or not at all; otherwise as `write_directory`.

    Raises:
        FileExistsError: something else has come to be there meanwhile.
        StorageError: it cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _filled_beside(path, fill) as temporary, explained(path):
        try:
            temporary.rename(path)
        except OSError as error:
            if path.exists():
                raise FileExistsError(error.errno, error.strerror) from None
            raise
        sync_directory(path.parent)


@contextlib.contextmanager
def _filled_beside(path: Path, fill: Callable[[Path], None]) -> Iterator[Path]:
    """A temporary directory beside `path`, filled and flushed to the disk; gone in the end."""
    temporary = temporary_of(path)
    try:
        with explained(path):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            fill(temporary)
            usual = temporary.stat().st_mode & 0o666  # what the umask leaves of it
            for inner in (*temporary.rglob("*"), temporary):
                if inner.is_dir():
                    sync_directory(inner)
                else:
                    inner.chmod(usual)  # safetensors makes files that nobody else may read
                    sync_file(inner)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def temporary_of(path: Path) -> Path:
    """Return where this process writes what will be `path`: hidden, beside it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def recover(parent: Path, ours: Callable[[str], bool] = lambda name: True) -> None:
    """Put right what a process that died left in `parent`.

    A directory that `write_directory` had set aside comes back if its successor is missing;
    half-written temporary files and directories go, but for a file whose process is alive: one that
    paints from a run need not hold its lock.

    Args:
        parent: a folder of ours, in which nobody else replaces directories meanwhile.
        ours: whether a file or directory of this name is one that we write there.
    """
    if not parent.is_dir():
        return
    for path in list(parent.iterdir()):
        if (aside := ASIDE.fullmatch(path.name)) and ours(aside["name"]):
            if (parent / aside["name"]).exists():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.rename(parent / aside["name"])
        temporary = TEMPORARY.fullmatch(path.name)
        if temporary and ours(temporary["name"]):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif not (temporary["pid"].isdecimal() and _is_another(int(temporary["pid"]))):
                path.unlink(missing_ok=True)


def _is_another(pid: int) -> bool:
    """Whether a process of this number, not this one, is alive on this machine, if that shows."""
    if os.name != "posix" or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError) as error:  # alive, but somebody else's; or no number of one
        return isinstance(error, PermissionError)
    return True


def empty(directory: Path) -> None:
    """Remove all that is in a directory, but not the directory."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Flush a file's contents to the disk."""
    with path.open("rb" if os.name == "posix" else "r+b") as file:  # elsewhere it must be writable
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Flush a directory's entries to the disk, so that a rename survives a power cut."""
    if os.name != "posix":  # elsewhere a directory cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _of_the_system(problem: Exception) -> OSError:
    """The system's error; safetensors reports one as its own, with the number in the text."""
    if isinstance(problem, OSError):
        return problem
    number = re.search(r"os error (\d+)", str(problem))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(problem))


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")

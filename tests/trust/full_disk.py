"""A disk that is full at every write of a run, one after another: a real one, in memory.

Needs Linux and the right to mount a file system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from small_runs import carry_out, difference, make_pictures, results, small_recipe

PAGE = 4096  # bytes: what such a disk gives at a time
ENOUGH = 1 << 28


@dataclass(frozen=True)
class Fault:
    """A run on a disk of so many pages.

    Attributes:
        pages: of 4 KiB.
        failed: whether the disk was too small.
        wrong: what was not as it should be; empty if nothing.
    """

    pages: int
    failed: bool
    wrong: str


def may_mount(folder: Path) -> bool:
    """Whether a file system can be mounted here."""
    if not shutil.which("mount") or os.name != "posix":
        return False
    try:
        with disk(folder / "trial", 4):
            return True
    except subprocess.CalledProcessError:
        return False


@contextmanager
def disk(place: Path, pages: int) -> Iterator[Path]:
    """Mount a disk of so many pages for the length of a `with` block."""
    place.mkdir(parents=True, exist_ok=True)
    _call("mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}", "pixelgen-test", place)
    try:
        yield place
    finally:
        _call("umount", "--lazy", place)


def remount(place: Path, options: str) -> None:
    """Change a mounted disk: its size, or `ro`."""
    _call("mount", "-o", f"remount,{options}", place)


def faults(folder: Path, model: str = "numpy-lstm", every: int = 1) -> Iterator[Fault]:
    """Yield a fault for each size of the disk, up to the first on which the run fits."""
    pictures, whole = folder / "pictures", folder / "whole"
    make_pictures(pictures)
    recipe = small_recipe(pictures, model)
    carry_out(recipe, whole)
    expected = results(whole)
    pages = 1
    while True:
        with disk(folder / "disk", pages) as small:
            failed, wrong = _on_a_disk(recipe, small, expected)
        yield Fault(pages, failed, wrong)
        if not failed:
            return
        pages += every


def _on_a_disk(
    recipe: dict[str, object], small: Path, expected: dict[str, object]
) -> tuple[bool, str]:
    from pixelgen.errors import StorageError

    run = small / "run"
    try:
        carry_out(recipe, run)
    except StorageError as error:
        if "No space left" not in error.what or not error.remedy:
            return True, f"it said: {error}"
    except Exception as error:
        return True, f"{type(error).__name__}: {error}"
    else:
        return False, difference(run, expected)
    remount(small, f"size={ENOUGH}")
    try:
        carry_out(recipe, run)
    except Exception as error:
        return True, f"afterwards {type(error).__name__}: {error}"
    return True, difference(run, expected)


def _call(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)

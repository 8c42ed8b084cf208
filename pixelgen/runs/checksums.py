"""Checksums of the files in a folder, by which half-written or damaged ones are told from whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pixelgen.untrusted import read_json

FILE = "checksums.json"


def seal(directory: Path) -> None:
    """Write `checksums.json`: the length and SHA-256 of every other file in the directory."""
    files = {
        path.relative_to(directory).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": _digest(path),
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path != directory / FILE
    }
    (directory / FILE).write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def is_sealed(directory: Path) -> bool:
    """Whether the directory has checksums."""
    return (directory / FILE).exists()


def damage(directory: Path) -> str | None:
    """Return what is wrong with a sealed directory in a few words, or None if it is whole."""
    try:
        files = read_json(directory / FILE)
        for name, expected in files.items():
            path = directory / name
            if not path.resolve().is_relative_to(directory.resolve()):
                return f"{FILE} names {name!r}, which is outside"
            if not path.is_file():
                return f"{name} is missing"
            length = path.stat().st_size
            if length != expected["bytes"]:
                return f"{name} has {length:,} bytes in place of {expected['bytes']:,}"
            if _digest(path) != expected["sha256"]:
                return f"{name} is not what was written"
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"{FILE} cannot be read: {error}"
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

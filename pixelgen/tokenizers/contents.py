"""The file `tokenizer.json` that every built-in tokenizer keeps itself in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixelgen.errors import RunUnreadable
from pixelgen.untrusted import read_json

FILE = "tokenizer.json"


def write_contents(directory: Path, kind: str, newest: int, contents: dict[str, Any]) -> None:
    """Write the JSON object, with its kind and format, into a directory."""
    written = {"format": newest, "kind": kind, **contents}
    (directory / FILE).write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def read_contents(directory: Path, kind: str, newest: int) -> dict[str, Any]:
    """Return the JSON object that `write_contents` wrote, its kind and format checked.

    Raises:
        RunUnreadable: the file is missing, is no JSON, or is another kind's or version's.
    """
    path = directory / FILE
    try:
        contents = read_json(path)
    except FileNotFoundError:
        raise missing(path) from None
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    if contents.get("kind") != kind:
        raise damaged(path, f"it holds {contents.get('kind')!r}, not {kind!r}")
    if contents.get("format") != newest:
        raise RunUnreadable(
            f"a tokenizer file of format {contents.get('format')!r}; this pixelgen reads {newest}",
            where=str(path),
            remedy="Use the version of pixelgen that wrote it",
        )
    return contents


def missing(path: Path) -> RunUnreadable:
    """Return the error for a tokenizer's file that is not there."""
    return RunUnreadable(
        "the tokenizer's file is missing",
        where=str(path),
        remedy="Restore it from a copy, or train a new run",
    )


def damaged(path: Path, reason: str) -> RunUnreadable:
    """Return the error for a tokenizer's file that cannot be used."""
    return RunUnreadable(
        f"the tokenizer's file is damaged: {reason}",
        where=str(path),
        remedy="Restore it from a copy, or train a new run",
    )

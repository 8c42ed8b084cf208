"""Names of files, which on some systems are any bytes."""

from __future__ import annotations

import os


def readable(name: str) -> str:
    """Return a file's name that can be printed and written, even where it is not valid UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")

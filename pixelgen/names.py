"""Names of files, which on some systems are any bytes."""

from __future__ import annotations

import sys


def readable(name: str) -> str:
    """Return a file's name that can be printed and written, even where it is not valid UTF-8."""
    data = name.encode("utf-8", sys.getfilesystemencodeerrors())
    return data.decode("utf-8", "backslashreplace")

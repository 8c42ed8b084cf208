"""How another Python is started: with no more on its path than this one has."""

from __future__ import annotations

import sys
from pathlib import Path


def interpreter() -> list[str]:
    """Return the command of a Python such as this one, to which `-m MODULE` or `-c TEXT` is added.

    Both put the current folder first on the path, before the standard library: a `queue.py` among
    somebody's pictures would be run. `-P` keeps it out, unless it is on this one's path as well.
    """
    if not sys.flags.safe_path and sys.path[:1] in ([""], [str(Path.cwd())]):
        return [sys.executable]
    return [sys.executable, "-P"]

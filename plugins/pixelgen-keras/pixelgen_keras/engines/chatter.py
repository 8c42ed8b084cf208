"""Keeping what TensorFlow says at start-up from the terminal, and nothing that matters."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Information, in the C++ log's format, and the line that announces it.
_CHATTER = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back the standard error of an import, and write out all but information after it.

    The first lines come from C++ code that runs before any setting is looked at, so only the file
    descriptor itself can stop them. Warnings, errors and exceptions appear, if a second later.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        sys.stderr.flush()
        original = os.dup(2)
    except (AttributeError, OSError, ValueError):  # there is no standard error to keep clean
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held:
                if not _CHATTER.match(line):
                    os.write(2, line)

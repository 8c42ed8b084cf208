"""Keeping large buffers for the next step, where the C library would hand them back."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # names of glibc's malloc.h


@cache
def keep_large_buffers() -> None:
    """Let the allocator reuse freed buffers of megabytes for as long as the process lives.

    A framework's training step allocates 100 or 200 MB, most of it in large tensors. glibc maps
    each of those afresh and unmaps it when it is freed, so the kernel clears every page again at
    every step: a fifth of the whole time. Harmless where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)

"""Random numbers that depend on what they are for, and on nothing that happened before."""

from __future__ import annotations

import zlib

import numpy as np


def generator_for(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Return a generator of its own for one purpose, such as ("augment", epoch, picture).

    The same arguments give the same numbers in any process and any order of calls, which is what
    lets a run go on from a checkpoint as if nothing had happened.
    """
    key = [seed, zlib.crc32(purpose.encode()), *indices]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))

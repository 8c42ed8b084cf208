"""Which pictures are looked at where there are too many to look at all.

Collections may come sorted, class by class: their first pictures are no sample of them.
"""

from __future__ import annotations

import numpy as np

from pixelgen.randomness import generator_for


def chosen(count: int, most: int, purpose: str) -> np.ndarray:
    """Return the places, in order, of at most so many of `count` pictures, drawn at random.

    Args:
        count: how many there are.
        most: how many may be chosen; all are if there are no more.
        purpose: what for; the same are chosen each time.
    """
    return np.sort(generator_for(0, purpose).permutation(count)[:most])

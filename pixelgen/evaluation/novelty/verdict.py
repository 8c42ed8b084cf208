"""From likeness to a verdict, by what real pictures share with one another.

Held-out pictures are not copies, and neither are training pictures of the others. Whatever they
have in common with training pictures, a series of haystacks or a palette, is no sign of copying.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixelgen.evaluation.record import Verdict

CLOSE_SHARE = 0.95  # of real pictures have less in common with training pictures
COPY_SHARE = 0.975
SURE = 0.56  # a likeness that real pictures did not reach on the collections it was set by
MARGIN = 0.05  # beyond all but the last of the real pictures
SURE_BLOCK = 1 / 3  # of the shorter side: a copied quarter has a half, a flat sky often a sixth


@dataclass(frozen=True)
class Thresholds:
    """What makes a picture close to another, or a copy.

    Attributes:
        copy, close: least likeness of detail in a region of about a quarter.
        block: least side of a square of tokens copied verbatim that makes a copy.
    """

    copy: float
    close: float
    block: int

    @classmethod
    def of(
        cls, likeness: Sequence[float], blocks: Sequence[int], grid: tuple[int, int]
    ) -> Thresholds:
        """Return those that real pictures, with what they share, hardly ever pass."""
        if not likeness:
            return cls(SURE, SURE - MARGIN, max(3, math.ceil(SURE_BLOCK * min(grid))))
        usual = float(np.quantile(likeness, COPY_SHARE, method="higher"))
        copy = max(SURE, usual + MARGIN)
        close = min(copy, max(SURE - MARGIN, float(np.quantile(likeness, CLOSE_SHARE))))
        chance = float(np.quantile(blocks, COPY_SHARE, method="higher"))
        block = max(3, math.ceil(SURE_BLOCK * min(grid)), math.floor(1.5 * chance) + 1)
        return cls(copy, close, block)

    def verdict(self, likeness: float, block: int) -> Verdict:
        """Return what a picture with this likeness and block is."""
        if likeness >= self.copy or block >= self.block:
            return "copy"
        return "close" if likeness > self.close else "new"


def rank(value: float, real: Sequence[float]) -> float:
    """Return the share of real pictures that have as much in common: 0 for more than any."""
    return float(np.mean(np.asarray(real) >= value)) if len(real) else math.nan

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
SUREST = 0.9  # a copy, whatever real pictures share: a folder may hold one of them twice
MARGIN = 0.05  # beyond all but the last of the real pictures
SURE_BLOCK = 1 / 3  # of the shorter side: a copied quarter has a half, a flat sky often a sixth
NEAR_BLOCK = 1 / 6
NEAR_RUN = 1 / 2  # of the width
BEYOND = 1.5  # times what all but the last of the real pictures share verbatim


@dataclass(frozen=True)
class Thresholds:
    """What makes a picture close to another, or a copy.

    Attributes:
        copy, close: least likeness of detail in a region of about a quarter.
        block: least side of a square of tokens copied verbatim that makes a copy.
        near_block, near_run: least side of such a square, and least length of such a run in a
            row, that makes a picture close.
    """

    copy: float
    close: float
    block: int
    near_block: int
    near_run: int

    @classmethod
    def of(
        cls,
        likeness: Sequence[float],
        blocks: Sequence[int],
        runs: Sequence[int],
        grid: tuple[int, int],
    ) -> Thresholds:
        """Return those that real pictures hardly ever pass.

        Args:
            likeness, blocks, runs: of each real picture, as `verdict` takes them.
            grid: (height, width) of the pictures in tokens.
        """
        usual = _all_but_the_last(likeness)
        copy = min(max(SURE, usual + MARGIN), SUREST)
        highest = float(np.quantile(likeness, CLOSE_SHARE)) if len(likeness) else 0.0
        side = min(grid)
        block = math.floor(BEYOND * _all_but_the_last(blocks)) + 1
        run = math.floor(BEYOND * _all_but_the_last(runs)) + 1
        # However much real pictures share, the whole of another picture is a copy; of a square one
        # alone is that a square.
        whole = max(3, side) if grid[0] == grid[1] else max(grid) + 1
        return cls(
            copy=copy,
            close=min(copy, max(SURE - MARGIN, highest)),
            block=min(whole, max(3, block, math.ceil(SURE_BLOCK * side))),
            near_block=min(whole, max(3, block, math.ceil(NEAR_BLOCK * side))),
            near_run=max(3, run, math.ceil(NEAR_RUN * grid[1])),
        )

    def verdict(self, likeness: float, block: int, run: int) -> Verdict:
        """Return what a picture is.

        Args:
            likeness: correlation of its detail with a training picture's.
            block: side of the largest square of tokens that it shares with one.
            run: length of the longest run in a row that it shares with one.
        """
        if likeness >= self.copy or block >= self.block:
            return "copy"
        near = likeness > self.close or block >= self.near_block or run >= self.near_run
        return "close" if near else "new"


def _all_but_the_last(values: Sequence[float]) -> float:
    return float(np.quantile(values, COPY_SHARE, method="higher")) if len(values) else 0.0


def rank(value: float, real: Sequence[float]) -> float:
    """Return the share of real pictures that have as much in common: 0 for more than any."""
    return float(np.mean(np.asarray(real) >= value)) if len(real) else math.nan

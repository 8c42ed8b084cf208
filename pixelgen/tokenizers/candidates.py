"""Which centres can be nearest to a point of a leaf: few of them, found without trying them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelgen.threads import spread

BRANCH = 16
BRANCHES_AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class Candidates:
    """For each leaf, the centres that can be nearest to a point in its ball.

    Attributes:
        members: the centres of all leaves, one leaf after another, ascending within a leaf.
        lengths: (leaves,) how many each leaf has, at least 1.
        reach: (leaves,) how far the farthest of them may be from the middle, in feature steps.
    """

    members: np.ndarray
    lengths: np.ndarray
    reach: np.ndarray


class Balls:
    """Leaves, each the ball around its points, and branches of leaves.

    A centre is within dmin + 2r of the middle of a ball of radius r if it is nearest to any point
    in it, where dmin is how far the nearest centre is from the middle. That is asked of the
    branches first, and then only of the leaves and centres that are left.

    Args:
        middles: (leaves, channels) float64.
        radii: (leaves,) float64.
    """

    def __init__(self, middles: np.ndarray, radii: np.ndarray) -> None:
        self.leaves = len(middles)
        branches = -(-self.leaves // BRANCH)
        padding = branches * BRANCH - self.leaves
        middles = np.pad(middles, ((0, padding), (0, 0)), mode="edge")
        middles = middles.reshape(branches, BRANCH, -1)
        radii = np.pad(radii, (0, padding), mode="edge").reshape(branches, BRANCH)
        trunk = (middles.min(axis=1) + middles.max(axis=1)) / 2
        away = np.sqrt(((middles - trunk[:, None]) ** 2).sum(axis=2))
        self._trunk = trunk.astype(np.float32)
        self._trunk_radii = (away + radii).max(axis=1)
        self._columns = np.ascontiguousarray(middles.transpose(2, 0, 1), np.float32)
        self._radii = radii
        self._largest = float((middles**2).sum(axis=2).max())

    def candidates(self, steps: np.ndarray) -> Candidates:
        """Return the candidates among centres (k, channels), in feature steps."""
        centres = steps.astype(np.float32)
        squares = (centres**2).sum(axis=1)
        # float32 is good to 6e-8 of each term; what it could hide is added to every reach.
        slack = 2e-6 * max(self._largest, float(squares.max()), 1.0)

        def list_some(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            some = slice(start, start + BRANCHES_AT_ONCE)
            trunk = self._trunk[some]
            apart = trunk @ (-2 * centres.T)
            apart += squares
            offsets = (trunk**2).sum(axis=1)
            reach = _reach(apart.min(axis=1) + offsets, self._trunk_radii[some], slack) - offsets
            flat = np.flatnonzero(apart <= reach.astype(np.float32)[:, None])
            rows, members = np.divmod(flat, len(centres))
            return self._of_leaves(some, rows, members, centres, slack)

        found = spread(list_some, range(0, len(self._trunk), BRANCHES_AT_ONCE))
        members, lengths, reach = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        lengths, reach = lengths[: self.leaves], reach[: self.leaves]
        return Candidates(members[: lengths.sum()], lengths, reach)

    def _of_leaves(
        self, some: slice, rows: np.ndarray, members: np.ndarray, centres: np.ndarray, slack: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Go from the pairs (branch, centre) of some branches to those of their leaves."""
        apart = np.zeros((len(rows), BRANCH), np.float32)
        for column, values in zip(self._columns, centres.T, strict=True):
            difference = column[some][rows]
            difference -= values[members][:, None]
            difference *= difference
            apart += difference
        starts = np.searchsorted(rows, np.arange(rows[-1] + 1))
        nearest = np.minimum.reduceat(apart, starts, axis=0)  # (branches, BRANCH)
        reach = _reach(nearest, self._radii[some], slack)
        flat = np.flatnonzero(apart <= reach.astype(np.float32)[rows])
        pairs = flat // BRANCH
        leaf = rows[pairs] * BRANCH + flat % BRANCH
        order = np.argsort(leaf.astype(np.uint16), kind="stable")
        lengths = np.bincount(leaf, minlength=reach.size)
        return members[pairs[order]], lengths, np.sqrt(reach).reshape(-1)


def _reach(nearest: np.ndarray, radii: np.ndarray, slack: float) -> np.ndarray:
    """Return the squared reach of balls whose nearest centre is at a squared distance."""
    away = np.sqrt(np.maximum(nearest, 0).astype(np.float64) + slack)
    return np.asarray((away + 2 * radii) ** 2 * 1.00001 + slack)

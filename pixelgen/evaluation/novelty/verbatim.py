"""Tokens copied verbatim: the longest run in a row and the largest square that two grids share.

All windows of a shape are hashed at once by sums modulo 2⁶⁴, each token standing for a random
number, so that a shape costs a pass over the training tokens and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

PICTURES_AT_ONCE = 128
_ACROSS = np.uint64(0x9E3779B97F4A7C15)
_DOWN = np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True)
class Shared:
    """The largest window that a query shares with a training grid.

    Attributes:
        side: of the square, or length of the run; 0 if not one token is shared.
        training: index of the training grid.
        at, origin: (top, left) in the query and in the training grid.
    """

    side: int
    training: int = 0
    at: tuple[int, int] = (0, 0)
    origin: tuple[int, int] = (0, 0)


def largest_blocks(
    queries: np.ndarray, training: np.ndarray, own: Sequence[Sequence[int]] = ()
) -> list[Shared]:
    """Return the largest square of tokens that each query shares with a training grid.

    Args:
        queries: (N, gh, gw) tokens.
        training: (M, gh, gw) tokens.
        own: for each query, the training grids that are left out.
    """
    longest = min(min(queries.shape[1:]), min(training.shape[1:]))
    return _largest(queries, training, own, lambda side: (side, side), longest)


def longest_runs(
    queries: np.ndarray, training: np.ndarray, own: Sequence[Sequence[int]] = ()
) -> list[Shared]:
    """Return the longest run in a row that each query shares; otherwise as `largest_blocks`."""
    longest = min(queries.shape[2], training.shape[2])
    return _largest(queries, training, own, lambda side: (1, side), longest)


def _largest(
    queries: np.ndarray,
    training: np.ndarray,
    own: Sequence[Sequence[int]],
    shape: Callable[[int], tuple[int, int]],
    longest: int,
) -> list[Shared]:
    """Bisect, for all queries at once: what shares a window shares every smaller one too."""
    left_out = [set(own[index]) if index < len(own) else set() for index in range(len(queries))]
    best = [Shared(0) for _ in queries]
    above = [longest + 1] * len(queries)  # the smallest side that is known not to be shared
    while any(found.side + 1 < bound for found, bound in zip(best, above, strict=True)):
        tried: dict[int, list[int]] = {}
        for index, (found, bound) in enumerate(zip(best, above, strict=True)):
            if found.side + 1 < bound:
                doubled = max(1, 2 * found.side)
                middle = doubled if doubled < bound <= longest + 1 else (found.side + bound) // 2
                tried.setdefault(middle, []).append(index)
        for side, chosen in tried.items():
            matches = _matches(
                queries[chosen], training, [left_out[i] for i in chosen], shape(side)
            )
            for index, match in zip(chosen, matches, strict=True):
                if match is None:
                    above[index] = side
                else:
                    best[index] = Shared(side, *match)
    return best


Match = tuple[int, tuple[int, int], tuple[int, int]]


def _matches(
    queries: np.ndarray, training: np.ndarray, own: Sequence[set[int]], shape: tuple[int, int]
) -> list[Match | None]:
    """For each query one training grid that shares a window of the shape, and where."""
    most = max((len(each) for each in own), default=0)
    left_out = np.array([[*each, *[-1] * (most - len(each))] for each in own], np.int64)
    rows, places = _distinct(_hashes(queries, shape))
    owners, ours = rows[:, 0].astype(np.int64), rows[:, 1]
    among = _Membership(ours)
    found: list[Match | None] = [None] * len(queries)
    for begin in range(0, len(training), PICTURES_AT_ONCE):
        theirs = _hashes(training[begin : begin + PICTURES_AT_ONCE], shape)
        known = among.holds(theirs)
        pictures, tops, lefts = np.nonzero(known)
        values = theirs[known]
        # One entry a hash and grid, so that beyond those left out the next entry is another grid.
        order = np.lexsort((pictures, values))
        values, pictures = values[order], pictures[order]
        first = np.ones(len(values), bool)
        first[1:] = (values[1:] != values[:-1]) | (pictures[1:] != pictures[:-1])
        order, values, pictures = order[first], values[first], pictures[first] + begin
        low, high = (np.searchsorted(values, ours, side) for side in ("left", "right"))
        for further in range(most + 1):
            entries = low + further
            rows_here = np.flatnonzero(entries < high)
            grids = pictures[entries[rows_here]]
            fine = ~(left_out[owners[rows_here]] == grids[:, None]).any(axis=1)
            for query, position in zip(
                *np.unique(owners[rows_here[fine]], return_index=True), strict=True
            ):
                if found[query] is None:
                    row = rows_here[fine][position]
                    entry = order[entries[row]]
                    found[query] = (
                        int(pictures[entries[row]]),
                        (int(places[row, 0]), int(places[row, 1])),
                        (int(tops[entry]), int(lefts[entry])),
                    )
        if all(match is not None for match in found):
            break
    return found


class _Membership:
    """Which of many hashes are among some: nearly all are not, as one look into a table tells."""

    def __init__(self, some: np.ndarray) -> None:
        self._sorted = np.sort(some)
        bits = max(16, min(24, 5 + len(some).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, bool)
        self._table[(self._sorted >> self._shift).astype(np.int64)] = True

    def holds(self, hashes: np.ndarray) -> np.ndarray:
        """Return a bool for each hash, in its shape."""
        among = self._table[(hashes >> self._shift).astype(np.int64)]
        likely = hashes[among]
        places = np.searchsorted(self._sorted, likely)
        found: np.ndarray = self._sorted[np.minimum(places, len(self._sorted) - 1)] == likely
        among[among] = found
        return among


def _distinct(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each query's different hashes, (K, 2) uint64 of query and hash, and (K, 2) places."""
    rows, places = [], []
    for query, grid in enumerate(hashes):
        values, firsts = np.unique(grid, return_index=True)
        rows.append(np.stack([np.full(len(values), query, np.uint64), values], axis=1))
        places.append(np.stack(np.divmod(firsts, grid.shape[1]), axis=1))
    return np.concatenate(rows), np.concatenate(places)


def _hashes(grids: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(N, gh − h + 1, gw − w + 1) uint64: equal windows have equal hashes."""
    height, width = shape
    rows, columns = grids.shape[1:]
    with np.errstate(over="ignore"):
        across = np.cumprod(np.full(columns, _ACROSS))
        down = np.cumprod(np.full(rows, _DOWN))
        values = _scrambled(grids) * across * down[:, None]
        sums = np.pad(values.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
        boxes = (
            sums[:, height:, width:]
            - sums[:, :-height, width:]
            - sums[:, height:, :-width]
            + sums[:, :-height, :-width]
        )
        hashes: np.ndarray = (
            boxes * across[::-1][: columns - width + 1] * down[::-1][: rows - height + 1, None]
        )
    return hashes


def _scrambled(tokens: np.ndarray) -> np.ndarray:
    """A random number for each token: the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = tokens.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

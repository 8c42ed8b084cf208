"""Batches: canvases of tokens cut into the sequences that a model asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pixelgen.data.scans import Scan
from pixelgen.data.segments import Batch, Offsets, Segments

EVALUATION_BATCH = 128  # sequences; larger than in training, since nothing is kept for gradients


@dataclass(frozen=True, eq=False)
class Cutter:
    """Cuts canvases into batches.

    Attributes:
        scan: the order of the cells.
        segments: how the model wants its sequences.
        offsets: the context's offsets in this scan.
        vocab_size: V, which in contexts stands for "outside".
    """

    scan: Scan
    segments: Segments
    offsets: Offsets
    vocab_size: int

    @cached_property
    def table(self) -> np.ndarray:
        """(P, n) int32, by cell: the cells of its context."""
        return self.scan.context_table(self.offsets)

    @cached_property
    def _table_by_step(self) -> np.ndarray:
        return self.table[self.scan.order]

    def training_batches(
        self, canvases: np.ndarray, groups: np.ndarray, generator: np.random.Generator
    ) -> Iterator[Batch]:
        """Yield one epoch of batches in random order.

        The sequences of a batch are equally long.

        Args:
            canvases: (N, P) int32 tokens.
            groups: (N,) int32.
            generator: decides the order, and nothing else.
        """
        segments = self.segments
        if segments.memory == "picture" and segments.window is None:
            order = generator.permutation(len(canvases))
            for batch, _ in self._streams(canvases, groups, order, segments.batch):
                yield batch
            return
        firsts, lengths = self._training_segments
        order = generator.permutation(len(canvases) * len(firsts))
        batches = list(_of_one_length(order, lengths, segments.batch))
        if len(np.unique(lengths)) > 1:
            batches = [batches[number] for number in generator.permutation(len(batches))]
        for batch, _ in self._segments(canvases, groups, firsts, batches):
            yield batch

    def evaluation_batches(
        self, canvases: np.ndarray, groups: np.ndarray, batch: int = EVALUATION_BATCH
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """Yield every position once, in order, each batch with its pictures' indices (B,).

        A batch has at most `batch` sequences.
        """
        if self.segments.memory == "picture":
            yield from self._streams(canvases, groups, np.arange(len(canvases)), batch)
            return
        order = np.arange(len(canvases) * len(self.scan.line_starts))
        batches = _of_one_length(order, self.scan.line_lengths, batch)
        yield from self._segments(canvases, groups, self.scan.line_starts, batches)

    def batches_per_epoch(self, pictures: int) -> int:
        """Return how many batches `training_batches` yields for so many pictures."""
        segments = self.segments
        if segments.memory == "picture" and segments.window is None:
            return math.ceil(pictures / segments.batch) * self.steps_along
        _, lengths = self._training_segments
        _, counts = np.unique(lengths, return_counts=True)
        return sum(math.ceil(pictures * int(count) / segments.batch) for count in counts)

    @property
    def steps_along(self) -> int:
        """How many training batches in a row go along the same pictures; 1 where they are mixed."""
        segments = self.segments
        if segments.memory == "picture" and segments.window is None:
            return math.ceil(self.scan.cells / segments.chunk)
        return 1

    @property
    def targets_of_a_picture(self) -> int:
        """How many tokens of a picture an epoch learns: where windows overlap, some twice."""
        _, lengths = self._training_segments
        return int(lengths.sum())

    def extended(self, canvases: np.ndarray) -> np.ndarray:
        """Return (N, P + 1) int32: the canvases with a last column V for "outside"."""
        return np.pad(canvases, ((0, 0), (0, 1)), constant_values=self.vocab_size)

    @property
    def _training_segments(self) -> tuple[np.ndarray, np.ndarray]:
        """The first step and the length of each training segment of a picture."""
        if self.segments.window is not None:
            length = min(self.segments.window, self.scan.cells)
            last = self.scan.cells - length
            # The last is nearer to the one before it, or the end would never be learned.
            firsts = np.append(np.arange(0, last, self.segments.window_step), last)
            return firsts, np.full(len(firsts), length)
        return self.scan.line_starts, self.scan.line_lengths

    def _streams(
        self, canvases: np.ndarray, groups: np.ndarray, order: np.ndarray, batch: int
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """Whole pictures, `batch` of them side by side, a chunk of steps at a time."""
        extended = self.extended(canvases)
        for begin in range(0, len(order), batch):
            pictures = order[begin : begin + batch]
            for first in range(0, self.scan.cells, self.segments.chunk):
                steps = np.arange(first, min(first + self.segments.chunk, self.scan.cells))
                steps = np.broadcast_to(steps, (len(pictures), len(steps)))
                yield self._batch(extended, groups, pictures, steps, fresh=first == 0), pictures

    def _segments(
        self,
        canvases: np.ndarray,
        groups: np.ndarray,
        firsts: np.ndarray,
        batches: Iterable[tuple[np.ndarray, int]],
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """Segments of any pictures side by side, each beginning afresh.

        Args:
            canvases, groups: all pictures'.
            firsts: (L,) the first step of each segment of a picture.
            batches: the numbers of segments, L of them a picture, and their length.
        """
        extended = self.extended(canvases)
        for numbers, length in batches:
            pictures, segments = np.divmod(numbers, len(firsts))
            steps = firsts[segments, None] + np.arange(length)
            yield self._batch(extended, groups, pictures, steps, fresh=True), pictures

    def _batch(
        self,
        extended: np.ndarray,
        groups: np.ndarray,
        pictures: np.ndarray,
        steps: np.ndarray,
        *,
        fresh: bool,
    ) -> Batch:
        positions = self.scan.order[steps]  # (B, T)
        return Batch(
            context=extended[pictures[:, None, None], self._table_by_step[steps]],
            targets=extended[pictures[:, None], positions],
            positions=positions,
            groups=groups[pictures],
            starts=np.full(len(pictures), fresh),
        )


def _of_one_length(
    order: np.ndarray, lengths: np.ndarray, batch: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Cut an order of segments into batches, each of segments of one length, which it has with it.

    Args:
        order: numbers of segments.
        lengths: (L,) of a picture's segments; that of number n is the (n mod L)th.
        batch: segments a batch.
    """
    of_each = lengths[order % len(lengths)]
    for length in np.unique(lengths):
        alike = order[of_each == length]
        for begin in range(0, len(alike), batch):
            yield alike[begin : begin + batch], int(length)

"""A training step: gradients gathered, in parts or with other processes, and the weights moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pixelgen.data.segments import Batch, Segments, equal_parts
from pixelgen_torch.company import Company, LackOfMemory
from pixelgen_torch.device import is_lack_of_memory, there
from pixelgen_torch.dropout import Dropout
from pixelgen_torch.optimizer import Optimizer
from pixelgen_torch.softmax import mean_cross_entropy

if TYPE_CHECKING:
    from pixelgen_torch.model import SequenceNetwork


class Learning:
    """All that moves while a network learns.

    Attributes:
        network: whose weights are moved.
        optimizer: that moves them.
        random: draws the dropout.
        carried: where sequences go on from one batch to the next.
        dtype: of the products.
        parts: in which a batch, or this process's share of it, is learned.
    """

    def __init__(self, network: SequenceNetwork, seed: int, dtype: torch.dtype) -> None:
        """Begin afresh; products are in `dtype`."""
        self.network = network
        self.optimizer = Optimizer(network.leaves(), network.options, dtype)  # type: ignore[arg-type]
        self.random = torch.Generator(network.device).manual_seed(seed)
        self.carried: Any = None
        self.parts = 1
        self.dtype = dtype

    def step(self, batch: Batch, progress: float, others: Company | None = None) -> float:
        """Gather a batch's gradients, with others or alone, and move the weights by them.

        A step that fails leaves all as it was.

        Returns:
            The batch's mean loss in nats before the step.
        """
        random = self.random.get_state()
        try:
            if others is None:
                loss, carried = self._gather_gradients(batch, slice(0, len(batch.starts)))
            else:
                loss, carried = self._gather_together(batch, others)
            self.optimizer.step(progress)
            told = float(loss)  # which waits for a GPU: last
        except Exception:  # such as for a lack of memory: the step may be taken again in parts
            self.random.set_state(random)
            self.optimizer.forget_gradients()
            raise
        self.carried = carried
        return told

    def _gather_gradients(self, batch: Batch, mine: slice) -> tuple[Tensor, Any]:
        """Gather the gradients of some of a batch's sequences, part by part.

        Returns:
            Their share of the batch's loss, and what they carry on.
        """
        network, carried = self.network, []
        total = torch.zeros((), dtype=torch.float64, device=network.device)
        whole, random = len(batch.starts), self.random.get_state()
        for part in equal_parts(mine.stop - mine.start, self.parts):
            rows = slice(mine.start + part.start, mine.start + part.stop)
            is_all = rows == slice(0, whole)
            some = batch if is_all else batch.rows(rows)
            before = self.carried if is_all else network.some(self.carried, rows)
            self.random.set_state(random)  # each part has its rows of the whole batch's masks
            dropout = Dropout(self.random, None if is_all else rows, whole)
            h, after = network.read(some, before, self.dtype, dropout)
            z, vectors, bias = network.answer(h, some)
            loss = mean_cross_entropy(z, vectors, bias, targets_of(some, network.device))
            share = some.size / batch.size
            (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
            total += share * loss.detach()
            carried.append(after)
        return total, network.joined(carried)

    def _gather_together(self, batch: Batch, others: Company) -> tuple[Tensor, Any]:
        """Gather a batch's gradients with the other processes, each of its share of sequences.

        Raises:
            LackOfMemory: in one of them, memory does not suffice.
        """
        whole = len(batch.starts)
        mine = others.share(whole)
        problem: Exception | None = None
        loss, carried = torch.zeros((), device=self.network.device), None
        try:
            if mine.stop > mine.start:
                loss, carried = self._gather_gradients(batch, mine)
        except Exception as error:
            if not is_lack_of_memory(error):
                raise
            problem = error.with_traceback(None)  # which would keep what the step had taken
            self.optimizer.forget_gradients()
        leaves = self.network.leaves().values()
        for leaf in leaves:
            if leaf.grad is None:
                leaf.grad = torch.zeros_like(leaf)
        told = torch.stack([loss, loss.new_tensor(float(problem is not None))])
        together: Any = None
        tensors: list[Tensor] = []
        if self.carries:
            together, tensors = self.network.spread(carried, mine, whole)
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        others.summed([told, *gradients, *tensors])
        if told[1]:
            raise LackOfMemory(f"in {int(told[1])} of {others.size} processes") from problem
        return told[0], together

    @property
    def carries(self) -> bool:
        """Whether sequences go on from batch to batch."""
        segments: Segments = self.network.options.segments()
        return segments.memory == "picture" and segments.window is None

    @property
    def can_be_cut(self) -> bool:
        """Whether a batch can be learned in parts, here or in several processes."""
        return self.network.splits_carried or not self.carries


def targets_of(batch: Batch, device: torch.device) -> Tensor:
    """Return the targets of a batch (TB,), time first."""
    return there(time_first(batch.targets), device)


def time_first(array: np.ndarray) -> np.ndarray:
    """(TB, …) int64 of (B, T, …)."""
    turned = np.ascontiguousarray(np.swapaxes(array, 0, 1), np.int64)
    return turned.reshape(turned.shape[0] * turned.shape[1], *turned.shape[2:])

"""Training by several processes, as `torchrun` starts them: one leads, the others help.

The leader (rank 0) carries the run out as if it were alone. Only a training step is shared: the
batch goes to all processes, each gathers the gradients of its share of the sequences, these are
summed over all, and every process moves its own copy of the weights by them, alike. What the
helpers know of the run, its pictures and its directory is nothing; so a run goes on with another
number of processes as it does with one.

Messages and batches go by gloo, gradients by NCCL where they are on GPUs.
"""

from __future__ import annotations

import atexit
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from pixelgen.data.segments import Batch, equal_parts
from pixelgen.errors import TrainingError
from pixelgen.models.interface import ModelSpec
from pixelgen.processes import rank, world_size
from pixelgen.registration import reason_of

if TYPE_CHECKING:
    from pixelgen_torch.model import TorchModel

FOR_EVER = timedelta(days=30)  # the leader may be painting, or measuring, for long
LINGER = 0.3  # seconds before a process that is done leaves
GONE = "Go on from the last checkpoint: torchrun --nproc-per-node N -m pixelgen resume RUN"


@dataclass(frozen=True)
class Begin:
    """Be a copy of the leader's model from now on.

    Attributes:
        kind: the model's class.
        device: the kind of its device.
        spec, options, seed: what it is built from.
        weights: by name.
        state: what its training goes on from.
    """

    kind: type[TorchModel]
    device: str
    spec: ModelSpec
    options: Any
    seed: int
    weights: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Step:
    """Take part in a training step.

    Attributes:
        batch: the whole of it.
        progress: how much of the budget is spent.
        rate_scale: the multiple of the learning rate.
        parts: in how many parts each process learns its share.
        random: the state of the dropout's generator.
    """

    batch: Batch
    progress: float
    rate_scale: float
    parts: int
    random: Tensor


class LackOfMemory(MemoryError):
    """In one process or several memory does not suffice, and all of them know."""


class Company:
    """The processes of one job, seen from one of them."""

    def __init__(self) -> None:
        """Join; the first one in waits for the others."""
        self.rank, self.size = rank(), world_size()
        with_gpus = torch.cuda.is_available() and dist.is_nccl_available()
        backend = "cpu:gloo,cuda:nccl" if with_gpus else "gloo"
        dist.init_process_group(backend, timeout=FOR_EVER)
        self._leads: TorchModel | None = None

    def share(self, sequences: int) -> slice:
        """Return which of a batch's sequences are this process's; there may be none."""
        parts = equal_parts(sequences, self.size)
        return parts[self.rank] if self.rank < len(parts) else slice(sequences, sequences)

    def tell(self, message: Begin | Step | None) -> None:
        """Send all helpers a message; None dismisses them."""
        with lost_others():
            dist.broadcast_object_list([message], src=0, device=torch.device("cpu"))

    def hear(self) -> Begin | Step | None:
        """Wait for the leader's next message."""
        heard: list[Any] = [None]
        with lost_others():
            dist.broadcast_object_list(heard, src=0, device=torch.device("cpu"))
        message: Begin | Step | None = heard[0]
        return message

    def summed(self, tensors: list[Tensor]) -> None:
        """Replace tensors, alike in all processes, by their sums over all."""
        flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
        # NCCL sets itself up on the current device.
        here = torch.cuda.device(flat.device) if flat.is_cuda else nullcontext()
        with lost_others(), here:
            dist.all_reduce(flat)
        sums = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, total in zip(tensors, sums, strict=True):
            tensor.copy_(total.view_as(tensor))

    def doubt(self) -> None:
        """A step has failed, here perhaps after the helpers had taken it: copy the model anew."""
        self._leads = None

    def led_by(self, model: TorchModel) -> None:
        """Make the helpers copies of a model, unless they are already."""
        if self._leads is not model:
            self.tell(
                Begin(
                    kind=type(model),
                    device=model.network.device.type,
                    spec=model.network.spec,
                    options=model.network.options,
                    seed=model.seed,
                    weights={
                        name: weight.cpu().numpy()
                        for name, weight in model.network.weights().items()
                    },
                    state=model.training_state(),
                )
            )
            self._leads = model


@contextmanager
def lost_others() -> Iterator[None]:
    """Turn a broken connection into an error that says what to do."""
    try:
        yield
    except RuntimeError as error:
        _forget()
        raise TrainingError(
            "another process of this job has ended, or cannot be reached",
            where=f"in process {rank()} of {world_size()}: {reason_of(error).splitlines()[0]}",
            remedy=GONE,
        ) from error


_company: Company | None = None


def company() -> Company | None:
    """Return the processes of this job; None where this one is alone."""
    global _company
    if world_size() == 1:
        return None
    if _company is None:
        _company = Company()
        if rank() == 0:
            atexit.register(_dismiss)
    return _company


def help_leader() -> None:
    """Take part in the leader's training steps, until it dismisses this process, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the leader's to answer: it ends when it does
        signal.signal(number, signal.SIG_IGN)
    joined = company()
    assert joined is not None
    model: TorchModel | None = None
    while True:
        message = joined.hear()
        if message is None:
            break
        if isinstance(message, Begin):
            model = None  # or there would be two for a while
            model = message.kind.copy_of(message)
        elif model is not None:
            model.take_part(message, joined)
    _leave()


def _dismiss() -> None:
    """Tell the helpers that nothing more will come."""
    if _company is not None:
        with suppress(TrainingError):  # they are gone already
            _company.tell(None)
        _leave()


def _leave() -> None:
    """Leave the job at the end of this process.

    A thread of Gloo's still has the last message, and needs Python's lock to drop it: where it gets
    that only while Python ends, the process aborts (pytorch/pytorch#179291).
    """
    time.sleep(LINGER)
    _forget()


def _forget() -> None:
    """Leave the job; without waiting for anybody."""
    global _company
    _company = None
    if dist.is_initialized():
        dist.destroy_process_group()

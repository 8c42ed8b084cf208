"""Recording work on a GPU once, to be launched again as a whole: CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import torch

Work = Callable[[], None]

WARM_UP = 3  # times that work is done beforehand, in which libraries set themselves up

# PyTorch records one graph at a time in a process. Each new stream would keep a workspace of
# cuBLAS for ever, so there is one for all recording on a device.
_one_at_a_time = Lock()
_streams: dict[torch.device, torch.cuda.Stream] = {}


def recorded(work: Work, device: torch.device) -> Work | None:
    """Return what does this work by a graph; None where there are none, or it cannot be recorded.

    Args:
        work: operations on a GPU that read and write the same tensors every time, and wait for
            none of them; it is done a few times here. What is known to wait should not be tried:
            not every PyTorch gives back the memory of a recording that fails.
        device: where.

    Raises:
        torch.OutOfMemoryError: memory does not suffice.
    """
    if device.type != "cuda":
        return None
    with _one_at_a_time, torch.cuda.device(device):
        if device not in _streams:
            _streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        aside, here = _streams[device], torch.cuda.current_stream(device)
        aside.wait_stream(here)
        try:
            with torch.cuda.stream(aside):  # which is left whatever becomes of the recording
                for _ in range(WARM_UP):
                    work()
                return _graph_of(work, aside)
        finally:
            here.wait_stream(_streams.get(device, here))


def _graph_of(work: Work, stream: torch.cuda.Stream) -> Work | None:
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            work()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        del _streams[stream.device]  # it may be recording still
        return None
    replay: Work = graph.replay
    return replay

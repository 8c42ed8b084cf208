"""What this distribution registers. Every command imports this file: nothing heavy in it."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_trackers(register: Register) -> None:
    """Register `tensorboard`."""
    register(
        "tensorboard",
        "pixelgen_tensorboard.tracker:TensorBoard",
        summary="metrics and pictures for TensorBoard, in the run's tensorboard/",
        needs=["tensorboardX"],
    )

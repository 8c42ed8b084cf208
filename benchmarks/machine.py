"""What a benchmark's figures were measured on."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from pixelgen.threads import cores

if TYPE_CHECKING:
    import torch


def machine(device: torch.device | None = None) -> str:
    """Return the processor's kind, its cores, and the GPU where that is the device."""
    gpu = ""
    if device is not None and device.type == "cuda":
        import torch

        gpu = f", {torch.cuda.get_device_name(device)}"
    return f"{platform.machine()}, {cores()} cores{gpu}"

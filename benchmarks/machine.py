"""What a benchmark's figures were measured on."""

from __future__ import annotations

import platform

import torch

from pixelgen.threads import cores


def machine(device: torch.device) -> str:
    """Return the processor's kind, its cores, and the GPU where that is the device."""
    gpu = f", {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    return f"{platform.machine()}, {cores()} cores{gpu}"

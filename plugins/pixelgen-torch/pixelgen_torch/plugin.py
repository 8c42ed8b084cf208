"""What this distribution registers. Every command imports this file, so it imports no PyTorch."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_models(register: Register) -> None:
    """Register `torch-lstm`."""
    register(
        "torch-lstm",
        "pixelgen_torch.lstm:TorchLSTM",
        summary="LSTM over rows of colours that sees its neighbours and the palette; PyTorch",
        needs=["torch"],
    )

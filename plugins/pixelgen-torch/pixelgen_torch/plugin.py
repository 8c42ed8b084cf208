"""What this distribution registers. Every command imports this file, so it imports no PyTorch."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_models(register: Register) -> None:
    """Register `torch-lstm`, `torch-gpt` and `torch-mlp`."""
    register(
        "torch-lstm",
        "pixelgen_torch.lstm:TorchLSTM",
        summary="LSTM over rows of colours that sees its neighbours and the palette; PyTorch",
        needs=["torch"],
    )
    register(
        "torch-gpt",
        "pixelgen_torch.gpt:TorchGPT",
        summary="small transformer over the sequence of tokens, as in image-gpt; PyTorch",
        needs=["torch"],
    )
    register(
        "torch-mlp",
        "pixelgen_torch.mlp:TorchMLP",
        summary="residual network over the neighbours, without recurrence; PyTorch",
        needs=["torch"],
    )

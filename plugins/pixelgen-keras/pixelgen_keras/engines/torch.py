"""PyTorch under Keras: eager, with its own automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from pixelgen.buffers import keep_large_buffers
from pixelgen_keras.engines.interface import Engine, Steps, Tensor


class TorchEngine(Engine):
    """PyTorch. `torch-lstm` is the faster way to use it; this one serves comparison."""

    name = "torch"

    def __init__(self, device: str) -> None:
        super().__init__(device)
        keep_large_buffers()

    @classmethod
    def cuda_devices(cls) -> int:
        """Return how many CUDA devices the engine finds."""
        return torch.cuda.device_count() if torch.cuda.is_available() else 0

    @classmethod
    def version(cls) -> str:
        """Return the engine's version."""
        return str(torch.__version__)

    def has_fast_bfloat16(self) -> bool:
        """Whether products in bfloat16 are faster than in float32 on the device."""
        if self.device != "cpu":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        return False

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is, run without recording anything for gradients."""

        exact = nullcontext if self.device == "cpu" else _exact_float32

        def unrecorded(*arguments: Any) -> Any:
            with torch.no_grad(), exact():
                return function(*arguments)

        return unrecorded

    def fused(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return function

    def gradients(
        self, function: Callable[[list[Tensor]], tuple[Tensor, Any]], weights: Sequence[Tensor]
    ) -> tuple[Tensor, Any, list[Tensor]]:
        """Return `function`'s loss and what comes with it, and the loss's gradients by weight."""
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in weights]
            loss, rest = function(leaves)
            return loss.detach(), rest, list(torch.autograd.grad(loss, leaves))

    def with_gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function of tensors a gradient written by hand."""

        class Derived(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *arguments: Tensor) -> Any:
                outputs, ctx.gradient = function(*arguments)
                return outputs

            @staticmethod
            def backward(ctx: Any, *upstream: Tensor) -> Any:
                return ctx.gradient(upstream)

        apply: Callable[..., Any] = Derived.apply
        return apply

    def cut(self, tensor: Tensor) -> Steps:
        """Cut (T, …) into T steps."""
        return list(tensor.unbind())

    def join(self, steps: Steps) -> Tensor:
        """Return the tensor (T, …) of T steps."""
        return torch.stack(steps)

    def scan(
        self,
        step: Callable[[Any, Any], tuple[Any, Any]],
        carry: tuple[Tensor, ...],
        sequences: tuple[Steps, ...],
        *,
        reverse: bool = False,
    ) -> tuple[tuple[Tensor, ...], tuple[Steps, ...]]:
        """Walk over all steps, from the last to the first with `reverse`."""
        rows = list(zip(*sequences, strict=True))
        results = []
        for row in reversed(rows) if reverse else rows:
            carry, result = step(carry, row)
            results.append(result)
        if reverse:
            results.reverse()
        return carry, tuple(list(column) for column in zip(*results, strict=True))


@contextmanager
def _exact_float32() -> Iterator[None]:
    """Let cuDNN's LSTM keep all of float32's digits meanwhile; by itself it takes TF32's ten bits.

    The setting is the process's, and while it is other than that of convolutions, PyTorch refuses
    to tell what both are: so it is put back.
    """
    rnn: Any = getattr(torch.backends.cudnn, "rnn", None)
    if not hasattr(rnn, "fp32_precision"):  # before PyTorch 2.9
        yield
        return
    before, rnn.fp32_precision = rnn.fp32_precision, "ieee"
    try:
        yield
    finally:
        rnn.fp32_precision = before

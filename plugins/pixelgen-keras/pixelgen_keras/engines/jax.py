"""JAX under Keras: XLA compiles the whole step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from pixelgen_keras.engines.interface import Engine, Steps, Tensor


class JaxEngine(Engine):
    """JAX."""

    name = "jax"

    def __init__(self, device: str) -> None:
        super().__init__(device)
        if self.device != "cpu":
            # Or what is called float32 here could be TF32's ten bits there.
            jax.config.update("jax_default_matmul_precision", "float32")

    @classmethod
    def cuda_devices(cls) -> int:
        """Return how many CUDA devices the engine finds."""
        try:
            return len(jax.devices("cuda"))
        except RuntimeError:  # this JAX has no such platform, or finds no device of it
            return 0

    @classmethod
    def version(cls) -> str:
        """Return the engine's version."""
        return str(jax.__version__)

    def has_fast_bfloat16(self) -> bool:
        """Whether products in bfloat16 are faster than in float32 on the device."""
        if self.device == "cpu":
            return False
        # Written such as 8.0; 8 is the first with units for it.
        return all(float(gpu.compute_capability) >= 8 for gpu in jax.devices("cuda"))

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a pure function of nested tensors, compiled once for each set of shapes."""
        compiled: Callable[..., Any] = jax.jit(function)
        return compiled

    def fused(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: XLA fuses whatever it compiles."""
        return function

    def gradients(
        self, function: Callable[[list[Tensor]], tuple[Tensor, Any]], weights: Sequence[Tensor]
    ) -> tuple[Tensor, Any, list[Tensor]]:
        """Return `function`'s loss and what comes with it, and the loss's gradients by weight."""
        derived = jax.value_and_grad(function, has_aux=True)
        (loss, rest), gradients = derived(list(weights))
        return loss, rest, gradients

    def with_gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function of tensors a gradient written by hand."""

        def derived(*arguments: Tensor) -> Any:
            return function(*arguments)

        with_gradient: Callable[..., Any] = jax.custom_gradient(derived)
        return with_gradient

    def cut(self, tensor: Tensor) -> Steps:
        """Cut (T, …) into T steps: JAX's loop takes the tensor whole."""
        return tensor

    def join(self, steps: Steps) -> Tensor:
        """Return the tensor (T, …) of T steps."""
        return steps

    def scan(
        self,
        step: Callable[[Any, Any], tuple[Any, Any]],
        carry: tuple[Tensor, ...],
        sequences: tuple[Steps, ...],
        *,
        reverse: bool = False,
    ) -> tuple[tuple[Tensor, ...], tuple[Steps, ...]]:
        """Walk over all steps, from the last to the first with `reverse`."""
        last, results = jax.lax.scan(step, carry, sequences, reverse=reverse)
        return last, results

"""TensorFlow: graphs traced once, and loops over short sequences unrolled into them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import tensorflow as tf

from pixelgen.buffers import keep_large_buffers
from pixelgen_keras.engines.interface import Engine, Steps, Tensor

# Up to so many steps are laid out one after another: a loop costs TensorFlow half as much again,
# since it passes every tensor through a dozen control-flow nodes a step.
UNROLLED = 128
AMPERE = (8, 0)  # the first GPUs with units for bfloat16


class TensorFlowEngine(Engine):
    """TensorFlow, the default."""

    name = "tensorflow"
    for_a_gpu = (
        "TensorFlow finds one with CUDA's libraries: pip install 'pixelgen-keras[tensorflow-cuda]'"
    )

    def __init__(self, device: str) -> None:
        super().__init__(device)
        keep_large_buffers()
        _leave_room_for_others()  # a model on the CPU sets the GPUs up as well
        if self.device != "cpu":
            # Or what is called float32 here would be TF32's ten bits there.
            tf.config.experimental.enable_tensor_float_32_execution(False)

    @classmethod
    def cuda_devices(cls) -> int:
        """Return how many CUDA devices the engine finds."""
        return len(tf.config.list_physical_devices("GPU"))

    @classmethod
    def version(cls) -> str:
        """Return the engine's version."""
        return str(tf.__version__)

    def has_fast_bfloat16(self) -> bool:
        """Whether products in bfloat16 are faster than in float32 on the device."""
        if self.device != "cpu":
            gpus = tf.config.list_physical_devices("GPU")
            return all(_capability(gpu) >= AMPERE for gpu in gpus)
        return _cpu_has_bfloat16() and os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0"

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a pure function of nested tensors, compiled once for each set of shapes."""
        return tf.function(function, autograph=False)

    def fused(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return an elementwise function that walks memory once, for use in a compiled one."""
        return tf.function(function, autograph=False, jit_compile=True)

    def gradients(
        self, function: Callable[[list[Tensor]], tuple[Tensor, Any]], weights: Sequence[Tensor]
    ) -> tuple[Tensor, Any, list[Tensor]]:
        """Return `function`'s loss and what comes with it, and the loss's gradients by weight."""
        weights = list(weights)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            loss, rest = function(weights)
        # A table's gradient comes as the rows that were looked up.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]
        return loss, rest, gradients

    def with_gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function of tensors a gradient written by hand."""

        @tf.custom_gradient
        def derived(*arguments: Tensor) -> Any:
            outputs, gradient = function(*arguments)
            return outputs, lambda *upstream: gradient(upstream)

        return derived

    def cut(self, tensor: Tensor) -> Steps:
        """Cut (T, …) into T steps."""
        return tf.unstack(tensor) if tensor.shape[0] <= UNROLLED else tensor

    def join(self, steps: Steps) -> Tensor:
        """Return the tensor (T, …) of T steps."""
        return tf.stack(steps) if isinstance(steps, list) else steps

    def scan(
        self,
        step: Callable[[Any, Any], tuple[Any, Any]],
        carry: tuple[Tensor, ...],
        sequences: tuple[Steps, ...],
        *,
        reverse: bool = False,
    ) -> tuple[tuple[Tensor, ...], tuple[Steps, ...]]:
        """Walk over all steps, from the last to the first with `reverse`."""
        if not isinstance(sequences[0], list):
            return _loop(step, carry, sequences, reverse)
        order = range(len(sequences[0]))
        results = []
        for index in reversed(order) if reverse else order:
            carry, result = step(carry, tuple(sequence[index] for sequence in sequences))
            results.append(result)
        if reverse:
            results.reverse()
        return carry, tuple(list(column) for column in zip(*results, strict=True))


def _loop(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: tuple[Tensor, ...],
    sequences: tuple[Tensor, ...],
    reverse: bool,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    length = sequences[0].shape[0]

    def place(index: Any) -> Any:
        return length - 1 - index if reverse else index

    carry, results = step(carry, tuple(sequence[place(0)] for sequence in sequences))
    arrays = tuple(
        tf.TensorArray(result.dtype, length, element_shape=result.shape).write(place(0), result)
        for result in results
    )

    def body(index: Tensor, carry: Any, arrays: Any) -> tuple[Tensor, Any, Any]:
        carry, results = step(carry, tuple(sequence[place(index)] for sequence in sequences))
        pairs = zip(arrays, results, strict=True)
        return index + 1, carry, tuple(array.write(place(index), result) for array, result in pairs)

    _, carry, arrays = tf.while_loop(
        lambda index, *_: index < length, body, (tf.constant(1), carry, arrays)
    )
    return carry, tuple(array.stack() for array in arrays)


def _capability(gpu: Any) -> tuple[int, ...]:
    """What a GPU can, in NVIDIA's numbering; nothing where TensorFlow does not know."""
    details: dict[str, Any] = tf.config.experimental.get_device_details(gpu)
    return tuple(details.get("compute_capability", ()))


@cache
def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; TensorFlow has no public question for it."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _leave_room_for_others() -> None:
    """Take a GPU's memory as it is needed, and not all of it at once."""
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # it is in use already, as whoever came first has set it
            return

"""What this plugin needs of an engine beyond what `keras.ops` offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from pixelgen.errors import DeviceNotFound
from pixelgen.registration import has_cuda_device

Tensor = Any  # the engine's own
Steps = Any  # a tensor (T, …) cut into its T steps, in whatever form the engine walks best


class Engine(ABC):
    """A device of TensorFlow, PyTorch or JAX, and how functions are compiled and derived there."""

    name: ClassVar[str]
    for_a_gpu: ClassVar[str] = ""  # what to do where there is a GPU, and the engine finds none

    def __init__(self, device: str) -> None:
        """Take the device of this name: `auto`, `cpu`, `cuda` or `cuda:N`.

        `auto` is the first CUDA device where there is one, and otherwise the CPU.

        Raises:
            DeviceNotFound: it is not there.
        """
        found = ["cpu", *(f"cuda:{index}" for index in range(self.cuda_devices()))]
        wanted = {"auto": found[1] if len(found) > 1 else "cpu", "cuda": "cuda:0"}.get(
            device, device
        )
        if wanted not in found:
            missing = ""
            if self.for_a_gpu and len(found) == 1 and has_cuda_device():
                missing = f"{self.for_a_gpu}. "
            raise DeviceNotFound(
                f"there is no device {device!r}",
                where=f"{self.name} {self.version()} finds: {', '.join(found)}",
                remedy=f"{missing}Use --device auto, or one of those",
            )
        self.device = wanted

    @classmethod
    @abstractmethod
    def cuda_devices(cls) -> int:
        """Return how many CUDA devices the engine finds."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return the engine's version."""

    @abstractmethod
    def has_fast_bfloat16(self) -> bool:
        """Whether products in bfloat16 are faster than in float32 on the device."""

    @property
    def walks_by_hand(self) -> bool:
        """Whether `recurrence.py` beats Keras's own LSTM on the device."""
        return self.device == "cpu"

    def placed(self) -> AbstractContextManager[Any]:
        """Make tensors and compute on the device."""
        import keras

        scope: AbstractContextManager[Any] = keras.device(self.device.replace("cuda", "gpu"))
        return scope

    @abstractmethod
    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a pure function of nested tensors, compiled once for each set of shapes."""

    @abstractmethod
    def fused(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return an elementwise function that walks memory once, for use in a compiled one."""

    @abstractmethod
    def gradients(
        self, function: Callable[[list[Tensor]], tuple[Tensor, Any]], weights: Sequence[Tensor]
    ) -> tuple[Tensor, Any, list[Tensor]]:
        """Return `function`'s loss and what comes with it, and the loss's gradients by weight."""

    @abstractmethod
    def with_gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function of tensors a gradient written by hand.

        Args:
            function: returns a tuple of outputs, and a function from a tuple of their gradients to
                a tuple of the arguments' gradients.
        """

    @abstractmethod
    def cut(self, tensor: Tensor) -> Steps:
        """Cut (T, …) into T steps."""

    @abstractmethod
    def join(self, steps: Steps) -> Tensor:
        """Return the tensor (T, …) of T steps."""

    @abstractmethod
    def scan(
        self,
        step: Callable[[Any, Any], tuple[Any, Any]],
        carry: tuple[Tensor, ...],
        sequences: tuple[Steps, ...],
        *,
        reverse: bool = False,
    ) -> tuple[tuple[Tensor, ...], tuple[Steps, ...]]:
        """Walk over all steps, from the last to the first with `reverse`.

        Args:
            step: takes the carry and each sequence's tensor at this step; returns the next carry
                and this step's results.
            carry: what the walk begins with.
            sequences: all of the same length, at least 1.

        Returns:
            The last carry, and the results of all steps, in the sequences' order.
        """

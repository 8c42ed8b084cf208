"""Which device to work on, and which products are fast there."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor

from pixelgen.errors import DeviceNotFound
from pixelgen.processes import world_size

# In errors that have no class of their own: PyTorch's on a CPU, CUDA's, cuBLAS's and cuDNN's.
LACKING = ("can't allocate memory", "out of memory", "ALLOC_FAILED")


def choose_device(name: str) -> torch.device:
    """Return the device of this name: `auto`, `cpu`, `cuda` or `cuda:N`.

    `auto` is the first CUDA device where there is one, and otherwise the CPU. Of several processes
    on a machine, as `torchrun` starts them, each has a CUDA device of its own by `auto` and `cuda`.

    Raises:
        DeviceNotFound: it is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count and world_size() > 1:
        _check_shared(name, count)
    if count and (name == "auto" or (name == "cuda" and world_size() > 1)):
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % count)
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type == "cuda" and (device.index or 0) < count:
        return torch.device("cuda", device.index or 0)
    if device.type == "cpu":
        return torch.device("cpu")
    found = ", ".join(["cpu", *(f"cuda:{index}" for index in range(count))])
    built = "" if torch.version.cuda else " (this PyTorch is built without CUDA)"
    raise DeviceNotFound(
        f"there is no device {name!r}",
        where=f"PyTorch {torch.__version__} finds: {found}{built}",
        remedy="Use --device auto, or one of those",
    )


def _check_shared(name: str, count: int) -> None:
    """Raise `DeviceNotFound` if processes of one job would have to share a CUDA device."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if name in ("auto", "cuda") and here > count:
        raise DeviceNotFound(
            f"{here} processes on this machine cannot have a device each of {count}",
            where=f"in the environment: LOCAL_WORLD_SIZE={here}",
            remedy=f"Start as many as there are: torchrun --nproc-per-node {count} …; or give "
            "--device cpu",
        )
    if name.startswith("cuda:"):
        raise DeviceNotFound(
            f"{world_size()} processes cannot all have the device {name!r}",
            where="in --device",
            remedy="Give --device cuda, by which each has one of its own",
        )


def is_gpu(device: torch.device) -> bool:
    """Whether a device is no CPU: what costs there is the number of operations, and to wait."""
    return device.type != "cpu"


def there(array: np.ndarray, device: torch.device) -> Tensor:
    """Return an array on a device; on the CPU it shares the memory.

    A GPU takes it when it comes to it, out of pinned memory: nothing waits for it to be idle.
    """
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error is about a lack of memory, of the processor's or of the GPU's."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in LACKING)
    )


def product_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the dtype of products in training for the option `precision`.

    bfloat16 is only worth it where the processor has units for it; elsewhere it is emulated.
    """
    if precision == "float32":
        return torch.float32
    if device.type == "cuda":
        with torch.cuda.device(device):  # whose capabilities it tells
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = _cpu_has_bfloat16()
    return torch.bfloat16 if fast or precision == "bfloat16" else torch.float32


def _cpu_has_bfloat16() -> bool:
    # PyTorch has no public question for this; a version without these answers "no".
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        ask = getattr(torch.cpu, name, None)
        if ask is not None and ask():
            return True
    return False

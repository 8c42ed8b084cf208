"""Which device is taken, and why."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from pixelgen.errors import DeviceNotFound

INSTALL = (
    'pip install "pixelgen-cupy[cuda12]", or [cuda13]: that of your PyTorch, if you have one '
    "(torch.version.cuda), and otherwise what nvidia-smi shows"
)
OLDEST = 60  # compute capability 6.0, the first that adds float64 atomically


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        cupy: the module, or None where the work is NumPy's.
        index: which GPU.
        says: one sentence for the user.
    """

    cupy: Any
    index: int
    says: str


def find_device(device: str) -> Found:
    """Return where to compute for `auto`, `cpu`, `cuda` or `cuda:1`.

    Raises:
        DeviceNotFound: a GPU was asked for and cannot be used, or the name is unknown.
    """
    if device == "cpu":
        return Found(None, 0, "cupy-kmeans runs on NumPy, as asked")
    if device == "auto":
        try:
            return _gpu(0)
        except _Missing as missing:
            return Found(None, 0, f"cupy-kmeans runs on NumPy: {missing.what}")
    name, _, number = device.partition(":")
    if name not in ("cuda", "gpu") or not (number.isdecimal() or device == name):
        raise DeviceNotFound(
            f"there is no device {device!r}",
            where="device of cupy-kmeans",
            remedy="Known are auto, cpu, cuda, and cuda:1 and so on",
        )
    try:
        return _gpu(int(number or 0))
    except _Missing as missing:
        raise DeviceNotFound(
            f"device {device!r} cannot be used: {missing.what}",
            where="device of cupy-kmeans",
            remedy=f"{missing.remedy}, or use --device auto",
        ) from None


class _Missing(Exception):
    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def _gpu(index: int) -> Found:
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        if getattr(error, "name", None) == "cupy":
            raise _Missing("CuPy is not installed", f"Install it: {INSTALL}") from None
        cause = error.__cause__ or error  # what CuPy raises itself is a page of advice
        raise _Missing(
            f"CuPy cannot be imported ({_first_line(cause)})", f"Reinstall it: {INSTALL}"
        ) from None
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except Exception as error:  # CUDARuntimeError, of a module that may be half installed
        raise _Missing(
            f"CuPy {cupy.__version__} finds no GPU ({_first_line(error)})",
            "Install the NVIDIA driver, and the CuPy of its CUDA version",
        ) from None
    if index >= count:
        raise _Missing(
            f"CuPy {cupy.__version__} finds {count or 'no'} GPU{'' if count == 1 else 's'}",
            "Choose one that is there" if count else "Install the NVIDIA driver",
        )
    try:
        with cupy.cuda.Device(index) as chosen:
            capability = int(chosen.compute_capability)
            cupy.zeros(1) + 1  # the first kernel is compiled, which needs more than the driver
    except Exception as error:  # whatever CuPy, NVRTC or the driver raise
        raise _Missing(
            f"CuPy {cupy.__version__} cannot compute on GPU {index} ({_first_line(error)})",
            f"Install the CUDA toolkit, or CuPy with it: {INSTALL}",
        ) from None
    if capability < OLDEST:
        raise _Missing(
            f"GPU {index} is too old: of compute capability {capability / 10:.1f}, not 6.0",
            "Choose another GPU",
        )
    properties = cupy.cuda.runtime.getDeviceProperties(index)
    name = properties["name"]
    name = name.decode() if isinstance(name, bytes) else str(name)
    return Found(cupy, index, f"cupy-kmeans runs on GPU {index}, {name}, with CuPy")


def _first_line(error: BaseException) -> str:
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__

"""`cupy-kmeans`: the palette of `numpy-kmeans`, found on a GPU."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from pydantic import Field

from pixelgen.errors import OutOfMemory
from pixelgen.tokenizers.assignment import ArrayDevice
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans
from pixelgen_cupy.assignment import CupyDevice
from pixelgen_cupy.device import Found, find_device


class CupyKMeans(NumpyKMeans):
    """Learns a palette by exact k-means, on a GPU where there is one.

    Seeding, assignment and sums are computed on the device. Without a GPU the very same palette is
    computed with NumPy, and `notes` says so.

    Only fitting needs a device: a palette that is loaded asks for none.
    """

    class Options(NumpyKMeans.Options):
        """Options of cupy-kmeans: those of numpy-kmeans, and `chunk`."""

        chunk: int = Field(
            1 << 24,
            ge=1024,
            description="distinct colours on the GPU at a time, 48 to 76 bytes each",
        )

    kind = "cupy-kmeans"

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        self._found: Found | None = None  # while it learns: a module cannot be pickled

    def partial_fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn as `numpy-kmeans` does.

        Raises:
            DeviceNotFound: a GPU was asked for by name and cannot be used; nothing has been read.
            OutOfMemory: the GPU's memory does not suffice.
        """
        found = self._found = find_device(self.device)
        cupy = found.cupy
        with cupy.cuda.Device(found.index) if cupy else nullcontext():
            try:
                super().partial_fit(images, seed=seed)
            except MemoryError as error:
                if cupy is None or not isinstance(error, cupy.cuda.memory.OutOfMemoryError):
                    raise
                raise OutOfMemory(
                    f"a GPU's memory does not suffice for {self.options.chunk:,} colours at once",
                    where=f"in cupy-kmeans, on GPU {found.index}: {error}",
                    remedy="Lower -o tokenizer.chunk; or fit on NumPy, with --device cpu",
                ) from error
            finally:
                self._found = None
                if cupy:  # the model's turn comes next, in memory that CuPy would keep
                    cupy.get_default_memory_pool().free_all_blocks()
                    cupy.get_default_pinned_memory_pool().free_all_blocks()
        self.notes.insert(0, found.says)
        return self

    def _array_device(self) -> ArrayDevice:
        if self._found is None or self._found.cupy is None:
            return super()._array_device()
        return CupyDevice(self._found.cupy, self.options.chunk)

"""`cupy-kmeans`: the palette of `numpy-kmeans`, found on a GPU."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from pydantic import Field

from pixelgen.tokenizers.assignment import ArrayDevice
from pixelgen.tokenizers.histogram import ColourHistogram
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans
from pixelgen_cupy.assignment import CupyDevice
from pixelgen_cupy.device import find_device


class CupyKMeans(NumpyKMeans):
    """Learns a palette by exact k-means, on a GPU where there is one.

    Seeding, assignment and sums are computed on the device. Without a GPU the very same palette is
    computed with NumPy, and `notes` says so.

    Raises:
        DeviceNotFound: a GPU was asked for by name and cannot be used.
    """

    class Options(NumpyKMeans.Options):
        """Options of cupy-kmeans: those of numpy-kmeans, and `chunk`."""

        chunk: int = Field(
            1 << 24, ge=1024, description="distinct colours on the GPU at a time, 50 bytes each"
        )

    kind = "cupy-kmeans"

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        self._found = find_device(device)

    def _array_device(self) -> ArrayDevice:
        if self._found.cupy is None:
            return super()._array_device()
        return CupyDevice(self._found.cupy, self.options.chunk)

    def _learn(self, histogram: ColourHistogram, seed: int) -> None:
        cupy = self._found.cupy
        with cupy.cuda.Device(self._found.index) if cupy else nullcontext():
            super()._learn(histogram, seed)
        self.notes.insert(0, self._found.says)

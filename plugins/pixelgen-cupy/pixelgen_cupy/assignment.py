"""Assignment on the GPU: a kernel that assigns and adds up in one pass over the points."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from pixelgen.tokenizers.assignment import FRACTION, Assignment, Points, Widest

THREADS = 256
TILE = 256  # centres in shared memory at a time
SHARED_BYTES = 48 * 1024  # what every GPU gives a block without being asked
BLOCKS_A_PROCESSOR = 8
EXACT_IN_FLOAT32 = 1 << 24


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some of the points, as the kernel wants them, in the memory of the GPU or of the host."""

    places: Any  # (channels, n) float32 or float64, in FRACTION-ths of a step
    weights: Any  # (n,) float64
    sums: Any  # (channels, n) float64

    def to(self, xp: Any) -> Chunk:
        """Return the chunk in arrays of this module."""
        return Chunk(xp.asarray(self.places), xp.asarray(self.weights), xp.asarray(self.sums))


class CupyAssignment:
    """An `Assignment` on a GPU, which computes every distance.

    Args:
        points: what is assigned, as NumPy arrays.
        cupy: the module.
        chunk: how many points are on the GPU at a time. Where there are more, chunks are sent for
            every pass; otherwise they stay.
    """

    def __init__(self, points: Points, cupy: Any, chunk: int) -> None:
        self._cupy = cupy
        self._real = real_type(points)
        self._kernel = cupy.RawKernel(
            files(__package__).joinpath("assign.cu").read_text(encoding="utf-8"),
            "assign",
            options=(
                f"-DREAL={'float' if self._real == np.float32 else 'double'}",
                f"-DCHANNELS={points.channels}",
            ),
        )
        self._chunks = chunks_of(points, self._real, chunk)
        self._stays = len(self._chunks) == 1
        if self._stays:
            self._chunks = [self._chunks[0].to(cupy)]
            points = Points(
                *(cupy.asarray(a) for a in (points.places, points.weights, points.sums))
            )
        self.points = points
        self._labels: list[Any] = []
        self._k = 0
        processors = cupy.cuda.Device().attributes["MultiProcessorCount"]
        self._most_blocks = BLOCKS_A_PROCESSOR * int(processors)

    def update(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Assign every point and return the sums and counts; see `Assignment`."""
        cupy = self._cupy
        self._k = k = len(centres)
        channels = self.points.channels
        on_device = cupy.asarray(np.ascontiguousarray(centres, self._real))
        totals = cupy.zeros((channels + 1, k))
        self._labels = []
        shape = shared_memory(k, channels, self._real)
        for chunk in self._chunks:
            here = chunk if self._stays else chunk.to(cupy)
            n = len(here.weights)
            labels = cupy.empty(n, dtype=np.int32)
            blocks = min(-(-n // (THREADS * 4)), self._most_blocks)
            arguments = (
                *(here.places, here.weights, here.sums, np.int64(n)),
                *(on_device, np.int32(k), np.int32(TILE), np.int32(shape.is_own)),
                *(labels, totals),
            )
            self._kernel((blocks,), (THREADS,), arguments, shared_mem=shape.size)
            self._labels.append(labels if self._stays else labels.get())
            del here  # or there would be two chunks on the GPU
        together = totals.get()
        return np.ascontiguousarray(together[:-1].T), together[-1]

    def widest(self, counts: np.ndarray, means: np.ndarray, most: int) -> Widest:
        """Return the clusters with the most error along an axis; see `Assignment`."""
        return Widest.of(counts, means, self._products(), most)

    def _products(self) -> np.ndarray:
        cupy, channels = self._cupy, self.points.channels
        products = np.zeros((self._k, channels, channels))
        for chunk, kept in zip(self._chunks, self._labels, strict=True):
            here, labels = chunk.to(cupy), cupy.asarray(kept)
            for i in range(channels):
                for j in range(channels):
                    column = here.sums[i] * here.places[j].astype(np.float64) / FRACTION
                    products[:, i, j] += cupy.bincount(labels, column, self._k).get()
            del here, labels, column
        return products


class CupyDevice:
    """A GPU.

    Args:
        cupy: the module.
        chunk: how many points are on it at a time.
    """

    def __init__(self, cupy: Any, chunk: int) -> None:
        self.xp = cupy
        self._chunk = chunk

    def assignment(self, points: Points) -> Assignment:
        """Return an assignment of the points."""
        return CupyAssignment(points, self.xp, self._chunk)


@dataclass(frozen=True)
class SharedMemory:
    """How many bytes a block takes, and whether its own sums are among them."""

    size: int
    is_own: bool


def shared_memory(k: int, channels: int, real: Any) -> SharedMemory:
    """Return what a block needs for k centres."""
    tile = -(-TILE * channels * np.dtype(real).itemsize // 8) * 8
    own = k * (channels + 1) * 8
    is_own = tile + own <= SHARED_BYTES
    return SharedMemory(tile + (own if is_own else 0), is_own)


def real_type(points: Points) -> Any:
    """Return the type in which all squared distances between the points are exact."""
    span = float(np.ptp(points.places, axis=0).max(initial=0)) * FRACTION
    return np.float32 if points.channels * span**2 < EXACT_IN_FLOAT32 else np.float64


def chunks_of(points: Points, real: Any, most: int) -> list[Chunk]:
    """Cut points into chunks of at most so many, in the host's memory."""
    parts = [np.arange(i, min(i + most, len(points))) for i in range(0, len(points), most)]
    return [
        Chunk(
            np.ascontiguousarray(points.places[part].T * FRACTION, real),
            np.ascontiguousarray(points.weights[part]),
            np.ascontiguousarray(points.sums[part].T),
        )
        for part in map(scattered, parts)
    ]


def scattered(numbers: np.ndarray) -> np.ndarray:
    """Return numbers (n,) in an order in which each is far from the next.

    Points come along a curve, so that those of neighbouring threads mostly have the same centre,
    and would wait for one another to add to its sums.
    """
    whole = len(numbers) // THREADS * THREADS
    apart = numbers[:whole].reshape(THREADS, -1).T.ravel()
    return np.concatenate([apart, numbers[whole:]])

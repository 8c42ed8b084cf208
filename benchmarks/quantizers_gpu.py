"""How soon does one GPU find a palette for 100 million pixels, and how near is that to its limit?

    python benchmarks/quantizers_gpu.py [--pixels 100000000] [--colors 256] [--json FILE]

`cupy-kmeans` beside two peers on the same pixels: k-means as in CuPy's own example (distances to
all centres by broadcasting, one centre at a time to bound the memory, then argmin and sums), and
Lloyd's algorithm with `torch.cdist` on the GPU. All three make as many passes, and the peers
start from colours drawn at random, with the pixels on the device already. Each is done twice, and
the sooner counts: the first time compiles kernels. For `cupy-kmeans` one pass, centres sent and
sums fetched, is timed by itself and set against the memory's bandwidth and the float32
instructions of the device, whichever binds.
`--numpy` runs ours and the first peer on NumPy, to see that they run; its times say nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.data.colour_spaces import colour_space
from pixelgen.sources.sample import Sample
from pixelgen.tokenizers.histogram import ColourHistogram
from pixelgen.tokenizers.kmeans import levels_of

SIDE = 512
PASSES = 10
CHUNK = 1 << 20  # pixels whose distances the peers hold at once
CORES_A_PROCESSOR = 128  # float32 units, from Ampere on
INSTRUCTIONS = 9  # a point and centre: 3 differences, 3 squares added, a comparison, 2 choices


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    seconds: float
    mse: float | None = None
    note: str = ""


def pixels_of(count: int) -> np.ndarray:
    """(count, 3) uint8: painted landscapes, each time a little brighter or darker."""
    pictures = Sample(Sample.Options(pictures=min(40, -(-count // SIDE**2))), None)
    painted = np.stack([picture.pixels for picture in pictures.pictures((SIDE, SIDE))])
    painted = painted.reshape(-1, 3)
    generator = np.random.default_rng(0)
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < count:
        shift = generator.integers(-12, 13, 3)
        parts.append(np.clip(painted.astype(np.int16) + shift, 0, 255).astype(np.uint8))
    return np.concatenate(parts)[:count]


def sooner(work: Callable[[], Any], finish: Callable[[], None]) -> tuple[Any, float]:
    """Return what is made and the seconds that it took, the fewer of two."""
    fewest = np.inf
    for _ in range(2):
        began = time.perf_counter()
        made = work()
        finish()
        fewest = min(fewest, time.perf_counter() - began)
    return made, float(fewest)


def ours(pixels: np.ndarray, colors: int, finish: Callable[[], None], device: str) -> Row:
    from pixelgen_cupy.kmeans import CupyKMeans

    pictures = np.array_split(pixels.reshape(-1, 1, 3), max(len(pixels) // 2**22, 1))
    options = CupyKMeans.Options(colors=colors, max_iterations=PASSES)
    tokenizer, seconds = sooner(lambda: CupyKMeans(options, device=device).fit(pictures), finish)
    found = tokenizer.clustering
    assert found is not None
    note = f"{found.passes} passes over all colours, histogram included"
    return Row("cupy-kmeans", seconds, found.inertia / pixels.size, note)


def one_pass(pixels: np.ndarray, colors: int, cupy: Any) -> Row:
    """Time a pass over the distinct colours, and name what binds it."""
    from pixelgen_cupy.assignment import CupyDevice

    histogram = ColourHistogram(3)
    histogram.add([pixels])
    points = levels_of(histogram, colour_space("srgb"), colors, 128)[-1]
    assignment = CupyDevice(cupy, 1 << 26).assignment(points)
    generator = np.random.default_rng(0)
    centres = np.rint(generator.uniform(-1024, 1024, (colors, 3)))
    assignment.update(centres)
    events = [cupy.cuda.Event() for _ in range(2)]
    events[0].record()
    for _ in range(10):
        assignment.update(centres)
    events[1].record()
    events[1].synchronize()
    seconds = cupy.cuda.get_elapsed_time(*events) / 1e4
    n = len(points)
    moved = n * (3 * 4 + 8 + 3 * 8 + 4)  # places, weights, sums and labels, in bytes
    instructions = n * colors * INSTRUCTIONS
    found = cupy.cuda.Device().attributes
    # Clocks are in kHz, the bus is in bits, and memory moves at both edges.
    bandwidth = 2e3 * found["MemoryClockRate"] * found["GlobalMemoryBusWidth"] / 8
    units = found["MultiProcessorCount"] * CORES_A_PROCESSOR
    arithmetic = 1e3 * found["ClockRate"] * units
    note = f"{n:,} distinct colours"
    if bandwidth and arithmetic:  # some drivers tell no clocks
        shares = {"bandwidth": moved / bandwidth, "arithmetic": instructions / arithmetic}
        binding = max(shares, key=lambda name: shares[name])
        note += f"; {shares[binding] / seconds:.0%} of peak {binding}"
    return Row("one pass of it", seconds, None, note)


def cupys_example(pixels: np.ndarray, colors: int, finish: Callable[[], None], xp: Any) -> Row:
    points = xp.asarray(pixels, dtype=xp.float32)
    start = np.random.default_rng(0).choice(len(pixels), colors, replace=False)

    def lloyd() -> float:
        centres, total = points[xp.asarray(start)], 0.0
        for _ in range(PASSES):
            labels, nearest = nearest_by_broadcasting(points, centres, xp)
            counts = xp.maximum(xp.bincount(labels, minlength=colors), 1)
            sums = [xp.bincount(labels, points[:, c], colors) for c in range(3)]
            centres = (xp.stack(sums, 1) / counts[:, None]).astype(xp.float32)
            total = float(nearest.sum(dtype=xp.float64))
        return total

    total, seconds = sooner(lloyd, finish)
    return Row("CuPy's example", seconds, total / pixels.size, f"{PASSES} passes")


def nearest_by_broadcasting(points: Any, centres: Any, xp: Any) -> tuple[Any, Any]:
    nearest = xp.full(len(points), xp.inf, dtype=xp.float32)
    labels = xp.zeros(len(points), dtype=xp.int32)
    for index in range(len(centres)):
        away = ((points - centres[index]) ** 2).sum(axis=1)
        closer = away < nearest
        labels = xp.where(closer, xp.int32(index), labels)
        nearest = xp.where(closer, away, nearest)
    return labels, nearest


def torch_lloyd(pixels: np.ndarray, colors: int) -> Iterator[Row]:
    if find_spec("torch") is None:
        return
    import torch

    if not torch.cuda.is_available():
        return
    points = torch.from_numpy(pixels).cuda().float()
    start = np.random.default_rng(0).choice(len(pixels), colors, replace=False)

    def lloyd() -> float:
        centres, total = points[torch.from_numpy(start).cuda()], 0.0
        for _ in range(PASSES):
            sums, counts = torch.zeros_like(centres), centres.new_zeros(colors)
            inertia = centres.new_zeros((), dtype=torch.float64)
            for some in points.split(CHUNK):
                away, labels = torch.cdist(some, centres).min(1)
                sums.index_add_(0, labels, some)
                counts.index_add_(0, labels, torch.ones_like(away))
                inertia += (away.double() ** 2).sum()
            centres = sums / counts.clamp(min=1)[:, None]
            total = float(inertia)
        return total

    total, seconds = sooner(lloyd, torch.cuda.synchronize)
    yield Row("torch.cdist, Lloyd", seconds, total / pixels.size, f"{PASSES} passes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=100_000_000)
    parser.add_argument("--colors", type=int, default=256)
    parser.add_argument("--numpy", action="store_true", help="run on NumPy, without a GPU")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.numpy:
        cupy, finish, xp = None, (lambda: None), np
        print("on NumPy: these times say nothing of a GPU")
    else:
        if find_spec("cupy") is None:
            parser.exit(1, "there is no CuPy here: install pixelgen-cupy[cuda12] or [cuda13]\n")
        cupy = importlib.import_module("cupy")
        if not cupy.cuda.is_available():
            parser.exit(1, "there is no CUDA device here; --numpy sees whether it runs\n")
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        print(f"{name}, CuPy {cupy.__version__}")
        finish, xp = cupy.cuda.Device().synchronize, cupy
    pixels = pixels_of(arguments.pixels)
    rows = [ours(pixels, arguments.colors, finish, "cuda" if cupy else "cpu")]
    if cupy is not None:
        rows.append(one_pass(pixels, arguments.colors, cupy))
    rows.append(cupys_example(pixels, arguments.colors, finish, xp))
    if cupy is not None:  # whose memory PyTorch could not have
        cupy.get_default_memory_pool().free_all_blocks()
    rows.extend(torch_lloyd(pixels, arguments.colors))
    for row in rows:
        mse = "" if row.mse is None else f"{row.mse:.3f}"
        print(f"{row.what:24} {row.seconds:10.4f} s  {mse:>8}  {row.note}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()

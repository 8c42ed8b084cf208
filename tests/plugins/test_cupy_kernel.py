"""The GPU's kernel, compiled for the processor, and all the code around it, against NumPy's twin.

`Stand` has the part of CuPy that the plugin uses: arrays are NumPy's, and `RawKernel` hands the
very source to the C++ compiler, with one thread a block and the blocks one after another.
"""

from __future__ import annotations

import ctypes
import pickle
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelgen.errors import OutOfMemory
from pixelgen.options import parse_options
from pixelgen.tokenizers.assignment import FRACTION, Points
from pixelgen.tokenizers.every_centre import EveryCentre
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

pytest.importorskip("pixelgen_cupy", reason="pixelgen-cupy is not installed")
from pixelgen_cupy import kmeans
from pixelgen_cupy.assignment import (
    CupyAssignment,
    chunks_of,
    real_type,
    scattered,
    shared_memory,
)
from pixelgen_cupy.device import Found

COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")

SHIM = """
#include <algorithm>
#include <cstddef>
using std::min;
#define __global__
#define __restrict__ __restrict
struct Index { int x; };
static Index threadIdx, blockIdx, blockDim, gridDim;
static void __syncthreads() {}
template <class T> static void atomicAdd(T *to, T value) { *to += value; }
double shared[8192];
"""
LAUNCH = """
extern "C" void launch(int blocks, const REAL *p, const double *w, const double *s, long long n,
                       const REAL *c, int k, int tile, int is_own, int *l, double *t) {
    threadIdx.x = 0; blockDim.x = 1; gridDim.x = blocks;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        assign(p, w, s, n, c, k, tile, is_own, l, t);
}
"""


class DeviceArray(np.ndarray):
    """An array that is fetched with `get`, as CuPy's are."""

    def get(self) -> np.ndarray:
        return np.array(self)


class Lacking(MemoryError):
    """CuPy's own."""


class Stand:
    """The part of CuPy that is used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        attributes = {"MultiProcessorCount": 1}
        memory = SimpleNamespace(OutOfMemoryError=Lacking)
        self.cuda = SimpleNamespace(Device=lambda index=0: _Device(attributes), memory=memory)
        self.freed = 0

    def get_default_memory_pool(self) -> SimpleNamespace:
        def free_all_blocks() -> None:
            self.freed += 1

        return SimpleNamespace(free_all_blocks=free_all_blocks)

    get_default_pinned_memory_pool = get_default_memory_pool

    def __getattr__(self, name: str):
        function = getattr(np, name)

        def call(*arguments, **named):
            result = function(*arguments, **named)
            return result.view(DeviceArray) if isinstance(result, np.ndarray) else result

        return call

    def RawKernel(self, code: str, name: str, options: tuple[str, ...]):
        assert "extern __shared__ double shared[];" in code
        code = code.replace("extern __shared__ double shared[];", "").replace("#pragma unroll", "")
        stem = f"kernel{abs(hash(options))}"
        source = self._folder / f"{stem}.cpp"
        library = self._folder / f"{stem}.so"
        source.write_text(SHIM + code + LAUNCH)
        if not library.exists():
            command = [COMPILER, "-O1", "-shared", "-fPIC", *options, source, "-o", library]
            subprocess.run([str(word) for word in command], check=True, capture_output=True)
        launch = ctypes.CDLL(str(library)).launch

        def run(grid, block, arguments, shared_mem):
            assert shared_mem <= 48 * 1024
            launch(grid[0], *(_as_c(argument) for argument in arguments))

        return run


class _Device:
    def __init__(self, attributes: dict[str, int]) -> None:
        self.attributes = attributes

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


def _as_c(argument):
    if isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.c_longlong(int(argument)) if argument.dtype == np.int64 else int(argument)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    return Stand(tmp_path_factory.mktemp("kernels"))


def random_points(count: int, channels: int, largest: int) -> Points:
    generator = np.random.default_rng(count)
    places = generator.integers(-largest, largest + 1, (count, channels)).astype(float)
    weights = generator.integers(1, 1000, count).astype(float)
    return Points(places, weights, places * weights[:, None])


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("largest", "real"), [(127, np.float32), (4096, np.float64)])
@pytest.mark.parametrize(("count", "k"), [(1, 1), (37, 5), (1000, 300), (500, 2000)])
@pytest.mark.parametrize("chunk", [64, 1 << 20])
def test_the_kernel_does_what_its_twin_does(stand, channels, largest, real, count, k, chunk):
    points = random_points(count, channels, largest)
    centres = random_points(k, channels, largest * FRACTION).places
    centres[k // 2] = centres[0]  # a tie: the first has to win
    gpu, twin = CupyAssignment(points, stand, chunk), EveryCentre(points)
    assert real_type(points) == real or count == 1
    for ours, theirs in zip(gpu.update(centres), twin.update(centres), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(gpu._products(), twin._products(twin._rows()))


@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
@pytest.mark.parametrize("init", ["kmeans++", "split"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_fit_on_the_device_is_that_of_numpy_kmeans(stand, monkeypatch, space, init, channels):
    monkeypatch.setattr(kmeans, "find_device", lambda device: Found(stand, 0, "on a stand-in"))
    generator = np.random.default_rng(1)
    pictures = generator.integers(0, 256, (3, 20, 20, channels), dtype=np.uint8)
    options = {"colors": 24, "space": space, "init": init}
    freed = stand.freed
    ours, theirs = (
        kind(parse_options(kind.Options, options, owner="a quantizer")).fit(pictures, seed=4)
        for kind in (kmeans.CupyKMeans, NumpyKMeans)
    )
    np.testing.assert_array_equal(ours.palette, theirs.palette)
    assert ours.notes == ["on a stand-in"]
    assert stand.freed == freed + 2  # the GPU's memory, and what is pinned of the host's
    sent = pickle.loads(pickle.dumps(ours))  # as to a worker
    np.testing.assert_array_equal(sent.encode(pictures), theirs.encode(pictures))


def test_a_lack_of_memory_says_which_option_takes_it(stand, monkeypatch):
    def lacking(shape):
        raise Lacking("Out of memory allocating 1,024 bytes")

    monkeypatch.setattr(kmeans, "find_device", lambda device: Found(stand, 0, "on a stand-in"))
    monkeypatch.setattr(stand, "zeros", lacking, raising=False)
    pictures = np.random.default_rng(1).integers(0, 256, (1, 20, 20, 3), dtype=np.uint8)
    options = parse_options(kmeans.CupyKMeans.Options, {"colors": 24}, owner="a quantizer")
    freed = stand.freed
    with pytest.raises(OutOfMemory, match="16,777,216 colours at once") as raised:
        kmeans.CupyKMeans(options).fit(pictures)
    assert "tokenizer.chunk" in raised.value.remedy
    assert stand.freed == freed + 2


def test_another_lack_of_memory_is_not_the_gpus(stand, monkeypatch):
    def pictures():
        raise MemoryError("Unable to allocate 30.0 GiB")
        yield

    monkeypatch.setattr(kmeans, "find_device", lambda device: Found(stand, 0, "on a stand-in"))
    options = parse_options(kmeans.CupyKMeans.Options, {"colors": 24}, owner="a quantizer")
    with pytest.raises(MemoryError, match="Unable to allocate"):
        kmeans.CupyKMeans(options).fit(pictures())


def test_chunks_hold_all_points_scattered():
    points = random_points(1500, 3, 100)
    chunks = chunks_of(points, np.float64, 1024)
    assert [len(chunk.weights) for chunk in chunks] == [1024, 476]
    order = np.concatenate([scattered(np.arange(1024)), 1024 + scattered(np.arange(476))])
    for name in ("places", "sums"):
        kept = np.concatenate([getattr(chunk, name) for chunk in chunks], axis=1).T
        expected = getattr(points, name)[order] * (FRACTION if name == "places" else 1)
        np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000, 5000])
def test_points_are_scattered_and_all_are_there(count):
    order = scattered(np.arange(count))
    assert sorted(order) == list(range(count))
    whole = order[: count // 256 * 256]
    if len(whole) > 256:
        assert (np.diff(whole.reshape(-1, 256), axis=1) == len(whole) // 256).all()


@pytest.mark.parametrize("k", [1, 256, 1000, 65_536])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_a_block_takes_no_more_shared_memory_than_every_gpu_has(k, channels, real):
    shape = shared_memory(k, channels, real)
    assert shape.size <= 48 * 1024
    assert shape.is_own == (k <= 1000)

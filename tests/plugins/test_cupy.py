"""`cupy-kmeans` where there is no GPU: the palette of `numpy-kmeans`, and it says so."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pixelgen.errors import DeviceNotFound
from pixelgen.options import parse_options
from pixelgen.registration import has_cuda_device
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

pytest.importorskip("pixelgen_cupy", reason="pixelgen-cupy is not installed")
from pixelgen_cupy.kmeans import CupyKMeans

HAS_GPU = has_cuda_device() and importlib.util.find_spec("cupy") is not None
without_gpu = pytest.mark.skipif(HAS_GPU, reason="there is a GPU")


def pictures() -> list[np.ndarray]:
    return list(np.random.default_rng(1).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8))


def fitted(kind: type[NumpyKMeans], device: str, **options: object) -> NumpyKMeans:
    chosen = parse_options(kind.Options, {"colors": 24, **options}, owner="a quantizer")
    return kind(chosen, device=device).fit(pictures(), seed=4)


@without_gpu
@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
def test_without_a_gpu_the_palette_is_that_of_numpy_kmeans(space: str) -> None:
    ours, theirs = (fitted(kind, "auto", space=space) for kind in (CupyKMeans, NumpyKMeans))
    assert ours.palette is not None
    assert (ours.palette == theirs.palette).all()
    assert (ours.encode(pictures()) == theirs.encode(pictures())).all()


@without_gpu
def test_without_a_gpu_one_note_says_what_it_runs_on() -> None:
    assert "NumPy" in fitted(CupyKMeans, "auto").notes[0]


@without_gpu
def test_a_gpu_that_is_asked_for_and_absent_is_an_error_with_what_to_install() -> None:
    with pytest.raises(DeviceNotFound) as raised:
        fitted(CupyKMeans, "cuda")
    assert "cuda" in raised.value.what
    assert "pip install" in raised.value.remedy


def test_a_palette_that_is_loaded_asks_for_no_device(tmp_path: Path) -> None:
    fitted(CupyKMeans, "cpu").save(tmp_path)
    loaded = CupyKMeans.load(tmp_path, device="cuda:7")
    assert (loaded.encode(pictures()) == fitted(NumpyKMeans, "cpu").encode(pictures())).all()


def test_a_gpu_that_cannot_compute_is_as_one_that_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A driver and CuPy's wheel are there, and no CUDA toolkit."""

    def zeros(shape: int) -> np.ndarray:
        raise RuntimeError("CuPy failed to load libnvrtc.so.12\nmore")

    runtime = SimpleNamespace(getDeviceCount=lambda: 1)
    device = Device("90")
    cuda = SimpleNamespace(runtime=runtime, Device=lambda index: device)
    half = SimpleNamespace(__version__="14", cuda=cuda, zeros=zeros)
    monkeypatch.setitem(sys.modules, "cupy", half)  # type: ignore[arg-type]
    assert "cannot compute on GPU 0 (CuPy failed to load" in fitted(CupyKMeans, "auto").notes[0]
    with pytest.raises(DeviceNotFound, match="Install the CUDA toolkit"):
        fitted(CupyKMeans, "cuda")


class Device(nullcontext[Any]):
    """A GPU of a compute capability."""

    def __init__(self, capability: str) -> None:
        super().__init__()
        self.compute_capability = capability

    def __enter__(self) -> Device:
        return self


def test_a_gpu_that_adds_no_float64_is_as_one_that_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = SimpleNamespace(getDeviceCount=lambda: 1)
    cuda = SimpleNamespace(runtime=runtime, Device=lambda index: Device("52"))
    old = SimpleNamespace(__version__="13", cuda=cuda, zeros=np.zeros)
    monkeypatch.setitem(sys.modules, "cupy", old)  # type: ignore[arg-type]
    assert "of compute capability 5.2, not 6.0" in fitted(CupyKMeans, "auto").notes[0]
    with pytest.raises(DeviceNotFound, match="Choose another GPU"):
        fitted(CupyKMeans, "cuda")


def test_of_what_cupy_says_about_its_import_the_cause_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> None:
        cause = OSError("libcudart.so.12: cannot open shared object file\nmore")
        raise ImportError("\n=====\nFailed to import CuPy.\n=====\n") from cause

    monkeypatch.setattr("pixelgen_cupy.device.importlib.import_module", absent)
    assert (
        "(libcudart.so.12: cannot open shared object file)" in fitted(CupyKMeans, "auto").notes[0]
    )


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")
@pytest.mark.parametrize("chunk", [1024, 1 << 24])  # several at a time; all at once
@pytest.mark.parametrize("colors", [8, 256, 1500])  # of which the last have no sums of their own
@pytest.mark.parametrize("channels", [3, 4])
def test_on_a_gpu_so_is_that_of_many_colours(chunk: int, colors: int, channels: int) -> None:
    many = np.random.default_rng(5).integers(0, 256, (2, 120, 120, channels), dtype=np.uint8)
    palettes = []
    for kind, more in ((CupyKMeans, {"chunk": chunk}), (NumpyKMeans, {})):
        options = parse_options(kind.Options, {"colors": colors, **more}, owner="a quantizer")
        palettes.append(kind(options, device="auto").fit(many, seed=4).palette)
    np.testing.assert_array_equal(*palettes)


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")
@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
def test_on_a_gpu_the_palette_is_that_of_numpy_kmeans(space: str) -> None:
    ours, theirs = (fitted(kind, "auto", space=space) for kind in (CupyKMeans, NumpyKMeans))
    assert ours.palette is not None
    assert (ours.palette == theirs.palette).all()

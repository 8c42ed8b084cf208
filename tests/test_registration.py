"""What a plugin needs of the machine."""

from __future__ import annotations

import os

import pytest

from pixelgen import registration
from pixelgen.registration import has_cuda_device


@pytest.mark.skipif(os.name == "nt", reason="drivers are not files there")
@pytest.mark.parametrize(
    ("device", "found"),
    [("nvidia0", True), ("nvidia2", True), ("dxg", True), ("nvidiactl", False), ("null", False)],
)
def test_any_gpu_that_the_driver_shows_is_one(tmp_path, monkeypatch, device, found):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / device).touch()
    monkeypatch.setattr(registration, "Path", lambda path: tmp_path / path.lstrip("/"))
    has_cuda_device.cache_clear()
    try:
        assert has_cuda_device() == found
    finally:
        has_cuda_device.cache_clear()

"""The painted sample pictures: repeatable, all different, the same scene at every size."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pixelgen.sources.landscapes import paint_landscape


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 40), (40, 1), (8, 8), (75, 75), (33, 120), (120, 33), (7, 90)]
)
def test_any_size_gives_rgb_bytes(width: int, height: int) -> None:
    pixels = paint_landscape(3, 5, width, height)
    assert pixels.shape == (height, width, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous and pixels.flags.writeable


def test_same_seed_and_index_give_the_same_bytes() -> None:
    for index in range(12):
        first = paint_landscape(11, index, 48, 48)
        assert np.array_equal(first, paint_landscape(11, index, 48, 48))


def test_what_was_painted_before_does_not_matter() -> None:
    alone = paint_landscape(2, 40, 48, 48)
    paint_landscape(2, 39, 75, 20)
    assert np.array_equal(alone, paint_landscape(2, 40, 48, 48))


def test_another_process_paints_the_same_bytes() -> None:
    script = (
        "import hashlib\n"
        "from pixelgen.sources.landscapes import paint_landscape\n"
        "for i in range(6):\n"
        "    print(hashlib.sha256(paint_landscape(4, i, 48, 40).tobytes()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [_digest(paint_landscape(4, i, 48, 40)) for i in range(6)]


def test_numpys_global_random_state_is_neither_used_nor_changed() -> None:
    np.random.seed(0)
    first = paint_landscape(1, 1, 32, 32)
    after = np.random.random()
    np.random.seed(0)
    assert np.random.random() == after
    assert np.array_equal(first, paint_landscape(1, 1, 32, 32))


def test_every_index_is_another_picture() -> None:
    pictures = np.stack([paint_landscape(0, i, 24, 24) for i in range(200)]).astype(np.float32)
    flat = pictures.reshape(200, -1)
    nearest = min(
        float(np.abs(flat[i + 1 :] - flat[i]).mean(axis=1).min()) for i in range(len(flat) - 1)
    )
    apart = float(np.mean([np.abs(flat[i] - flat[i - 1]).mean() for i in range(len(flat))]))
    assert nearest > 6.0  # of 255
    assert apart > 30.0


def test_every_seed_is_another_collection() -> None:
    ours, theirs = (
        np.stack([paint_landscape(seed, i, 24, 24) for i in range(20)]).astype(np.float32)
        for seed in (0, 1)
    )
    for one in ours:
        assert float(np.abs(theirs - one).mean(axis=(1, 2, 3)).min()) > 6.0


def test_seed_and_index_are_not_interchangeable() -> None:
    assert not np.array_equal(paint_landscape(1, 2, 24, 24), paint_landscape(2, 1, 24, 24))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2)])
def test_composition_is_the_same_at_every_size(shape: tuple[int, int]) -> None:
    across, down = shape
    for index in range(10):
        small = paint_landscape(6, index, 40 * across, 40 * down)
        large = paint_landscape(6, index, 120 * across, 120 * down)
        # Compared through a blur: single strokes may fall a pixel apart.
        size = (20 * across, 20 * down)
        one, other = (
            np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BOX), np.float64).ravel()
            for p in (small, large)
        )
        assert np.corrcoef(one, other)[0, 1] > 0.9, index


def test_pictures_are_lively_and_not_blown_out() -> None:
    for index in range(40):
        pixels = paint_landscape(8, index, 48, 48)
        assert pixels.std() > 12.0, index
        assert 20.0 < pixels.mean() < 240.0, index
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 800, index

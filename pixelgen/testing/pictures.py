"""Small pictures, the same every time, that tokenizers and sources are tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pixelgen.testing.arrays import frozen


def toy_pictures(
    count: int = 3, size: tuple[int, int] = (16, 16), channels: int = 3, seed: int = 0
) -> list[np.ndarray]:
    """Return pictures (height, width, channels) uint8 of soft areas with some noise, read-only.

    Args:
        count: how many.
        size: (height, width).
        channels: 3, or 4 for pictures of which some pixels are transparent.
        seed: of what they show.
    """
    generator = np.random.default_rng([seed, channels])
    height, width = size
    pictures = []
    for _ in range(count):
        down, across = np.mgrid[:height, :width]
        tilt = generator.uniform(2, 12, (2, channels))
        base = generator.uniform(0, 120, channels)
        pixels = base + down[..., None] * tilt[0] + across[..., None] * tilt[1]
        pixels += generator.normal(0, 4, pixels.shape)
        if channels == 4:
            pixels[..., 3] = np.where(generator.random((height, width)) < 0.2, 0, 255)
        pictures.append(frozen(np.clip(pixels, 0, 255).astype(np.uint8)))
    return pictures


def one_colour(size: tuple[int, int], colour: tuple[int, ...] = (200, 40, 90)) -> np.ndarray:
    """Return a picture of one colour, (height, width, channels) uint8, read-only."""
    return frozen(np.broadcast_to(np.array(colour, np.uint8), (*size, len(colour))))


def distinct_pictures(size: tuple[int, int]) -> list[np.ndarray]:
    """Return three pictures that nobody could confuse: red to the right, green down, blue up.

    Each is (height, width, 3) uint8, read-only.
    """
    height, width = size
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    across = np.linspace(0, 255, width)[None].repeat(height, axis=0)
    pictures = []
    for channel, ramp in enumerate((across, down, down[::-1])):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[..., channel] = ramp
        pictures.append(frozen(picture))
    return pictures


def write_toy_folder(directory: Path) -> Path:
    """Write three pictures of different sizes, and a broken one."""
    for number, side in enumerate((16, 9, 24)):
        pixels = toy_pictures(1, (side, side + number), seed=number)[0]
        Image.fromarray(pixels).save(directory / f"picture-{number}.png")
    (directory / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return directory

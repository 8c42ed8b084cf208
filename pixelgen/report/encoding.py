"""Pictures as files and as addresses that hold them, without loss and as small as may be."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import numpy as np
from PIL import Image


def smallest_png(pixels: np.ndarray) -> bytes:
    """Return (H, W, 3 or 4) uint8 as an optimised PNG, indexed where 256 colours are enough."""
    buffer = io.BytesIO()
    (_indexed(pixels) or Image.fromarray(pixels)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def smallest_webp(pixels: np.ndarray) -> bytes:
    """Return (H, W, 3 or 4) uint8, of at most 16,383 pixels a side, as a lossless WebP."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=100, method=4, exact=True)
    return buffer.getvalue()


def address(pixels: np.ndarray) -> str:
    """Return a `data:` address of a picture (H, W, 3 or 4) uint8, by the smaller of the formats."""
    data, kind = smallest_png(pixels), "png"
    if max(pixels.shape[:2]) <= 16383:
        other = smallest_webp(pixels)
        if len(other) < len(data):
            data, kind = other, "webp"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def addresses(pictures: Iterable[np.ndarray], room: int) -> list[str]:
    """Return addresses of as many of the first pictures as fit into `room` characters.

    A first picture that is too large on its own is halved until it fits.
    """
    found: list[str] = []
    for pixels in pictures:
        made = address(pixels)
        while not found and len(made) > room and min(pixels.shape[:2]) > 1:
            pixels = np.asarray(Image.fromarray(pixels).reduce(2))
            made = address(pixels)
        room -= len(made)
        if room < 0:
            break
        found.append(made)
    return found


def _indexed(pixels: np.ndarray) -> Image.Image | None:
    """The picture with a palette, or None if it has too many colours, or transparency."""
    if pixels.shape[-1] != 3:
        return None
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, index = np.unique(packed, return_inverse=True)
    if len(colours) > 256:
        return None
    image = Image.fromarray(index.reshape(packed.shape).astype(np.uint8))
    palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image

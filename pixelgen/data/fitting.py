"""Bringing pictures of any size to the one size that a run works at.

Pictures are (H, W, C) uint8 with C = 3 (sRGB) or 4 (straight alpha). All resizing is Lanczos, which
averages over the covered pixels when it shrinks. Colours are weighted by their alpha, so that what
hides behind transparency does not bleed into what can be seen.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from PIL import Image

from pixelgen.errors import OptionError, did_you_mean

Fit = Literal["stretch", "cover", "contain"]
FITS: tuple[Fit, ...] = get_args(Fit)

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels

# A large picture is kept at this many times the size of the run, so that the smallest crop
# (3/4 of a side) still has to be shrunk: what is resized twice then looks like what is once.
KEPT_SIZES = 2


def fit_picture(pixels: np.ndarray, size: tuple[int, int], fit: Fit) -> np.ndarray:
    """Return the picture at `size`; one that has that size already is returned unchanged.

    Args:
        pixels: (H, W, 3 or 4) uint8.
        size: (width, height) in pixels.
        fit: `stretch` ignores the proportions; `cover` keeps them and cuts off what sticks out, the
            same on both sides; `contain` keeps them and pads around the centred picture, with
            transparency where the picture has alpha, otherwise with the mean colour of its edge.

    Returns:
        (height, width, 3 or 4) uint8.

    Raises:
        OptionError: there is no such fit.
    """
    height, width = pixels.shape[:2]
    return fit_region(pixels, (0, 0, width, height), size, fit)


def fit_region(pixels: np.ndarray, box: Box, size: tuple[int, int], fit: Fit) -> np.ndarray:
    """Return a part of the picture at `size`, resized once; otherwise as `fit_picture`.

    Args:
        pixels: (H, W, 3 or 4) uint8.
        box: (left, top, right, bottom) in pixels, inside the picture; fractions are honoured.
        size: (width, height) in pixels.
        fit: as of `fit_picture`.
    """
    if fit == "stretch":
        return _resized(pixels, box, size)
    if fit == "cover":
        return _resized(pixels, _largest_of_shape(box, size), size)
    if fit == "contain":
        inner = _largest_inside(box, size)
        return _padded(_resized(pixels, box, inner), size)
    raise OptionError(
        f"unknown fit {fit!r}",
        where="in --fit",
        remedy=f"{did_you_mean(fit, FITS)}Known fits: {', '.join(FITS)}",
    )


def shrink_picture(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a large picture smaller, in its proportions; any other unchanged.

    Both sides stay at least `KEPT_SIZES` times those of `size`, (width, height), which bounds the
    memory of a folder of photographs and leaves small pictures crisp.
    """
    height, width = pixels.shape[:2]
    scale = max(KEPT_SIZES * size[0] / width, KEPT_SIZES * size[1] / height)
    if scale >= 1:
        return pixels
    smaller = (math.ceil(width * scale), math.ceil(height * scale))
    return _resized(pixels, (0, 0, width, height), smaller)


def _resized(pixels: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    height, width = pixels.shape[:2]
    if (width, height) == tuple(size) and tuple(box) == (0, 0, width, height):
        return pixels
    # Pillow premultiplies RGBA by its alpha before it resizes, and divides afterwards.
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box))


def _largest_of_shape(box: Box, size: tuple[int, int]) -> Box:
    """The largest box of the proportions of `size` around the middle of `box`."""
    left, top, right, bottom = box
    scale = min((right - left) / size[0], (bottom - top) / size[1])
    spare_x = max(0.0, (right - left - scale * size[0]) / 2)
    spare_y = max(0.0, (bottom - top - scale * size[1]) / 2)
    return left + spare_x, top + spare_y, right - spare_x, bottom - spare_y


def _largest_inside(box: Box, size: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the proportions of `box` that is inside `size`."""
    left, top, right, bottom = box
    scale = min(size[0] / (right - left), size[1] / (bottom - top))
    width = round((right - left) * scale)
    height = round((bottom - top) * scale)
    return min(size[0], max(1, width)), min(size[1], max(1, height))


def _padded(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width, channels = pixels.shape
    if (width, height) == tuple(size):
        return pixels
    canvas = np.zeros((size[1], size[0], channels), np.uint8)
    if channels == 3:
        canvas[:] = _edge_colour(pixels)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def _edge_colour(pixels: np.ndarray) -> np.ndarray:
    """The mean of the outermost pixels, (3,) uint8: a frame that does not catch the eye."""
    edges = (pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1])
    mean: np.ndarray = np.concatenate(edges).mean(axis=0)
    return np.rint(mean).astype(np.uint8)

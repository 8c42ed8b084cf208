"""What every tokenizer asks of the pictures that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pixelgen.errors import TokenizerError


def check_picture(picture: Any, where: str) -> np.ndarray:
    """Return the picture if it is (H, W, 3 or 4) uint8 with at least one pixel.

    Raises:
        TokenizerError: it is something else; says what.
    """
    pixels = np.asarray(picture)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise TokenizerError(
            f"a picture of shape {pixels.shape}",
            where=where,
            remedy="Pictures are (height, width, 3) or, with alpha, (height, width, 4)",
        )
    if pixels.dtype != np.uint8:
        lost = ""
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            lost = f", {np.count_nonzero(~np.isfinite(pixels))} of them not a number"
        raise TokenizerError(
            f"a picture of {pixels.dtype} values{lost}",
            where=where,
            remedy="Pictures are uint8, 0 to 255: scale, round and convert them with astype",
        )
    if not pixels.size:
        raise TokenizerError(
            f"a picture without pixels, {pixels.shape[1]}×{pixels.shape[0]}", where=where
        )
    return pixels


def check_pictures(pictures: Iterable[Any], where: str) -> Iterable[np.ndarray]:
    """Yield the pictures, each as by `check_picture`; they may be of different sizes."""
    for picture in pictures:
        yield check_picture(picture, where)


def stack_pictures(pictures: Sequence[Any] | np.ndarray, where: str) -> np.ndarray:
    """Return pictures of one size as (N, H, W, 3 or 4) uint8.

    Raises:
        TokenizerError: there are none, their sizes differ, or one is not a picture.
    """
    if not len(pictures):
        raise TokenizerError("no pictures", where=where, remedy="Give at least one picture")
    if isinstance(pictures, np.ndarray) and pictures.ndim == 4:
        check_picture(pictures[0], where)
        return pictures
    checked = [check_picture(picture, where) for picture in pictures]
    sizes = sorted({picture.shape[:2] for picture in checked})
    if len(sizes) > 1:
        listed = ", ".join(f"{width}×{height}" for height, width in sizes[:4])
        raise TokenizerError(
            f"pictures of {len(sizes)} sizes ({listed})",
            where=where,
            remedy="Pictures that are encoded together have one size: fit them to it first",
        )
    if len({picture.shape[2] for picture in checked}) > 1:
        checked = [with_alpha(picture) for picture in checked]
    return np.stack(checked)


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return (..., 4) pixels of (..., 3 or 4): opaque where nothing else is said."""
    if pixels.shape[-1] == 4:
        return pixels
    opaque = np.full((*pixels.shape[:-1], 1), 255, np.uint8)
    return np.concatenate([pixels, opaque], axis=-1)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Return (..., 3) pixels of (..., 3 or 4): what is transparent is laid on white."""
    if pixels.shape[-1] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint16)
    laid = pixels[..., :3] * alpha + np.uint16(255) * (255 - alpha)  # at most 255 × 255
    return ((laid + 127) // 255).astype(np.uint8)


def to_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return the pixels with 3 channels, laid on white, or 4, opaque where they had no alpha.

    Fully transparent pixels become (0, 0, 0, 0), whatever colour was hidden in them.
    """
    if channels == 3:
        return on_white(pixels)
    if pixels.shape[-1] == 3:
        return with_alpha(pixels)
    return pixels * (pixels[..., 3:] > 0)

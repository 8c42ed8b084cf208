"""What every tokenizer asks of the pictures that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pixelgen.data.alpha import on_white, to_channels, with_alpha
from pixelgen.errors import TokenizerError

# With what a plugin needs of transparency, which is not for tokenizers alone.
__all__ = [
    "check_picture",
    "check_pictures",
    "on_white",
    "stack_pictures",
    "to_channels",
    "with_alpha",
]


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

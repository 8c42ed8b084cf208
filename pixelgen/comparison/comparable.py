"""What can be compared: runs that were measured on the very same held-out pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from pixelgen.errors import PixelgenError

NAMED = 3  # pictures that an error names


class NotComparable(PixelgenError):
    """Runs were measured on different pictures, so that their bits cannot be set side by side."""


class Identity(BaseModel):
    """Which held-out pictures a run is measured on.

    Attributes:
        size: (width, height) in pixels.
        fit: how pictures of another shape were brought to it.
        channels: 3, or 4 where transparency is kept.
        names: of the pictures, in order.
        pixels: SHA-256, in hexadecimal, of their pixels at that size.
    """

    model_config = ConfigDict(frozen=True)

    size: tuple[int, int]
    fit: str
    channels: int
    names: tuple[str, ...]
    pixels: str

    @classmethod
    def of(cls, names: Sequence[str], pictures: np.ndarray, fit: str) -> Self:
        """Return the identity of (N, H, W, C) uint8 pictures that were brought to one size."""
        height, width, channels = pictures.shape[1:]
        return cls(
            size=(width, height),
            fit=fit,
            channels=channels,
            names=tuple(names),
            pixels=hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest(),
        )


def check_comparable(runs: Sequence[tuple[str, Identity]]) -> None:
    """Refuse runs that were not measured on the same pictures.

    Args:
        runs: the name of each run, and its held-out pictures.

    Raises:
        NotComparable: names the first two runs that differ, in what, and what to do.
    """
    for name, identity in runs:
        if not identity.names:
            raise NotComparable(
                "no pictures are held out, so there is nothing to compare by",
                where=f"in {name}",
                remedy="Give at least three distinct pictures, and data.held_out above 0",
            )
    first_name, first = runs[0]
    for name, identity in runs[1:]:
        difference = _difference(first, identity)
        if difference:
            what, remedy = difference
            raise NotComparable(
                f"{first_name} and {name} cannot be compared: {what}",
                where=f"in the held-out pictures of {first_name} and {name}",
                remedy=remedy,
            )


def _difference(one: Identity, other: Identity) -> tuple[str, str] | None:
    """What differs, and what to do about it."""
    if one.size != other.size:
        sizes = [f"{width}×{height}" for width, height in (one.size, other.size)]
        return (
            f"pictures of {sizes[0]} and of {sizes[1]} pixels",
            "Train both at one --size: a pixel of a small picture is harder to predict",
        )
    if one.fit != other.fit:
        return f"pictures fitted by {one.fit} and by {other.fit}", "Train both with one --fit"
    if one.channels != other.channels:
        return (
            f"{one.channels} channels a pixel and {other.channels}",
            "Keep transparency in both or in neither: -o source.alpha=false",
        )
    if set(one.names) != set(other.names):
        only = [_some(set(a.names) - set(b.names)) for a, b in ((one, other), (other, one))]
        said = [
            f"only the {which} holds out {names}"
            for which, names in zip(("first", "second"), only, strict=True)
            if names
        ]
        return (
            ", and ".join(said),
            "Train both on the same folder with the same data.held_out and data.split_seed",
        )
    if one.pixels != other.pixels or one.names != other.names:
        return (
            "the held-out pictures have the same names, but other pixels",
            "Train both on the same folder: a source that paints its own pictures paints others "
            "for each seed",
        )
    return None


def _some(names: set[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return ", ".join(repr(name) for name in listed[:NAMED]) + more

"""Statements about arrays that plugins return: kind, shape, values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pixelgen.testing.contract import Broken


def expect_array(
    found: Any, what: str, *, shape: tuple[int | None, ...] | None = None, dtype: Any = None
) -> np.ndarray:
    """Return `found` if it is a NumPy array of this shape (None for any length) and dtype.

    Raises:
        Broken: it is something else; says what.
    """
    if not isinstance(found, np.ndarray):
        raise Broken(f"{what} returns {type(found).__name__}, not a NumPy array")
    wanted = shape or ()
    same = len(wanted) == found.ndim and all(
        side in (None, length) for side, length in zip(wanted, found.shape, strict=False)
    )
    if shape is not None and not same:
        written = ", ".join("any" if side is None else str(side) for side in wanted)
        raise Broken(f"{what} returns the shape {found.shape}, not ({written})")
    if dtype is not None and found.dtype != np.dtype(dtype):
        raise Broken(f"{what} returns {found.dtype}, not {np.dtype(dtype)}")
    return found


def expect_equal(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Both arrays are the same, bit for bit; nan equals nan.

    Raises:
        Broken: they differ; says where first.
    """
    expect_close(found, expected, what, tolerance=0.0)


def expect_close(
    found: np.ndarray, expected: np.ndarray, what: str, *, tolerance: float
) -> None:
    """Both arrays are the same but for `tolerance`, absolute and relative.

    Raises:
        Broken: they differ; says where most.
    """
    if found.shape != expected.shape:
        raise Broken(f"{what}: shapes {found.shape} and {expected.shape}")
    if np.array_equal(found, expected, equal_nan=found.dtype.kind == "f"):
        return
    wide, other = found.astype(np.float64), expected.astype(np.float64)
    if tolerance and np.allclose(wide, other, atol=tolerance, rtol=tolerance):
        return
    with np.errstate(invalid="ignore"):
        apart = np.abs(wide - other)
    apart[np.isnan(apart) & ~(wide == other)] = np.inf
    apart[wide == other] = 0
    place = np.unravel_index(int(np.argmax(apart)), apart.shape)
    at = ", ".join(str(int(index)) for index in place)
    raise Broken(
        f"{what}: {np.count_nonzero(apart > 0)} of {found.size} values differ, most at [{at}]: "
        f"{found[place]} and {expected[place]}"
    )


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a copy that cannot be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy

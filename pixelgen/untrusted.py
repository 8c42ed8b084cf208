"""Reading files that a stranger may have made.

Everything has a limit that is checked before memory is taken, and nothing but plain values comes
out: JSON objects, text, arrays of numbers that are numbers. What is wrong is a `ValueError` with a
few words; whoever reads knows where the file is and what to do, and says so.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

MOST_TEXT = 1 << 26  # bytes of a JSON or TOML file: names of a million pictures
MOST_ARRAYS = 1 << 34  # bytes of all arrays of a file: 16 GiB, four times the largest model

DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


class NotRegular(ValueError):
    """A folder, a pipe or a device is where a file should be."""


def user_path(text: str) -> Path:
    """Return a path as a person writes it: `~` is their home.

    A name such as `~backup`, where there is no such user, is a name like any other.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_file(path: Path) -> bool:
    """Whether there is a file; there is none where the name is too long or may not be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False


def check_regular(path: Path) -> os.stat_result:
    """Return what the system knows of a regular file, before it is opened by something that waits.

    Raises:
        OSError: there is none, or it may not be looked at.
        NotRegular: it is a folder, a pipe or a device.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular("it is no regular file")
    return status


def read_limited(path: Path, most: int = MOST_TEXT) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is not waited for.

    Raises:
        OSError: the system cannot read it.
        ValueError: it is no regular file, or longer than `most` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular("it is no regular file")
        if status.st_size > most:
            raise ValueError(f"it has {status.st_size:,} bytes; at most {most:,} are read")
        return file.read(status.st_size + 1)  # not `most`: so much would be taken at once


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Return the text of a file in UTF-8; raises as `read_limited`."""
    return read_limited(path, most).decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """Return a JSON value whose numbers are all finite.

    Raises:
        ValueError: it is no JSON, is nested beyond all reason, or holds NaN or an infinity.
    """
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, most: int = MOST_TEXT) -> dict[str, Any]:
    """Return the object in a JSON file; raises as `read_limited` and `parse_json`."""
    value = parse_json(read_text(path, most))
    if not isinstance(value, dict):
        raise ValueError(f"the file holds {type(value).__name__} where an object should be")
    return value


def read_arrays(path: Path, most: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, by name.

    The header is looked at first: sizes beyond `most`, or kinds of numbers that NumPy has not, are
    refused before an array is read.

    Raises:
        OSError: the system cannot read it.
        ValueError: it is no safetensors file, is too large, or holds a number that is none.
    """
    status = check_regular(path)
    if status.st_size > most:
        raise ValueError(f"it has {status.st_size:,} bytes; at most {most:,} are read")
    arrays = {}
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            total = 0
            for name in names:
                header = file.get_slice(name)
                kind, shape = header.get_dtype(), header.get_shape()
                if kind not in DTYPES:
                    raise ValueError(f"{name!r} holds numbers of the kind {kind}")
                total += math.prod(shape) * np.dtype(DTYPES[kind]).itemsize
            if total > most:
                raise ValueError(f"its arrays have {total:,} bytes; at most {most:,} are read")
            for name in names:
                arrays[name] = file.get_tensor(name)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    check_finite(arrays)
    return arrays


def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise a ValueError that names the first array which holds NaN or an infinity."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds numbers that are not finite")


def _no_number(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text[:40]}, which is no finite number")
    return number

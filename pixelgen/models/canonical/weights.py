"""The model's files: `model.safetensors` and `spec.json`, the same for every backend of a family.

`model.safetensors` holds the weights under the names of `parameters.py` in float32, and what the
model must know of its data: `spec.rows`, `spec.columns`, `spec.levels` (P,) int32 and, where there
is one, `spec.palette` (V, C) uint8. `spec.json` holds the rest of the specification and the
options that decide which weights there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError
from safetensors.numpy import save_file

from pixelgen.errors import RunUnreadable
from pixelgen.models.canonical.options import NeighbourOptions
from pixelgen.models.canonical.parameters import weight_shapes
from pixelgen.models.interface import ModelSpec, parse_shape
from pixelgen.untrusted import read_arrays, read_json

FORMAT = 1
WEIGHTS = "model.safetensors"
SPEC = "spec.json"

TakenOptions = TypeVar("TakenOptions", bound=NeighbourOptions)


def write_model(
    directory: Path, spec: ModelSpec, options: NeighbourOptions, weights: Mapping[str, np.ndarray]
) -> None:
    """Write both files into an existing directory."""
    arrays = {name: np.ascontiguousarray(weight, np.float32) for name, weight in weights.items()}
    for name in ("rows", "columns", "levels"):
        arrays[f"spec.{name}"] = np.ascontiguousarray(getattr(spec, name), np.int32)
    if spec.palette is not None:
        arrays["spec.palette"] = np.ascontiguousarray(spec.palette, np.uint8)
    description = {
        "family": options.family,
        "format": FORMAT,
        "vocab_size": spec.vocab_size,
        "grid": list(spec.grid),
        "offsets": [list(offset) for offset in spec.offsets],
        "groups": spec.groups,
        "coarser": spec.coarser,
        "options": {name: getattr(options, name) for name in options.shaping},
    }
    save_file(arrays, directory / WEIGHTS)
    (directory / SPEC).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read_model(
    directory: Path, options: TakenOptions
) -> tuple[ModelSpec, TakenOptions, dict[str, np.ndarray]]:
    """Return the specification, `options` with the saved model's shape, and the weights.

    Raises:
        RunUnreadable: a file is missing, damaged, or does not fit the other.
    """
    description = _read_description(directory / SPEC, options.family)
    arrays = _read_arrays(directory / WEIGHTS)
    path = directory / SPEC
    try:
        saved = {**options.earlier, **description["options"]}
        shaping = {name: saved[name] for name in options.shaping}
        options = type(options).model_validate({**options.model_dump(), **shaping})
        spec = parse_shape(
            description,
            rows=arrays.pop("spec.rows"),
            columns=arrays.pop("spec.columns"),
            levels=arrays.pop("spec.levels"),
            palette=arrays.pop("spec.palette", None),
        )
        expected = weight_shapes(spec, options)
    except (KeyError, IndexError, TypeError, ValueError, ValidationError) as error:
        if str(error).startswith(("a palette", "places")):  # which are kept with the weights
            path = directory / WEIGHTS
        raise _unreadable(path, f"has a missing or wrong entry: {_first_line(error)}") from None
    _check(directory / WEIGHTS, expected, arrays)
    return spec, options, arrays


def _read_description(path: Path, family: str) -> dict[str, Any]:
    try:
        description = read_json(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"cannot be read: {_first_line(error)}") from None
    if description.get("family") != family:
        raise _unreadable(path, f"does not describe a model of the family {family!r}")
    if description.get("format") != FORMAT:
        raise _unreadable(path, f"is of format {description.get('format')!r}, not {FORMAT}")
    return description


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"cannot be read: {_first_line(error)}") from None


def _check(
    path: Path, expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, np.ndarray]
) -> None:
    for name in [*expected, *arrays]:
        if name not in arrays:
            raise _unreadable(path, f"lacks the weight {name!r}")
        if name not in expected:
            raise _unreadable(path, f"holds {name!r}, which this model has not")
        if arrays[name].shape != expected[name] or arrays[name].dtype != np.float32:
            raise _unreadable(
                path,
                f"holds {name!r} as {arrays[name].dtype}{list(arrays[name].shape)}, not "
                f"float32{list(expected[name])}",
            )


def _unreadable(path: Path, what: str) -> RunUnreadable:
    return RunUnreadable(
        f"{path.name} {what}",
        where=str(path),
        remedy="Take the run's last checkpoint, or train it anew",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""What `run.json` says of a run: how it began, with what, and on which pictures."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np

from pixelgen import __version__
from pixelgen.data.collection import Collection, Split
from pixelgen.data.material import Material
from pixelgen.models.interface import Model
from pixelgen.plugins import catalogue
from pixelgen.resolving import Resolved

LISTED = 1000  # of encoded pictures: a file of millions of names could not be read again


def manifest_of(resolved: Resolved, material: Material, model: Model) -> dict[str, Any]:
    """Return what `run.json` says at the beginning."""
    plugins = {
        kind: plugin_of(kind, getattr(resolved.recipe, kind).name) for kind in resolved.classes
    }
    return {
        "state": "running",
        "started": now(),
        "versions": {
            "pixelgen-core": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "platform": platform.platform(),
        },
        "plugins": plugins,
        "device": model.device,
        "seed": resolved.recipe.seed,
        "parameters": model.parameter_count,
        "vocab_size": material.tokenizer.vocab_size,
        "notes": [*resolved.reasons, *material.tokenizer.notes],
        "data": data_of(material.collection, material.split),
    }


def data_of(collection: Collection, split: Split) -> dict[str, Any]:
    """What the manifest says of the pictures; of encoded ones it lists the first."""
    names = collection.names
    most = None if collection.fitted_tokenizer is None else LISTED
    return {
        "fingerprint": collection.fingerprint(),
        "groups": collection.groups,
        "learned": len(split.train),
        "train": [names[index] for index in split.train[:most]],
        "held_out": [names[index] for index in split.held_out],
        "digests": collection.digests(),
        "bad": [{"name": bad.name, "reason": bad.reason} for bad in collection.bad[:most]],
        "duplicates": [
            {"dropped": dropped, "kept": kept} for dropped, kept in collection.duplicates[:most]
        ],
    }


def plugin_of(kind: str, name: str) -> dict[str, str]:
    """What the manifest says of a plugin."""
    origin = catalogue().find(kind, name).origin
    return {"name": name, "distribution": origin.distribution, "version": origin.version}


def now() -> str:
    """Return the time, to the second, in UTC and ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")

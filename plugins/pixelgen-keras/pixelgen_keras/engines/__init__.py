"""Which engine Keras runs on.

Keras takes its engine when it is imported, once for a process. So everything in this plugin that
imports Keras is imported only after `open_engine`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from pixelgen.errors import OptionError, PluginUnusable, did_you_mean
from pixelgen.registration import is_installed
from pixelgen_keras.engines.chatter import without_chatter
from pixelgen_keras.engines.interface import Engine

ENGINES = {  # in the order in which `auto` looks for them
    "tensorflow": "TensorFlowEngine",
    "torch": "TorchEngine",
    "jax": "JaxEngine",
}


def open_engine(backend: str, device: str) -> Engine:
    """Import Keras with this engine, and take a device of it.

    Args:
        backend: `tensorflow`, `torch`, `jax`, or `auto`: the one that Keras has been imported with
            or is set to (`KERAS_BACKEND`, `keras.json`), else the first one installed.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        OptionError: Keras has been imported with another engine, or is set to an unknown one.
        PluginUnusable: the engine is not installed.
        DeviceNotFound: the device is not there.
    """
    imported = _imported()
    name = (imported or _configured() or _installed()) if backend == "auto" else backend
    if name not in ENGINES:
        raise OptionError(
            f"Keras is set to the engine {name!r}, which keras-lstm cannot train with",
            where="in KERAS_BACKEND, or by whoever imported Keras first",
            remedy=f"{did_you_mean(name, ENGINES)}Use one of {', '.join(ENGINES)}",
        )
    if imported is not None and imported != name:
        raise OptionError(
            f"option 'backend' cannot be {name!r}: Keras has already been imported with "
            f"{imported!r}, and takes one engine a process",
            where="in the options of model keras-lstm",
            remedy=f"Use {name!r} from the start (KERAS_BACKEND={name} before Python starts), or "
            f"go on with backend={imported} or auto",
        )
    if not is_installed(name):
        raise PluginUnusable(
            f"keras-lstm needs {name}, which is not installed",
            where="option 'backend' of model keras-lstm",
            remedy=f"Install it with: pip install {name}",
        )
    os.environ["KERAS_BACKEND"] = name
    with without_chatter():
        module = importlib.import_module(f"pixelgen_keras.engines.{name}")
        importlib.import_module("keras")
    engine: Engine = getattr(module, ENGINES[name])(device)
    return engine


def _imported() -> str | None:
    """The engine that Keras has been imported with, if it has been."""
    keras = sys.modules.get("keras")
    return None if keras is None else str(keras.backend.backend())


def _configured() -> str | None:
    """The engine that Keras is set to: by its environment variable, or in its file."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        written = str(json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Keras writes the file itself, whatever is installed.
    return written if is_installed(written) else None


def _installed() -> str:
    for name in ENGINES:
        if is_installed(name):
            return name
    raise PluginUnusable(
        "keras-lstm needs an engine for Keras, and none is installed",
        where=f"looked for {', '.join(ENGINES)}",
        remedy="Install one with: pip install 'pixelgen-keras[tensorflow]', or [tensorflow-cuda] "
        "for a GPU",
    )

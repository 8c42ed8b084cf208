"""pixelgen learns a folder of pictures as sequences of quantised colours and paints new ones.

    import pixelgen

    run = pixelgen.train("paintings/", quantizer="numpy-kmeans", model="torch-lstm", minutes=4)
    run.sample(16)  # (16, 75, 75, 3) uint8

Names are imported when they are first used, so that `import pixelgen` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pixelgen.api import resume as resume
    from pixelgen.api import train as train
    from pixelgen.data.segments import Batch as Batch
    from pixelgen.data.segments import Segments as Segments
    from pixelgen.errors import PixelgenError as PixelgenError
    from pixelgen.executors.interface import Executor as Executor
    from pixelgen.hookspecs import hookimpl as hookimpl
    from pixelgen.listener import Listener as Listener
    from pixelgen.models.interface import Decoder as Decoder
    from pixelgen.models.interface import Model as Model
    from pixelgen.models.interface import ModelSpec as ModelSpec
    from pixelgen.models.interface import StepInputs as StepInputs
    from pixelgen.options import Options as Options
    from pixelgen.run import Run as Run
    from pixelgen.samplers.interface import Sampler as Sampler
    from pixelgen.samplers.interface import SamplerOptions as SamplerOptions
    from pixelgen.sources.interface import BadPicture as BadPicture
    from pixelgen.sources.interface import Picture as Picture
    from pixelgen.sources.interface import Source as Source
    from pixelgen.tokenizers.interface import Tokenizer as Tokenizer
    from pixelgen.trackers.interface import Tracker as Tracker

_HOMES = {
    "BadPicture": "pixelgen.sources.interface",
    "Batch": "pixelgen.data.segments",
    "Decoder": "pixelgen.models.interface",
    "Executor": "pixelgen.executors.interface",
    "Listener": "pixelgen.listener",
    "Model": "pixelgen.models.interface",
    "ModelSpec": "pixelgen.models.interface",
    "Options": "pixelgen.options",
    "Picture": "pixelgen.sources.interface",
    "PixelgenError": "pixelgen.errors",
    "Run": "pixelgen.run",
    "Sampler": "pixelgen.samplers.interface",
    "SamplerOptions": "pixelgen.samplers.interface",
    "Segments": "pixelgen.data.segments",
    "Source": "pixelgen.sources.interface",
    "StepInputs": "pixelgen.models.interface",
    "Tokenizer": "pixelgen.tokenizers.interface",
    "Tracker": "pixelgen.trackers.interface",
    "hookimpl": "pixelgen.hookspecs",
    "resume": "pixelgen.api",
    "train": "pixelgen.api",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pixelgen' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

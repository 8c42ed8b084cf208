"""What this distribution registers. Every command imports this file: nothing heavy in it."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_sources(register: Register) -> None:
    """Register `hf-datasets`."""
    register(
        "hf-datasets",
        "pixelgen_hf_datasets.dataset:HuggingFace",
        summary="pictures of a Hugging Face dataset, streamed or on disk",
        needs=["datasets"],
    )

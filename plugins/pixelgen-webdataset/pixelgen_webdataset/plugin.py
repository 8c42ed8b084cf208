"""What this distribution registers. Every command imports this file: nothing heavy in it."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_sources(register: Register) -> None:
    """Register `webdataset`."""
    register(
        "webdataset",
        "pixelgen_webdataset.shards:Shards",
        summary="pictures in tar shards, as WebDataset writes them",
        needs=["webdataset"],
    )

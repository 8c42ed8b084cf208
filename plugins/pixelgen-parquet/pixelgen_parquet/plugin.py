"""What this distribution registers. Every command imports this file: nothing heavy in it."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_sources(register: Register) -> None:
    """Register `parquet`."""
    register(
        "parquet",
        "pixelgen_parquet.tables:Tables",
        summary="pictures in a column of Parquet files",
        needs=["pyarrow"],
    )

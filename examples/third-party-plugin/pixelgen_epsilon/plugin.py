"""What this distribution registers. Every command imports this file: keep it light."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register

# The versions of pixelgen's hooks and interfaces that this is written for.
PIXELGEN_API = {"hooks": "1.0", "sampler": "1.0"}


@pixelgen.hookimpl
def register_samplers(register: Register) -> None:
    """Register `epsilon`."""
    register(
        "epsilon",
        "pixelgen_epsilon.sampler:Epsilon",
        summary="draws from few tokens of many",
    )

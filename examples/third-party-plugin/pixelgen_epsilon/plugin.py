"""What this distribution registers. Every command imports this file, so it stays light."""

import pixelgen
from pixelgen.hookspecs import Register

PIXELGEN_API = {"hooks": "1.0", "sampler": "1.0"}


@pixelgen.hookimpl
def register_samplers(register: Register) -> None:
    """Register `epsilon`."""
    register(
        "epsilon",
        "pixelgen_epsilon.sampler:Epsilon",
        summary="draws from the tokens that are likely enough",
    )

"""What this distribution registers. Every command imports this file, so it stays light."""

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_samplers(register: Register) -> None:
    register(
        "epsilon",
        "pixelgen_epsilon.sampler:Epsilon",
        summary="draws from tokens of at least a probability",
    )

"""What this distribution registers. Every command imports this file: nothing heavy in it."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_executors(register: Register) -> None:
    """Register `ray`."""
    register(
        "ray",
        "pixelgen_ray.executor:RayExecutor",
        summary="tasks on a Ray cluster, or on a Ray of its own on this machine",
        needs=["ray"],
    )

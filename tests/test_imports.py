"""Nothing heavy is imported before somebody uses it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "tensorflow", "keras", "cupy", "jax", "ray", "scipy", "sklearn", "pandas"}

LOADED = (
    "import json, sys; print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
)


def modules_after(statements: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after these statements."""
    finished = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{LOADED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(finished.stdout))


@pytest.mark.parametrize(
    "statements",
    [
        "import pixelgen",
        "import pixelgen.plugins; pixelgen.plugins.catalogue()",
        "from pixelgen.plugins import catalogue\n"
        "found = catalogue()\n"
        "for claims in found.registrations.values(): found.why_not(claims[0])",
        "from pixelgen.plugins import catalogue\n"
        "for name in catalogue().names('sampler'): catalogue().load('sampler', name)",
    ],
)
def test_no_heavy_module_is_loaded_by(statements: str) -> None:
    loaded = modules_after(statements)
    assert "pixelgen" in loaded
    assert loaded & HEAVY == set()

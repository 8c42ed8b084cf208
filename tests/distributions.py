"""All distributions of this repository: where their source is, and what is built of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from new_environment import ROOT

SOURCES = {
    "pixelgen-core": ROOT,
    **{source.name: source for source in sorted((ROOT / "plugins").glob("pixelgen-*"))},
}


@dataclass(frozen=True)
class Built:
    """One distribution: its source, and what was built of it."""

    name: str
    source: Path
    sdist: Path
    wheel: Path

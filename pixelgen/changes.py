"""What has changed in the pictures since a run began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pixelgen.data.collection import Collection

NAMED = 5  # of each kind


@dataclass(frozen=True)
class Changes:
    """Names of the pictures that are new, that are gone, and that have other pixels now.

    All three may be empty: where only the order or the groups are different, and of encoded
    pictures.
    """

    added: list[str]
    gone: list[str]
    altered: list[str]

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {what} ({_some(names)})"
            for names, what in (
                (self.added, "added"),
                (self.gone, "gone"),
                (self.altered, "with other pixels"),
            )
            if names
        ]
        return ", ".join(parts) or "their order or groups"

    def touches(self, names: Sequence[str]) -> bool:
        """Whether one of these pictures is gone or altered."""
        return bool({*self.gone, *self.altered} & {*names})


def changes_since(data: Mapping[str, Any], collection: Collection) -> Changes | None:
    """Return how the pictures differ from those of a run, or None if they do not.

    Args:
        data: the entry `data` of the run's `run.json`.
        collection: the pictures as they are now.
    """
    if data["fingerprint"] == collection.fingerprint():
        return None
    if collection.fitted_tokenizer is not None:  # which a run has not all listed
        return Changes([], [], [])
    before = {*data["train"], *data["held_out"]}
    now, then = collection.digests(), data.get("digests", {})
    return Changes(
        added=sorted(now.keys() - before),
        gone=sorted(before - now.keys()),
        altered=sorted(
            name for name in now.keys() & before if then.get(name, now[name]) != now[name]
        ),
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

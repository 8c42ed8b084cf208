"""Numbers that a caller gives, and between what they must lie."""

from __future__ import annotations

from pixelgen.errors import OptionError


def check_bounds(name: str, value: int, least: int, most: int) -> None:
    """Raise `OptionError` unless a number lies between two others, or is one of them."""
    if not least <= value <= most:
        raise OptionError(
            f"{name} cannot be {value}",
            where=f"in {name}",
            remedy=f"Give a number from {least} to {most}",
        )

"""Numbers that a caller gives, and between what they must lie."""

from __future__ import annotations

from pixelgen.errors import OptionError

MOST_NUMBER = (1 << 63) - 1  # of a picture, or a seed
MOST_PICTURES = 10**9


def check_bounds(name: str, value: int, least: int, most: int) -> None:
    """Raise `OptionError` unless a number lies between two others, or is one of them."""
    if not least <= value <= most:
        raise OptionError(
            f"{name} cannot be {value}",
            where=f"in {name}",
            remedy=f"Give a number from {least} to {most}",
        )

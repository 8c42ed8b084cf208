"""epsilon does what pixelgen relies on."""

from collections.abc import Callable

from pixelgen.testing import parametrize_with_checks


@parametrize_with_checks("epsilon")
def test_conformance(check: Callable[[], None]) -> None:
    check()

"""The checks of pixelgen's own kit, each as a test."""

from collections.abc import Callable

from pixelgen.testing import parametrize_with_checks


@parametrize_with_checks("epsilon")
def test_conformance(check: Callable[[], None]) -> None:
    check()

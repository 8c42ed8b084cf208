"""What memory does not suffice for at once is done in smaller parts, in order, and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.errors import OutOfMemory
from pixelgen.memory import in_parts


@given(count=st.integers(0, 60), at_once=st.integers(1, 70), fits=st.integers(1, 70))
def test_everything_is_done_once_and_in_order(count, at_once, fits):
    def work(some: slice) -> list[int]:
        if some.stop - some.start > fits:
            raise MemoryError
        return list(range(count)[some])

    parts = list(in_parts(work, count, at_once))
    assert [number for part in parts for number in part] == list(range(count))
    assert all(0 < len(part) <= min(at_once, fits) for part in parts)


def test_where_not_even_one_fits_it_is_said():
    def work(some: slice) -> None:
        raise MemoryError("of 3 bytes")

    with pytest.raises(OutOfMemory, match="one at a time") as caught:
        list(in_parts(work, 5, 4))
    assert "--size" in caught.value.remedy


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def work(some: slice) -> None:
        raise ValueError("another")

    with pytest.raises(ValueError, match="another"):
        list(in_parts(work, 5, 4))

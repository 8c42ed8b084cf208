"""`serial`: a plain loop."""

from __future__ import annotations

import pytest

from pixelgen.executors.serial import Serial
from pixelgen.plugins import catalogue


@pytest.fixture
def serial() -> Serial:
    return Serial(Serial.Options())


def test_it_is_picked_by_name():
    assert catalogue().load("executor", "serial") is Serial


def test_results_come_in_order_and_progress_is_told(serial):
    told: list[int] = []
    assert list(serial.map(str, range(3), progress=told.append)) == ["0", "1", "2"]
    assert told == [1, 2, 3]


def test_an_item_is_taken_when_its_result_is_asked_for(serial):
    taken: list[int] = []
    results = serial.map(str, (taken.append(number) or number for number in range(5)))
    assert next(results) == "0"
    assert taken == [0]


def test_an_error_comes_at_its_item(serial):
    results = serial.map(lambda number: 1 // number, [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)

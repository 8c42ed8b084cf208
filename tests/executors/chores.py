"""Work for executors, in a module of its own so that other processes can import it."""

import os
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def divide_twelve_by(number: int) -> float:
    return 12 / number


def die_over_three(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def die_the_first_time(item: tuple[int, str]) -> int:
    """Die over number 2 unless the file that remembers it is already there."""
    number, memory = item
    if number == 2 and not Path(memory).exists():
        Path(memory).touch()
        os._exit(1)
    return number


def process_id(_: int) -> int:
    return os.getpid()

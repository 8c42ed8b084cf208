"""Processes that are started do not die of a Ctrl-C before they can ignore it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pixelgen.comparison.isolation import apart
from pixelgen.executors.local import Local
from pixelgen.interrupts import unheard_by_children

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

BLOCKED = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


def blocked_in_a_new_process() -> bool:
    said = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True
    )
    return said.stdout.strip() == "True"


def how_it_is_heard(item: int = 0) -> tuple[bool, bool]:
    """Whether a Ctrl-C is blocked and ignored."""
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return blocked, signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_it_is_blocked_in_processes_that_are_started_meanwhile():
    with unheard_by_children():
        assert blocked_in_a_new_process()
    assert not blocked_in_a_new_process()


INTERRUPTED = """
import os, signal
from pixelgen.interrupts import unheard_by_children
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job's background may ignore
try:
    with unheard_by_children():
        os.kill(os.getpid(), signal.SIGINT)
        print("unheard")
    print("never heard")
except KeyboardInterrupt:
    print("heard", signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def test_a_process_of_one_thread_hears_of_it_afterwards():
    command = [sys.executable, "-c", INTERRUPTED]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["unheard", "heard False"]


def test_workers_ignore_it():
    before = how_it_is_heard()
    assert apart(how_it_is_heard) == (False, True)
    processes = Local(Local.Options(kind="processes", workers=1))
    assert list(processes.map(how_it_is_heard, range(3))) == [(False, True)] * 3
    assert how_it_is_heard() == before

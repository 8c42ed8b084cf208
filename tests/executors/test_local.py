import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.errors import OptionError, PixelgenError
from pixelgen.executors.local import LOOK_AHEAD, Local, cores
from pixelgen.options import parse_options

# Before the import, and for processes as well, which take over this path.
sys.path.insert(0, str(Path(__file__).parent))

from chores import (
    die_over_three,
    die_the_first_time,
    divide_twelve_by,
    double,
    process_id,
)


def local(**options) -> Local:
    return Local(parse_options(Local.Options, options, owner="executor local"))


thread_kinds = st.sampled_from(["threads", "serial"])


@given(st.lists(st.integers()), st.integers(1, 8), thread_kinds)
def test_results_come_in_the_order_of_the_items_whatever_the_workers(items, workers, kind):
    assert list(local(workers=workers, kind=kind).map(double, items)) == list(map(double, items))


@pytest.mark.parametrize("kind", ["threads", "serial", "processes"])
def test_progress_counts_each_finished_item(kind):
    counts: list[int] = []
    results = list(local(workers=2, kind=kind).map(double, range(10), progress=counts.append))
    assert results == list(range(0, 20, 2))
    assert counts == list(range(1, 11))


@pytest.mark.parametrize("kind", ["threads", "serial", "processes"])
def test_an_exception_is_raised_at_its_item(kind):
    results = local(workers=2, kind=kind).map(divide_twelve_by, [3, 4, 0, 6])
    assert next(results) == 4
    assert next(results) == 3
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_results_that_are_late_do_not_change_the_order():
    second_is_done = threading.Event()

    def wait_for_the_second(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(30)
        elif number == 1:
            second_is_done.set()
        return number

    assert list(local(workers=2).map(wait_for_the_second, range(4))) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "most"), [("serial", 1), ("threads", 2 * LOOK_AHEAD), ("processes", 2 * LOOK_AHEAD)]
)
def test_only_a_bounded_number_of_items_is_taken_ahead(kind, most):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = local(workers=2, kind=kind).map(double, endless())
    for yielded, result in zip(range(1, 20), results, strict=False):
        assert result == 2 * yielded
        assert taken <= yielded + most
    results.close()


def test_items_that_were_not_begun_are_dropped_when_the_iteration_ends():
    begun: list[int] = []
    go_on = threading.Event()

    def begin(number: int) -> int:
        begun.append(number)
        if number > 0:
            assert go_on.wait(30)
        return number

    results = local(workers=2).map(begin, range(100))
    assert next(results) == 0
    results.close()
    go_on.set()
    assert len(begun) <= 1 + 2 * LOOK_AHEAD


def test_an_interrupt_while_waiting_ends_the_iteration():
    def interrupted(number: int) -> int:
        if number == 2:
            raise KeyboardInterrupt
        return number

    results = local(workers=2).map(interrupted, range(100))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert list(results) == []


def test_processes_are_other_processes_and_can_be_one():
    (identity,) = set(local(workers=1, kind="processes").map(process_id, range(3)))
    assert identity != os.getpid()


def test_an_item_whose_process_died_is_tried_again(tmp_path):
    items = [(number, str(tmp_path / "attempted")) for number in range(12)]
    results = local(workers=2, kind="processes", retries=1).map(die_the_first_time, items)
    assert list(results) == list(range(12))


def test_an_item_that_kills_each_process_is_an_error_that_names_it():
    results = local(workers=2, kind="processes", retries=1).map(die_over_three, range(12))
    assert next(results) == 0
    with pytest.raises(PixelgenError, match=r"died over item 3, at attempt 2.*fewer workers"):
        list(results)


def test_without_retries_the_first_death_is_an_error():
    results = local(workers=1, kind="processes", retries=0).map(die_over_three, range(12))
    with pytest.raises(PixelgenError, match=r"item \d or one of the next, at attempt 1"):
        list(results)


def test_a_process_that_dies_between_two_results_is_noticed(monkeypatch):
    submit = ProcessPoolExecutor.submit
    refusals = iter([False, True])

    def submit_to_a_broken_pool(pool, *arguments):
        if next(refusals, False):
            raise BrokenProcessPool
        return submit(pool, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit_to_a_broken_pool)
    assert list(local(workers=1, kind="processes").map(double, range(4))) == [0, 2, 4, 6]


def test_ctrl_c_stops_a_script_that_uses_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from pixelgen.executors.local import Local\n"
        "def same(number): return number\n"
        "if __name__ == '__main__':\n"
        "    options = Local.Options(workers=2, kind='processes')\n"
        "    for number in Local(options).map(same, iter(int, 1)):\n"
        "        print('one', flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # Where these tests run in the background, the signal may be ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert done.stdout.count("one") == 1
    assert done.returncode != 0
    assert done.stderr.count("KeyboardInterrupt") == 1  # the workers say nothing


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from chores import process_id\n"
        "from pixelgen.executors.local import Local\n"
        "if __name__ == '__main__':\n"
        "    local = Local(Local.Options(kind='processes', workers=1))\n"
        "    for worker in local.map(process_id, iter(int, 1)):\n"  # without end
        "        print(worker, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert int(parent.stdout.readline()) != parent.pid
        parent.kill()
        # The worker holds the other end of the pipe, which is closed when it has ended.
        closed, _, _ = select.select([parent.stdout], [], [], 60)
        while closed and os.read(parent.stdout.fileno(), 1 << 16):
            closed, _, _ = select.select([parent.stdout], [], [], 60)
        assert closed


def test_zero_workers_are_as_many_as_this_process_may_use(monkeypatch):
    assert 1 <= cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores() == 7
    assert list(local(workers=0).map(double, range(50))) == list(range(0, 100, 2))


@pytest.mark.parametrize("options", [{"workers": -1}, {"kind": "fibres"}, {"retries": -1}])
def test_options_have_bounds(options):
    with pytest.raises(OptionError):
        local(**options)

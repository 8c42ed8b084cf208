"""`ray`: tasks on a Ray of this machine; workers that are killed change nothing."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pixelgen.errors import ExecutorError, OptionError
from pixelgen.executors.local import Local
from pixelgen.executors.serial import Serial
from pixelgen.options import parse_options
from pixelgen.token_store.encoding import encode_pictures

ray = pytest.importorskip("ray", reason="Ray is not installed")
from pixelgen_ray import executor as module  # noqa: E402
from pixelgen_ray.executor import RayExecutor  # noqa: E402


def executor(**options) -> RayExecutor:
    return RayExecutor(parse_options(RayExecutor.Options, options, owner="executor ray"))


@pytest.fixture(scope="module", autouse=True)
def _ended():
    yield
    ray.shutdown()


# Functions of this file are not importable where the workers are, so they are sent whole.
def chore():
    def scaled(weights, number):
        return (weights * number).sum(axis=0)

    return partial(scaled, np.arange(12.0).reshape(3, 4))


def test_results_are_those_of_any_other_executor():
    items = list(range(20))
    here = list(Local(Local.Options(kind="serial")).map(chore(), items))
    there = list(executor().map(chore(), items))
    assert [each.tobytes() for each in here] == [each.tobytes() for each in there]


def test_arrays_that_come_back_can_be_written_to():
    for result in executor().map(chore(), [1]):
        result += 1


def test_a_worker_that_is_killed_changes_nothing(tmp_path):
    def dies_once(folder, number):
        mark = Path(folder) / str(number)
        if number % 3 == 0 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    done = list(executor().map(partial(dies_once, str(tmp_path)), range(7)))
    assert done == [number * number for number in range(7)]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_task_is_sent_the_function_once(tmp_path):
    """What the function has made of itself, such as a table, is kept from task to task."""

    class Counted:
        def __init__(self):
            self.calls = 0

        def __call__(self, number):
            self.calls += 1
            return self.calls

    assert max(executor(workers=1).map(Counted(), range(12))) > 1


def test_pictures_are_encoded_to_the_same_bytes(quick, tmp_path):
    resolved = quick(tokenizer={"name": "numpy-kmeans", "colors": 40})
    for name, spread in (("here", Serial(Serial.Options())), ("there", executor())):
        encode_pictures(resolved, tmp_path / name, variants=1, shard_size=3, executor=spread)
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.npy")}
        for name in ("here", "there")
    )
    assert one == other
    assert len(one) == 3


def test_a_task_that_always_kills_its_worker_is_named():
    def dies(number):
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    results = executor(retries=0).map(dies, range(4))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ExecutorError, match="worker of item 2 died"):
        next(results)


def test_few_items_are_taken_ahead():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = executor(workers=1).map(chore(), items())
    next(results)
    assert len(taken) <= module.LOOK_AHEAD + 1
    results.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [({"cpus": 1000}, "1000 CPUs"), ({"gpus": 64}, "64 GPUs"), ({"workers": 1}, None)],
)
def test_a_task_that_could_never_begin_is_an_error(options, said):
    if said is None:
        assert list(executor(**options).map(abs, [-1])) == [1]
        return
    with pytest.raises(ExecutorError, match=f"asks for {said}"):
        list(executor(**options).map(abs, [-1]))


def test_gpus_are_a_share_of_one_or_whole():
    assert executor(gpus=0.5).options.gpus == 0.5
    assert executor(gpus=2).options.gpus == 2
    with pytest.raises(OptionError, match="whole number"):
        executor(gpus=1.5)


def test_an_address_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setattr(module.ray, "is_initialized", lambda: False)

    def refuses(address, **_):
        raise ConnectionError(f"no answer from {address}")

    monkeypatch.setattr(module.ray, "init", refuses)
    with pytest.raises(ExecutorError, match=r"'10\.0\.0\.1:6379' cannot be reached: no answer"):
        list(executor(address="10.0.0.1:6379").map(abs, [1]))


@pytest.mark.parametrize(
    ("cores", "workers", "cpus", "expected"),
    [
        (2, 0, 1, (2, 1)),
        (2, 1, 1, (1, 2)),
        (8, 3, 1, (4, 2)),
        (4, 0, 0.5, (8, 0.5)),
        (4, 16, 0.25, (16, 0.25)),
        (1, 0, 2, (1, 2)),
    ],
)
def test_how_many_run_at_a_time(cores, workers, cpus, expected):
    assert module._shares(cores, workers, cpus) == expected

"""Training by several processes, started by `torchrun` as a person starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from canonical_toys import batches, make

from pixelgen.data.segments import Batch

torch = pytest.importorskip("torch", reason="torch is not installed")
from pixelgen_torch import learning  # noqa: E402
from pixelgen_torch.lstm import TorchLSTM  # noqa: E402

SMALL = {"hidden": 16, "embedding": 16, "projection": 16, "precision": "float32", "batch": 8}
LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


def words(folder: Path, out: Path, *more: object, **model: object) -> list[str]:
    options = [f"model.{name}={value}" for name, value in {**SMALL, **model}.items()]
    return [
        *("run", str(folder), "-q", "rgb-grid", "--colors", "27", "--size", "12"),
        *("-m", "torch-lstm", "-n", "1", "--out", str(out), "--device", "cpu"),
        *("-o", "painting.while_training=0", *map(str, more)),
        *(word for option in options for word in ("-o", option)),
    ]


def called(command: list[str], processes: int = 1) -> subprocess.CompletedProcess[str]:
    begin = [*LAUNCH, str(processes), "-m"] if processes > 1 else [sys.executable, "-m"]
    done = subprocess.run(
        [*begin, "pixelgen", *command], capture_output=True, text=True, env=ALONE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def curve(run: Path) -> list[list[float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    kinds = ("train_bits_per_pixel", "held_out_bits_per_pixel")
    return [[line[kind] for kind in kinds] for line in lines]


def weights(run: Path) -> dict[str, np.ndarray]:
    newest = max((run / "checkpoints").iterdir())
    return safetensors.numpy.load_file(newest / "model.safetensors")


def assert_same(one: Path, two: Path) -> None:
    np.testing.assert_allclose(curve(one), curve(two), rtol=1e-4)
    found = weights(two)
    for name, expected in weights(one).items():
        if name == "output.colour.1.bias":  # the vectors' mean is taken off: rounding moves it
            continue
        np.testing.assert_allclose(found[name], expected, rtol=0.01, atol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("processes", "model"),
    [(2, {"memory": "row", "dropout": 0.3}), (3, {"memory": "picture", "batch": 4, "chunk": 20})],
    ids=["rows with dropout", "pictures, a process without a share"],
)
def test_the_curve_is_that_of_one_process(folder, tmp_path, processes, model):
    command = ("--epochs", 3)
    called(words(folder, tmp_path / "one", *command, **model))
    done = called(words(folder, tmp_path / "many", *command, **model), processes)
    assert_same(tmp_path / "one", tmp_path / "many")
    assert done.stdout.splitlines() == [str(tmp_path / "many" / "samples" / "contact-sheet.png")]


def test_a_run_goes_on_with_another_number_of_processes(folder, tmp_path):
    # By budget, the learning rate would be another before the last epoch.
    model = {"memory": "picture", "batch": 4, "chunk": 20, "schedule": "constant"}
    called(words(folder, tmp_path / "whole", "--epochs", 4, **model))
    called(words(folder, tmp_path / "parts", "--epochs", 2, **model), 2)
    called(["resume", str(tmp_path / "parts"), "--epochs", "3", "--device", "cpu"])
    called(["resume", str(tmp_path / "parts"), "--epochs", "4", "--device", "cpu"], 2)
    assert_same(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("ended", ["trained", "painted"])
def test_a_run_with_no_step_left_to_take_ends_for_all(folder, tmp_path, ended):
    run = tmp_path / "run"
    called(words(folder, run, "--epochs", 1))
    manifest = json.loads((run / "run.json").read_text())
    if ended == "trained":  # and died before it had painted
        (run / "run.json").write_text(json.dumps({**manifest, "state": "painting"}))
    done = subprocess.run(
        [*LAUNCH, "2", "-m", "pixelgen", "resume", str(run), "--device", "cpu"],
        capture_output=True,
        text=True,
        env=ALONE,
        check=False,
        timeout=120,
    )
    if ended == "trained":
        assert done.returncode == 0, done.stderr
        assert json.loads((run / "run.json").read_text())["state"] == "finished"
    else:
        assert done.returncode != 0
        assert "used up its budget" in done.stderr


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the processes in /proc")
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_killed_process_ends_the_job_and_the_last_checkpoint_is_whole(folder, tmp_path, rank):
    run = tmp_path / "run"
    command = words(folder, run, "--epochs", 100000, "-o", "training.checkpoint_every=0.01")
    process = subprocess.Popen(
        [*LAUNCH, "2", "-m", "pixelgen", *command],
        env=ALONE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(run.glob("checkpoints/step-*")):
        time.sleep(0.05)
    ranks = {
        dict(
            entry.split("=", 1)
            for entry in Path(f"/proc/{each}/environ").read_text().split("\0")
            if "=" in entry
        ).get("RANK"): each
        for each in children(process.pid)
    }
    os.kill(ranks[rank], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    if rank == "1":
        assert "another process of this job has ended" in said.lower()
        assert "pixelgen resume" in said
        assert re.search(r"in process 0 of 2: \w+Error: \S", said)  # what the library says of it
    done = max(int(each.name.removeprefix("step-")) for each in (run / "checkpoints").iterdir())
    called(["resume", str(run), "--minutes", "0.001", "--device", "cpu"])
    assert json.loads((run / "run.json").read_text())["spent"]["steps"] >= done


def test_a_model_that_cannot_is_refused(folder, tmp_path):
    command = [word if word != "torch-lstm" else "markov" for word in words(folder, tmp_path / "r")]
    command = command[: command.index("-o")]
    done = subprocess.run(
        [sys.executable, "-m", "pixelgen", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**ALONE, "WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost"},
    )
    assert done.returncode == 2
    assert "odel 'markov' cannot be trained by 2 processes" in done.stderr
    assert not (tmp_path / "r").exists()


# -- a job whose other processes are made up ------------------------------------------------------


class Others:
    """Of two processes the second, whose companion gives back what it is given."""

    rank, size = 1, 2

    def __init__(self, rows: slice, failures: float = 0) -> None:
        self.rows, self.failures = rows, failures
        self.sent: list[np.ndarray] = []

    def share(self, sequences: int) -> slice:
        return self.rows

    def summed(self, tensors) -> None:
        self.sent = [tensor.numpy().copy() for tensor in tensors]
        tensors[0][1] += self.failures


def a_model(**options) -> tuple[TorchLSTM, Batch]:
    """A small model, and a batch of four sequences for it."""
    model, cutter = make(TorchLSTM, {"precision": "float32", **options})
    return model, batches(cutter)[0]


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_shares_of_a_batch_add_up_to_it(dropout):
    whole, *parts = (Others(slice(*rows)) for rows in ((0, 4), (0, 3), (3, 4)))
    for others in (whole, *parts):
        model, batch = a_model(dropout=dropout)
        model.learning.step(batch, 0.0, others)
    for expected, one, two in zip(whole.sent, *(part.sent for part in parts), strict=True):
        np.testing.assert_allclose(one + two, expected, rtol=1e-4, atol=1e-6)


def test_a_process_without_a_share_adds_nothing():
    idle = Others(slice(4, 4))
    model, batch = a_model()
    model.learning.step(batch, 0.0, idle)
    assert not any(each.any() for each in idle.sent)


def test_too_little_memory_in_another_process_is_too_little_here():
    model, batch = a_model()
    before = {name: weight.numpy().copy() for name, weight in model.network.weights().items()}
    with pytest.raises(MemoryError, match="in 1 of 2 processes"):
        model.learning.step(batch, 0.0, Others(slice(0, 2), failures=1))
    for name, weight in model.network.weights().items():
        np.testing.assert_array_equal(weight.numpy(), before[name])
    assert model.learning.optimizer.steps == 0


def test_too_little_memory_here_is_told_to_the_others(monkeypatch):
    def fails(*arguments):
        raise torch.OutOfMemoryError("made up")

    monkeypatch.setattr(learning, "mean_cross_entropy", fails)
    others = Others(slice(0, 2))
    model, batch = a_model()
    with pytest.raises(MemoryError):
        model.learning.step(batch, 0.0, others)
    assert others.sent[0].tolist() == [0, 1]
    assert not any(each.any() for each in others.sent[1:])


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_in_parts_drops_what_the_whole_one_drops(parts):
    (one, batch), (other, _) = a_model(dropout=0.4), a_model(dropout=0.4)
    assert other.learn_in_parts(parts)
    for _ in range(3):
        np.testing.assert_allclose(
            one.train_step(batch, 0.0), other.train_step(batch, 0.0), rtol=1e-5
        )
    np.testing.assert_array_equal(
        one.learning.random.get_state().numpy(), other.learning.random.get_state().numpy()
    )

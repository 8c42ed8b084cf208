"""What do executors cost, and what do more workers bring?

    python benchmarks/scale.py [--pictures 10000] [--workers 1 2] [--json scale.json]

Bundled landscapes of 75×75 are brought to a run's size, varied and encoded to 1,000 colours, 100 a
task, by a plain loop and by each executor that is installed. *Overhead* is the time of one worker
over that of the loop; *efficiency* the loop's time over that of N workers, of N. What the machine
itself gives is told by N plain loops in processes of their own, each with its share.
Goals on two cores: overhead ≤ 10 %, efficiency ≥ 85 %. Starting a pool or a Ray is measured apart:
it is paid once. Every result is compared with the loop's, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from machine import machine

from pixelgen.data.augmentation import Augmentation, augment
from pixelgen.executors.interface import Executor
from pixelgen.executors.local import Local
from pixelgen.plugins import catalogue
from pixelgen.registration import is_installed
from pixelgen.sources.landscapes import paint_landscape
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

SIDE, TASK, DIFFERENT = 75, 100, 64

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def encoded(tokenizer: Tokenizer, landscapes: np.ndarray, numbers: range) -> np.ndarray:
    """Vary and encode pictures: (N, gh, gw) uint16 tokens, which is how one would keep them."""
    varied = [
        augment(
            landscapes[number % len(landscapes)],
            (SIDE, SIDE),
            "cover",
            Augmentation(),
            np.random.default_rng(number),
        )
        for number in numbers
    ]
    return tokenizer.encode(np.stack(varied)).astype(np.uint16)


def digest(parts: Iterable[np.ndarray]) -> str:
    """Return one digest of all results in their order, holding one at a time."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.tobytes())
    return total.hexdigest()


def executors(workers: int) -> dict[str, Executor]:
    """Return those that are installed, by what they are called in the table."""
    found: dict[str, Executor] = {
        f"local, {kind}": Local(Local.Options(kind=kind, workers=workers))
        for kind in ("threads", "processes")
    }
    if is_installed("ray") and "ray" in catalogue().names("executor"):
        ray = catalogue().load("executor", "ray")
        found["ray"] = ray(ray.Options(workers=workers))
    return found


def _loop(work: Callable[[range], np.ndarray], tasks: list[range], ready: Any) -> None:
    work(tasks[0])
    ready.wait()
    digest(map(work, tasks))


def loops_apart(work: Callable[[range], np.ndarray], tasks: list[range], workers: int) -> float:
    """Return the seconds that so many plain loops take side by side, each with its share."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers + 1)
    processes = [
        context.Process(target=_loop, args=(work, tasks[number::workers], ready))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return time.perf_counter() - began


def timed(
    mapped: Map, work: Callable[[range], np.ndarray], tasks: list[range]
) -> tuple[float, str]:
    """Return the seconds that all tasks take, and the digest of what comes of them."""
    began = time.perf_counter()
    result = digest(mapped(work, tasks))
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    landscapes = np.stack([paint_landscape(1, number, 100, 100) for number in range(DIFFERENT)])
    tokenizer = NumpyKMeans(NumpyKMeans.Options(colors=1000))
    tokenizer.fit(list(landscapes), seed=1)
    work = partial(encoded, tokenizer, landscapes)
    count = arguments.pictures
    tasks = [range(begin, min(begin + TASK, count)) for begin in range(0, count, TASK)]
    work(tasks[0])  # the tokenizer makes its table
    loop, expected = timed(map, work, tasks)
    print(f"{machine()}, {count:,} pictures of {SIDE}×{SIDE}")
    print(f"{'a plain loop':24} {loop:8.2f} s {count / loop:8,.0f} pictures/s")
    result: dict[str, Any] = {"loop": loop, "pictures": count}
    for workers in arguments.workers:
        bound = loops_apart(work, tasks, workers)
        share = loop / bound / workers
        print(f"{f'{workers} plain loops apart':24} {bound:8.2f} s {share:.0%} of ideal")
        result[f"loops apart, {workers}"] = bound
        for name, executor in executors(workers).items():
            start, _ = timed(executor.map, work, tasks[:1])
            seconds, found = timed(executor.map, work, tasks)
            if found != expected:
                raise SystemExit(f"{name} with {workers} workers gave something else")
            said = f"overhead {seconds / loop - 1:+.1%}"
            if workers > 1:
                share, best = loop / seconds / workers, bound / seconds
                said = f"efficiency {share:.0%}, {best:.0%} of the loops apart"
            print(f"{name + f', {workers}':24} {seconds:8.2f} s {said}, first task {start:.2f} s")
            result[f"{name}, {workers}"] = {"seconds": seconds, "start": start}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

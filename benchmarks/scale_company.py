"""Do several processes, as `torchrun` starts them, learn what one learns, and how fast?

    PIXELGEN_TEST_DATA=… python benchmarks/scale_company.py [--processes 2] [--epochs 3]

The Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; bundled
landscapes without it) at 75×75 in 1,000 colours by torch-lstm, the same global batch and recipe: by
one process with all cores and with one, and by N processes with one core each. Bits per pixel,
trained and held out, after each epoch; targets a second in the last one.
Goal: the same curve to float tolerance. Products are in float32, as those in bfloat16 round each
share by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import machine

from pixelgen.threads import cores

ELASTIC = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


def learned(processes: int, threads: int, epochs: int, place: Path) -> list[dict[str, Any]]:
    """Return the metrics of a run by so many processes, each with so many threads."""
    data = os.environ.get("PIXELGEN_TEST_DATA")
    begin = [sys.executable, "-m"] if processes == 1 else [*ELASTIC, str(processes), "-m"]
    command = [
        *begin,
        *("pixelgen", "run", *([str(Path(data) / "monet")] if data else [])),
        *("-q", "numpy-kmeans", "-m", "torch-lstm", "--epochs", str(epochs), "-n", "0"),
        *("-o", "painting.while_training=0", "-o", "model.precision=float32"),
        *("--device", "cpu", "--out", str(place)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, env=environment, **quiet)  # type: ignore[call-overload]
    return [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(machine())
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for processes, threads in ((1, cores()), (1, 1), (arguments.processes, 1)):
            name = f"{processes} × {threads}"
            lines = learned(processes, threads, arguments.epochs, Path(folder) / name)
            result[name] = lines
            seconds = lines[-1]["seconds"] - (lines[-2]["seconds"] if len(lines) > 1 else 0)
            whole = lines[-1]["targets_per_second"] * lines[-1]["seconds"] / len(lines)
            bits = ", ".join(
                f"{line['train_bits_per_pixel']:.5f}/{line['held_out_bits_per_pixel']:.5f}"
                for line in lines
            )
            print(f"{name:6} {whole / seconds:8,.0f} targets/s; trained/held out: {bits}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

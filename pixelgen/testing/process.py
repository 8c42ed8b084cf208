"""Runs the checks in a process of their own, with a limit on the import and on each check."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pixelgen.errors import PixelgenError
from pixelgen.interpreter import interpreter

GRACE = 15.0  # seconds for the interpreter and pixelgen's own imports, besides the plugin's
HUNG = "Look for a loop that does not end, a lock, or something that waits for the network"


def check_in_process(
    asked: Mapping[str, Any],
    *,
    import_limit: float,
    check_limit: float,
    ended: Callable[[dict[str, Any]], None] = lambda outcome: None,
) -> list[dict[str, Any]]:
    """Check a plugin in a new process, and return the outcomes as mappings.

    Args:
        asked: `name`, `kind`, `options` as they were typed, `device`, `location` and `expected`.
        import_limit: seconds for the import of a plugin.
        check_limit: seconds for each check; the process is ended where one takes longer.
        ended: told of each outcome.

    Raises:
        PixelgenError: the plugin cannot be checked at all: it is not there, its import fails.
    """
    asked = {**asked, "import_limit": import_limit}
    command = [*interpreter(), "-m", "pixelgen.testing", json.dumps(asked)]
    outcomes: list[dict[str, Any]] = []
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        now = {"began": "", "subject": str(asked["name"])}
        limit = import_limit + GRACE
        try:
            done = False
            while not done and (line := lines.get(timeout=limit)):
                told = json.loads(line)
                done = "done" in told
                if "error" in told:
                    raise PixelgenError(**told["error"])
                if "began" in told:
                    now = told
                if "ended" in told:
                    outcomes.append(told["ended"])
                    ended(outcomes[-1])
                    now = {"began": "", "subject": now["subject"]}
                limit = check_limit
        except queue.Empty:
            broke = f"it has not ended after {limit:g} s"
            outcomes.append(_stopped(now, broke, HUNG))
            ended(outcomes[-1])
        else:
            if not done:
                process.wait()
                errors.seek(0)
                last = (errors.read().strip().splitlines() or ["no word"])[-1]
                broke = f"its process ended with {process.returncode}: {last}"
                outcomes.append(_stopped(now, broke, "Look for what ends the whole process"))
                ended(outcomes[-1])
        finally:
            process.kill()
            process.wait()
    return outcomes


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def _stopped(now: Mapping[str, str], broke: str, remedy: str) -> dict[str, Any]:
    return {
        "subject": now["subject"],
        "check": now["began"] or "import",
        "status": "failed",
        "seconds": 0.0,
        "reason": "",
        "broke": broke,
        "contract": "Every check comes to an end, and so does the import.",
        "remedy": remedy,
    }

"""`python -m pixelgen.comparison.child ARGUMENTS`: the command, ended with the process above it.

A run that a comparison starts would else go on by itself, maybe for hours, after the comparison has
been killed. The standard input is a pipe that nothing is written to: when it ends, the process at
its other end is gone. The run is then stopped as by SIGTERM: it saves, and can be gone on with.
"""

from __future__ import annotations

import os
import signal
import threading

STDIN = 0


def _stop_with_parent() -> None:
    while os.read(STDIN, 1):  # without Python's buffer, whose lock would hold up our own end
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from pixelgen.cli import main

    main()

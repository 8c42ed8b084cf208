"""What a plugin shares with everybody else in its process, and must leave as it was."""

from __future__ import annotations

import contextlib
import io
import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from pixelgen.testing.contract import Broken


def snapshot() -> dict[str, Any]:
    """Return all that is watched, by what it is called."""
    state: dict[str, Any] = {
        "Python's random numbers (random)": random.getstate(),
        "NumPy's random numbers (numpy.random)": _comparable(np.random.get_state()),  # noqa: NPY002
        "NumPy's error handling (numpy.seterr)": np.geterr(),
        "NumPy's print options": repr(np.get_printoptions()),
        "the environment variables (os.environ)": dict(os.environ),
        "the working directory": os.getcwd(),  # noqa: PTH109
        "the path of imports (sys.path)": list(sys.path),
        "the warning filters (warnings)": [str(each) for each in warnings.filters],
        "the recursion limit": sys.getrecursionlimit(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the output streams (sys.stdout, sys.stderr)": (id(sys.stdout), id(sys.stderr)),
        "the handler of exceptions (sys.excepthook)": id(sys.excepthook),
    }
    if threading.current_thread() is threading.main_thread():
        handlers = (signal.SIGINT, signal.SIGTERM)
        state["the handlers of signals"] = [signal.getsignal(each) for each in handlers]
    torch = sys.modules.get("torch")
    if torch is not None:
        state["PyTorch's random numbers (torch.manual_seed)"] = bytes(torch.get_rng_state().numpy())
        state["PyTorch's threads (torch.set_num_threads)"] = torch.get_num_threads()
        state["PyTorch's default type"] = str(torch.get_default_dtype())
        state["whether PyTorch keeps gradients"] = torch.is_grad_enabled()
    return state


@contextlib.contextmanager
def unchanged(what: str) -> Iterator[None]:
    """Watch the process for the length of a block.

    Raises:
        Broken: something that is shared has changed, or something was printed.
    """
    before = snapshot()
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            watched = snapshot()  # with the stream that stands in
            yield
            after = snapshot()
    finally:
        _restore(before)
    changed = [name for name, value in watched.items() if after[name] != value]
    if changed:
        raise Broken(f"{what} changes {', '.join(changed)}")
    if printed.getvalue():
        raise Broken(f"{what} prints {printed.getvalue()[:80]!r}")


def _restore(before: dict[str, Any]) -> None:
    """So that one offender does not make the next check fail."""
    random.setstate(before["Python's random numbers (random)"])
    np.seterr(**before["NumPy's error handling (numpy.seterr)"])
    os.chdir(before["the working directory"])
    sys.path[:] = before["the path of imports (sys.path)"]
    sys.setrecursionlimit(before["the recursion limit"])
    for name in set(os.environ) - set(before["the environment variables (os.environ)"]):
        del os.environ[name]
    os.environ.update(before["the environment variables (os.environ)"])


def _comparable(state: Any) -> tuple[Any, ...]:
    name, keys, *rest = state
    return (name, keys.tobytes(), *rest)

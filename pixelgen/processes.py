"""Whether this process is one of several that train together, as `torchrun` starts them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pixelgen.errors import OptionError

if TYPE_CHECKING:
    from pixelgen.models.interface import Model


TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR")  # by torchrun; a cluster may set one for its own ends


def world_size() -> int:
    """Return how many processes the job has; 1 where nothing has started several."""
    return _number("WORLD_SIZE", 1) if all(name in os.environ for name in TOLD) else 1


def rank() -> int:
    """Return the number of this process among them: 0 is the one that carries the run out."""
    return _number("RANK", 0) if world_size() > 1 else 0


def help_if_asked(model: type[Model], name: str) -> None:
    """Where this process is not the job's first, help that one to train, and end with it.

    Args:
        model: the class of the model that is trained.
        name: of the plugin, for the error.

    Raises:
        OptionError: this model cannot be trained by several processes.
    """
    if world_size() == 1:
        return
    if not model.trains_in_company:
        raise OptionError(
            f"model {name!r} cannot be trained by {world_size()} processes",
            where="in the environment: RANK, WORLD_SIZE and MASTER_ADDR are set",
            remedy="Start one: pixelgen run …; or train torch-lstm, which can",
        )
    if rank() != 0:
        model.help_leader()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # not through the destructors of gloo's threads, which abort at times


def _number(variable: str, usual: int) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() else usual

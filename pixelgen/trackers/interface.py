"""What a tracker is: a plugin of event hooks that a run switches on by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from pixelgen.errors import PluginUnusable
from pixelgen.options import Options
from pixelgen.plugins import registered


class Tracker:
    """Writes down elsewhere what happens in a run.

    Its methods are the event hooks, marked as any plugin's are:

        class Bell(pixelgen.Tracker):
            @pixelgen.hookimpl
            def epoch_finished(self, metrics):
                print("\\a", end="", file=sys.stderr)

    Options stand in `recipe.toml`, and all plugins are told them: take a key from an environment
    variable, which an option may name.

    One is made for each run that names it. It hears `run_started` of a new run only: one that is
    gone on with begins with its next epoch.
    """

    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any) -> None:
        self.options: Any = options


@contextmanager
def tracking(trackers: Mapping[str, Tracker]) -> Iterator[None]:
    """Let trackers hear all events for the length of a `with` block.

    Raises:
        PluginUnusable: one has no event hooks, or mistaken ones.
    """
    with ExitStack() as stack:
        for name, tracker in trackers.items():
            plugin = f"tracker {name}"
            found = stack.enter_context(registered(tracker, plugin))
            for problem in found.problems:
                heard = found.hooks.get_plugin(plugin) is tracker  # though deprecated, maybe
                if problem.origin.plugin == plugin and not heard:
                    raise PluginUnusable(
                        f"the tracker {name!r} would not hear of the run: {problem.reason}",
                        where=f"in {type(tracker).__module__}",
                        remedy=f"Mend it: pixelgen plugins check {name}; or leave out --track",
                    )
        yield

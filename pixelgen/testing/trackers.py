"""Checks of trackers: what a run switches on by name to be written down elsewhere."""

from __future__ import annotations

from pixelgen.hookspecs import EVENT_HOOKS
from pixelgen.plugins import Catalogue
from pixelgen.registration import Origin
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.made_up_run import expect_heard_quietly
from pixelgen.testing.subject import Subject


def listening(subject: Subject) -> Catalogue:
    """Return a catalogue in which a new tracker hears the events, and nobody else does.

    Raises:
        Broken: it cannot be taken in.
    """
    found = Catalogue()
    tracker = subject.type(subject.parsed())
    origin = Origin(f"tracker {subject.name}", "no distribution", "", "registered in place")
    found.add(tracker, origin)
    if found.hooks.get_plugin(origin.plugin) is not tracker:  # or it is heard, though deprecated
        raise Broken("; ".join(problem.reason for problem in found.problems))
    return found


@check("tracker")
def check_some_event_is_heard(subject: Subject) -> None:
    """A tracker made from its options implements at least one event hook, and no other hook.

    What to do: mark methods that are named after events with `@pixelgen.hookimpl`, with arguments
    that the event has.
    """
    found = listening(subject)
    hooks = [name for name in dir(found.hooks.hook) if not name.startswith("_")]
    heard = [name for name in hooks if getattr(found.hooks.hook, name).get_hookimpls()]
    others = [name for name in heard if name not in EVENT_HOOKS]
    if others:
        raise Broken(f"it implements {', '.join(others)}, which is no event")


@check("tracker")
def check_run_is_heard_quietly(subject: Subject) -> None:
    """Told of a run of two epochs in a temporary folder, it raises, returns and prints nothing, and
    leaves the run's own files, and what it is given, as they were.

    What to do: copy pictures before changing them, write files of other names, and let a value that
    was not measured, which is None, be.
    """
    expect_heard_quietly(listening(subject))


@check("tracker")
def check_run_is_gone_on_with(subject: Subject) -> None:
    """A run that is gone on with is heard by a new tracker, which is not told of its beginning:
    it takes what it needs from the first event that it hears.

    What to do: open files in whatever event comes first, and keep what an earlier process wrote of
    earlier epochs.
    """
    expect_heard_quietly(listening(subject), listening(subject))

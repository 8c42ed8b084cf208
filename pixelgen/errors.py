"""Every error that a person can mend: what was wrong, where, and what to do.

The command line prints these three parts without a traceback and leaves with exit code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PixelgenError(Exception):
    """The root of all errors that pixelgen raises on purpose.

    Args:
        what: what was wrong, with the offending value.
        where: the file, option or plugin in which it was found; may be empty.
        remedy: what the reader can do about it; may be empty.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(". ".join(part for part in (what, where, remedy) if part))


class PluginNotFound(PixelgenError):
    """No plugin of the asked kind has this name."""


class PluginUnusable(PixelgenError):
    """The plugin is known, but cannot work here: a need is missing, or its import fails."""


class PluginConflict(PixelgenError):
    """Two plugins claim one name."""


class OptionError(PixelgenError):
    """An option is unknown, of the wrong type or out of its bounds."""


class RecipeError(PixelgenError):
    """A recipe cannot be read, has a wrong key, or contradicts itself."""


class SourceError(PixelgenError):
    """The place that pictures should come from is missing or unreadable."""


class NoPictures(SourceError):
    """The source exists, but not one picture in it can be read."""


class TokenizerError(PixelgenError):
    """A tokenizer was given what it cannot fit, encode or decode."""


class ExecutorError(PixelgenError):
    """Work that was spread over processes could not be finished."""


class DeviceNotFound(PixelgenError):
    """A device was asked for by name and is not there."""


class RunExists(PixelgenError):
    """The run directory is taken."""


class RunNotFound(PixelgenError):
    """There is no run at this place."""


class RunInUse(PixelgenError):
    """Another process is going on with the run."""


class RunUnreadable(PixelgenError):
    """The run directory is there, but a file in it is missing, damaged or from another version."""


class StorageError(PixelgenError):
    """A file could not be written: the disk is full, or the folder cannot be written to."""


class OutOfMemory(PixelgenError):
    """Main memory or a GPU's does not suffice."""


class TrainingError(PixelgenError):
    """Training cannot go on, as when the loss is no longer a number."""


def nearest_names(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known names that a misspelt `name` was most likely meant to be, best first."""
    return difflib.get_close_matches(name, list(known), n=most, cutoff=0.5)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return «Did you mean …? » for the nearest known names, or an empty string."""
    near = nearest_names(name, known)
    return f"Did you mean {' or '.join(repr(word) for word in near)}? " if near else ""

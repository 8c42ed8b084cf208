"""A sound plugin with one thing broken, and the checks that it then fails."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, create_model

from pixelgen.testing import checks_of, run_checks, subjects_of


def broken(sound: type[Any], **changes: Any) -> type[Any]:
    """Return a subclass of a sound class with these attributes in place of its own."""
    return type("Broken", (sound,), {"__doc__": sound.__doc__, **changes})


class Mistakes(dict[str, tuple[type[Any], str]]):
    """Ways to break a plugin of a kind: by words, the broken class and the checks that it fails.

    What can be wrong with any class, whatever its kind, is there from the beginning.
    """

    def __init__(self, kind: str, sound: type[Any]) -> None:
        super().__init__()
        self.kind, self.sound = kind, sound
        options = sound.Options
        undescribed = create_model("Options", __base__=options, other=(int, 0))
        tuples = Field((1, 2), description="a tuple, which TOML has not")
        forgetful = create_model("Options", __base__=options, chosen=(Any, tuples))
        unchecked = type("Options", (options,), {"model_config": ConfigDict(extra="ignore")})
        named = Field("x", description="a name that the recipe's table has already")
        clashing = create_model("Options", __base__=options, name=(str, named))
        if kind != "tracker":  # whose table is called after it
            self.add("an option called name", "options_survive_a_recipe", Options=clashing)
        self.add("no docstring", "class_is_described", __doc__="")
        self.add("an option without a description", "class_is_described", Options=undescribed)
        self.add("unknown options taken", "options_are_validated", Options=unchecked)
        self.add("a tuple for an option", "options_survive_a_recipe", Options=forgetful)

    def add(self, words: str, caught: str, **changes: Any) -> None:
        """Add the sound class with these changes, and the checks that it fails then."""
        self[words] = broken(self.sound, **changes), caught


def failures(what: Any) -> set[str]:
    """Return the checks that a class fails, without their prefix."""
    return {name.removeprefix("check_") for name in run_checks(subjects_of(what)).failed}


def names_of(kind: str) -> set[str]:
    """Return the checks of a kind, without their prefix."""
    return {check.name.removeprefix("check_") for check in checks_of(kind)}

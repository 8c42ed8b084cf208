"""A sound plugin with one thing broken, and the checks that it then fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixelgen.testing import run_checks, subjects_of


def broken(sound: type[Any], **changes: Any) -> type[Any]:
    """Return a subclass of a sound class with these attributes in place of its own."""
    return type("Broken", (sound,), {"__doc__": sound.__doc__, **changes})


def failures(what: Any, **details: Any) -> set[str]:
    """Return the checks that a class fails, without their prefix."""
    report = run_checks(subjects_of(what, **details))
    return {name.removeprefix("check_") for name in report.failed}


def unproven(kind: str, table: Mapping[str, tuple[Any, str]]) -> set[str]:
    """Return the checks of a kind that nothing in a table of broken plugins is caught by."""
    from pixelgen.testing import checks_of

    caught = {name for _, names in table.values() for name in names.split()}
    return {check.name.removeprefix("check_") for check in checks_of(kind)} - caught

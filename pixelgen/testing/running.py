"""Runs checks: one after another, with a report; or one a test, through pytest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pixelgen.errors import OptionError, PixelgenError, did_you_mean
from pixelgen.testing.all_checks import checks_of
from pixelgen.testing.contract import Check, CheckFailed
from pixelgen.testing.subject import Subject, subjects_of

if TYPE_CHECKING:
    import pytest

Status = Literal["passed", "failed", "expected", "unexpected"]


@dataclass(frozen=True)
class Outcome:
    """What came of one check.

    Attributes:
        subject, check: what was checked, and by which check.
        status: `passed`; `failed`; `expected`: it failed, as was said; `unexpected`: it passed,
            though it was said to fail.
        seconds: how long it took.
        reason: why it was expected to fail, or what is wrong about its passing.
        failure: where it failed.
    """

    subject: str
    check: str
    status: Status
    seconds: float
    reason: str = ""
    failure: CheckFailed | None = None

    @property
    def ok(self) -> bool:
        """Whether all is as it should be."""
        return self.status in ("passed", "expected")


@dataclass(frozen=True)
class Report:
    """What came of all checks."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every check passed, or failed as expected."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that did not do as they should."""
        return [outcome.check for outcome in self.outcomes if not outcome.ok]


class NotConforming(PixelgenError, AssertionError):
    """A plugin fails checks; `report` has them all."""

    def __init__(self, report: Report) -> None:
        self.report = report
        wrong = [outcome for outcome in report.outcomes if not outcome.ok]
        super().__init__(
            "\n\n".join(str(outcome.failure or outcome.reason) for outcome in wrong),
            where=f"{len(wrong)} of {len(report.outcomes)} checks",
        )


def run_checks(
    subjects: Iterable[Subject],
    *,
    expected_failures: Mapping[str, str] | None = None,
    began: Callable[[Subject, Check], None] | None = None,
    ended: Callable[[Outcome], None] | None = None,
) -> Report:
    """Run all checks of these subjects, whatever fails.

    Args:
        subjects: what to check.
        expected_failures: check names to the reasons why they fail; one that passes is a failure.
        began, ended: told of each check.

    Raises:
        OptionError: an expected failure names no check of these subjects.
    """
    chosen = list(subjects)
    expected = _known(chosen, expected_failures)
    report = Report()
    for subject in chosen:
        for check in checks_of(subject.kind):
            if began is not None:
                began(subject, check)
            outcome = _outcome(subject, check, expected.get(check.name))
            report.outcomes.append(outcome)
            if ended is not None:
                ended(outcome)
    return report


def _outcome(subject: Subject, check: Check, expected: str | None) -> Outcome:
    start = time.perf_counter()
    failure = None
    try:
        check.run(subject)
    except CheckFailed as failed:
        failure = failed
    seconds = time.perf_counter() - start
    if failure is not None and expected is None:
        return Outcome(str(subject), check.name, "failed", seconds, failure=failure)
    if failure is not None:
        return Outcome(str(subject), check.name, "expected", seconds, str(expected), failure)
    if expected is not None:
        reason = (
            f"{subject} passes {check.name}, which was expected to fail: {expected}. "
            "Take it out of the expected failures"
        )
        return Outcome(str(subject), check.name, "unexpected", seconds, reason)
    return Outcome(str(subject), check.name, "passed", seconds)


def _known(subjects: list[Subject], expected: Mapping[str, str] | None) -> dict[str, str]:
    names = {check.name for subject in subjects for check in checks_of(subject.kind)}
    for name, reason in (expected or {}).items():
        if name not in names:
            raise OptionError(
                f"no check of {', '.join(map(str, subjects))} is called {name!r}",
                where="in the expected failures",
                remedy=f"{did_you_mean(name, names)}See: docs/conformance.md",
            )
        if not isinstance(reason, str) or not reason.strip():
            raise OptionError(
                f"the expected failure {name!r} has no reason",
                where="in the expected failures",
                remedy="Say in a sentence why the check cannot pass",
            )
    return dict(expected or {})


def parametrize_with_checks(
    *what: str | type[Any],
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    location: str | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Make each check of a plugin a test of its own.

        @parametrize_with_checks("my-model", options={"hidden": 8})
        def test_conformance(check):
            check()

    Args:
        what: names as registered, of entry points or of distributions; or classes.
        kind: only this kind of plugin.
        options: the plugin's, by name.
        device: where it is made.
        location: of a source's pictures; the kit has a folder for those that need one.
        expected_failures: check names to the reasons why they fail. They are marked as expected to
            fail, strictly: one that passes is a failure.

    Raises:
        PluginNotFound: nothing has this name.
        OptionError: an expected failure names no check.
    """
    import pytest

    subjects = [
        subject
        for each in what
        for subject in subjects_of(
            each, kind=kind, options=options, device=device, location=location
        )
    ]
    expected = _known(subjects, expected_failures)
    cases = []
    for subject in subjects:
        for check in checks_of(subject.kind):
            marks = []
            if check.name in expected:
                reason = expected[check.name]
                marks = [pytest.mark.xfail(reason=reason, strict=True, raises=CheckFailed)]
            name = f"{subject.kind}-{subject.name}-{check.name}"
            cases.append(pytest.param(partial(check.run, subject), id=name, marks=marks))
    return pytest.mark.parametrize("check", cases)

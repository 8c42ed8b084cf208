"""The conformance kit: proves that a plugin does what pixelgen relies on.

In a plugin's tests, each named check becomes a test of its own:

    from pixelgen.testing import parametrize_with_checks

    @parametrize_with_checks("my-model")
    def test_conformance(check):
        check()

From the shell, with a report: `pixelgen plugins check my-model`. docs/conformance.md lists every
check with its contract. The kit needs no more than pixelgen itself; pytest for the above.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixelgen.plugins import registered
from pixelgen.testing.all_checks import checks_of
from pixelgen.testing.contract import Check, CheckFailed
from pixelgen.testing.running import (
    NotConforming,
    Outcome,
    Report,
    parametrize_with_checks,
    run_checks,
)
from pixelgen.testing.subject import Subject, subjects_of

__all__ = [
    "Check",
    "CheckFailed",
    "NotConforming",
    "Outcome",
    "Report",
    "Subject",
    "check_executor",
    "check_model",
    "check_plugin",
    "check_sampler",
    "check_source",
    "check_tokenizer",
    "check_tracker",
    "checks_of",
    "parametrize_with_checks",
    "registered",
    "run_checks",
    "subjects_of",
]

Failures = Mapping[str, str]
Plugin = str | type[Any]


def check_tokenizer(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of a tokenizer.

    Args:
        plugin: its name as registered, or its class.
        options: its options during the checks.
        device: where it is made.
        expected_failures: check names to the reasons why they fail, strictly.

    Raises:
        NotConforming: a check failed that was not expected to, or passed that was.
        PluginNotFound: nothing has this name.
    """
    return _check("tokenizer", plugin, expected_failures, options=options, device=device)


def check_model(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of a model; as `check_tokenizer`."""
    return _check("model", plugin, expected_failures, options=options, device=device)


def check_sampler(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of a sampler; as `check_tokenizer`."""
    return _check("sampler", plugin, expected_failures, options=options)


def check_source(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    location: str | None = None,
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of a source, at your location or at the kit's; as `check_tokenizer`."""
    return _check("source", plugin, expected_failures, options=options, location=location)


def check_executor(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of an executor; as `check_tokenizer`."""
    return _check("executor", plugin, expected_failures, options=options)


def check_tracker(
    plugin: Plugin,
    *,
    options: Mapping[str, Any] | None = None,
    expected_failures: Failures | None = None,
) -> Report:
    """Run all checks of a tracker, told of a run that is made up; as `check_tokenizer`."""
    return _check("tracker", plugin, expected_failures, options=options)


def check_plugin(name: str, *, expected_failures: Failures | None = None) -> Report:
    """Run all checks of an entry point's module: import, hooks, names, commands and events.

    The events are those of a run that is made up, in a temporary folder: a plugin that sends
    pictures somewhere sends those.
    """
    return _check("plugin", name, expected_failures)


def _check(kind: str, plugin: Plugin, expected_failures: Failures | None, **details: Any) -> Report:
    subjects = subjects_of(plugin, kind=kind, **details)
    report = run_checks(subjects, expected_failures=expected_failures)
    if not report.ok:
        raise NotConforming(report)
    return report

"""Every plugin that comes with pixelgen, built in or bundled, conforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pixelgen import builtin
from pixelgen.plugins import catalogue
from pixelgen.registration import Registration, is_installed
from pixelgen.testing import checks_of, parametrize_with_checks, subjects_of

# The checks of a model learn toys; small layers learn them as well, and sooner.
SMALL: Mapping[str, Any] = {
    "embedding": 32,
    "projection": 32,
    "learning_rate": 0.02,
    "warm_up": 5,
    "precision": "float32",
}
RECURRENT: Mapping[str, Any] = {**SMALL, "hidden": 32}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "numpy-lstm": {name: value for name, value in RECURRENT.items() if name != "precision"},
    "torch-lstm": RECURRENT,
    "torch-gpt": SMALL,
    "torch-mlp": RECURRENT,
    "keras-lstm": {name: value for name, value in RECURRENT.items() if name != "precision"},
    "cupy-kmeans": {"colors": 16},
    "numpy-kmeans": {"colors": 16},
    "patch-kmeans": {"patches": 16},
    "rgb-grid": {"colors": 64},
}

# A name to its checks that cannot pass, each with the reason. None is excused at present.
EXPECTED_FAILURES: Mapping[str, Mapping[str, str]] = {}

BUNDLED = (
    "pixelgen-core",
    "pixelgen-cupy",
    "pixelgen-torch",
    "pixelgen-keras",
    "pixelgen-tensorboard",
    "pixelgen-webdataset",
    "pixelgen-parquet",
    "pixelgen-hf-datasets",
    "pixelgen-ray",
)

# Sources that no folder of pictures will do for: their own tests make what they are checked on.
CHECKED_ELSEWHERE = {"webdataset", "parquet", "hf-datasets", "tokens"}


def bundled() -> list[Registration]:
    """Return what our own distributions register and what can be used here."""
    return [
        claim
        for claims in catalogue().registrations.values()
        for claim in claims
        if claim.origin.distribution in BUNDLED and not claim.unmet()
    ]


def cases() -> list[Any]:
    """Return the checks of all of them."""
    return [
        case
        for claim in bundled()
        if claim.name not in CHECKED_ELSEWHERE
        for case in parametrize_with_checks(
            claim.name,
            kind=claim.kind,
            options=OPTIONS.get(claim.name),
            device="cpu",
            expected_failures=EXPECTED_FAILURES.get(claim.name),
        ).args[1]
    ]


def modules() -> list[Any]:
    """Return the checks of our distributions' entry points."""
    return [
        case
        for name in BUNDLED[1:]
        if any(origin.distribution == name for origin in catalogue().origins)
        for case in parametrize_with_checks(name, kind="plugin").args[1]
    ]


@pytest.mark.parametrize("check", cases())
def test_plugins_conform(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("check", modules())
def test_entry_points_conform(check: Callable[[], None]) -> None:
    check()


@parametrize_with_checks("local", options={"kind": "serial"})
def test_work_without_workers_conforms(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("name", ["check_functions_and_arrays_travel", "check_no_items_no_results"])
def test_work_in_processes_conforms(name: str) -> None:
    """Two checks for all: each starts processes of its own, which takes seconds."""
    (subject,) = subjects_of("local", options={"kind": "processes", "workers": 2})
    (check,) = (check for check in checks_of("executor") if check.name == name)
    check.run(subject)


def test_nothing_that_is_built_in_is_left_out() -> None:
    registered: list[str] = []

    def register(name: str, target: str, **details: Any) -> None:
        registered.append(name)

    for hook in vars(builtin).values():
        if getattr(hook, "__name__", "").startswith("register_"):
            hook(register)
    assert registered
    assert set(registered) <= {claim.name for claim in bundled()}
    assert not is_installed("torch") or "torch-lstm" in {claim.name for claim in bundled()}

"""A check: a named function whose docstring is the contract that it holds a plugin to."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pixelgen.errors import PixelgenError
from pixelgen.registration import reason_of

if TYPE_CHECKING:
    from pixelgen.testing.subject import Subject

REMEDY = "What to do: "
KINDS = ("plugin", "tokenizer", "model", "sampler", "source", "executor", "tracker")


class Broken(Exception):
    """Raised inside a check: says what broke, with the values found."""


class CheckFailed(PixelgenError, AssertionError):
    """A plugin breaks a contract: what broke, the contract, and what to do.

    Attributes:
        check: the name of the check.
        contract: what the plugin must do.
    """

    def __init__(self, what: str, *, where: str, check: str, contract: str, remedy: str) -> None:
        self.check, self.contract = check, contract
        super().__init__(what, where=where, remedy=remedy)

    def __str__(self) -> str:
        return (
            f"{self.where} fails {self.check}\n"
            f"  What broke: {self.what}\n"
            f"  The contract: {self.contract}\n"
            f"  What to do: {self.remedy}"
        )


@dataclass(frozen=True)
class Check:
    """One named check of one kind of plugin.

    Attributes:
        kind: of plugin; `plugin` for what holds of an entry point's module.
        function: takes a subject, and raises where it breaks the contract.
    """

    kind: str
    function: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """The function's name, such as `check_loss_falls`."""
        return self.function.__name__

    @cached_property
    def _sentences(self) -> tuple[str, str]:
        contract, _, remedy = inspect.cleandoc(self.function.__doc__ or "").partition(REMEDY)
        return _one_line(contract), _one_line(remedy)

    @property
    def contract(self) -> str:
        """What a plugin must do, from the docstring."""
        return self._sentences[0]

    @property
    def remedy(self) -> str:
        """What to do about a failure, from the docstring's last paragraph."""
        return self._sentences[1]

    def run(self, subject: Subject) -> None:
        """Hold a subject to the contract.

        Raises:
            CheckFailed: it breaks it, or raises an exception of its own, which is the cause.
        """
        try:
            self.function(subject)
        except Broken as broken:
            raise self.failed(subject, str(broken)) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # such as SystemExit, or a panic of an extension in Rust
            raise self.failed(subject, f"{reason_of(error)}{_place(error)}") from error

    def failed(self, subject: Subject, what: str) -> CheckFailed:
        """Return the failure that says this."""
        return CheckFailed(
            what,
            where=str(subject),
            check=self.name,
            contract=self.contract,
            remedy=self.remedy,
        )


_ALL: dict[str, list[Check]] = {kind: [] for kind in KINDS}


def check(*kinds: str) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Make a function a check of these kinds of plugins."""

    def mark(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        for kind in kinds:
            _ALL[kind].append(Check(kind, function))
        return function

    return mark


def known_checks(kind: str) -> tuple[Check, ...]:
    """Return the checks of a kind that have been imported, in their order."""
    return tuple(_ALL[kind])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _place(error: BaseException) -> str:
    """Where an exception was raised: the innermost line that is not the kit's own."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "/pixelgen/testing/" not in frame.filename]
    return f" ({inside[-1].filename}:{inside[-1].lineno})" if inside else ""

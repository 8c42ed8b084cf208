"""`python -m pixelgen.testing`: runs checks in this process and tells of each in a line of JSON.

`pixelgen plugins check` starts it, so that a plugin which hangs or kills its process takes nothing
else along. What a plugin prints goes to the error stream: the output stream is for these lines.

    {"checks": 28}                              the plugin is imported; so many checks follow
    {"began": "check_loss_falls", "subject": …} a check begins
    {"ended": {…}}                              what came of it
    {"error": {"what": …, "where": …, "remedy": …}}   it cannot be checked at all
    {"done": true}                              there is nothing more to come
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from pixelgen import importing
from pixelgen.errors import PixelgenError
from pixelgen.options import parse_value
from pixelgen.testing.all_checks import checks_of
from pixelgen.testing.contract import Check
from pixelgen.testing.running import Outcome, run_checks
from pixelgen.testing.subject import Subject, subjects_of


def main() -> None:
    """Check what the first argument, a JSON object, asks for."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.loads(sys.argv[1])
    os.environ[importing.LIMIT_VARIABLE] = str(asked["import_limit"])
    try:
        subjects = subjects_of(
            asked["name"],
            kind=asked["kind"],
            options={name: parse_value(text) for name, text in asked["options"].items()},
            device=asked["device"],
            location=asked["location"],
        )
        _tell(lines, checks=sum(len(checks_of(subject.kind)) for subject in subjects))
        run_checks(
            subjects,
            expected_failures=asked["expected"],
            began=lambda subject, check: _began(lines, subject, check),
            ended=lambda outcome: _tell(lines, ended=as_json(outcome)),
        )
    except PixelgenError as error:
        parts = {"what": error.what, "where": error.where, "remedy": error.remedy}
        _tell(lines, error=parts)
    _tell(lines, done=True)
    os._exit(0)  # an import that hangs, in a thread of its own, must not hold us up


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as `pixelgen plugins check --json` prints it."""
    failure = outcome.failure
    return {
        "subject": outcome.subject,
        "check": outcome.check,
        "status": outcome.status,
        "seconds": round(outcome.seconds, 3),
        "reason": outcome.reason,
        "broke": failure.what if failure else "",
        "contract": failure.contract if failure else "",
        "remedy": failure.remedy if failure else "",
    }


def _began(lines: TextIO, subject: Subject, check: Check) -> None:
    _tell(lines, began=check.name, subject=str(subject))


def _tell(lines: TextIO, **told: Any) -> None:
    lines.write(json.dumps(told) + "\n")
    lines.flush()


if __name__ == "__main__":
    main()

"""The pages that set promises beside tests name tests that there are."""

from __future__ import annotations

import re

import pytest
from pages import ROOT

PAGES = [ROOT / "docs" / "reliability.md", ROOT / "docs" / "security.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page) -> None:
    named = re.findall(r"`(tests/[^`]+)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_each_promise_of_reliability_has_a_test() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "held by" not in line]
    promises = rows[: next(i for i, row in enumerate(rows) if row.startswith("| what | good"))]
    assert len(promises) > 15
    assert [row for row in promises if "test" not in row.split("|")[2]] == [
        row for row in promises if "the same" in row.split("|")[2]
    ]

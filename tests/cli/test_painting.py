"""The options that `sample` and `complete` share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pixelgen.cli.painting import named_apart, parse_course, parse_group
from pixelgen.errors import OptionError

KNOWN = ["haystacks", "lilies", "red, green: 2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("lilies", "lilies"),
        ("haystacks:0.7,lilies:0.3", {"haystacks": 0.7, "lilies": 0.3}),
        ("haystacks,lilies", {"haystacks": 1.0, "lilies": 1.0}),
        ("haystacks,lilies:3", {"haystacks": 1.0, "lilies": 3.0}),
        ("red, green: 2", "red, green: 2"),
        ("lillies", {"lillies": 1.0}),
        ("a:b", {"a:b": 1.0}),
    ],
)
def test_groups_are_names_with_weights(text, expected):
    assert parse_group(text, KNOWN) == expected


def test_a_course_is_temperatures_between_colons():
    assert parse_course(None, ["1"]) == ()
    assert parse_course("1.0:0.7", None) == (1.0, 0.7)
    assert parse_course("1:0.5:2", []) == (1.0, 0.5, 2.0)


@pytest.mark.parametrize("text", ["1:0", "1:", "warm:cold"])
def test_what_is_no_temperature_is_said(text):
    with pytest.raises(OptionError, match="temperature cannot be") as caught:
        parse_course(text, None)
    assert caught.value.where == "in --temperature-schedule"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_picture_may_be_called_anything():
    name = named_apart(Path(os.fsdecode(b"caf\xe9.png")))
    assert name.startswith("caf\\xe9-")
    assert name.encode()

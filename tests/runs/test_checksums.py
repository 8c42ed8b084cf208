"""Checksums tell whole folders from damaged ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.runs import checksums


@pytest.fixture
def sealed(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "a").write_bytes(b"12345")
    (folder / "inner" / "b").write_bytes(b"67890")
    checksums.seal(folder)
    return folder


def test_what_was_written_is_whole_and_may_be_sealed_again(sealed):
    assert checksums.is_sealed(sealed)
    assert checksums.damage(sealed) is None
    checksums.seal(sealed)
    assert checksums.damage(sealed) is None


@pytest.mark.parametrize("name", ["a", "inner/b"])
def test_what_is_missing_shorter_or_different_is_named(sealed, name):
    path = sealed / name
    before = path.read_bytes()
    path.write_bytes(before[:3])
    assert checksums.damage(sealed) == f"{name} has 3 bytes in place of 5"
    path.write_bytes(before[:-1] + b"x")
    assert checksums.damage(sealed) == f"{name} is not what was written"
    path.unlink()
    assert checksums.damage(sealed) == f"{name} is missing"


def test_a_folder_without_checksums_is_not_known_to_be_whole(tmp_path):
    assert not checksums.is_sealed(tmp_path)
    assert "cannot be read" in (checksums.damage(tmp_path) or "")


@pytest.mark.parametrize("sums", ["", "[]", '{"a": 1}', '{"a": {"bytes": 5}}', "[" * 10**5])
def test_damaged_checksums_are_damage(sealed, sums):
    (sealed / checksums.FILE).write_text(sums)
    assert "cannot be read" in (checksums.damage(sealed) or "")


def test_a_name_that_leads_outside_is_damage(sealed):
    (sealed.parent / "c").write_bytes(b"")
    (sealed / checksums.FILE).write_text(json.dumps({"../c": {"bytes": 0, "sha256": ""}}))
    assert "outside" in (checksums.damage(sealed) or "")


@given(data=st.binary(min_size=1, max_size=40), at=st.integers(0, 39), bit=st.integers(0, 7))
def test_one_bit_is_enough(tmp_path_factory, data, at, bit):
    folder = tmp_path_factory.mktemp("bits")
    (folder / "a").write_bytes(data)
    checksums.seal(folder)
    changed = bytearray(data)
    changed[at % len(data)] ^= 1 << bit
    (folder / "a").write_bytes(changed)
    assert checksums.damage(folder) == "a is not what was written"

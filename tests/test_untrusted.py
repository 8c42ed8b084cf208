"""Reading what strangers made: bounded, typed, and all numbers finite."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from pixelgen import untrusted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_json_comes_back_as_it_was(value):
    import json

    assert untrusted.parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NaN", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ('{"a": 1e999}', "1e999"),
        ("[" * 100_000, "deeply"),
        ("9" * 10_000, "digits"),
        ("{", "Expecting"),
    ],
)
def test_what_is_no_plain_value_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        untrusted.parse_json(text)


def test_a_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert untrusted.read_limited(path, 5) == b"12345"
    with pytest.raises(ValueError, match="5 bytes; at most 4"):
        untrusted.read_limited(path, 4)


def test_a_pipe_or_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (untrusted.read_limited, untrusted.read_arrays):
        with pytest.raises(ValueError, match="no regular file"):
            read(tmp_path / "pipe")
        with pytest.raises((ValueError, OSError)):
            read(tmp_path)
        with pytest.raises(OSError, match="No such file"):
            read(tmp_path / "nothing")


def test_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "arrays"
    numbers = np.arange(6).reshape(2, 3)
    arrays = {np.dtype(kind).name: numbers.astype(kind) for kind in untrusted.DTYPES.values()}
    arrays["none"] = np.empty((0, 4), np.float32)
    arrays["one"] = np.array(3, np.int64)
    safetensors.numpy.save_file(arrays, path)
    found = untrusted.read_arrays(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_numbers_that_are_none_are_refused(tmp_path, number, kind):
    safetensors.numpy.save_file({"a": np.array([1, number], kind)}, tmp_path / "arrays")
    with pytest.raises(ValueError, match="'a' holds numbers that are not finite"):
        untrusted.read_arrays(tmp_path / "arrays")


def test_arrays_beyond_the_limit_are_refused_by_their_declared_sizes(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(100, np.float32)}, tmp_path / "arrays")
    length = (tmp_path / "arrays").stat().st_size
    assert len(untrusted.read_arrays(tmp_path / "arrays", length)) == 1
    with pytest.raises(ValueError, match="at most 399"):
        untrusted.read_arrays(tmp_path / "arrays", 399)


def test_a_tilde_is_a_home_or_a_letter_like_any_other(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert untrusted.user_path("~/pictures") == tmp_path / "pictures"
    nobody = "~nobody-of-this-name/pictures"
    assert untrusted.user_path(nobody) == Path(nobody)

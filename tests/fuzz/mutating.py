"""Inputs for the fuzz targets: bytes that were once right, with a few things done to them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

# What parsers stumble over: limits of numbers, brackets, separators, escapes, ends of text.
WORDS = (
    *(b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"),
    *(b"0", b"-1", b"9" * 25, b"1e999", b"NaN", b"-Infinity", b"null", b"true", b"[]", b"{}"),
    *(b'"', b"'", b"[", b"]", b"{", b"}", b",", b":", b"=", b".", b"#", b"\n", b"\r\n", b"\\"),
    *(b"\\u0000", b"\xc3\x28", "é∞٣".encode(), b"../", b"/", b"__class__", b"%s", b"[[" * 50),
)


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw one of the seeds with up to six changes."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("set", "insert", "remove", "cut", "repeat", "word")))
        length = draw(st.integers(1, 16))
        if kind == "set":
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        elif kind == "remove":
            del data[at : at + length]
        elif kind == "cut":
            del data[at:]
        elif kind == "repeat":
            data[at:at] = bytes(data[at : at + length]) * draw(st.integers(1, 40))
        else:
            data[at : at + draw(st.integers(0, 8))] = draw(st.sampled_from(WORDS))
    return bytes(data)


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return mostly seeds with changes, and now and then any bytes at all."""
    return st.integers(0, 9).flatmap(lambda n: mutated(seeds) if n else st.binary(max_size=300))

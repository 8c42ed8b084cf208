"""What strangers called things is shown, and does nothing."""

from __future__ import annotations

import io
import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from pixelgen.cli.visible import echo, shown, visible

NAME = "a\x1b[31m\x07\u202egnp\x9b2J[bold]\r.png"


@given(st.text())
def test_nothing_that_steers_is_left(text):
    assert all(char.isprintable() or char == "\n" for char in visible(text))


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_what_is_shown_is_one_line_and_no_markup(text):
    console = Console(file=io.StringIO(), width=1000, force_terminal=False, highlight=False)
    console.print(shown(text), soft_wrap=True, end="")
    assert console.file.getvalue() == visible(text).replace("\n", "\\n")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_is_printable_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_path_is_left_as_it_is_for_a_program_to_read(monkeypatch, is_terminal):
    output = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(output, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", output)
    echo(os.fsdecode(b"\x1b[31m\xff"))
    output.flush()
    expected = b"\\x1b[31m\\udcff\n" if is_terminal else b"\x1b[31m\xff\n"
    assert output.buffer.getvalue() == expected


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
@pytest.mark.parametrize(
    "words",
    [
        ["run", "{}", "-q", "rgb-grid", "-m", "markov", "--size", 9, "--epochs", 1, "-n", 1],
        ["palette", "{}", "--colors", 4],
        ["run", "{}/nothing"],
        ["run", "x", "--recipe", "{}.toml"],
        ["sample", "{}"],
    ],
    ids=lambda words: " ".join(map(str, words[:2])),
)
def test_no_command_lets_a_name_through(pixelgen, tmp_path, words):
    folder = tmp_path / NAME
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (4, 9, 9, 3), np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / f"{number}{NAME}")
    Image.fromarray(noise[0]).save(folder / f"again{NAME}")
    (folder / f"bad{NAME}").write_bytes(b"")
    called = pixelgen(*(str(word).replace("{}", str(folder)) for word in words))
    assert "\\x1b[31m" in called.err
    for char in ("\x1b", "\x07", "\x9b", "\u202e", "\r"):
        assert char not in called.err

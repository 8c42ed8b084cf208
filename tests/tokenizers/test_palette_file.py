"""Palette files as other programs write them."""

from __future__ import annotations

import errno
import struct

import numpy as np
import pytest
from PIL import Image

from pixelgen.errors import StorageError, TokenizerError
from pixelgen.tokenizers.palette_file import read_palette, write_palette

WANTED = [[255, 0, 0], [0, 128, 64], [17, 17, 17]]


def ase_colour(name: str, model: bytes, *levels: float) -> bytes:
    letters = (name + "\0").encode("utf-16-be")
    body = struct.pack(">H", len(letters) // 2) + letters + model
    body += struct.pack(f">{len(levels)}f", *levels) + struct.pack(">H", 0)
    return struct.pack(">HI", 1, len(body)) + body


def ase(*blocks: bytes) -> bytes:
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


GROUP = struct.pack(">HI", 0xC001, 6) + struct.pack(">H", 2) + "g\0".encode("utf-16-be")
GROUP_END = struct.pack(">HI", 0xC002, 0)

FILES = {
    "gimp.gpl": b"GIMP Palette\nName: x\nColumns: 3\n# one\n255   0   0\tRed\n"
    b"  0 128  64\tGreen thing\n 17  17  17\n",
    "lospec.hex": b"ff0000\r\n008040\r\n111111\r\n",
    "marked.hex": b"\xef\xbb\xbf#FF0000 ; red\n\n#008040\n#111111\n#ff0000\n",
    "jasc.pal": b"JASC-PAL\r\n0100\r\n3\r\n255 0 0\r\n0 128 64\r\n17 17 17\r\n",
    "adobe.ase": ase(
        GROUP,
        ase_colour("r", b"RGB ", 1, 0, 0),
        ase_colour("g", b"RGB ", 0, 128 / 255, 64 / 255),
        GROUP_END,
        ase_colour("k", b"Gray", 17 / 255),
    ),
    "inks.ase": ase(
        ase_colour("r", b"CMYK", 0, 1, 1, 0),
        ase_colour("g", b"CMYK", 1, 0, 0.5, 1 - 128 / 255),
        ase_colour("k", b"CMYK", 0, 0, 0, 1 - 17 / 255),
    ),
    "photoshop.aco": struct.pack(">HH", 1, 3)
    + struct.pack(">5H", 0, 65535, 0, 0, 0)
    + struct.pack(">5H", 0, 0, 128 * 257, 64 * 257, 0)
    + struct.pack(">5H", 8, round(17 / 255 * 10_000), 0, 0, 0)
    + struct.pack(">HH", 2, 3)
    + b"names follow",
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_programs_are_read(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    assert read_palette(path).tolist() == WANTED


def test_a_strip_is_read_in_order_and_without_what_is_transparent(tmp_path):
    strip = np.array([[*colour, 255] for colour in WANTED] + [[9, 9, 9, 0]], np.uint8)
    Image.fromarray(strip[None].repeat(4, axis=1)).save(tmp_path / "strip.PNG")
    assert read_palette(tmp_path / "strip.PNG").tolist() == WANTED


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("short.pal", b"JASC-PAL\n0100\n3\n1 2 3\n"),
        ("wide.gpl", b"GIMP Palette\n256 0 0\n"),
        ("other.gpl", b"JASC-PAL\n"),
        ("digits.hex", b"ff00\n"),
        ("letters.hex", b"red\n"),
        ("cut.ase", FILES["adobe.ase"][:60]),
        ("lab.ase", ase(ase_colour("x", b"LAB ", 0.5, 0, 0))),
        ("cut.aco", FILES["photoshop.aco"][:17]),
        ("hsb.aco", struct.pack(">HH5H", 1, 1, 1, 0, 0, 0, 0)),
        ("none.hex", b"\n"),
        ("text.png", b"not a picture"),
    ],
)
def test_a_damaged_file_says_so_and_where(name, contents, tmp_path):
    path = tmp_path / name
    path.write_bytes(contents)
    with pytest.raises(TokenizerError) as raised:
        read_palette(path)
    assert raised.value.where == str(path)
    assert raised.value.remedy


def test_a_missing_file_and_an_unknown_ending_are_errors(tmp_path):
    with pytest.raises(TokenizerError, match="cannot be read"):
        read_palette(tmp_path / "none.gpl")
    with pytest.raises(TokenizerError, match=r"Did you mean '.gpl'"):
        read_palette(tmp_path / "none.gp")


def test_what_cannot_be_written_is_an_error(tmp_path):
    palette = np.zeros((1, 3), np.uint8)
    with pytest.raises(StorageError):
        write_palette(tmp_path / "nowhere" / "a.hex", palette)
    with pytest.raises(TokenizerError, match="65,536"):
        write_palette(tmp_path / "a.aco", np.zeros((1 << 16, 3), np.uint8))


def test_a_palette_that_cannot_be_written_leaves_the_one_that_is_there(tmp_path, monkeypatch):
    path = tmp_path / "a.gpl"
    write_palette(path, np.array([[1, 2, 3]], np.uint8))
    before = path.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pixelgen.runs.atomic.os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_palette(path, np.array([[4, 5, 6]], np.uint8))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.gpl"]


@pytest.mark.parametrize("name", ["a\n2 3 4", "caf\udce9", "tab\there"])
def test_a_name_adds_no_colour_whatever_is_in_it(tmp_path, name):
    palette = np.array([[1, 2, 3]], np.uint8)
    write_palette(tmp_path / "a.gpl", palette, name=name)
    np.testing.assert_array_equal(read_palette(tmp_path / "a.gpl"), palette)


def test_greys_of_sixteen_bits_are_those_of_eight(tmp_path):
    levels = np.array([[0, 17 * 257, 128 * 257 + 100, 255 * 257]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "greys.png")
    assert read_palette(tmp_path / "greys.png").tolist() == [[v] * 3 for v in (0, 17, 128, 255)]

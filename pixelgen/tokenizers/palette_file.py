"""Palette files: GIMP .gpl, .hex, JASC .pal, Adobe .ase and .aco, and PNG strips.

`read_palette` takes what painting programs write; `write_palette` writes what they read.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from pixelgen.errors import TokenizerError, did_you_mean
from pixelgen.runs import atomic
from pixelgen.untrusted import read_limited

MOST_COLOURS = 1 << 16
MOST_BYTES = 1 << 26
SWATCH = 16  # pixels a side of a colour in a PNG strip that is written


def read_palette(path: Path) -> np.ndarray:
    """Return the distinct colours of a palette file, in their order: (V, 3) uint8.

    Raises:
        TokenizerError: the file is missing, of an unknown kind, damaged, or has no colours or
            more than 65,536.
    """
    reader = _of_kind(path, _READERS)
    try:
        colours = reader(read_limited(path, MOST_BYTES))
    except OSError as error:
        raise TokenizerError(
            f"the palette cannot be read: {error.strerror or error}",
            where=str(path),
            remedy="Give the path of a palette file",
        ) from None
    except (ValueError, struct.error, IndexError, OverflowError) as error:
        raise TokenizerError(
            f"the palette file is damaged: {error}",
            where=str(path),
            remedy="Save it again with the program that made it",
        ) from None
    distinct = list(dict.fromkeys(colours))
    if not 1 <= len(distinct) <= MOST_COLOURS:
        raise TokenizerError(
            f"the palette file has {len(distinct):,} colours",
            where=str(path),
            remedy="A palette has 1 to 65,536",
        )
    return np.array(distinct, np.uint8)


def write_palette(path: Path, palette: np.ndarray, name: str = "pixelgen") -> None:
    """Write a palette (V, 3) uint8 in the format that the path's ending names.

    Raises:
        TokenizerError: the ending is of an unknown kind, or the palette has more colours than the
            format can hold.
        StorageError: the file cannot be written; one that is there already stays as it is.
    """
    writer = _of_kind(path, _WRITERS)
    if path.suffix.lower() in (".ase", ".aco") and len(palette) > 0xFFFF:
        raise TokenizerError(
            f"{len(palette):,} colours",
            where=str(path),
            remedy="Adobe's formats hold at most 65,535: write .gpl or .hex",
        )
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    atomic.write_bytes(path, writer([tuple(colour) for colour in palette.tolist()], plain))


Colour = tuple[int, ...]
Reader = Callable[[bytes], list[Colour]]
Writer = Callable[[list[Colour], str], bytes]
Kind = TypeVar("Kind")


def _of_kind(path: Path, kinds: dict[str, Kind]) -> Kind:
    ending = path.suffix.lower()
    if ending not in kinds:
        raise TokenizerError(
            f"a palette file that ends in {ending or 'nothing'!r}",
            where=str(path),
            remedy=f"{did_you_mean(ending, kinds)}Known are {', '.join(kinds)}",
        )
    return kinds[ending]


def _text_lines(data: bytes) -> list[str]:
    return [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]


def _rgb(words: list[str]) -> Colour:
    colour = tuple(int(word) for word in words[:3])
    if len(colour) < 3 or not all(0 <= level <= 255 for level in colour):
        raise ValueError(f"{' '.join(words)!r} is not a colour")
    return colour


# -- GIMP: a header, then "red green blue name" ----------------------------------------------------


def _read_gpl(data: bytes) -> list[Colour]:
    lines = _text_lines(data)
    if not lines or lines[0] != "GIMP Palette":
        raise ValueError("it does not begin with 'GIMP Palette'")
    return [_rgb(line.split()) for line in lines[1:] if line[:1].isdigit()]


def _write_gpl(colours: list[Colour], name: str) -> bytes:
    lines = ["GIMP Palette", f"Name: {name}", "Columns: 16", "#"]
    lines += [f"{r:3d} {g:3d} {b:3d}\t{r:02x}{g:02x}{b:02x}" for r, g, b in colours]
    return ("\n".join(lines) + "\n").encode()


# -- hex: a colour a line, as Lospec has them ------------------------------------------------------


def _read_hex(data: bytes) -> list[Colour]:
    words = [line.split(";")[0].strip().lstrip("#") for line in _text_lines(data)]
    colours = [bytes.fromhex(word) for word in words if word]
    for colour in colours:
        if len(colour) != 3:
            raise ValueError(f"{colour.hex()!r} is not six digits")
    return [tuple(colour) for colour in colours]


def _write_hex(colours: list[Colour], name: str) -> bytes:
    return "".join(f"{bytes(colour).hex()}\n" for colour in colours).encode()


# -- JASC, of Paint Shop Pro: "JASC-PAL", a version, a count, then "red green blue" ----------------


def _read_pal(data: bytes) -> list[Colour]:
    lines = [line for line in _text_lines(data) if line]
    if not lines or lines[0] != "JASC-PAL":
        raise ValueError("it does not begin with 'JASC-PAL'")
    colours = [_rgb(line.split()) for line in lines[3:]]
    if len(colours) != int(lines[2]):
        raise ValueError(f"it announces {lines[2]} colours and holds {len(colours)}")
    return colours


def _write_pal(colours: list[Colour], name: str) -> bytes:
    lines = ["JASC-PAL", "0100", str(len(colours)), *(f"{r} {g} {b}" for r, g, b in colours)]
    return ("\r\n".join(lines) + "\r\n").encode()


# -- Adobe swatch exchange: big-endian blocks, levels as floats ------------------------------------


def _read_ase(data: bytes) -> list[Colour]:
    if data[:4] != b"ASEF":
        raise ValueError("it does not begin with 'ASEF'")
    (blocks,) = struct.unpack_from(">I", data, 8)
    colours = []
    at = 12
    for _ in range(blocks):
        kind, length = struct.unpack_from(">HI", data, at)
        at += 6
        if kind == 0x0001:
            (letters,) = struct.unpack_from(">H", data, at)
            colours.append(_ase_colour(data, at + 2 + 2 * letters))
        at += length
    return colours


def _ase_colour(data: bytes, at: int) -> Colour:
    model = data[at : at + 4]
    count = {b"RGB ": 3, b"Gray": 1, b"GRAY": 1, b"CMYK": 4}.get(model)
    if count is None:
        raise ValueError(f"colours of the model {model.decode('latin-1').strip()!r} are not read")
    levels = struct.unpack_from(f">{count}f", data, at + 4)
    if not all(0 <= level <= 1 for level in levels):
        raise ValueError("a colour has a level outside of 0 to 1")
    if count == 1:
        levels *= 3
    elif count == 4:
        levels = tuple((1 - ink) * (1 - levels[3]) for ink in levels[:3])
    return tuple(round(level * 255) for level in levels)


def _write_ase(colours: list[Colour], name: str) -> bytes:
    blocks = []
    for colour in colours:
        letters = f"{bytes(colour).hex()}\0".encode("utf-16-be")
        levels = struct.pack(">3f", *(level / 255 for level in colour))
        body = struct.pack(">H", len(letters) // 2) + letters + b"RGB " + levels + b"\0\2"
        blocks.append(struct.pack(">HI", 0x0001, len(body)) + body)
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


# -- Adobe colour, of Photoshop: big-endian, a space and four 16-bit levels a colour ---------------


def _read_aco(data: bytes) -> list[Colour]:
    version, count = struct.unpack_from(">HH", data, 0)
    if version != 1:
        raise ValueError(f"it begins with version {version}, not 1")
    colours = []
    for i in range(count):
        space, *levels = struct.unpack_from(">5H", data, 4 + 10 * i)
        if space == 0:
            colours.append(tuple(round(level / 257) for level in levels[:3]))
        elif space == 8:  # grey, 0 to 10,000
            colours.append((round(min(levels[0], 10_000) * 255 / 10_000),) * 3)
        else:
            raise ValueError(f"colours of the space {space} are not read")
    return colours


def _write_aco(colours: list[Colour], name: str) -> bytes:
    levels = [struct.pack(">5H", 0, *(level * 257 for level in colour), 0) for colour in colours]
    return struct.pack(">HH", 1, len(colours)) + b"".join(levels)


# -- PNG: the colours in the order in which a reader meets them ------------------------------------


def _read_png(data: bytes) -> list[Colour]:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > 1 << 24:
                raise ValueError(f"{image.width}×{image.height} pixels are no strip of colours")
            pixels = np.asarray(_eight_bits(image).convert("RGBA")).reshape(-1, 4)
    except Exception as error:  # a damaged picture can raise nearly anything inside a decoder
        raise ValueError(str(error)) from None
    seen, first = np.unique(pixels[pixels[:, 3] > 0][:, :3], axis=0, return_index=True)
    return [tuple(colour) for colour in seen[np.argsort(first)].tolist()]


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture, greys of 16 bits scaled to 8: Pillow would cut off what is brighter."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray(((np.asarray(image).astype(np.int64) + 128) // 257).astype(np.uint8))


def _write_png(colours: list[Colour], name: str) -> bytes:
    columns = min(len(colours), 64)
    rows = -(-len(colours) // columns)
    strip = np.zeros((rows * columns, 4), np.uint8)
    strip[: len(colours), :3] = colours
    strip[: len(colours), 3] = 255
    strip = strip.reshape(rows, columns, 4).repeat(SWATCH, axis=0).repeat(SWATCH, axis=1)
    file = io.BytesIO()
    Image.fromarray(strip).save(file, "PNG")
    return file.getvalue()


_READERS: dict[str, Reader] = {
    ".gpl": _read_gpl,
    ".hex": _read_hex,
    ".pal": _read_pal,
    ".ase": _read_ase,
    ".aco": _read_aco,
    ".png": _read_png,
}
_WRITERS: dict[str, Writer] = {
    ".gpl": _write_gpl,
    ".hex": _write_hex,
    ".pal": _write_pal,
    ".ase": _write_ase,
    ".aco": _write_aco,
    ".png": _write_png,
}
ENDINGS = tuple(_READERS)

"""Pictures in a terminal: by its own protocol where it has one, in half blocks everywhere.

kitty's protocol: https://sw.kovidgoyal.net/kitty/graphics-protocol/
iTerm2's: https://iterm2.com/documentation-images.html
Sixel: DEC VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

import numpy as np
from PIL import Image
from rich.console import Console

from pixelgen.cli.halfblocks import half_blocks

PROTOCOLS = ("blocks", "kitty", "iterm", "sixel")
GAP = 2  # pixels of the pictures between two
WANTED = 900  # pixels of the screen across, where the terminal draws pixels
CHUNK = 4096  # characters that kitty takes at a time
SIXEL_TERMS = ("mlterm", "foot", "yaft", "contour")


def detect(environment: Mapping[str, str] | None = None, *, terminal: bool | None = None) -> str:
    """Return how this terminal draws pictures, by what it says of itself in its environment.

    Args:
        environment: the process's own if None.
        terminal: whether the output is one; found out if None.
    """
    env = os.environ if environment is None else environment
    if not (sys.stdout.isatty() if terminal is None else terminal):
        return "blocks"
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    if "TMUX" in env or term.startswith(("screen", "tmux")):
        return "blocks"  # which does not let pictures through
    if "KITTY_WINDOW_ID" in env or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty") or env.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if term.startswith(SIXEL_TERMS) or "sixel" in term:
        return "sixel"
    return "blocks"


def side_by_side(
    pictures: Sequence[np.ndarray], protocol: str, columns: int
) -> Iterator[np.ndarray]:
    """Yield lines of pictures (H, W, 3) uint8, as many in each as the terminal is wide.

    Args:
        pictures: (H, W, 3 or 4) uint8, of one size.
        protocol: in half blocks a pixel is a column, and a wider picture is shrunk to fit.
        columns: of the terminal.
    """
    height, width = pictures[0].shape[:2]
    room = columns if protocol == "blocks" else WANTED // max(1, round(WANTED / 4 / width))
    at_once = max(1, (room + GAP) // (width + GAP))
    for begin in range(0, len(pictures), at_once):
        some = pictures[begin : begin + at_once]
        line = Image.new("RGB", (len(some) * (width + GAP) - GAP, height + GAP), (0, 0, 0))
        for number, pixels in enumerate(some):
            picture = Image.fromarray(pixels)
            mask = picture.getchannel("A") if picture.mode == "RGBA" else None
            line.paste(picture.convert("RGB"), (number * (width + GAP), 0), mask)
        yield np.asarray(line)


def draw(pixels: np.ndarray, protocol: str, console: Console, stream: TextIO) -> None:
    """Write a picture (H, W, 3) uint8 to the terminal."""
    if protocol == "blocks":
        console.print(half_blocks(pixels, console.width))
        return
    image = Image.fromarray(pixels)
    scale = max(1, WANTED // image.width)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    encode = {"kitty": kitty, "iterm": iterm, "sixel": sixel}[protocol]
    stream.write(encode(image) + "\n")
    stream.flush()


def kitty(image: Image.Image) -> str:
    """Return the escape codes that show an image, as PNG in pieces."""
    data = _png(image)
    pieces = [data[begin : begin + CHUNK] for begin in range(0, len(data), CHUNK)]
    codes = []
    for number, piece in enumerate(pieces):
        more = int(number < len(pieces) - 1)
        control = f"a=T,f=100,q=2,m={more}" if number == 0 else f"m={more}"
        codes.append(f"\x1b_G{control};{piece}\x1b\\")
    return "".join(codes)


def iterm(image: Image.Image) -> str:
    """Return the escape code that shows an image inline."""
    data = _png(image)
    size = f"width={image.width}px;height={image.height}px"
    return f"\x1b]1337;File=inline=1;{size};preserveAspectRatio=1:{data}\x07"


def sixel(image: Image.Image) -> str:
    """Return an image as sixels: bands of six rows, each a line of runs for each of its colours."""
    indexed = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    index = np.asarray(indexed)
    palette = np.array(indexed.getpalette(), np.int64).reshape(-1, 3)
    codes = [f'\x1bPq"1;1;{image.width};{image.height}']
    for number in np.unique(index).tolist():
        red, green, blue = (round(level * 100 / 255) for level in palette[number].tolist())
        codes.append(f"#{number};2;{red};{green};{blue}")
    for top in range(0, len(index), 6):
        band = index[top : top + 6]
        weights = 1 << np.arange(len(band))
        lines = [
            f"#{number}{_runs(((band == number) * weights[:, None]).sum(axis=0))}"
            for number in np.unique(band).tolist()
        ]
        codes.append("$".join(lines) + "-")
    return "".join(codes) + "\x1b\\"


def _runs(bits: np.ndarray) -> str:
    """Run lengths of a line of sixels."""
    ends = np.append(np.flatnonzero(np.diff(bits)) + 1, len(bits))
    lengths = np.diff(ends, prepend=0)
    characters = [chr(63 + int(value)) for value in bits[ends - 1]]
    return "".join(
        f"!{length}{character}" if length > 3 else character * int(length)
        for length, character in zip(lengths, characters, strict=True)
    )


def _png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")

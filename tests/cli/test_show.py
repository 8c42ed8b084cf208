"""`pixelgen show` and `pixelgen report`: pictures in the terminal, and the page made again."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.cli.terminal_pictures import detect, iterm, kitty, side_by_side, sixel

RUN = Path("runs/pictures-1")


def picture(width=20, height=15):
    pixels = np.random.default_rng(0).integers(0, 4, (height, width, 3), dtype=np.uint8) * 85
    return Image.fromarray(pixels)


def test_the_page_is_said_to_be_there_and_is_made_again(learn, pixelgen):
    called = learn("--epochs", 1, "-n", 2)
    page = RUN / "report.html"
    assert f"Look at it: {page}" in called.err
    page.unlink()
    shown = pixelgen("show", RUN)
    assert shown.code == 0
    assert "not made yet: pixelgen report" in shown.out
    made = pixelgen("report", RUN)
    assert made.last == page
    assert page.read_text().count("<img") > 2
    assert pixelgen("show", RUN).out.splitlines()[-1] == f"The page: {page}"


def test_pictures_painted_since_are_on_the_page(learn, pixelgen):
    learn("--epochs", 1, "-n", 2)
    pixelgen("sample", RUN, "-n", 5)
    pixelgen("report", RUN)
    assert "painted picture 5 of seed 1" in (RUN / "report.html").read_text()


def test_show_draws_half_blocks_where_nothing_else_is_known(learn, pixelgen):
    learn("--epochs", 1, "-n", 2)
    drawn = pixelgen("show", RUN, "-n", 1).out.splitlines()
    assert sum("▀" in line for line in drawn) == 7  # 12 rows of pixels and a gap of 2


def test_what_cannot_be_shown_says_why(learn, pixelgen):
    learn("--epochs", 1, "-n", 0)
    pixelgen("show", RUN).assert_explained("painted nothing", str(RUN), "pixelgen sample")
    pixelgen("show", RUN, "--how", "kity").assert_explained("'kity'", "--how", "'kitty'")
    pixelgen("report", "nowhere").assert_explained("no run here")


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
    ],
)
def test_the_terminals_own_way_is_found(environment, protocol):
    assert detect(environment, terminal=True) == protocol
    assert detect(environment, terminal=False) == "blocks"


def test_kitty_and_iterm_are_given_the_very_pixels():
    image = picture(200, 100)
    parts = re.findall(r"\x1b_G[^;]*;([^\x1b]*)\x1b\\", kitty(image))
    inline = iterm(image).partition(":")[2].rstrip("\x07")
    assert len(parts) > 1
    assert all(len(part) <= 4096 for part in parts)
    for data in ("".join(parts), inline):
        back = Image.open(io.BytesIO(base64.b64decode(data)))
        np.testing.assert_array_equal(np.asarray(back), np.asarray(image))


def drawn_by_sixels(codes: str, width: int, height: int) -> np.ndarray:
    """What a terminal makes of sixels: (H, W, 3) levels of 0 to 100."""
    body = codes.partition("q")[2].removesuffix("\x1b\\")
    colours: dict[int, tuple[int, ...]] = {}
    pixels = np.full((height + 6, width, 3), -1)
    row = column = 0
    current = (0, 0, 0)
    for token in re.findall(r'"[\d;]+|#\d+(?:;2;\d+;\d+;\d+)?|![\d]+[?-~]|[$\-?-~]', body):
        if token[0] == "#":
            number, *levels = map(int, token[1:].split(";"))
            if levels:
                colours[number] = tuple(levels[1:])
            current = colours[number]
        elif token == "$":
            column = 0
        elif token == "-":
            row, column = row + 6, 0
        elif token[0] != '"':
            length = int(token[1:-1]) if token[0] == "!" else 1
            bits = ord(token[-1]) - 63
            for line in (line for line in range(6) if bits >> line & 1):
                pixels[row + line, column : column + length] = current
            column += length
    return pixels[:height]


def test_sixels_draw_the_picture():
    image = picture()
    expected = np.round(np.asarray(image).astype(float) * 100 / 255)
    found = drawn_by_sixels(sixel(image), *image.size)
    np.testing.assert_array_equal(found, expected)


def test_pictures_stand_side_by_side_as_far_as_there_is_room():
    pictures = [np.asarray(picture())] * 5
    lines = list(side_by_side(pictures, "blocks", 70))
    assert [line.shape[1] for line in lines] == [64, 42]

"""What is shown while a run goes on: lines elsewhere, a table and a picture on a terminal."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from pixelgen.cli.display import LiveDisplay, PlainDisplay, bits, duration, make_display
from pixelgen.cli.halfblocks import half_blocks
from pixelgen.loop_state import LoopState

METRICS = {
    "epoch": 3,
    "seconds": 75.0,
    "train_bits_per_pixel": 4.25,
    "held_out_bits_per_pixel": 4.5,
    "targets_per_second": 27_000.4,
}
STATE = LoopState(epoch=2, step=40, targets=54_000, seconds=2.0)
PICTURES = np.zeros((2, 3, 4, 6, 3), np.uint8) + np.array([200, 30, 40], np.uint8)


def terminal(width=120, colours="truecolor") -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, color_system=colours, width=width, highlight=False
    )


def written(console: Console) -> str:
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (math.inf, "–"),
    ],
)
def test_durations_are_written_as_a_person_would(seconds, text):
    assert duration(seconds) == text


def test_bits_that_were_not_measured_are_a_dash():
    assert (bits(4.12345), bits(None)) == ("4.123", "–")


class TestPlain:
    @pytest.fixture
    def console(self):
        return Console(file=io.StringIO(), width=40)

    def test_a_line_an_event_however_narrow_the_output(self, console):
        display = PlainDisplay(console)
        display.stage("Reading pictures")
        display.note("Left out [bold]a\x1b.png: it is damaged beyond all hope and recognition")
        display.begin(STATE, "markov learns 6 pictures")
        display.epoch(METRICS)
        display.epoch({**METRICS, "held_out_bits_per_pixel": None})
        assert written(console).splitlines() == [
            "Reading pictures …",
            "Left out [bold]a\\x1b.png: it is damaged beyond all hope and recognition",
            "markov learns 6 pictures",
            "epoch 3: bits per pixel 4.250 trained, 4.500 held out, 27,000 targets/s, 1 min 15 s",
            "epoch 3: bits per pixel 4.250 trained, – held out, 27,000 targets/s, 1 min 15 s",
        ]

    def test_long_epochs_have_a_line_now_and_then(self, console, monkeypatch):
        display = PlainDisplay(console)
        display.begin(STATE, "")
        display.step(STATE, 0.5, 4.25, 90.0)
        assert written(console) == "\n"
        monkeypatch.setattr("pixelgen.cli.display.PLAIN_EVERY", 0.0)
        display.step(STATE, 0.5, 4.25, 90.0)
        line = "epoch 3, step 40: 4.250 bits per pixel, 27,000 targets/s, 1 min 30 s left"
        assert line in written(console)


class TestLive:
    def test_the_table_the_bar_and_the_picture_are_drawn(self):
        console = terminal()
        display = LiveDisplay(console)
        display.stage("Reading pictures")
        display.note("5 [pictures]")
        display.begin(STATE, "markov learns")
        display.epoch(METRICS)
        display.sampled(3, [0.5, 1.0], PICTURES)
        display.step(STATE, 0.25, 4.125, 30.0)
        display.end()
        text = written(console)
        for part in ("Reading pictures …", "5 [pictures]", "markov learns", "4.250", "4.500"):
            assert part in text
        for part in ("25%", "epoch 3", "4.125", "27,000 targets/s", "30 s left"):
            assert part in text
        assert "▀" in text
        assert "38;2;200;30;40" in text

    @pytest.mark.parametrize("console", [terminal(width=60), terminal(colours="256")])
    def test_where_there_is_no_room_or_no_colour_there_is_no_picture(self, console):
        display = LiveDisplay(console)
        display.begin(STATE, "markov learns")
        display.epoch(METRICS)
        display.sampled(3, [1.0], PICTURES)
        display.end()
        assert "▀" not in written(console)
        assert "4.250" in written(console)

    def test_only_the_last_epochs_are_shown(self):
        console = terminal()
        display = LiveDisplay(console)
        for epoch in range(1, 101):
            display.epoch({**METRICS, "epoch": 1000 + epoch})
        display.begin(STATE, "")
        display.end()
        assert "1100" in written(console)
        assert "1050" not in written(console)

    def test_the_cursor_comes_back(self):
        console = terminal()
        display = LiveDisplay(console)
        display.begin(STATE, "")
        display.end()
        display.end()  # once more does no harm
        assert written(console).rindex("\x1b[?25h") > written(console).index("\x1b[?25l")

    def test_a_run_that_fails_before_its_first_step_can_end(self):
        LiveDisplay(terminal()).end()


def test_a_terminal_gets_the_live_display_and_a_file_gets_lines(monkeypatch):
    assert isinstance(make_display(), PlainDisplay)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(make_display(), LiveDisplay)


class TestHalfBlocks:
    def drawn(self, pixels, width=80):
        console = terminal()
        console.print(half_blocks(pixels, width), end="")
        return written(console)

    def test_two_rows_are_a_line(self):
        pixels = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3)
        lines = self.drawn(pixels).splitlines()
        assert [line.count("▀") for line in lines] == [3, 3]
        assert "38;2;0;1;2;48;2;9;10;11" in lines[0]

    def test_an_odd_last_row_has_black_below(self):
        lines = self.drawn(np.full((3, 2, 3), 9, np.uint8)).splitlines()
        assert len(lines) == 2
        assert "48;2;0;0;0" in lines[1]

    def test_a_picture_that_is_too_wide_is_shrunk(self):
        lines = self.drawn(np.full((40, 100, 3), 9, np.uint8), width=10).splitlines()
        assert [line.count("▀") for line in lines] == [10, 10]

    def test_transparent_pictures_are_drawn_too(self):
        assert "▀" in self.drawn(np.full((2, 2, 4), 9, np.uint8))

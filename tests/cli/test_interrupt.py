"""Which signal asks for a stop, and which leaves at once."""

from __future__ import annotations

import os
import signal

import pytest

from pixelgen.cli import interrupt
from pixelgen.cli.interrupt import stop_on_signals


class Left(BaseException):
    """Stands in for the end of the process."""


@pytest.fixture(autouse=True)
def _leaving(monkeypatch):
    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr("os._exit", leave)


def test_the_second_signal_leaves_at_once():
    with pytest.raises(Left, match="130"), stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        os.kill(os.getpid(), signal.SIGINT)


def test_the_first_signal_is_answered(capfd):
    with stop_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert "once more stops at once" in capfd.readouterr().err


class TestUnderTorchrun:
    @pytest.fixture(autouse=True)
    def _job(self, monkeypatch):
        for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "localhost")):
            monkeypatch.setenv(name, value)

    def test_a_signal_that_is_sent_on_is_not_a_second_one(self):
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.exit_code == 130

    def test_a_later_one_is(self, monkeypatch):
        monkeypatch.setattr(interrupt, "AGAIN", -1.0)
        with pytest.raises(Left), stop_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)


def test_nobody_need_be_there_to_read_the_answer(monkeypatch):
    def closed(descriptor, data):
        raise OSError

    monkeypatch.setattr("os.write", closed)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
    assert stop()

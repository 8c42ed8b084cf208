"""Whether this process is one of several is told by what torchrun sets, all of it."""

from __future__ import annotations

import pytest

from pixelgen.errors import OptionError
from pixelgen.models.markov import Markov
from pixelgen.processes import help_if_asked, rank, world_size


@pytest.fixture
def job(monkeypatch):
    def told(**variables: str) -> None:
        for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    told()
    return told


def test_alone_where_nothing_is_told(job):
    assert (rank(), world_size()) == (0, 1)
    help_if_asked(Markov, "markov")


def test_one_of_several_where_all_is_told(job):
    job(RANK="2", WORLD_SIZE="4", MASTER_ADDR="localhost")
    assert (rank(), world_size()) == (2, 4)


@pytest.mark.parametrize(
    "variables",
    [{"WORLD_SIZE": "4"}, {"RANK": "1", "WORLD_SIZE": "4"}, {"RANK": "1", "MASTER_ADDR": "x"}],
)
def test_alone_where_something_else_has_set_some_of_it(job, variables):
    job(**variables)
    assert (rank(), world_size()) == (0, 1)


def test_what_is_no_number_is_not_believed(job):
    job(RANK="one", WORLD_SIZE="many", MASTER_ADDR="localhost")
    assert (rank(), world_size()) == (0, 1)


def test_a_model_that_cannot_is_refused_in_every_process(job):
    for number in ("0", "1"):
        job(RANK=number, WORLD_SIZE="2", MASTER_ADDR="localhost")
        with pytest.raises(OptionError, match="'markov' cannot be trained by 2 processes"):
            help_if_asked(Markov, "markov")


def test_the_others_help_and_end(job, monkeypatch):
    ended, helped = [], []

    class Helper(Markov):
        trains_in_company = True

        @classmethod
        def help_leader(cls) -> None:
            helped.append(rank())

    monkeypatch.setattr("os._exit", ended.append)
    for number in ("0", "1"):
        job(RANK=number, WORLD_SIZE="2", MASTER_ADDR="localhost")
        help_if_asked(Helper, "helper")
    assert helped == [1]
    assert ended == [0]

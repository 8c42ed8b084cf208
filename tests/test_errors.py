"""An error says what was wrong, where, and what to do, and survives the way between processes."""

from __future__ import annotations

import pickle

import pytest

from pixelgen import errors
from pixelgen.errors import PixelgenError, PluginNotFound, did_you_mean, nearest_names


def kinds_of_error() -> list[type[PixelgenError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, PixelgenError)
    ]


def test_the_three_parts_make_the_message() -> None:
    error = PixelgenError("no such folder: art", where="in --source", remedy="Make it first")
    assert str(error) == "no such folder: art. in --source. Make it first"
    assert (error.what, error.where, error.remedy) == (
        "no such folder: art",
        "in --source",
        "Make it first",
    )


def test_parts_left_out_leave_no_gap() -> None:
    assert str(PixelgenError("it broke")) == "it broke"
    assert str(PixelgenError("it broke", remedy="Mend it")) == "it broke. Mend it"


@pytest.mark.parametrize("kind", kinds_of_error())
def test_every_error_is_explained_and_can_be_sent_from_a_worker(kind: type[PixelgenError]) -> None:
    assert kind.__doc__
    sent = kind("what", where="where", remedy="remedy")
    received = pickle.loads(pickle.dumps(sent))
    assert type(received) is kind
    assert vars(received) == vars(sent)
    assert str(received) == str(sent)


def test_a_misspelt_name_is_answered_with_the_nearest_first() -> None:
    known = ["top-k", "top-p", "greedy"]
    assert nearest_names("greddy", known) == ["greedy"]
    assert set(nearest_names("top", known)) == {"top-k", "top-p"}
    assert did_you_mean("greddy", known) == "Did you mean 'greedy'? "
    assert "'top-k'" in did_you_mean("top", known)
    assert " or " in did_you_mean("top", known)


def test_a_name_near_to_nothing_gets_no_suggestion() -> None:
    assert nearest_names("zzz", ["greedy"]) == []
    assert did_you_mean("zzz", ["greedy"]) == ""
    assert did_you_mean("zzz", []) == ""


def test_one_except_catches_them_all() -> None:
    with pytest.raises(PixelgenError):
        raise PluginNotFound("no model is called 'x'")

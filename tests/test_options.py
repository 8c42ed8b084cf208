"""Options are checked against their class, and errors say all that it takes to mend them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model, model_validator

from pixelgen.errors import OptionError
from pixelgen.options import Options, describe_options, parse_options, parse_value, written


class Brush(Enum):
    ROUND = "round"
    FLAT = "flat"


class Painting(Options):
    hidden: int = Field(384, ge=1, le=8192, description="width of the recurrent state")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out")
    memory: Literal["none", "row", "picture"] = "row"
    context: str | tuple[tuple[int, int], ...] = "wide"
    window: int | None = Field(None, ge=1)
    mirror: bool = True

    @model_validator(mode="after")
    def _windows_need_pictures(self) -> Painting:
        if self.window and self.memory != "picture":
            raise ValueError("a window needs memory='picture'")
        return self


def parse(**values: Any) -> Painting:
    return parse_options(Painting, values, owner="model painter")


def error(**values: Any) -> OptionError:
    with pytest.raises(OptionError) as caught:
        parse(**values)
    assert caught.value.where == "in the options of model painter"
    return caught.value


# -- what is taken -------------------------------------------------------------------------------


def test_what_is_not_given_takes_its_default() -> None:
    assert parse() == Painting(hidden=384, dropout=0.1, memory="row")


def test_text_is_taken_where_it_reads_as_the_options_type() -> None:
    assert parse(hidden="12", dropout="0.5", mirror="false") == Painting(
        hidden=12, dropout=0.5, mirror=False
    )


def test_hyphens_are_as_good_as_underscores() -> None:
    class Words(Options):
        two_words: int = 1

    assert parse_options(Words, {"two-words": 3}, owner="test").two_words == 3


def test_offsets_are_taken_as_lists() -> None:
    assert parse(context=[[0, -1], [-1, 0]]).context == ((0, -1), (-1, 0))


def test_none_is_nothing_only_where_the_option_may_be_nothing() -> None:
    assert parse(window="none").window is None
    assert parse(memory="none").memory == "none"
    assert error(hidden="none").what.startswith("option 'hidden' cannot be 'none'")


class Columns(Options):
    """Options that are text."""

    column: str = "image"
    group: str | None = None
    title: str | None = "name"
    folder: Path | None = None
    bounded: Annotated[str, Field(max_length=12)] | None = None


@given(st.sampled_from(sorted(Columns.model_fields)), st.data())
def test_what_is_typed_for_an_option_that_is_text_stays_as_it_was_typed(
    name: str, data: st.DataObject
) -> None:
    typed = data.draw(
        st.sampled_from(
            ["0", "1234567", "12345e7", "1_000", "0x1f", "1.50", "true", "2022-03-01", "10:30:00"]
        )
    )
    parsed = parse_options(Columns, {name: parse_value(typed)}, owner="test")
    assert str(getattr(parsed, name)) == typed


def test_a_number_that_was_not_typed_is_no_text() -> None:
    with pytest.raises(OptionError, match="option 'column' cannot be 0: Input should be a valid"):
        parse_options(Columns, {"column": 0}, owner="test")


@pytest.mark.parametrize("name", ["group", "title", "folder", "bounded"])
def test_none_is_nothing_for_text_that_may_be_nothing_too(name: str) -> None:
    parsed = parse_options(Columns, {name: "none"}, owner="test")
    assert getattr(parsed, name) is None
    again = parse_options(Columns, tomllib.loads(tomli_w.dumps(written(parsed))), owner="test")
    assert again == parsed
    assert parse_options(Columns, {"column": "none"}, owner="test").column == "none"


def test_options_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        parse().hidden = 3  # type: ignore[misc]


# -- what is refused -----------------------------------------------------------------------------


def test_an_unknown_option_is_answered_with_the_nearest_and_all_others() -> None:
    wrong = error(hiden=3)
    assert wrong.what == "unknown option 'hiden'"
    assert wrong.remedy.startswith("Did you mean 'hidden'? Known options: hidden, dropout, ")


def test_a_plugin_without_options_says_so() -> None:
    with pytest.raises(OptionError, match="it takes no options"):
        parse_options(Options, {"anything": 1}, owner="test")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("hidden", 0, "Allowed: int ≥ 1, ≤ 8192 (default 384)"),
        ("hidden", 8193, "Allowed: int ≥ 1, ≤ 8192 (default 384)"),
        ("hidden", "many", "Allowed: int ≥ 1, ≤ 8192 (default 384)"),
        ("hidden", 1.5, "Allowed: int ≥ 1, ≤ 8192 (default 384)"),
        ("dropout", 1, "Allowed: float ≥ 0, < 1 (default 0.1)"),
        ("dropout", float("nan"), "Allowed: float ≥ 0, < 1 (default 0.1)"),
        ("memory", "rwo", "Did you mean 'row'? Allowed: none | row | picture (default 'row')"),
        ("context", [[0]], "Allowed: str | [[int, int], …] (default 'wide')"),
        ("context", 5, "Allowed: str | [[int, int], …] (default 'wide')"),
        ("window", 0, "Allowed: int | none ≥ 1 (default None)"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(option: str, value: Any, allowed: str) -> None:
    wrong = error(**{option: value})
    assert wrong.what.startswith(f"option {option!r} cannot be {value!r}")
    assert wrong.remedy == allowed


def test_the_complaint_is_about_the_value_and_not_about_one_of_several_types() -> None:
    assert error(context=[[0]]).what == "option 'context' cannot be [[0]]"
    assert error(hidden=0).what.endswith("Input should be greater than or equal to 1")


def test_a_rule_over_several_options_speaks_for_itself() -> None:
    assert error(window=5).what == "a window needs memory='picture'"


def test_an_option_without_a_default_is_asked_for() -> None:
    class Needy(Options):
        address: str = Field(description="where the pictures are")

    with pytest.raises(OptionError) as caught:
        parse_options(Needy, {}, owner="source far-away")
    assert caught.value.what == "option 'address' is needed and was not given"
    assert caught.value.remedy == "Give str: where the pictures are"


def test_a_default_out_of_bounds_is_found() -> None:
    class Mistaken(Options):
        k: int = Field(0, ge=1)

    with pytest.raises(OptionError, match="option 'k' cannot be 0"):
        parse_options(Mistaken, {}, owner="test")


@given(st.dictionaries(st.sampled_from([*Painting.model_fields, "hiden"]), st.text() | st.floats()))
def test_whatever_is_given_it_is_options_or_an_option_error(values: dict[str, Any]) -> None:
    try:
        assert isinstance(parse(**values), Painting)
    except OptionError as wrong:
        assert any(repr(name) in wrong.what for name in values) or "window" in wrong.what


# -- descriptions --------------------------------------------------------------------------------


def test_a_description_tells_name_type_default_bounds_and_meaning() -> None:
    first = describe_options(Painting)[0]
    assert vars(first) == {
        "name": "hidden",
        "type": "int",
        "default": 384,
        "bounds": "≥ 1, ≤ 8192",
        "description": "width of the recurrent state",
    }


def test_options_are_described_in_the_order_of_their_class() -> None:
    assert [option.name for option in describe_options(Painting)] == [*Painting.model_fields]


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (int, "int"),
        (bool, "bool"),
        (int | None, "int | none"),
        (Literal["row", "picture"], "row | picture"),
        (Literal["auto"] | int, "auto | int"),
        (Literal[1, 2] | None, "1 | 2 | none"),
        (tuple[int, int], "[int, int]"),
        (tuple[tuple[int, int], ...], "[[int, int], …]"),
        (list[float], "[float, …]"),
        (Sequence[str], "[str, …]"),
        (dict[str, int], "{str = int, …}"),
        (Annotated[int, Field(ge=1)] | None, "int | none"),
        (Brush, "round | flat"),
        (Any, "anything"),
    ],
)
def test_a_type_is_named_as_its_values_are_written(annotation: Any, name: str) -> None:
    model: type[BaseModel] = create_model("Described", option=(annotation, ...))
    assert describe_options(model)[0].type == name


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"gt": 0, "le": 1}, "> 0, ≤ 1"),
        ({"multiple_of": 8}, "a multiple of 8"),
        ({}, ""),
    ],
)
def test_bounds_are_written_as_signs(bounds: dict[str, Any], text: str) -> None:
    model = create_model("Bounded", option=(int, Field(8, **bounds)))
    assert describe_options(model)[0].bounds == text


# -- values from the command line ----------------------------------------------------------------

SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(VALUES)
def test_what_toml_can_write_is_read_back(value: Any) -> None:
    text = tomli_w.dumps({"value": value}).removeprefix("value = ")
    assert parse_value(text) == value


@given(st.text())
def test_any_text_is_a_value(text: str) -> None:
    parse_value(text)


@given(st.from_regex(r"[a-z][a-z_/-]*", fullmatch=True).filter(lambda w: w not in WORDS_OF_TOML))
def test_a_plain_word_or_path_stands_for_itself(text: str) -> None:
    assert parse_value(text) == text


WORDS_OF_TOML = {"true", "false", "inf", "nan"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 0.001),
        ("true", True),
        ("[[0, -1], [-1, 0]]", [[0, -1], [-1, 0]]),
        ('"5"', "5"),
        ("wide", "wide"),
        ("", ""),
        ("#ffcc00", "#ffcc00"),
        ("1\nother = 2", "1\nother = 2"),  # one value, and not a document
        ("2024-13-45", "2024-13-45"),
        ("1979-05-27", "1979-05-27"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_reads_as(text: str, value: Any) -> None:
    assert parse_value(text) == value

"""`pixelgen plugins new`: where it writes, and what it refuses."""

from __future__ import annotations

import tomllib

import pytest


def test_the_last_line_is_the_folder(pixelgen, here):
    called = pixelgen("plugins", "new", "spotlight", "--kind", "sampler")
    assert called.code == 0
    assert called.last.resolve() == (here / "pixelgen-spotlight").resolve()
    assert "class Spotlight(pixelgen.Sampler)" in (
        called.last / "pixelgen_spotlight" / "sampler.py"
    ).read_text(encoding="utf-8")


def test_nothing_is_overwritten(pixelgen, here):
    (here / "pixelgen-spotlight").mkdir()
    called = pixelgen("plugins", "new", "spotlight", "--kind", "sampler")
    called.assert_explained("is there already", "pixelgen-spotlight", "--into")
    assert not list((here / "pixelgen-spotlight").iterdir())
    assert [path.name for path in here.iterdir()] == ["pixelgen-spotlight"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Spotlight", "lower-case"),
        ("spot_light", "lower-case"),
        ("spot--light", "lower-case"),
        ("../spot", "lower-case"),
        ("9lives", "lower-case"),
        ("pixelgen-spot", "need not say it"),
        ("none", "called None"),
        ("path", "called Path"),
        ("image", "called Image"),
        ("key-error", "called KeyError"),
        ("a" * 31, "31 characters"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(pixelgen, here, name, reason):
    pixelgen("plugins", "new", name, "--kind", "sampler").assert_explained(reason, "NAME")
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("name", "owner"),
    [("greedy", "a sampler of plugin"), ("run", "a command of pixelgen")],
)
def test_a_taken_name_is_refused_with_its_owner(pixelgen, here, name, owner):
    called = pixelgen("plugins", "new", name, "--kind", "model")
    called.assert_explained(f"{name!r} is taken: it is {owner}")
    assert not list(here.iterdir())


def test_an_unknown_kind_is_answered_with_the_nearest(pixelgen):
    called = pixelgen("plugins", "new", "spotlight", "--kind", "smapler")
    called.assert_explained("'smapler'", "--kind", "'sampler'")


@pytest.mark.parametrize("author", ["Zoë 🎨", 'A "B" \\ C', "𠮷田"])
def test_an_author_may_have_any_letters(pixelgen, author):
    called = pixelgen("plugins", "new", "spotlight", "--kind", "sampler", "--author", author)
    project = tomllib.loads((called.last / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"] == [{"name": author}]

"""Each check of the kit catches the plugin that it is there for, and only what it should."""

from __future__ import annotations

import broken_executors
import broken_models
import broken_samplers
import broken_sources
import broken_tokenizers
import broken_trackers
import pytest
from mutation import Mistakes, failures, names_of

from pixelgen.testing.contract import KINDS

TABLES: dict[str, Mistakes] = {
    module.MISTAKES.kind: module.MISTAKES
    for module in (
        broken_tokenizers,
        broken_models,
        broken_samplers,
        broken_sources,
        broken_executors,
        broken_trackers,
    )
}
# A tracker need not implement anything, so that nothing it lacks makes its class incomplete.
NOT_PROVEN = {("tracker", "class_is_complete")}


def test_each_kind_has_a_table() -> None:
    assert {"plugin", *TABLES} == set(KINDS)  # that of entry points stands in a file of its own


@pytest.mark.parametrize("kind", TABLES)
def test_the_sound_one_passes(kind: str) -> None:
    assert failures(TABLES[kind].sound) == set()


@pytest.mark.parametrize(
    ("kind", "words"), [(kind, words) for kind, table in TABLES.items() for words in table]
)
def test_a_mistake_is_caught(kind: str, words: str) -> None:
    mutant, caught = TABLES[kind][words]
    assert failures(mutant) == set(caught.split())


@pytest.mark.parametrize("kind", TABLES)
def test_every_check_is_proven(kind: str) -> None:
    caught = {name for _, names in TABLES[kind].values() for name in names.split()}
    unproven = {(kind, name) for name in names_of(kind) - caught}
    assert unproven == {each for each in NOT_PROVEN if each[0] == kind}

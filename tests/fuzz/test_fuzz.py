"""Whatever the bytes, nothing comes of reading them but success or a `PixelgenError`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from mutating import inputs
from targets import Target, make_targets, memory

INPUTS = 2000  # of each target; benchmarks/reliability.py feeds it 100,000
NAMES = (
    *("pictures", "palettes", "recipes", "run.json"),
    *("weights", "checkpoints", "tokenizers", "tokens", "options"),
)


@pytest.fixture(scope="module")
def targets() -> Iterator[dict[str, Target]]:
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield make_targets(Path(folder))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_escapes(targets, name):
    target = targets[name]

    @settings(
        max_examples=INPUTS,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=inputs(target.seeds))
    def feed(data: bytes) -> None:
        target.feed(data)

    feed()


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_read_with_success(targets, name, monkeypatch):
    """Or else what grows from them would be turned away at the door."""
    monkeypatch.setattr("pixelgen.errors.PixelgenError", Never)
    for seed in targets[name].seeds:
        targets[name].feed(seed)


def test_all_targets_are_fed(targets):
    assert set(targets) == set(NAMES)


class Never(Exception):
    """Is not raised."""

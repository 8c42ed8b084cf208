"""Batches: every position once an epoch, with the context that a look-up by hand gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pixelgen.data.batches import EVALUATION_BATCH, Cutter
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import SCANS, Segments

pytestmark = pytest.mark.usefixtures("small_pyramids")

VOCABULARY = 50
GRID = (5, 7)
MEMORIES = ("none", "row", "picture")
SQUARE = [(0, 0), (-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
CONTEXTS = ("previous", "near", "wide", ((0, -2), (-1, 3)))


def make_cutter(scan="raster", *, grid=GRID, **segments) -> Cutter:
    made = make_scan(scan, grid)
    wanted = Segments(**segments)
    return Cutter(made, wanted, made.offsets(wanted.context), VOCABULARY)


def pictures(count, grid=GRID):
    """Canvases whose tokens differ enough to tell cells apart, and a group for each."""
    canvases = np.random.default_rng(count).integers(0, VOCABULARY, (count, grid[0] * grid[1]))
    return canvases.astype(np.int32), np.arange(count, dtype=np.int32) % 3


def epoch(cutter, count, seed=0):
    return list(cutter.training_batches(*pictures(count), np.random.default_rng(seed)))


def context_by_hand(cutter, canvas, cell):
    """The tokens around a cell that its scan has visited before, found by walking the scan."""
    scan = cutter.scan
    order = scan.order.tolist()
    step = order.index(cell)
    if not cutter.offsets:
        return [canvas[order[step - 1]] if step else VOCABULARY]
    row, column = divmod(cell, scan.grid[1])
    pyramid = scan.name == "pyramid"  # of two levels: every 5th cell of every 5th row, and the rest
    coarsest = pyramid and row % 5 == column % 5 == 0
    places = []
    for across, along in cutter.offsets:
        if scan.name == "serpentine" and row % 2:
            places.append((row + across, column - along))
        elif scan.name == "column":
            places.append((row + along, column + across))
        else:
            stride = 5 if coarsest else 1
            places.append((row + stride * across, column + stride * along))
    for down, right in SQUARE if pyramid else []:
        corner = (row // 5 * 5 + 5 * down, column // 5 * 5 + 5 * right)
        places.append((-1, -1) if coarsest else corner)
    found = []
    for there in places:
        inside = 0 <= there[0] < scan.grid[0] and 0 <= there[1] < scan.grid[1]
        neighbour = there[0] * scan.grid[1] + there[1]
        seen = inside and order.index(neighbour) < step
        found.append(canvas[neighbour] if seen else VOCABULARY)
    return found


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("count", [1, 4, 9])
def test_every_position_is_learned_exactly_once_an_epoch(scan, memory, count):
    cutter = make_cutter(scan, memory=memory, batch=4, chunk=6)
    learned = Counter()
    canvases, _ = pictures(count)
    for batch in epoch(cutter, count):
        for targets, positions in zip(batch.targets, batch.positions, strict=True):
            learned.update(zip(positions.tolist(), targets.tolist(), strict=True))
    expected = Counter(
        (cell, token) for canvas in canvases.tolist() for cell, token in enumerate(canvas)
    )
    assert learned == expected


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("scan", SCANS)
def test_contexts_are_those_that_a_walk_along_the_scan_finds(scan, context):
    cutter = make_cutter(scan, memory="none", context=context, batch=100)
    canvases, groups = pictures(2)
    for batch, owners in cutter.evaluation_batches(canvases, groups):
        for index, owner in enumerate(owners):
            for step, cell in enumerate(batch.positions[index]):
                expected = context_by_hand(cutter, canvases[owner], cell)
                assert batch.context[index, step].tolist() == expected


@pytest.mark.parametrize("memory", MEMORIES)
def test_targets_positions_and_groups_belong_to_one_picture(memory):
    cutter = make_cutter(memory=memory, batch=4, chunk=6)
    canvases, groups = pictures(5)
    for batch in epoch(cutter, 5):
        for index in range(len(batch.targets)):
            matches = (canvases[:, batch.positions[index]] == batch.targets[index]).all(axis=1)
            assert batch.groups[index] in groups[matches]


def test_rows_are_shuffled_over_all_pictures_and_all_start_afresh():
    cutter = make_cutter(memory="row", batch=4)
    batches = epoch(cutter, 6)
    assert all(batch.starts.all() for batch in batches)
    assert all(batch.targets.shape == (4, 7) for batch in batches[:-1])
    rows = [row for batch in batches for row in batch.positions[:, 0] // 7]
    assert rows != sorted(rows)


def test_the_order_depends_on_the_generator_alone():
    cutter = make_cutter(memory="row", batch=4)

    def targets(seed):
        return np.concatenate([batch.targets for batch in epoch(cutter, 6, seed)])

    np.testing.assert_array_equal(targets(1), targets(1))
    assert (targets(1) != targets(2)).any()


def test_whole_pictures_go_on_from_chunk_to_chunk():
    cutter = make_cutter(memory="picture", batch=2, chunk=10)
    batches = epoch(cutter, 4)
    assert [batch.targets.shape for batch in batches] == [(2, 10), (2, 10), (2, 10), (2, 5)] * 2
    assert [bool(batch.starts.any()) for batch in batches] == [True, False, False, False] * 2
    canvases, _ = pictures(4)
    streams = np.concatenate([batch.targets for batch in batches[:4]], axis=1)
    assert all(stream.tolist() in canvases.tolist() for stream in streams)


def test_windows_start_every_few_steps_and_start_afresh():
    cutter = make_cutter(memory="picture", window=9, window_step=4, batch=5, context="previous")
    batches = epoch(cutter, 2)
    firsts = Counter(int(first) for batch in batches for first in batch.positions[:, 0])
    assert firsts == dict.fromkeys([*range(0, 26, 4), 26], 2)  # the last window ends at 35
    assert all(batch.starts.all() for batch in batches)
    assert all(batch.targets.shape[1] == 9 for batch in batches)


@pytest.mark.parametrize("scan", ["raster", "pyramid"])
@pytest.mark.parametrize("step", [1, 3, 7, 9])
def test_windows_leave_no_cell_out(scan, step):
    cutter = make_cutter(memory="picture", window=9, window_step=step, batch=5, scan=scan)
    learned = {int(cell) for batch in epoch(cutter, 1) for cell in batch.positions.ravel()}
    assert learned == set(cutter.scan.order.tolist())


def test_a_window_sees_the_token_before_it():
    cutter = make_cutter(memory="picture", window=9, batch=1, context="previous")
    canvases, groups = pictures(1)
    for batch in cutter.training_batches(canvases, groups, np.random.default_rng(0)):
        first = batch.positions[0, 0]
        before = canvases[0, first - 1] if first else VOCABULARY
        assert batch.context[0, 0, 0] == before


def test_a_window_longer_than_a_picture_is_the_whole_picture():
    cutter = make_cutter(memory="picture", window=36, batch=2, context="previous")
    whole = [batch.positions.tolist() for batch in epoch(cutter, 2)]
    assert whole == [[cutter.scan.order.tolist()] * 2]


@pytest.mark.parametrize("count", [1, 4, 9])
@pytest.mark.parametrize(
    "segments",
    [
        {"memory": "none"},
        {"memory": "row"},
        {"memory": "picture", "chunk": 6},
        {"memory": "picture", "window": 9},
    ],
)
def test_the_number_of_batches_is_known_beforehand(segments, count):
    cutter = make_cutter(batch=4, **segments)
    assert cutter.batches_per_epoch(count) == len(epoch(cutter, count))


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
def test_evaluation_covers_every_position_of_every_picture_once(scan, memory):
    cutter = make_cutter(scan, memory=memory, chunk=6)
    count = EVALUATION_BATCH + 2 if memory == "picture" else 30
    canvases, groups = pictures(count)
    seen = np.zeros(canvases.shape, int)
    for batch, owners in cutter.evaluation_batches(canvases, groups):
        assert len(batch.targets) <= EVALUATION_BATCH
        seen[owners[:, None], batch.positions] += 1
        np.testing.assert_array_equal(batch.targets, canvases[owners[:, None], batch.positions])
        np.testing.assert_array_equal(batch.groups, groups[owners])
    assert (seen == 1).all()


def test_evaluation_of_windows_is_of_whole_pictures():
    cutter = make_cutter(memory="picture", window=9, chunk=35)
    [(batch, _)] = cutter.evaluation_batches(*pictures(3))
    assert batch.targets.shape == (3, 35)
    assert batch.size == 105


def test_no_pictures_give_no_batches():
    cutter = make_cutter()
    nothing = np.empty((0, 35), np.int32), np.empty(0, np.int32)
    assert list(cutter.evaluation_batches(*nothing)) == []


def test_steps_along_a_picture_are_told_where_batches_are_not_mixed():
    scan = make_scan("raster", (6, 9))

    def steps_along(**options):
        segments = Segments(context="previous", **options)
        return Cutter(scan, segments, scan.offsets("previous"), 7).steps_along

    assert steps_along() == steps_along(memory="picture", window=20) == 1
    assert steps_along(memory="picture", chunk=10) == 6

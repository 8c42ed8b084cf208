"""What may be wished of pictures: other sizes, given tokens, temperatures, mixtures, best ones."""

from __future__ import annotations

import dataclasses

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from test_generation import CONTEXTS, MEMORIES, SAMPLER, VOCABULARY, FastPath, make_cutter
from test_generation import make_model as make_scrambler
from toys import Scrambler

from pixelgen.data import bands as bands_module
from pixelgen.data.bands import bands
from pixelgen.data.batches import Cutter
from pixelgen.data.places import places
from pixelgen.data.scans import make_scan
from pixelgen.data.schedule import make_schedule
from pixelgen.data.segments import SCANS
from pixelgen.errors import OptionError
from pixelgen.generation import Plan, Wishes, paint, paint_many
from pixelgen.models.interface import Decoder
from pixelgen.samplers.mixture import log_probabilities, mixed
from pixelgen.samplers.multinomial import Multinomial

pytestmark = pytest.mark.usefixtures("small_pyramids")


def painted(cutter, wishes=None, *, model=None, seed=1, pictures=range(3), **named):
    model = model or make_scrambler(cutter)
    parts = paint_many(model, cutter, SAMPLER, seed=seed, pictures=pictures, wishes=wishes, **named)
    return np.concatenate(list(parts))


# -- given tokens --------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("share", [0.2, 0.7, 1.0])
def test_given_its_own_tokens_a_picture_is_the_same(scan, memory, share):
    """The state has run over what is given as over what was painted."""
    cutter = make_cutter(scan, memory)
    whole = painted(cutter, pictures=[4])
    stays = np.random.default_rng(0).random(whole.shape[1:]) < share
    given = np.where(stays, whole[0], -1)
    np.testing.assert_array_equal(painted(cutter, Wishes(given=given), pictures=[4]), whole)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
def test_given_rows_stay_and_what_comes_after_follows_from_them(scan, memory):
    cutter = make_cutter(scan, memory, "near")
    given = np.full((6, 9), -1, np.int32)
    given[:3] = np.random.default_rng(1).integers(0, VOCABULARY, (3, 9))
    first = painted(cutter, Wishes(given=given))
    np.testing.assert_array_equal(first[:, :3], np.broadcast_to(given[:3], (3, 3, 9)))
    given[2] = (given[2] + 1) % VOCABULARY
    other = painted(cutter, Wishes(given=given))
    assert (first[:, 3:] != other[:, 3:]).any()
    assert (first[0] != first[1]).any()


def test_what_is_given_later_is_unknown_to_what_is_painted_before():
    cutter = make_cutter("raster", "row")
    given = np.full((6, 9), -1, np.int32)
    given[4:] = 2
    knowing = painted(cutter, Wishes(given=given))
    np.testing.assert_array_equal(knowing[:, :4], painted(cutter)[:, :4])


@pytest.mark.parametrize("memory", MEMORIES)
def test_given_lines_before_the_first_free_cell_are_not_walked_where_no_state_needs_it(memory):
    cutter = make_cutter("raster", memory)
    given = np.full((6, 9), -1, np.int32)
    given[:3], given[3, :4] = 1, 1
    [band] = bands(cutter, given=given)
    walked = np.concatenate(band.schedule.waves)
    assert len(walked) + len(band.schedule.done) == 54
    assert band.schedule.done.tolist() == ([] if memory == "picture" else list(range(27)))


def test_a_picture_that_is_given_as_a_whole_is_painted_in_no_time():
    cutter = make_cutter()
    given = np.random.default_rng(1).integers(0, VOCABULARY, (6, 9)).astype(np.int32)
    told: list[int] = []
    got = painted(cutter, Wishes(given=given), pictures=[0], progress=told.append)
    np.testing.assert_array_equal(got[0], given)


# -- other sizes ---------------------------------------------------------------------------------


class Blind(Scrambler):
    """A scrambler that is told no position, so that only its canvas's shape matters."""

    def decoder(self, slots):
        decoder = super().decoder(slots)
        step = decoder.step
        decoder.step = lambda inputs: step(
            dataclasses.replace(inputs, positions=np.zeros_like(inputs.positions))
        )
        return decoder


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("scan", SCANS)
def test_another_size_is_painted_as_by_a_model_of_that_size(scan, memory):
    cutter, larger = (make_cutter(scan, memory, "near", grid) for grid in ((6, 9), (10, 13)))
    got = painted(cutter, Wishes(grid=(10, 13)), model=make_scrambler(cutter, Blind))
    np.testing.assert_array_equal(got, painted(larger, model=make_scrambler(larger, Blind)))


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("scan", SCANS)
def test_in_bands_it_is_the_same_picture(scan, context, memory, monkeypatch):
    cutter = make_cutter(scan, memory, context)
    given = np.full((21, 5), -1, np.int32)
    given[7:9], given[13, 2] = 3, 3
    for wishes in (
        Wishes(grid=(21, 5)),
        Wishes(grid=(21, 5), given=given, temperatures=np.linspace(2, 0.5, 21)),
    ):
        whole = painted(cutter, wishes)
        with monkeypatch.context() as patch:
            patch.setattr(bands_module, "band_rows", lambda width: 4)
            cut = list(bands(cutter, (21, 5)))
            in_bands = scan in ("raster", "serpentine", "pyramid") and memory != "picture"
            if scan == "pyramid" and context == "previous":  # a level begins where another ends
                in_bands = False
            assert len(cut) == (6 if in_bands else 1)
            np.testing.assert_array_equal(painted(cutter, wishes), whole)


@hypothesis.settings(deadline=None)
@hypothesis.given(
    scan=st.sampled_from(["raster", "serpentine", "pyramid"]),
    trained=st.sampled_from([(6, 9), (9, 6), (12, 12), (29, 4), (3, 3)]),
    grid=st.tuples(st.integers(1, 60), st.integers(1, 12)),
    rows=st.integers(1, 30),
    context=st.sampled_from(["near", "wide", ((0, -1), (7, 0), (-6, 2))]),
    memory=st.sampled_from(["row", "none"]),
    positions=st.sampled_from(["absolute", "relative"]),
    share=st.sampled_from([0, 0.1, 0.9]),
    best_of=st.sampled_from([1, 2]),
)
def test_in_bands_it_is_the_same_picture_whatever_is_wished(
    scan, trained, grid, rows, context, memory, positions, share, best_of
):
    """Pyramids of one, two or three levels, contexts that look far, more or less given."""
    cutter = make_cutter(scan, memory, context, trained)
    segments = dataclasses.replace(cutter.segments, positions=positions)
    cutter = dataclasses.replace(cutter, segments=segments)
    generator = np.random.default_rng(0)
    stands = generator.integers(0, VOCABULARY, grid, np.int32)
    wishes = Wishes(
        grid=grid,
        given=np.where(generator.random(grid) < share, stands, -1) if share else None,
        temperatures=np.linspace(2, 0.5, grid[0]),
        best_of=best_of,
    )
    whole = painted(cutter, wishes)
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands_module, "band_rows", lambda width: rows)
        np.testing.assert_array_equal(painted(cutter, wishes, progress=told.append), whole)
    assert told == sorted(told)
    assert told[-1] == whole.size * best_of


def test_a_band_is_no_taller_than_its_rows_and_its_contexts_reach(monkeypatch):
    monkeypatch.setattr(bands_module, "band_rows", lambda width: 4)
    for scan, reach in (("raster", 3), ("serpentine", 4)):  # `wide` looks three rows up
        heights = [band.scan.grid[0] for band in bands(make_cutter(scan), (50, 5))]
        assert max(heights) == 4 + reach


def test_a_band_of_a_pyramid_has_the_cells_of_its_small_copy_around(monkeypatch):
    monkeypatch.setattr(bands_module, "band_rows", lambda width: 12)
    copy, *rest = bands(make_cutter("pyramid", grid=(6, 9)), (52, 7))
    assert copy.scan.grid == (11, 2)
    assert copy.numbers.tolist() == [
        7 * row + column for row in range(0, 52, 5) for column in (0, 5)
    ]
    assert copy.adds == 22
    assert [band.first_row for band in rest] == [0, 5, 15, 25, 35, 45]
    assert [band.scan.grid[0] for band in rest] == [11, 16, 16, 16, 16, 7]
    assert [band.adds for band in rest] == [10 * 7 - 4] * 5 + [2 * 7 - 2]


@pytest.mark.parametrize("positions", ["absolute", "relative"])
@pytest.mark.parametrize("rows", [12, 128])  # in bands, and in one go
@pytest.mark.parametrize("scan", SCANS)
def test_every_cell_is_told_as_its_place_in_the_whole_picture(scan, rows, positions, monkeypatch):
    monkeypatch.setattr(bands_module, "band_rows", lambda width: rows)
    cutter = make_cutter(scan)
    segments = dataclasses.replace(cutter.segments, positions=positions)
    told = places(cutter.scan, cutter.scan.over((52, 7)), positions)
    for band in bands(dataclasses.replace(cutter, segments=segments), (52, 7)):
        np.testing.assert_array_equal(band.places, told[band.numbers])


def test_bands_that_are_alike_share_their_schedule(monkeypatch):
    monkeypatch.setattr(bands_module, "band_rows", lambda width: 10)
    for scan in ("raster", "pyramid"):
        parts = list(bands(make_cutter(scan), (50, 7)))[-5:]
        assert len({id(band.schedule) for band in parts[1:-1]}) == 1


@pytest.mark.parametrize("positions", ["absolute", "relative"])
def test_the_model_is_told_places_that_it_knows(positions):
    cutter = make_cutter()
    cutter = dataclasses.replace(
        cutter, segments=dataclasses.replace(cutter.segments, positions=positions)
    )
    model = make_scrambler(cutter)
    seen = []
    decoder = model.decoder

    def watching(slots):
        inner = decoder(slots)
        step = inner.step

        def watched(inputs):
            seen.append(inputs.positions)
            return step(inputs)

        inner.step = watched
        return inner

    model.decoder = watching
    painted(cutter, Wishes(grid=(12, 18)), model=model, pictures=[0])
    rows = np.sort(np.concatenate(seen) // 9)
    expected = {"relative": [36] * 6, "absolute": [18, 18, 72, 72, 18, 18]}
    assert np.bincount(rows).tolist() == expected[positions]


def test_a_model_of_one_size_says_that_it_is():
    cutter = make_cutter()
    fixed = dataclasses.replace(
        cutter, segments=dataclasses.replace(cutter.segments, positions="fixed")
    )
    with pytest.raises(OptionError, match="9×6 tokens and cannot paint 10×6"):
        painted(fixed, Wishes(grid=(6, 10)))
    np.testing.assert_array_equal(painted(fixed, Wishes(grid=(6, 9))), painted(cutter))


# -- mixtures and temperatures -------------------------------------------------------------------


def test_a_mixture_draws_from_the_mean_of_its_groups():
    cutter = make_cutter(memory="none", context="near", grid=(1, 1))
    model = make_scrambler(cutter)
    schedule = make_schedule(cutter.scan, cutter.table, "none")
    logits = []
    for group in (0, 2):
        plan = Plan(cutter, schedule, SAMPLER, 1, np.arange(1), np.array([group], np.int32))
        paint(watched(model, logits), plan)
    both = np.stack([logits[0][0], logits[1][0]])[None]
    expected = -log_probabilities(mixed(both, np.array([0.25, 0.75])))[0]
    plan = Plan(
        cutter,
        schedule,
        SAMPLER,
        1,
        np.arange(1),
        np.zeros(1, np.int32),
        mixture={0: 0.25, 2: 0.75},
    )
    nats = np.zeros((1, 1))
    canvas = paint(model, plan, nats=nats)
    assert nats[0, 0] == pytest.approx(expected[canvas[0, 0]])


def watched(model, logits):
    """The model, whose decoders leave what they return in a list."""

    class Watched(Decoder):
        def __init__(self, inner):
            self.inner = inner

        def step(self, inputs):
            logits.append(self.inner.step(inputs))
            return logits[-1]

    class Wrapper:
        def decoder(self, slots):
            return Watched(model.decoder(slots))

    return Wrapper()


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_mixture_of_one_group_with_itself_is_that_group(memory):
    """Each voice goes on from a state of its own."""
    cutter = make_cutter(memory=memory)
    one = painted(cutter, groups=[2] * 3)
    same = Wishes(mixture={2: 1.0})
    np.testing.assert_array_equal(painted(cutter, same), one)
    nearly = painted(cutter, Wishes(mixture={2: 1 - 1e-12, 1: 1e-12}))
    np.testing.assert_array_equal(nearly, one)
    assert (painted(cutter, Wishes(mixture={2: 0.5, 1: 0.5})) != one).any()


def test_a_temperature_for_all_rows_is_the_samplers():
    cutter = make_cutter()
    model = make_scrambler(cutter)
    sampler = Multinomial(Multinomial.Options(temperature=0.5))
    parts = paint_many(model, cutter, sampler, seed=1, pictures=range(3))
    got = painted(cutter, Wishes(temperatures=np.full(6, 0.5)))
    np.testing.assert_array_equal(got, np.concatenate(list(parts)))


def test_temperatures_are_by_row():
    cutter = make_cutter()
    course = np.array([1, 1, 1, 0.01, 0.01, 0.01])
    plain, along = painted(cutter), painted(cutter, Wishes(temperatures=course))
    np.testing.assert_array_equal(along[:, :3], plain[:, :3])
    assert (along[:, 3:] != plain[:, 3:]).any()


# -- the best of several -------------------------------------------------------------------------


def likelihoods(cutter, pictures):
    """−ln p of pictures by their index, from a plan of their own."""
    model = make_scrambler(cutter)
    schedule = make_schedule(cutter.scan, cutter.table, cutter.segments.memory)
    indices = np.asarray(pictures)
    plan = Plan(cutter, schedule, SAMPLER, 1, indices, np.zeros(len(indices), np.int32))
    nats = np.zeros((len(indices), cutter.scan.cells))
    canvas = paint(model, plan, nats=nats)
    return cutter.scan.grids(canvas), nats.sum(axis=1)


def test_the_best_is_the_most_probable_of_its_tries():
    cutter = make_cutter(context="near")
    tries, nats = likelihoods(cutter, range(12))
    best = nats.reshape(3, 4).argmin(axis=1) + np.arange(0, 12, 4)
    assert len(set(best % 4)) > 1
    np.testing.assert_array_equal(painted(cutter, Wishes(best_of=4)), tries[best])


def test_the_nats_are_those_of_the_tokens_under_the_models_own_distribution():
    cutter = make_cutter(memory="none", context="near", grid=(2, 3))
    logits: list[np.ndarray] = []
    model = watched(make_scrambler(cutter), logits)
    schedule = make_schedule(cutter.scan, cutter.table, "none", one_at_a_time=True)
    cold = Multinomial(Multinomial.Options(temperature=0.2))
    plan = Plan(cutter, schedule, cold, 1, np.arange(1), np.zeros(1, np.int32))
    nats = np.zeros((1, 6))
    canvas = paint(model, plan, nats=nats)
    for cell, row in enumerate(logits):
        p = np.exp(row[0].astype(np.float64))
        assert nats[0, cell] == pytest.approx(-np.log(p[canvas[0, cell]] / p.sum()))


def test_the_best_completion_leads_best_into_what_is_given_later():
    """What is given below counts, so the try is chosen that makes it the most probable."""
    cutter = make_cutter(context="near")
    given = np.full((6, 9), -1, np.int32)
    given[3:] = 4
    model = make_scrambler(cutter)
    [band] = bands(cutter, given=given)
    canvases, totals = [], []
    for index in range(5):
        stands = np.tile(cutter.scan.canvas(given[None]), (1, 1))
        plan = Plan(
            cutter,
            band.schedule,
            SAMPLER,
            1,
            np.array([index]),
            np.zeros(1, np.int32),
            given=stands,
        )
        nats = np.zeros((1, 54))
        canvases.append(paint(model, plan, nats=nats)[0].reshape(6, 9))
        assert nats[0, 27:].min() > 0
        totals.append(nats.sum())
    best = painted(cutter, Wishes(given=given, best_of=5), pictures=[0])[0]
    np.testing.assert_array_equal(best, canvases[int(np.argmin(totals))])


def test_progress_counts_every_try_and_every_band(monkeypatch):
    monkeypatch.setattr(bands_module, "band_rows", lambda width: 4)
    cutter = make_cutter(context="near")
    told: list[int] = []
    painted(cutter, Wishes(grid=(21, 5), best_of=3), pictures=range(2), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2 * 3 * 105


# -- fast paths ----------------------------------------------------------------------------------


def test_a_plain_plan_is_told_from_others():
    cutter = make_cutter()
    model = make_scrambler(cutter, FastPath)
    painted(cutter, model=model)
    assert model.plan.plain
    painted(cutter, Wishes(grid=(6, 9)), model=model)
    assert model.plan.plain
    for wishes in (
        Wishes(grid=(6, 10)),
        Wishes(given=np.full((6, 9), -1, np.int32)),
        Wishes(temperatures=np.ones(6)),
        Wishes(mixture={0: 0.5, 1: 0.5}),
    ):
        painted(cutter, wishes, model=model)
        assert not model.plan.plain


def test_the_best_are_painted_by_the_loop_which_knows_how_probable_they_are():
    cutter = make_cutter()
    model = make_scrambler(cutter, FastPath)
    np.testing.assert_array_equal(
        painted(cutter, Wishes(best_of=2), model=model), painted(cutter, Wishes(best_of=2))
    )


def test_wide_pictures_are_fewer_at_once():
    cutter = make_cutter(memory="none", context="near", grid=(1, 4))
    parts = paint_many(
        make_scrambler(cutter),
        cutter,
        SAMPLER,
        seed=1,
        pictures=range(5),
        wishes=Wishes(grid=(1, 4096)),
    )
    assert [len(part) for part in parts] == [2, 2, 1]


def test_a_cutter_of_another_size_is_made_from_offsets_that_were_given():
    cutter = make_cutter(context=((-2, 1), (0, -3)))
    [band] = bands(cutter, (8, 12))
    assert isinstance(band.cutter, Cutter)
    assert band.cutter.offsets == cutter.offsets
    np.testing.assert_array_equal(
        band.cutter.table, make_scan("raster", (8, 12)).context_table(cutter.offsets)
    )

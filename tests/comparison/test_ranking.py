"""What is made of several runs: by setting, by seed, and where something is not known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pixelgen.comparison.comparable import Identity
from pixelgen.comparison.conduct import Comparison
from pixelgen.comparison.measure import Measurement
from pixelgen.comparison.page import has_rate_distortion
from pixelgen.comparison.plot import plot_bits, plot_rate_distortion
from pixelgen.comparison.ranking import Finished, rank, unequal_budgets
from pixelgen.comparison.table import as_csv, as_json, cells

PICTURES = 12
HELD_OUT = Identity(size=(8, 8), fit="cover", channels=3, names=tuple("abcdefghijkl"), pixels="")
NOISE = np.random.default_rng(0).normal(0, 0.1, (9, PICTURES))


def run(
    seed: int, bits: float, number: int = 0, mse: float | None = 4.0, vocab_size: int = 27, **spent
) -> Finished:
    measurement = Measurement(
        ended="",
        held_out=HELD_OUT,
        bits=(bits + NOISE[number]).tolist(),
        mse=None if mse is None else [mse] * PICTURES,
        vocab_size=vocab_size,
        token_shape=(1, 1),
        parameters=5,
        device="cpu",
        **{"epochs": 2, "steps": 4, "targets": 1000, "seconds": 3.0, **spent},
        pixels_per_second=9.0,
        curve=[(1.0, bits + 1), (2.0, bits)],
    )
    return Finished(f"{bits}", seed, Path(), Path(), measurement, None)


class TestRunsOfEqualSeed:
    again = ("again", [run(1, 4.0, 0), run(1, 4.2, 1), run(1, 4.4, 2)])
    other = ("other", [run(1, 3.0, 3), run(1, 3.0, 3)])

    def test_count_as_one_seed(self):
        ranking = rank([self.again, self.other])
        assert any(note.startswith("With one seed") for note in ranking.notes)
        assert any("same seed count as one" in note for note in ranking.notes)
        assert [row.seeds for row in ranking.rows] == [1, 1]
        comparison = Comparison(Path(), ranking, (), "", ranking.notes)
        assert [each["seeds"] for each in as_json(comparison)["settings"]] == [1, 1]
        assert "\nother,1," in as_csv(ranking)

    def test_are_averaged_before_they_are_compared(self):
        mean = self.again[1][0].measurement.model_copy(
            update={"bits": np.mean([each.measurement.bits for each in self.again[1]], 0).tolist()}
        )
        averaged = ("again", [Finished("", 1, Path(), Path(), mean, None)])
        several, one = rank([self.again, self.other]), rank([averaged, ("other", [run(1, 3.0, 3)])])
        for a, b in zip(several.rows, one.rows, strict=True):
            assert a.bits.mean == pytest.approx(b.bits.mean)
            assert a.bits.standard_error == pytest.approx(b.bits.standard_error)
            assert a.p == (None if b.p is None else pytest.approx(b.p))

    def test_weigh_no_more_than_a_seed_with_one_run(self):
        [row] = rank([("mixed", [run(1, 4.0), run(1, 4.0), run(1, 4.0), run(2, 6.0)])]).rows
        assert row.bits.mean == pytest.approx(5.0 + NOISE[0].mean())
        assert row.seeds == 2


class TestAnErrorThatIsNotKnown:
    one = ("one", [run(1, 4.0, mse=None), run(2, 4.0, 1, mse=None)])
    other = ("other", [run(1, 3.0, 3, mse=None), run(2, 3.1, 4, mse=None)])

    def test_is_not_shown_as_none(self):
        ranking = rank([self.one, self.other])
        assert ranking.by == "bits"
        assert any("What a tokenizer loses is not known" in note for note in ranking.notes)
        for row in ranking.rows:
            shown = cells(row)
            assert [shown[name] for name in ("MSE", "PSNR", "total bits")] == ["–"] * 3
        files = json.loads(json.dumps(as_json(Comparison(Path(), ranking, (), "", ranking.notes))))
        assert files["settings"][0]["mse"] is None
        assert files["settings"][0]["total_bits_per_pixel"] is None
        assert not has_rate_distortion(ranking.rows)
        assert plot_bits(ranking).marks

    def test_does_not_rank_different_tokens_in_silence(self):
        ranking = rank([self.one, ("larger", [run(1, 5.0, vocab_size=64), run(2, 5.0)])])
        assert ranking.by == "bits"
        assert any("the order means nothing" in note for note in ranking.notes)

    def test_is_left_out_of_the_plot_of_those_that_are(self):
        known = [("a", [run(1, 5.0, mse=9.0)]), ("b", [run(1, 6.0, mse=1.0)])]
        ranking = rank([("unknown", [run(1, 4.0, mse=None)]), *known])
        assert has_rate_distortion(ranking.rows)
        svg = plot_rate_distortion(ranking).svg()
        assert ">a<" in svg
        assert ">unknown<" not in svg


def test_budgets_that_differ_in_every_unit_are_named():
    long, short = run(1, 4.0), run(1, 5.0, seconds=1.0, epochs=1, targets=500)
    assert "1 to 3 s" in unequal_budgets(rank([("a", [long]), ("b", [short])]).rows)[0]
    alike = run(1, 5.0, seconds=1.0, epochs=1)
    assert unequal_budgets(rank([("a", [long]), ("b", [alike])]).rows) == []

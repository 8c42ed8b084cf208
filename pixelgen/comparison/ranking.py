"""One row a setting, the best first, each with how sure it is that the best is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from pixelgen.comparison.comparable import check_comparable
from pixelgen.comparison.measure import Measurement
from pixelgen.comparison.process import Usage
from pixelgen.comparison.rate_distortion import psnr, residual_bits
from pixelgen.comparison.uncertainty import (
    Difference,
    Estimate,
    estimate,
    holm,
    mark,
    paired_difference,
)

Measure = Literal["bits", "total"]
SAME_MSE = 1e-6  # relative: closer than this, two tokenizers gave the same tokens
UNEQUAL = 0.02  # relative: spent budgets farther apart than this are noted


@dataclass(frozen=True)
class Finished:
    """A finished run of a setting.

    Attributes:
        name: as it is called in a message.
        seed: its seed.
        path: the run directory.
        record: the folder of its measurement and pictures.
        measurement: what was found.
        usage: what its process used; None where that was not watched.
    """

    name: str
    seed: int
    path: Path
    record: Path
    measurement: Measurement
    usage: Usage | None


@dataclass(frozen=True)
class Row:
    """What is known of one setting: means over its seeds, unless said otherwise.

    Attributes:
        name: what the setting is called.
        runs: its finished runs; those of equal seed count as one, their mean.
        bits: held-out bits per pixel, over seeds and pictures.
        mse: mean squared error a channel of the tokenizer on the held-out pictures; None where it
            is not known.
        residual: bits a pixel that restoring the pixels costs beyond the tokens, (R, N) for R runs;
            None where it is not known.
        total: bits and distortion together: `bits` and `residual`, over seeds and pictures; None
            where it is not known.
        behind: how much more it needs than the best, by the ranking's measure; None for the best.
        p: of that difference, adjusted for the number of settings.
    """

    name: str
    runs: tuple[Finished, ...]
    bits: Estimate
    mse: float | None
    residual: np.ndarray | None
    total: Estimate | None
    behind: Difference | None = None
    p: float | None = None

    @property
    def seeds(self) -> int:
        """With how many seeds it was trained."""
        return len({run.seed for run in self.runs})

    @property
    def psnr(self) -> float | None:
        """Peak signal-to-noise ratio of the tokenizer in dB; infinite where nothing is lost."""
        return None if self.mse is None else psnr(self.mse)

    @property
    def mark(self) -> str:
        """`best`, or `**` or `*` where it is surely worse (p < 0.01, p < 0.05), or nothing."""
        return "best" if self.p is None else mark(self.p)

    @property
    def targets_per_second(self) -> float:
        return _mean([run.measurement.targets_per_second for run in self.runs])

    @property
    def pixels_per_second(self) -> float:
        return _mean([run.measurement.pixels_per_second for run in self.runs])

    @property
    def parameters(self) -> int:
        return round(_mean([run.measurement.parameters for run in self.runs]))

    @property
    def seconds(self) -> float:
        """Of training."""
        return _mean([run.measurement.seconds for run in self.runs])

    @property
    def peak_memory(self) -> int | None:
        """The most that any of its processes held, in bytes."""
        known = [run.usage.peak_memory for run in self.runs if run.usage]
        return max((peak for peak in known if peak is not None), default=None)

    @property
    def energy(self) -> float | None:
        """Joules a run."""
        known = [run.usage.energy for run in self.runs if run.usage]
        joules = [energy for energy in known if energy is not None]
        return _mean(joules) if joules else None


@dataclass(frozen=True)
class Ranking:
    """The rows, best first.

    Attributes:
        rows: one a setting.
        by: `bits` where all settings have the same tokens, or nobody knows what these lose;
            otherwise `total`, because bits of different vocabularies say nothing about each other.
        notes: sentences that a reader of the table should know.
    """

    rows: tuple[Row, ...]
    by: Measure
    notes: tuple[str, ...]


def rank(settings: Sequence[tuple[str, Sequence[Finished]]]) -> Ranking:
    """Rank settings by how well they predict the held-out pictures.

    Args:
        settings: the name of each, and its finished runs, at least one.

    Raises:
        NotComparable: runs were measured on different pictures.
    """
    check_comparable([(run.name, run.measurement.held_out) for _, runs in settings for run in runs])
    rows = [_row(name, runs) for name, runs in settings]
    same = _same_tokens(rows)
    known = all(row.mse is not None for row in rows)
    by: Measure = "total" if known and not same else "bits"
    rows.sort(key=lambda row: (float(_values(row, by).mean()), row.name))
    best = rows[0]
    behind = [paired_difference(_values(row, by), _values(best, by)) for row in rows[1:]]
    # Which is the best was seen in the same numbers, so that any pair might have been tested.
    adjusted = holm([difference.p for difference in behind], pairs(len(rows)))
    others = [
        Row(row.name, row.runs, row.bits, row.mse, row.residual, row.total, difference, p)
        for row, difference, p in zip(rows[1:], behind, adjusted, strict=True)
    ]
    ranked = (best, *others)
    return Ranking(ranked, by, tuple(_notes(ranked, by, same)))


def pairs(settings: int) -> int:
    """Return how many pairs there are of so many."""
    return settings * (settings - 1) // 2


def _row(name: str, runs: Sequence[Finished]) -> Row:
    bits = np.array([run.measurement.bits for run in runs])  # (R, N)
    errors = [run.measurement.mse for run in runs]
    mse = residual = total = None
    if None not in errors:
        residual = residual_bits(np.array(errors), runs[0].measurement.held_out.channels)
        mse = float(_by_seed(np.array(errors), runs).mean())
        total = estimate(_by_seed(bits + residual, runs))
    return Row(name, tuple(runs), estimate(_by_seed(bits, runs)), mse, residual, total)


def _values(row: Row, by: Measure) -> np.ndarray:
    """What the row is ranked by: (S, N), one a seed and picture."""
    bits = np.array([run.measurement.bits for run in row.runs])
    beyond = row.residual if by == "total" and row.residual is not None else 0.0
    return _by_seed(bits + beyond, row.runs)


def _by_seed(values: np.ndarray, runs: Sequence[Finished]) -> np.ndarray:
    """(R, N) values of runs as (S, N): a run again with its seed tells nothing of other seeds."""
    seeds = np.array([run.seed for run in runs])
    return np.array([values[seeds == seed].mean(axis=0) for seed in dict.fromkeys(seeds.tolist())])


def _same_tokens(rows: Sequence[Row]) -> bool:
    """Whether all settings read the pictures alike, seed by seed where palettes depend on it."""
    known: dict[int, Measurement] = {}
    for run in (run for row in rows for run in row.runs):
        first = known.setdefault(run.seed, run.measurement)
        if (first.vocab_size, first.token_shape) != (
            run.measurement.vocab_size,
            run.measurement.token_shape,
        ) or not _alike(first.mse, run.measurement.mse):
            return False
    seeds = {frozenset(run.seed for run in row.runs) for row in rows}
    return len(seeds) == 1 or all(_alike(row.mse, rows[0].mse) for row in rows)


def _alike(one: float | list[float] | None, other: float | list[float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.allclose(one, other, rtol=SAME_MSE, atol=0))


def _notes(rows: Sequence[Row], by: Measure, same_tokens: bool) -> list[str]:
    notes = []
    runs = [run for row in rows for run in row.runs]
    pictures = len(runs[0].measurement.held_out.names)
    fewest = min(row.seeds for row in rows)
    if by == "total":
        notes.append(
            "Ranked by total bits: the tokenizers differ, and bits per pixel of different "
            "tokens say nothing about each other"
        )
    if any(row.mse is None for row in rows):
        notes.append(
            "What a tokenizer loses is not known where the pictures were encoded before: of these "
            "only the tokens are there"
        )
    if by == "bits" and not same_tokens:
        notes.append(
            "The tokenizers differ, and bits per pixel of different tokens say nothing about each "
            "other: the order means nothing"
        )
    if any(row.seeds < len(row.runs) for row in rows):
        notes.append("Runs of a setting with the same seed count as one, their mean")
    if fewest == 1:
        notes.append(
            "With one seed, ± is over the held-out pictures alone and knows nothing of the luck of "
            "training: give --seeds 3"
        )
    if len(rows) > 1 and 2.0 ** (1 - pictures) * pairs(len(rows)) >= 0.05:
        notes.append(
            f"{pictures} held-out pictures are too few to mark any difference among {len(rows)} "
            "settings as more than chance"
        )
    devices = sorted({run.measurement.device for run in runs})
    if len(devices) > 1:
        notes.append(f"Not all ran on one device: {', '.join(devices)}")
    return notes


def unequal_budgets(rows: Sequence[Row]) -> list[str]:
    """Return what to tell the reader where no budget that was spent is the same for all runs."""
    for unit in ("seconds", "epochs", "targets"):
        spent = [getattr(run.measurement, unit) for row in rows for run in row.runs]
        if max(spent) - min(spent) <= UNEQUAL * max(spent):
            return []
    spent = [run.measurement.seconds for row in rows for run in row.runs]
    return [
        "The budgets that were spent are not equal, neither in seconds nor in epochs or targets: "
        f"{min(spent):,.0f} to {max(spent):,.0f} s of training"
    ]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))

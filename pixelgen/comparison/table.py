"""The table: on a terminal, and as compare.json and compare.csv."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from pixelgen import __version__
from pixelgen.comparison.conduct import Comparison
from pixelgen.comparison.ranking import Finished, Ranking, Row

SCHEMA = 1
DASH = "–"
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float | None, unit: str = "") -> str:
    """Return a number with three digits and a prefix: `1.26 M`, `412 MB`; a dash for None."""
    if value is None:
        return DASH
    for size, letter in UNITS:
        if value >= size * 0.9995:
            return f"{value / size:.3g} {letter}{unit}"
    return f"{value:.3g} {unit}".strip()


def behind(row: Row) -> str:
    """Return `best`, or how far a row lies behind it with the mark of significance."""
    if row.behind is None:
        return "best"
    return f"{row.behind.mean:+.3f} {row.mark}".strip()


def cells(row: Row) -> dict[str, str]:
    """Return what the table shows of a row, by heading."""
    return {
        "setting": row.name,
        "bits/pixel": str(row.bits),
        "MSE": DASH if row.mse is None else f"{row.mse:.1f}",
        "PSNR": _psnr(row.psnr),
        "total bits": DASH if row.total is None else str(row.total),
        "behind": behind(row),
        "targets/s": f"{row.targets_per_second:,.0f}",
        "pixels/s": f"{row.pixels_per_second:,.0f}",
        "parameters": short(row.parameters),
        "memory": short(row.peak_memory, "B"),
        "energy": short(row.energy, "J"),
        "trained": f"{row.seconds:,.1f} s",
    }


def _psnr(value: float | None) -> str:
    if value is None:
        return DASH
    return "exact" if math.isinf(value) else f"{value:.1f} dB"


SPEED_BEGINS = "targets/s"  # where a table that is too wide is broken in two


def terminal_table(ranking: Ranking, width: int) -> RenderableType:
    """Return one table, or two where one is wider than `width` columns."""
    shown = [cells(row) for row in ranking.rows]
    headings = list(shown[0])
    whole = _table(shown, headings)
    measured = Console(width=10_000).measure(whole)
    if measured.maximum <= width:
        return whole
    cut = headings.index(SPEED_BEGINS)
    return Group(_table(shown, headings[:cut]), "", _table(shown, [headings[0], *headings[cut:]]))


def _table(shown: list[dict[str, str]], headings: list[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        first = heading == "setting"
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first)
    for number, row in enumerate(shown):
        words = [escape(row[heading]) for heading in headings]
        table.add_row(*words, style="bold" if number == 0 and len(shown) > 1 else "")
    return table


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return everything that is known, as compare.json holds it; numbers are not rounded."""
    ranking = comparison.ranking
    held_out = ranking.rows[0].runs[0].measurement.held_out
    return {
        "schema": SCHEMA,
        "pixelgen-core": __version__,
        "budget": comparison.budget,
        "ranked_by": _measure_name(ranking),
        "held_out": held_out.model_dump(mode="json"),
        "settings": [_row_json(row) for row in ranking.rows],
        "failed": [vars(failure) for failure in comparison.failures],
        "stopped": comparison.stopped,
        "notes": list(comparison.notes),
    }


def as_csv(ranking: Ranking) -> str:
    """Return compare.csv: a line a setting, numbers in full, unknown ones empty."""
    output = io.StringIO()
    lines = [_flat(row) for row in ranking.rows]
    writer = csv.DictWriter(output, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return output.getvalue()


def _measure_name(ranking: Ranking) -> str:
    return "held_out_bits_per_pixel" if ranking.by == "bits" else "total_bits_per_pixel"


def _flat(row: Row) -> dict[str, Any]:
    """What has one number a setting, by the names of both files."""
    gap = row.behind
    return {
        "setting": row.name,
        "seeds": row.seeds,
        "held_out_bits_per_pixel": row.bits.mean,
        "held_out_bits_per_pixel_standard_error": row.bits.standard_error,
        "mse": row.mse,
        "psnr_db": None if row.psnr is None or math.isinf(row.psnr) else row.psnr,
        "total_bits_per_pixel": row.total.mean if row.total else None,
        "total_bits_per_pixel_standard_error": row.total.standard_error if row.total else None,
        "behind_best": gap.mean if gap else None,
        "behind_best_low": gap.low if gap else None,
        "behind_best_high": gap.high if gap else None,
        "p": row.p,
        "mark": row.mark,
        "targets_per_second": row.targets_per_second,
        "pixels_per_second": row.pixels_per_second,
        "parameters": row.parameters,
        "peak_memory_bytes": row.peak_memory,
        "energy_joules": row.energy,
        "seconds": row.seconds,
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {**_flat(row), "runs": [_run_json(run) for run in row.runs]}


def _run_json(run: Finished) -> dict[str, Any]:
    found = run.measurement.model_dump(
        mode="json", exclude={"held_out", "schema_version", "ended", "bits", "mse"}
    )
    return {
        "seed": run.seed,
        "run": str(run.path),
        **found,
        "held_out_bits_per_pixel_by_picture": run.measurement.bits,
        "mse_by_picture": run.measurement.mse,
        "process": run.usage.model_dump(mode="json") if run.usage else None,
    }

"""The HTML page: the table, the plots, and the pictures of each setting side by side."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from pixelgen import __version__
from pixelgen.comparison.conduct import Comparison
from pixelgen.comparison.plot import plot_bits, plot_rate_distortion
from pixelgen.comparison.ranking import Row
from pixelgen.comparison.table import cells
from pixelgen.comparison.uncertainty import Difference
from pixelgen.report.axes import colour_of

TEMPLATE = "page.html"
EXPLANATIONS = {
    "bits/pixel": "held-out bits per pixel, mean ± standard error over seeds and pictures",
    "MSE": "mean squared error a channel of the tokenizer on the held-out pictures",
    "PSNR": "the same as peak signal-to-noise ratio",
    "total bits": "bits per pixel, and what restoring the very pixels would cost beyond the tokens",
    "behind": "the best, with the 95 % confidence interval of a paired t-test over held-out "
    "pictures and seeds, and p adjusted for the number of pairs; * p < 0.05, ** p < 0.01",
    "targets/s": "tokens learned from a second of training",
    "pixels/s": "painting, eight pictures side by side",
    "parameters": "learned numbers",
    "memory": "most main memory of the process at once",
    "energy": "of the processors during a run",
    "trained": "seconds of training steps",
}


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, as an address that holds them."""

    name: str
    address: str
    colour: str | None = None


def render_page(comparison: Comparison) -> str:
    """Return the page as one HTML file that loads nothing else.

    Every name is escaped: settings, pictures and folders may be called anything.
    """
    ranking = comparison.ranking
    held_out = ranking.rows[0].runs[0].measurement.held_out
    plots = [plot_bits(ranking)]
    if has_rate_distortion(ranking.rows):
        plots.append(plot_rate_distortion(ranking))
    rows = [cells(row) for row in ranking.rows]
    intervals = [
        (_between(row.behind), f"p = {row.p:.2g}") if row.behind else () for row in ranking.rows
    ]
    colours = [colour_of(number) for number in range(len(rows))]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        version=__version__,
        budget=comparison.budget,
        stopped=comparison.stopped,
        held_out=held_out,
        headings=list(rows[0]),
        explanations=EXPLANATIONS,
        rows=list(zip(ranking.rows, rows, intervals, colours, strict=True)),
        plots=[Markup(plot.svg()) for plot in plots],  # escaped where its words are written
        painted=_strips(ranking.rows, "painted"),
        held_out_strip=_strip(ranking.rows[0], "held-out", "Held out"),
        decoded=_distinct(_strips(ranking.rows, "decoded")),
        failures=comparison.failures,
        notes=comparison.notes,
    )


def has_rate_distortion(rows: Iterable[Row]) -> bool:
    """Whether the settings' tokenizers differ in what they lose."""
    errors = [row.mse for row in rows if row.mse is not None]
    return bool(errors) and not math.isclose(min(errors), max(errors), rel_tol=1e-6)


def _strips(rows: Iterable[Row], which: str) -> list[Strip]:
    return [_strip(row, which, row.name, colour_of(number)) for number, row in enumerate(rows)]


def _strip(row: Row, which: str, name: str, colour: str | None = None) -> Strip:
    """A strip of the setting's first run."""
    data = (row.runs[0].record / f"{which}.png").read_bytes()
    encoded = base64.b64encode(data).decode("ascii")
    return Strip(name, f"data:image/png;base64,{encoded}", colour)


def _distinct(strips: list[Strip]) -> list[Strip]:
    """One strip for all settings whose tokens show the same."""
    names: dict[str, list[str]] = {}
    for strip in strips:
        names.setdefault(strip.address, []).append(strip.name)
    return [Strip(" · ".join(each), address) for address, each in names.items()]


def _between(gap: Difference) -> str:
    if gap.low is None or gap.high is None:
        return "one picture tells no interval"
    return f"{gap.low:+.3f} to {gap.high:+.3f}"

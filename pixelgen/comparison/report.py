"""The files that a comparison leaves for its readers."""

from __future__ import annotations

from pathlib import Path

from pixelgen.comparison.conduct import Comparison
from pixelgen.comparison.page import has_rate_distortion, render_page
from pixelgen.comparison.plot import plot_bits, plot_rate_distortion
from pixelgen.comparison.table import as_csv, as_json
from pixelgen.runs import atomic


def write_reports(comparison: Comparison) -> Path:
    """Write the table, the plots and the page into the comparison's directory.

    Returns:
        The path of the page, `compare.html`.

    Raises:
        StorageError: the directory cannot be written to.
    """
    directory, ranking = comparison.directory, comparison.ranking
    plots = {"bits": plot_bits(ranking)}
    if has_rate_distortion(ranking.rows):
        plots["rate-distortion"] = plot_rate_distortion(ranking)
    for name, plot in plots.items():
        atomic.write_text(directory / f"{name}.svg", plot.svg())
        atomic.write_bytes(directory / f"{name}.png", plot.png())
    atomic.write_json(directory / "compare.json", as_json(comparison))
    atomic.write_text(directory / "compare.csv", as_csv(ranking))
    page = directory / "compare.html"
    atomic.write_text(page, render_page(comparison))
    return page

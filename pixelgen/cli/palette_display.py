"""A palette in the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from pixelgen.cli.palette_fitting import FittedQuantizer
from pixelgen.cli.visible import shown

MOST_LISTED = 64  # colours; more are shown as a strip, without their shares


def show_palette(
    console: Console, fitted: FittedQuantizer, colours: np.ndarray, shares: np.ndarray
) -> None:
    """Print the colours (V, 3) uint8 with their shares (V,), the errors and the notes."""
    if len(colours) <= MOST_LISTED:
        table = Table(box=None, pad_edge=False)
        table.add_column("")
        table.add_column("hex")
        table.add_column("red green blue", justify="right")
        table.add_column("share", justify="right")
        for colour, share in zip(colours.tolist(), shares.tolist(), strict=True):
            levels = " ".join(f"{level:3d}" for level in colour)
            table.add_row(_swatch(colour, "    "), _hex(colour), levels, f"{share:.2%}")
        console.print(table)
    else:
        strip = Text()
        for colour in colours.tolist():
            strip.append_text(_swatch(colour, "  "))
        console.print(strip)
    distortion = fitted.measured.distortion
    console.print(
        f"{len(colours)} colours by {fitted.name} in {fitted.seconds:.2f} s: "
        f"MSE {distortion.mse:.2f} a channel, PSNR {_decibels(distortion.psnr)} dB, "
        f"mean OKLab ΔE {distortion.delta_e:.4f}",
        soft_wrap=True,
    )
    for note in fitted.tokenizer.notes:
        console.print(f"Note: {shown(note)}", soft_wrap=True)


def comparison_table(fitted: Sequence[FittedQuantizer]) -> Table:
    """Return the table of several quantizers on the same pictures, best first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("quantizer")
    for heading in ("tokens", "MSE a channel", "PSNR dB", "OKLab ΔE", "seconds"):
        table.add_column(heading, justify="right")
    for one in sorted(fitted, key=lambda one: one.measured.distortion.mse):
        distortion = one.measured.distortion
        table.add_row(
            one.name,
            f"{one.tokenizer.vocab_size:,}",
            f"{distortion.mse:.2f}",
            _decibels(distortion.psnr),
            f"{distortion.delta_e:.4f}",
            f"{one.seconds:.2f}",
        )
    return table


def _swatch(colour: Sequence[int], text: str) -> Text:
    return Text(text, Style(bgcolor=Color.from_rgb(*colour)))


def _hex(colour: Sequence[int]) -> str:
    return f"#{bytes(colour).hex()}"


def _decibels(psnr: float) -> str:
    return "∞" if math.isinf(psnr) else f"{psnr:.2f}"

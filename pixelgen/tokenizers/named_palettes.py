"""Palettes that are known by name."""

from __future__ import annotations

import numpy as np

_HEX = {
    "black-and-white": "000000 ffffff",
    "gameboy": "0f380f 306230 8bac0f 9bbc0f",
    "cga": (
        "000000 0000aa 00aa00 00aaaa aa0000 aa00aa aa5500 aaaaaa "
        "555555 5555ff 55ff55 55ffff ff5555 ff55ff ffff55 ffffff"
    ),
    "pico-8": (
        "000000 1d2b53 7e2553 008751 ab5236 5f574f c2c3c7 fff1e8 "
        "ff004d ffa300 ffec27 00e436 29adff 83769c ff77a8 ffccaa"
    ),
    "sweetie-16": (
        "1a1c2c 5d275d b13e53 ef7d57 ffcd75 a7f070 38b764 257179 "
        "29366f 3b5dc9 41a6f6 73eff7 f4f4f4 94b0c2 566c86 333c57"
    ),
    "commodore-64": (
        "000000 626262 898989 adadad ffffff 9f4e44 cb7e75 6d5412 "
        "a1683c c9d487 9ae29b 5cab5e 6abfc6 887ecb 50459b a057a3"
    ),
    "zx-spectrum": (
        "000000 0000d8 0000ff d80000 ff0000 d800d8 ff00ff 00d800 "
        "00ff00 00d8d8 00ffff d8d800 ffff00 d8d8d8 ffffff"
    ),
}

NAMES = tuple(_HEX)


def named_palette(name: str) -> np.ndarray:
    """Return the palette (V, 3) uint8 of one of `NAMES`."""
    return np.frombuffer(bytes.fromhex(_HEX[name]), np.uint8).reshape(-1, 3)

"""The Hilbert curve through the colour cube: an order in which neighbours are alike in colour."""

from __future__ import annotations

import numpy as np


def hilbert_keys(colours: np.ndarray) -> np.ndarray:
    """Return the place of colours (n, 3 or 4) uint8 on the Hilbert curve: (n,) uint32.

    The top `channels` × b bits of a key are those of the colour's cell with b bits a channel, so
    cells of every size are runs in the order of the keys. (John Skilling, "Programming the Hilbert
    curve", 2004.)
    """
    axes = [np.ascontiguousarray(channel) for channel in colours.T]
    bit = 128
    while bit > 1:
        below = np.uint8(bit - 1)
        for i, axis in enumerate(axes):
            # Where the bit is set, invert the lower bits of the first axis; elsewhere swap them
            # with this one's. `swap` is 0 in the former case.
            is_set = (axis & np.uint8(bit)) != 0
            swap = (axes[0] ^ axis) & below
            swap[is_set] = 0
            axes[0] = axes[0] ^ np.where(is_set, below, swap)
            if i:
                axes[i] = axis ^ swap
        bit >>= 1
    for i in range(1, len(axes)):
        axes[i] = axes[i] ^ axes[i - 1]
    flip = np.zeros_like(axes[0])
    bit = 128
    while bit > 1:
        flip ^= np.where(axes[-1] & np.uint8(bit), np.uint8(bit - 1), np.uint8(0))
        bit >>= 1
    keys = np.zeros(len(colours), np.uint32)
    spread_bits = _spread_bits(len(axes))
    for i, axis in enumerate(axes):
        keys |= spread_bits[axis ^ flip] << np.uint32(len(axes) - 1 - i)
    return keys


def _spread_bits(channels: int) -> np.ndarray:
    levels = np.arange(256, dtype=np.uint32)
    spread = np.zeros(256, np.uint32)
    for bit in range(8):
        spread |= (levels >> np.uint32(bit) & np.uint32(1)) << np.uint32(channels * bit)
    return spread

"""One LSTM layer over a whole sequence, forwards and backwards.

    a_t = W x_t + R h_{t-1} + b                         (B, 4H), gates in the order i, f, g, o
    c_t = σ(f) c_{t-1} + σ(i) tanh(g)                   (B, H)
    h_t = σ(o) tanh(c_t)                                (B, H)

Only R h waits for the step before, so W x is one product for all T steps; and backwards, where only
dL/dh waits for the step after, the gradient of each matrix is one product at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What the way back needs from the way there.

    Attributes:
        x: (T, B, E), the inputs.
        gates: (T, B, 4H), σ(i), σ(f), tanh(g), σ(o) of each step.
        cells: (T + 1, B, H), c before the first step and after each.
        tanh_cells: (T, B, H), tanh(c) after each.
        outputs: (T + 1, B, H), h before the first step and after each.
    """

    x: np.ndarray
    gates: np.ndarray
    cells: np.ndarray
    tanh_cells: np.ndarray
    outputs: np.ndarray


def gate_scales(hidden: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return m and k (4H,), so that k + m tanh(m a) is σ of the gates i, f, o and tanh of g.

    For σ(a) = 1/2 + 1/2 tanh(a/2), which makes all four gates one call of tanh.
    """
    is_g = np.repeat([False, False, True, False], hidden)
    return np.where(is_g, 1, 0.5).astype(dtype), np.where(is_g, 0, 0.5).astype(dtype)


def layer_forward(
    x: np.ndarray,
    input_weight: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
) -> LayerTrace:
    """Run a layer over a sequence; `outputs[1:]` are what it gives.

    Args:
        x: (T, B, E).
        input_weight: W (4H, E).
        recurrent: R (4H, H).
        bias: b (4H,).
        h, c: (B, H), the state before the first step.
    """
    steps, rows, hidden = len(x), len(h), h.shape[1]
    scale, shift = gate_scales(hidden, x.dtype)
    gates = (x.reshape(steps * rows, -1) @ input_weight.T + bias).reshape(steps, rows, 4 * hidden)
    cells = np.empty((steps + 1, rows, hidden), x.dtype)
    tanh_cells = np.empty((steps, rows, hidden), x.dtype)
    outputs = np.empty((steps + 1, rows, hidden), x.dtype)
    outputs[0], cells[0] = h, c
    for t in range(steps):
        a = gates[t]  # (B, 4H)
        a += outputs[t] @ recurrent.T
        a *= scale
        np.tanh(a, out=a)
        a *= scale
        a += shift
        i, f, g, o = np.split(a, 4, axis=1)  # (B, H) each
        np.multiply(f, cells[t], out=cells[t + 1])
        cells[t + 1] += i * g
        np.tanh(cells[t + 1], out=tanh_cells[t])
        np.multiply(o, tanh_cells[t], out=outputs[t + 1])
    return LayerTrace(x, gates, cells, tanh_cells, outputs)


def layer_backward(
    trace: LayerTrace, d_outputs: np.ndarray, input_weight: np.ndarray, recurrent: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return dL/dx (T, B, E), dL/dW (4H, E), dL/dR (4H, H) and dL/db (4H,).

    Args:
        trace: of the way there.
        d_outputs: dL/dh (T, B, H), from above. Nothing comes from beyond the sequence's end.
        input_weight, recurrent: W and R.
    """
    steps, rows, hidden = trace.tanh_cells.shape
    d_a = np.empty_like(trace.gates)  # (T, B, 4H)
    d_h = np.zeros((rows, hidden), trace.x.dtype)  # what reaches h_t from the step after
    d_c = np.zeros_like(d_h)  # and c_t
    for t in reversed(range(steps)):
        i, f, g, o = np.split(trace.gates[t], 4, axis=1)  # (B, H) each
        d_i, d_f, d_g, d_o = np.split(d_a[t], 4, axis=1)
        d_h += d_outputs[t]
        tanh_c = trace.tanh_cells[t]
        d_c += d_h * o * (1 - tanh_c * tanh_c)
        np.multiply(d_h * tanh_c, o * (1 - o), out=d_o)  # σ' = σ (1 - σ)
        np.multiply(d_c * g, i * (1 - i), out=d_i)
        np.multiply(d_c * trace.cells[t], f * (1 - f), out=d_f)
        np.multiply(d_c * i, 1 - g * g, out=d_g)  # tanh' = 1 - tanh²
        d_c *= f
        d_h = d_a[t] @ recurrent
    flat = d_a.reshape(steps * rows, 4 * hidden)
    before = trace.outputs[:-1].reshape(steps * rows, hidden)
    x = trace.x.reshape(steps * rows, -1)
    return (
        (flat @ input_weight).reshape(trace.x.shape),
        flat.T @ x,
        flat.T @ before,
        flat.sum(axis=0),
    )

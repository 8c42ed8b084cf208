"""The LSTM over a whole sequence, with its gradient written by hand.

    a_t = W x_t + R h_{t-1} + b                         (B, 4H), gates in the order i, f, g, o
    c_t = σ(f) c_{t-1} + σ(i) tanh(g)                   (B, H)
    h_t = σ(o) tanh(c_t)                                (B, H)

Why not leave it to `keras.layers.LSTM`? On a GPU, it is left to it: that is cuDNN's kernel. On a
CPU, Keras loops over the steps and has each step's gradient for W and R added up; here only `R h`
waits for the step before: the input's product is one for the whole sequence, and so is the
gradient of each matrix. The products run in the dtype of `x`, in bfloat16 that is; states and gates
are float32.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from pixelgen_keras.engines.interface import Engine, Tensor


class Recurrence(keras.layers.Layer):
    """One LSTM layer, time first."""

    def __init__(self, engine: Engine, into: int, hidden: int, name: str) -> None:
        super().__init__(autocast=False, name=name)
        self._engine = engine
        # Keras's gates are in the canonical order, and its weights the canonical ones transposed.
        self.keras_lstm = keras.layers.LSTM(
            hidden,
            kernel_initializer="zeros",
            recurrent_initializer="zeros",
            return_sequences=True,
            return_state=True,
            name="keras_lstm",
            seed=0,  # without one, it would take a number from Python's global generator
        )
        self.keras_lstm.build((None, None, into))
        self.built = True

    def call(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run over a sequence.

        Args:
            x: (T, B, E); its dtype is that of the products.
            h, c: (B, H) float32, the state before the first position.

        Returns:
            The outputs (T, B, H) in the dtype of `x`, and the last state h, c (B, H) float32, which
            carries no gradient: back-propagation through time ends with the sequence.
        """
        if self._engine.walks_by_hand:
            outputs, last_h, last_c = lstm(self._engine, x, *self._weights(), h, c)
        else:
            sequences = ops.transpose(ops.cast(x, "float32"), (1, 0, 2))  # (B, T, E)
            outputs, last_h, last_c = self.keras_lstm(sequences, initial_state=[h, c])
            outputs = ops.cast(ops.transpose(outputs, (1, 0, 2)), x.dtype)
        return outputs, ops.stop_gradient(last_h), ops.stop_gradient(last_c)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return the next h and c (B, H) at one position, given its x (B, E)."""
        kernel, recurrent, bias = self._weights()
        a = ops.matmul(x, kernel) + ops.matmul(h, recurrent) + bias
        i, f, g, o = ops.split(a, 4, axis=1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c

    def _weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """The weights (E, 4H), (H, 4H) and (4H,)."""
        cell = self.keras_lstm.cell
        return cell.kernel.value, cell.recurrent_kernel.value, cell.bias.value


def lstm(
    engine: Engine,
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h: Tensor,
    c: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run over (T, B, E) with weights (E, 4H), (H, 4H), (4H,); see `Recurrence.call`."""
    steps, rows, into = x.shape
    hidden = recurrent.shape[0]
    dtype = x.dtype
    gates_on, gates_back = engine.fused(_gates_on), engine.fused(_gates_back)
    turned = engine.fused(ops.transpose)  # else TensorFlow turns the matrix anew in each product
    # tanh(g) = 2σ(2g) - 1: with gate g doubled (exact in any binary format), one sigmoid over all
    # four gates does, which is much cheaper than a sigmoid and a tanh.
    doubled = np.repeat(np.array([1, 1, 2, 1], np.float32), hidden)

    def forward(*tensors: Tensor) -> Any:
        x, kernel, recurrent, bias, h, c = tensors
        w, r, b = (
            ops.cast(ops.multiply(weight, doubled), dtype) for weight in (kernel, recurrent, bias)
        )
        flat_x = ops.reshape(x, (steps * rows, into))
        pre = ops.reshape(ops.add(ops.matmul(flat_x, w), b), (steps, rows, 4 * hidden))

        def step(carry: Any, now: Any) -> Any:
            before, cell = carry
            out, after, gates, tanh_c = gates_on(now[0], ops.matmul(before, r), cell)
            return (out, after), (gates, cell, tanh_c, before, out)

        (last_h, last_c), (*kept, before, outputs) = engine.scan(
            step, (ops.cast(h, dtype), c), (engine.cut(pre),)
        )

        def gradient(upstream: Any) -> Any:
            d_outputs = engine.cut(ops.cast(upstream[0], dtype))
            r = turned(ops.cast(recurrent, dtype))  # (4H, H)

            def step(carry: Any, now: Any) -> Any:
                d_h, d_c, d_b = carry
                d_a, d_c, d_b = gates_back(d_h, d_c, d_b, *now)
                return (ops.matmul(d_a, r), d_c, d_b), (d_a,)

            start = (ops.zeros_like(c, dtype), ops.zeros_like(c), ops.zeros_like(bias))
            (d_h, d_c, d_b), (d_a,) = engine.scan(step, start, (d_outputs, *kept), reverse=True)
            flat = ops.reshape(engine.join(d_a), (steps * rows, 4 * hidden))
            flat_h = ops.reshape(engine.join(before), (steps * rows, hidden))
            d_x = ops.matmul(flat, ops.transpose(ops.cast(kernel, dtype)))
            return (
                ops.reshape(d_x, (steps, rows, into)),
                ops.cast(ops.matmul(ops.transpose(flat_x), flat), "float32"),
                ops.cast(ops.matmul(ops.transpose(flat_h), flat), "float32"),
                d_b,
                ops.cast(d_h, "float32"),
                d_c,
            )

        return (engine.join(outputs), ops.cast(last_h, "float32"), last_c), gradient

    outputs, last_h, last_c = engine.with_gradient(forward)(x, kernel, recurrent, bias, h, c)
    return outputs, last_h, last_c


def _gates_on(pre: Tensor, recurrent: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
    """One step: from `W x + b` and `R h` (B, 4H), g doubled, and c (B, H), to h and c.

    Returns:
        h in the dtype of the products; c, the gates after their sigmoids and tanh(c), float32.
    """
    gates = ops.sigmoid(ops.add(ops.cast(pre, "float32"), ops.cast(recurrent, "float32")))
    i, f, s, o = ops.split(gates, 4, axis=1)
    after = f * cell + i * (2 * s - 1)
    tanh_c = ops.tanh(after)
    return ops.cast(o * tanh_c, pre.dtype), after, gates, tanh_c


def _gates_back(
    d_h: Tensor,
    d_c: Tensor,
    d_b: Tensor,
    d_out: Tensor,
    gates: Tensor,
    cell: Tensor,
    tanh_c: Tensor,
) -> tuple[Tensor, ...]:
    """The same step backwards: the gradients of a (B, 4H) and of the c before; adds to that of b.

    Args:
        d_h: of h, through the steps after this one; d_out, of h as this step's output.
        d_c: of c.
        d_b: of b, from the steps after this one.
        gates, cell, tanh_c: what the step worked with; `cell` is the c before.
    """
    i, f, s, o = ops.split(gates, 4, axis=1)
    total = ops.cast(d_h, "float32") + ops.cast(d_out, "float32")
    d_c = d_c + total * o * (1 - ops.square(tanh_c))  # all that reaches c
    # Of the gates, and through their sigmoids, whose slope is σ - σ²; 4 for the doubled g.
    d_gates = ops.concatenate([d_c * (2 * s - 1), d_c * cell, d_c * i * 4, total * tanh_c], axis=1)
    d_a = d_gates * (gates - ops.square(gates))
    return ops.cast(d_a, d_out.dtype), d_c * f, d_b + ops.sum(d_a, axis=0)

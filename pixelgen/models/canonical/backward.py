"""The way back: the gradient of the mean loss by every weight, written out by hand.

Each function undoes one of `forward.py`, from the logits to the tables. The tests hold the result
to finite differences in float64.
"""

from __future__ import annotations

import numpy as np

from pixelgen.models.canonical.forward import Network, TiedTrace, Trace
from pixelgen.models.canonical.gelu import gelu, gelu_slope
from pixelgen.models.canonical.loss import mean_cross_entropy
from pixelgen.models.canonical.recurrence import layer_backward

Gradients = dict[str, np.ndarray]


def loss_and_gradients(
    network: Network, trace: Trace, targets: np.ndarray
) -> tuple[float, Gradients]:
    """Return the mean nats per target, and its gradient by every weight's name.

    Args:
        network: the weights.
        trace: what `network.run` computed.
        targets: (N,) integers, time first.
    """
    gradients: Gradients = {}
    bias = network.weights["output.bias"]
    loss, d_z, d_vectors, d_bias = mean_cross_entropy(trace.z, trace.output.vectors, bias, targets)
    gradients["output.bias"] = d_bias
    d_h = d_z  # (N, H)
    if network.options.output == "palette":
        d_h = _linear_backward(network, "project", trace.h, d_z, gradients)
    if trace.tied is not None:
        d_h += _tied_backward(network, trace.h, trace.tied, d_z, d_vectors, gradients)
    _output_backward(network, trace, d_vectors, gradients)
    d_x = _layers_backward(network, trace, d_h, gradients)
    _input_backward(network, trace, d_x, gradients)
    return loss, gradients


def _output_backward(
    network: Network, trace: Trace, d_vectors: np.ndarray, gradients: Gradients
) -> None:
    """Through the tokens' vectors u (V, Z)."""
    output = trace.output
    if network.options.output == "plain":
        gradients["output.weight"] = d_vectors
        return
    if output.waves is not None:
        d_vectors = d_vectors - d_vectors.mean(axis=0)
    gradients["output.free"] = d_vectors
    if output.waves is not None and output.shared is not None:
        d_shared = _linear_backward(
            network, "output.colour.1", gelu(output.shared), d_vectors, gradients
        )
        d_shared *= gelu_slope(output.shared)  # (V, Z)
        _linear_backward(network, "output.colour.0", output.waves, d_shared, gradients)


def _tied_backward(
    network: Network,
    h: np.ndarray,
    tied: TiedTrace,
    d_z: np.ndarray,
    d_vectors: np.ndarray,
    gradients: Gradients,
) -> np.ndarray:
    """Through what the neighbours' vectors add to z: dL/dh (N, H); adds to dL/du (V, Z)."""
    rows, count, heads, size = tied.vectors.shape
    d_sum = d_z.reshape(rows, 1, heads, size)
    d_taken = (tied.weights * d_sum).reshape(rows * count, -1)  # (N J, Z)
    d_vectors += sum_by_entry(d_taken, tied.neighbours.reshape(-1), len(d_vectors) + 1)[:-1]
    d_weights = (tied.vectors * d_sum).sum(axis=3).swapaxes(1, 2)  # (N, G, J)
    return _linear_backward(network, "tied", h, d_weights.reshape(rows, -1), gradients)


def _layers_backward(
    network: Network, trace: Trace, d_h: np.ndarray, gradients: Gradients
) -> np.ndarray:
    """Through the LSTM, from the top: dL/dx (N, E) of dL/dh (N, H)."""
    steps, rows, _ = trace.layers[0].x.shape
    d = d_h.reshape(steps, rows, -1)  # (T, B, H)
    for layer in reversed(range(network.options.layers)):
        if trace.masks:
            d = d * trace.masks[layer]
        name = f"lstm.{layer}"
        d, d_input, d_recurrent, d_bias = layer_backward(
            trace.layers[layer],
            d,
            network.weights[f"{name}.input"],
            network.weights[f"{name}.recurrent"],
        )
        gradients[f"{name}.input"] = d_input
        gradients[f"{name}.recurrent"] = d_recurrent
        gradients[f"{name}.bias"] = d_bias
    return d.reshape(steps * rows, -1)


def _input_backward(network: Network, trace: Trace, d_x: np.ndarray, gradients: Gradients) -> None:
    """Through x (N, E), to the tables and the network of the neighbours' colours."""
    inputs = trace.inputs
    d_total = d_x * gelu_slope(inputs.total) if network.activated else d_x  # (N, E)
    for name, rows in inputs.entries.items():
        gradients[name] = sum_by_entry(d_total, rows, len(network.weights[name]))
    if inputs.colours is not None and inputs.seen is not None:
        d_seen = _linear_backward(network, "colour_in.1", gelu(inputs.seen), d_total, gradients)
        d_seen *= gelu_slope(inputs.seen)  # (N, E)
        _linear_backward(network, "colour_in.0", inputs.colours, d_seen, gradients)


def _linear_backward(
    network: Network, name: str, x: np.ndarray, d_y: np.ndarray, gradients: Gradients
) -> np.ndarray:
    """Through y = weight x + bias: dL/dx (N, in) of dL/dy (N, out)."""
    gradients[f"{name}.weight"] = d_y.T @ x  # (out, in)
    gradients[f"{name}.bias"] = d_y.sum(axis=0)  # (out,)
    d_x: np.ndarray = d_y @ network.weights[f"{name}.weight"]
    return d_x


def sum_by_entry(rows: np.ndarray, entries: np.ndarray, count: int) -> np.ndarray:
    """Return (count, E): at each entry the sum of the rows (N, E) that took it, in order."""
    result = np.zeros((count, rows.shape[1]), rows.dtype)
    order = np.argsort(entries, kind="stable")
    taken, first = np.unique(entries[order], return_index=True)
    result[taken] = np.add.reduceat(rows[order], first, axis=0)
    return result

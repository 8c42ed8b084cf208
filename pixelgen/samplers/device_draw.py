"""The draw of `pixelgen.samplers.draw`, on a device and without waiting for it.

For a model's own `generate`. It is written against the array API, with NumPy's indexing, which
PyTorch and CuPy have too. With NumPy it takes half as long again as that one, which the core's loop
calls at every wave; so both stand.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from pixelgen.samplers.draw import side_of


def choose(probabilities: Any, uniforms: Any, xp: Any) -> tuple[Any, Any]:
    """Choose one token a row, as `pixelgen.samplers.draw.draw` does.

    Args:
        probabilities: (M, V) float, non-negative; rows need not sum exactly to one.
        uniforms: (M, STAGES) float64 in [0, 1).
        xp: their array namespace.

    Returns:
        (M,) int64 tokens, and (M,) float64, each row's total. Where that is not positive and
        finite, the token means nothing: raise `pixelgen.samplers.draw.not_numbers()`.
    """
    count, size = probabilities.shape
    side = side_of(size)
    rows = xp.arange(count, device=device(probabilities))
    if size < side**3:
        missing = (count, side**3 - size)
        nothing = xp.zeros(missing, dtype=probabilities.dtype, device=device(probabilities))
        probabilities = xp.concat([probabilities, nothing], axis=1)
    cube = xp.reshape(probabilities, (count, side, side, side))  # (M, a, b, c)
    square = xp.sum(cube, axis=1, dtype=xp.float64)  # (M, b, c)
    line = xp.sum(square, axis=1)  # (M, c)
    total = xp.sum(line, axis=1)
    c = _chosen(line, uniforms[:, 0], xp)
    b = _chosen(square[rows, :, c], uniforms[:, 1], xp)
    a = _chosen(cube[rows, :, b, c], uniforms[:, 2], xp)
    return (a * side + b) * side + c, total


def _chosen(weights: Any, uniforms: Any, xp: Any) -> Any:
    """(M,) by weights (M, K): the first index at which their sum exceeds u times the whole.

    Devices add in an order of their own, by which a sum may shrink from one index to the next by
    a rounding error. So the whole is the largest sum, and only indices of a weight above zero
    count: that of the whole does, even where rounding makes u times the whole the whole itself.
    """
    sums = xp.cumulative_sum(weights, axis=1, dtype=xp.float64)
    sums = xp.where(weights > 0, sums, 0.0)
    whole = xp.max(sums, axis=1, keepdims=True)
    reached = (sums > uniforms[:, None] * whole) | (sums >= whole)
    return xp.argmax(xp.astype(reached, xp.int8), axis=1)

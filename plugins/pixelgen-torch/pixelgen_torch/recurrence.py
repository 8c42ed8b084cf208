"""The LSTM over a whole sequence.

    a_t = W x_t + R h_{t-1} + b                         (B, 4H), gates in the order i, f, g, o
    c_t = σ(f) c_{t-1} + σ(i) tanh(g)                   (B, H)
    h_t = σ(o) tanh(c_t)                                (B, H)

Three roads to the same numbers. On a GPU, cuDNN's kernel. On a CPU, oneDNN's, called with products
in bfloat16 and cell states in float32, which `nn.LSTM` does not offer: two thirds of the time of
what follows at 384 and 512 hidden. And where PyTorch is built without oneDNN, or the numbers are
float64, a forward and a backward written out by hand. There, only `R h` waits for the previous
step: the input's product is one for the whole sequence, a step is one small product and a handful
of in-place operations, and the gradient of each matrix is one product at the end.

The products run in the dtype of `x`; cell states are kept in that of `c`, but for cuDNN's, which
are in that of `x` too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pixelgen_torch.device import is_lack_of_memory


def lstm(
    x: Tensor, input_weight: Tensor, recurrent: Tensor, bias: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one LSTM layer over a sequence.

    Args:
        x: (T, B, E) inputs; their dtype is that of the products.
        input_weight: (4H, E).
        recurrent: (4H, H).
        bias: (4H,).
        h, c: (B, H), the state before the first position.

    Returns:
        The outputs (T, B, H) in the dtype of `x`, and the last state h, c (B, H), which carries no
        gradient: back-propagation through time ends with the sequence.
    """
    if x.device.type == "cuda":
        return _cudnn(x, input_weight, recurrent, bias, h, c)
    if onednn_works(x.dtype):
        return _onednn(x, input_weight, recurrent, bias, h, c)
    outputs, last_h, last_c = _Recurrence.apply(  # type: ignore[no-untyped-call]
        x, input_weight, recurrent, bias, h, c
    )
    return outputs, last_h, last_c


def _cudnn(
    x: Tensor, input_weight: Tensor, recurrent: Tensor, bias: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    dtype = x.dtype
    if dtype == torch.bfloat16 and not _cudnn_takes_bfloat16(x, len(bias) // 4):
        dtype = torch.float32  # sooner than PyTorch's own loop
    second_bias = torch.zeros_like(bias)  # which it wants
    weights = _in_one_piece((input_weight, recurrent, bias, second_bias), dtype)
    state = (h.to(dtype)[None], c.to(dtype)[None])
    with nullcontext() if torch.is_grad_enabled() else _exact_float32():
        outputs, last_h, last_c = torch._VF.lstm(
            x.to(dtype), state, weights, True, 1, 0.0, torch.is_grad_enabled(), False, False
        )
    return outputs.to(x.dtype), last_h[0].detach().to(h.dtype), last_c[0].detach().to(c.dtype)


def _in_one_piece(weights: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Return the weights as views of one tensor, as cuDNN wants them: else it copies, and warns."""
    whole = torch.cat([weight.to(dtype).flatten() for weight in weights])
    parts = torch.split(whole, [weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights, strict=True)]


def _cudnn_takes_bfloat16(x: Tensor, hidden: int) -> bool:
    """Whether cuDNN's LSTM does: from 9.13 on, on GPUs with units for it, if it then works."""
    return (
        torch.cudnn_is_acceptable(x)
        and (torch.backends.cudnn.version() or 0) >= 91300  # type: ignore[no-untyped-call]
        and torch.cuda.get_device_capability(x.device) >= (8, 0)
        and _bfloat16_works(x.device, x.shape[2], hidden)
    )


@cache
def _bfloat16_works(device: torch.device, width: int, hidden: int) -> bool:
    """Whether a small layer of these widths can be run there and back.

    cuDNN chooses an algorithm by the widths, and not all of them have to know the type.
    """
    kind = torch.bfloat16
    x = torch.zeros(2, 2, width, dtype=kind, device=device, requires_grad=True)
    state = torch.zeros(1, 2, hidden, dtype=kind, device=device)
    shapes = ((4 * hidden, width), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,))
    weights = _in_one_piece([torch.zeros(shape, device=device) for shape in shapes], kind)
    try:
        with torch.enable_grad():
            outputs, _, _ = torch._VF.lstm(
                x, (state, state), weights, True, 1, 0.0, True, False, False
            )
            torch.autograd.grad(outputs.sum(), x)
    except RuntimeError as error:
        if is_lack_of_memory(error):  # which may pass
            raise
        return False
    return True


@contextmanager
def _exact_float32() -> Iterator[None]:
    """Let cuDNN's LSTM keep all of float32's digits meanwhile; by itself it takes TF32's ten bits.

    For likelihoods, which are to be of the very distribution that is painted from. The setting is
    the process's, so this is for one thread at a time.
    """
    rnn: Any = getattr(torch.backends.cudnn, "rnn", None)
    if not hasattr(rnn, "fp32_precision"):  # before PyTorch 2.9
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
        return
    before, rnn.fp32_precision = rnn.fp32_precision, "ieee"
    try:
        yield
    finally:
        rnn.fp32_precision = before


def _onednn(
    x: Tensor, input_weight: Tensor, recurrent: Tensor, bias: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    b = bias.to(x.dtype)
    outputs, last_h, last_c, _ = torch.ops.aten.mkldnn_rnn_layer(
        x,
        input_weight.to(x.dtype),
        recurrent.to(x.dtype),
        b,
        torch.zeros_like(b),  # it wants a second bias
        h.to(x.dtype)[None],
        c[None],
        False,  # not backwards
        [],  # no packed sequences
        2,  # LSTM, in PyTorch's enumeration
        h.shape[1],
        1,  # layer
        True,  # biases
        False,  # not bidirectional
        False,  # time first
        torch.is_grad_enabled(),
    )
    return outputs, last_h[0].detach().to(h.dtype), last_c[0].detach()


def onednn_works(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has oneDNN's LSTM, for products in `dtype` on this processor."""
    available = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.aten, "mkldnn_rnn_layer"):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        input_weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        h: Tensor,
        c: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps, rows, hidden = x.shape[0], x.shape[1], h.shape[1]
        # tanh(g) = 2σ(2g) - 1: with the rows of g doubled (exact in any binary format), one
        # sigmoid over all four gates does, which is much cheaper than a sigmoid and a tanh.
        w = _double_g(input_weight.to(x.dtype))  # (4H, E)
        r = _double_g(recurrent.to(x.dtype)).t()  # (H, 4H)
        b = _double_g(bias.to(x.dtype))
        pre = torch.addmm(b, x.flatten(0, 1), w.t()).view(steps, rows, 4 * hidden)
        gates = torch.empty(steps, rows, 4 * hidden, dtype=c.dtype)
        cells = torch.empty(steps + 1, rows, hidden, dtype=c.dtype)
        tanh_c = torch.empty(steps, rows, hidden, dtype=c.dtype)
        outputs = torch.empty(steps + 1, rows, hidden, dtype=x.dtype)
        cells[0] = c
        outputs[0] = h
        for before, after, a, p, cell, next_cell, t in zip(
            outputs[:-1].unbind(),
            outputs[1:].unbind(),
            gates.unbind(),
            pre.unbind(),
            cells[:-1].unbind(),
            cells[1:].unbind(),
            tanh_c.unbind(),
            strict=True,
        ):
            p.addmm_(before, r)
            a.copy_(p)
            a.sigmoid_()
            i, f, s, o = a.view(rows, 4, hidden).unbind(1)
            torch.mul(f, cell, out=next_cell)
            next_cell.addcmul_(i, s, value=2).sub_(i)
            torch.tanh(next_cell, out=t)
            torch.mul(o, t, out=after)
        ctx.save_for_backward(x, input_weight, recurrent, gates, cells, tanh_c, outputs)
        last_h, last_c = outputs[-1].to(h.dtype), cells[-1].clone()
        ctx.mark_non_differentiable(last_h, last_c)
        return outputs[1:], last_h, last_c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, input_weight, recurrent, gates, cells, tanh_c, outputs = ctx.saved_tensors
        steps, rows, hidden = tanh_c.shape
        r = recurrent.to(x.dtype)  # (4H, H)
        d_pre = torch.empty(steps, rows, 4 * hidden, dtype=x.dtype)
        d_h = torch.zeros(rows, hidden, dtype=x.dtype)
        d_c = torch.zeros(rows, hidden, dtype=cells.dtype)
        d_a = torch.empty(rows, 4, hidden, dtype=cells.dtype)
        slope = torch.empty_like(d_a)
        d_i, d_f, d_g, d_o = d_a.unbind(1)
        for a, cell, t, d_out, d_p in zip(
            reversed(gates.unbind()),
            reversed(cells[:-1].unbind()),
            reversed(tanh_c.unbind()),
            reversed(d_outputs.unbind()),
            reversed(d_pre.unbind()),
            strict=True,
        ):
            a = a.view(rows, 4, hidden)
            i, f, s, o = a.unbind(1)
            total = torch.add(d_h, d_out).to(d_c.dtype)  # dL/dh_t
            torch.mul(total, t, out=d_o)
            total.mul_(o)
            d_c.add_(total).addcmul_(total.mul_(t), t, value=-1)  # (1 - tanh²) of what reached c
            torch.mul(d_c, s, out=d_i)
            torch.add(d_i, d_i, out=d_i).sub_(d_c)  # d_c · tanh(g), tanh(g) = 2s - 1
            torch.mul(d_c, cell, out=d_f)
            torch.mul(d_c, i, out=d_g).mul_(4)  # tanh' = 4 s (1 - s)
            torch.mul(a, a, out=slope)
            torch.sub(a, slope, out=slope)  # σ' = σ - σ²
            torch.mul(d_a, slope, out=d_p.view(rows, 4, hidden))
            d_c.mul_(f)
            torch.mm(d_p, r, out=d_h)
        flat = d_pre.flatten(0, 1)  # (TB, 4H)
        needs = ctx.needs_input_grad
        # The gates' gradient against inputs and against previous outputs: one product each.
        d_x = (flat @ input_weight.to(x.dtype)).view_as(x) if needs[0] else None
        d_w = (flat.t() @ x.flatten(0, 1)).to(input_weight.dtype) if needs[1] else None
        d_r = (flat.t() @ outputs[:-1].flatten(0, 1)).to(recurrent.dtype) if needs[2] else None
        d_b = flat.sum(0, dtype=cells.dtype) if needs[3] else None
        return d_x, d_w, d_r, d_b, d_h.to(cells.dtype), d_c


def _double_g(weight: Tensor) -> Tensor:
    """Return a copy with the third quarter, that of gate g, doubled."""
    doubled = weight.clone()
    hidden = len(weight) // 4
    doubled[2 * hidden : 3 * hidden] *= 2
    return doubled

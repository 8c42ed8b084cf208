"""The LSTM over a sequence: written out by hand, and through the library's kernels."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from pixelgen_torch import recurrence  # noqa: E402

T, B, E, H = 5, 3, 4, 6


def tensors(dtype=torch.float64, steps=T, rows=B, into=E, hidden=H):
    generator = torch.Generator().manual_seed(1)

    def random(*shape):
        values = torch.randn(*shape, generator=generator, dtype=torch.float64)
        return values.to(dtype).requires_grad_()

    return (
        random(steps, rows, into),
        random(4 * hidden, into),
        random(4 * hidden, hidden),
        random(4 * hidden),
        random(rows, hidden),
        random(rows, hidden),
    )


def reference(x, w, r, b, h, c):
    """nn.LSTM with these weights: outputs, last h and last c."""
    module = torch.nn.LSTM(x.shape[2], h.shape[1], dtype=x.dtype)
    weights = {"weight_ih_l0": w, "weight_hh_l0": r, "bias_ih_l0": b}
    weights["bias_hh_l0"] = torch.zeros_like(b)
    outputs, (last_h, last_c) = torch.func.functional_call(module, weights, (x, (h[None], c[None])))
    return outputs, last_h[0], last_c[0]


def expect_alike(results, expected, ours, theirs):
    """Results, and the gradients of the inputs and weights that they come from, in float32."""
    for result, expectation in zip(results, expected, strict=True):
        torch.testing.assert_close(result, expectation, rtol=1e-4, atol=1e-5)
    results[0].square().sum().backward()
    expected[0].square().sum().backward()
    for ours_, theirs_ in zip(ours[:4], theirs[:4], strict=True):
        torch.testing.assert_close(ours_.grad, theirs_.grad, rtol=1e-3, atol=1e-4)


def test_by_hand_the_gradients_are_those_of_finite_differences():
    assert torch.autograd.gradcheck(lambda *all_: recurrence.lstm(*all_)[0], tensors())


def test_by_hand_outputs_and_gradients_are_those_of_nn_lstm():
    ours, theirs = tensors(), tensors()
    results, expected = recurrence.lstm(*ours), reference(*theirs)
    for result, expectation in zip(results, expected, strict=True):
        torch.testing.assert_close(result, expectation)
    weight = torch.linspace(-1, 1, T * B * H, dtype=torch.float64).view(T, B, H)
    (results[0] * weight).sum().backward()
    (expected[0] * weight).sum().backward()
    for ours_, theirs_ in zip(ours, theirs, strict=True):
        torch.testing.assert_close(ours_.grad, theirs_.grad)


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize(
    "shape",
    [
        {"steps": 1},
        {"rows": 1},
        {"steps": 1, "rows": 1, "into": 1, "hidden": 1},
        {"into": 9, "hidden": 33},
    ],
)
def test_every_road_follows_nn_lstm_in_float32_at_any_shape(by_hand, shape, monkeypatch):
    if by_hand:
        monkeypatch.setattr(recurrence, "onednn_works", lambda dtype: False)
    ours, theirs = tensors(torch.float32, **shape), tensors(torch.float32, **shape)
    expect_alike(recurrence.lstm(*ours), reference(*theirs), ours, theirs)


@pytest.mark.parametrize("by_hand", [True, False])
def test_bfloat16_products_stay_near_the_float32_ones(by_hand, monkeypatch):
    if by_hand:
        monkeypatch.setattr(recurrence, "onednn_works", lambda dtype: False)
    exact = tensors(torch.float32, hidden=32)
    rough = (exact[0].detach().bfloat16().requires_grad_(), *exact[1:])
    outputs, last_h, last_c = recurrence.lstm(*rough)
    expected = recurrence.lstm(*exact)[0]
    assert outputs.dtype == torch.bfloat16
    assert last_h.dtype == last_c.dtype == torch.float32
    assert (outputs.float() - expected).abs().max() < 0.05


def test_the_gpus_road_gives_the_same_numbers():
    """Without a GPU the call that cuDNN answers there is answered by PyTorch's own loop."""
    ours, theirs = tensors(torch.float32), tensors(torch.float32)
    results = recurrence._cudnn(*ours)
    expect_alike(results, reference(*theirs), ours, theirs)
    rough = recurrence._cudnn(ours[0].detach().bfloat16(), *ours[1:])
    assert [result.dtype for result in rough] == [torch.bfloat16, torch.float32, torch.float32]
    assert (rough[0].float() - results[0]).abs().max() < 0.05


def test_the_gpus_road_has_its_weights_in_one_piece_and_changes_no_setting():
    weights = tensors(torch.float32)[1:4]
    pieces = recurrence._in_one_piece(weights, torch.float32)
    ends = [piece.data_ptr() + piece.numel() * 4 for piece in pieces]
    assert [piece.data_ptr() for piece in pieces[1:]] == ends[:-1]
    before = torch.backends.cudnn.rnn.fp32_precision
    with recurrence._exact_float32():
        assert torch.backends.cudnn.rnn.fp32_precision == "ieee"
    assert torch.backends.cudnn.rnn.fp32_precision == before


def test_where_cudnn_refuses_bfloat16_its_lstm_is_in_float32(monkeypatch):
    """As it may, by the widths; here with PyTorch's own loop in its place."""
    monkeypatch.setattr(torch, "cudnn_is_acceptable", lambda x: True)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91300)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    real, asked, refused = torch._VF.lstm, [], [torch.bfloat16]

    def refusing(x, *others):
        asked.append(x.dtype)
        if x.dtype in refused:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED")
        return real(x, *others)

    monkeypatch.setattr(torch._VF, "lstm", refusing)
    exact = tensors(torch.float32)
    rough = (exact[0].detach().bfloat16().requires_grad_(), *exact[1:])
    for taken in (torch.float32, torch.bfloat16):
        recurrence._bfloat16_works.cache_clear()
        asked.clear()
        outputs, _, _ = recurrence._cudnn(*rough)
        assert outputs.dtype == torch.bfloat16
        assert asked == [torch.bfloat16, taken]  # tried in little, and then done
        outputs.float().sum().backward()
        assert rough[0].grad is not None
        recurrence._cudnn(*rough)
        assert asked == [torch.bfloat16, taken, taken]  # tried once
        refused.clear()
    recurrence._bfloat16_works.cache_clear()
    refused.append(torch.bfloat16)
    monkeypatch.setattr(recurrence, "is_lack_of_memory", lambda error: True)
    for _ in range(2):  # a lack of memory may pass, and is not kept in mind
        with pytest.raises(RuntimeError, match="NOT_SUPPORTED"):
            recurrence._cudnn(*rough)


def test_the_last_state_carries_no_gradient():
    _, last_h, last_c = recurrence.lstm(*tensors())
    assert not last_h.requires_grad
    assert not last_c.requires_grad


def test_a_sequence_in_two_parts_is_the_sequence():
    x, *weights, h, c = tensors(torch.float32)
    whole = recurrence.lstm(x, *weights, h, c)
    _, middle_h, middle_c = recurrence.lstm(x[:2], *weights, h, c)
    second = recurrence.lstm(x[2:], *weights, middle_h, middle_c)
    torch.testing.assert_close(second[0], whole[0][2:])
    torch.testing.assert_close(second[2], whole[2])


def test_without_gradients_the_outputs_are_the_same():
    with_them = recurrence.lstm(*tensors(torch.float32))[0]
    with torch.no_grad():
        without = recurrence.lstm(*tensors(torch.float32))[0]
    torch.testing.assert_close(without, with_them)

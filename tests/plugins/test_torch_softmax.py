"""Cross-entropy through the output layer, in slices."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from pixelgen_torch import softmax  # noqa: E402
from torch.nn import functional  # noqa: E402


def tensors(count=7, width=3, tokens=5):
    generator = torch.Generator().manual_seed(2)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    targets = torch.randint(tokens, (count,), generator=generator)
    return random(count, width), random(tokens, width), random(tokens), targets


@pytest.mark.parametrize("on_gpu", [False, True])
def test_loss_and_gradients_are_those_of_the_library(monkeypatch, on_gpu):
    monkeypatch.setattr(softmax, "is_gpu", lambda device: on_gpu)
    monkeypatch.setattr(softmax, "ROWS", 3)
    monkeypatch.setattr(softmax, "AT_ONCE", 20)  # of 5 tokens: 4 rows
    ours, theirs = tensors(), tensors()
    loss = softmax.mean_cross_entropy(*ours)
    z, vectors, bias, targets = theirs
    expected = functional.cross_entropy(z @ vectors.t() + bias, targets)
    torch.testing.assert_close(loss, expected)
    (3 * loss).backward()
    (3 * expected).backward()
    for our, their in zip(ours[:3], theirs[:3], strict=True):
        torch.testing.assert_close(our.grad, their.grad)


def test_a_share_of_the_loss_is_not_rounded_to_the_products_dtype():
    share = 341 / 1024  # of which bfloat16 has no exact number
    gradients = []
    for factor in (1, share):
        z, vectors, bias, targets = tensors(width=64)
        z = z.detach().bfloat16().requires_grad_()
        loss = softmax.mean_cross_entropy(z, vectors.float(), bias.float(), targets)
        (factor * loss).backward()
        gradients.append(z.grad)
    assert gradients[0].dtype == torch.bfloat16
    assert torch.equal(gradients[1], (gradients[0].double() * share).bfloat16())


def test_the_gradient_is_that_of_finite_differences():
    *inputs, targets = tensors()
    assert torch.autograd.gradcheck(
        lambda *inputs: softmax.mean_cross_entropy(*inputs, targets), inputs
    )


def test_a_token_that_cannot_be_has_a_finite_loss():
    z = torch.tensor([[300.0]])
    loss = softmax.mean_cross_entropy(
        z, torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.tensor([1])
    )
    assert loss.item() == pytest.approx(600)

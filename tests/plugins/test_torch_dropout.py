"""Masks of the dropout."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
dropout = pytest.importorskip("pixelgen_torch.dropout")


def masks(share, shape=(25, 16, 100), seed=3):
    generator = torch.Generator().manual_seed(seed)
    return dropout.Dropout(generator).mask(torch.empty(shape), share, 1)


@pytest.mark.parametrize("share", [0.01, 0.15, 0.5, 0.9])
def test_a_share_is_dropped_and_the_rest_makes_up_for_it(share):
    mask = masks(share)
    assert (mask == 0).float().mean().item() == pytest.approx(share, abs=0.01)
    assert mask[mask > 0].unique().numel() == 1
    assert mask.mean().item() == pytest.approx(1, rel=0.05)


def test_neighbouring_numbers_are_dropped_independently():
    zero = (masks(0.5) == 0).flatten().float() - 0.5
    for lag in range(1, 9):  # four are drawn at a time
        assert abs((zero[lag:] * zero[:-lag]).mean().item()) < 0.01, lag


def test_each_of_four_drawn_together_is_dropped_as_often():
    shares = (masks(0.15) == 0).flatten().view(-1, 4).float().mean(0)
    assert (shares - 0.15).abs().max() < 0.015


def test_a_share_of_almost_all_leaves_numbers():
    assert torch.isfinite(masks(1 - 1e-9)).all()


def test_a_number_of_them_that_is_no_multiple_of_four():
    assert masks(0.5, shape=(3, 1, 7)).shape == (3, 1, 7)

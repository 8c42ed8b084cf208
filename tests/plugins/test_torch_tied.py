"""The neighbours' output vectors in z: what is summed, and every gradient of it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from pixelgen_torch.tied import bags, by_head, plain_tied_sum, tied_sum  # noqa: E402


def made_up(rows=7, vocab=5, tied=3, heads=2, size=2, dtype=torch.float64):
    """Weights a (N, G J), vectors u (V, Z) and neighbours (N, J), some of them outside."""
    random = torch.Generator().manual_seed(1)
    weights = torch.randn(rows, heads * tied, generator=random, dtype=dtype)
    vectors = torch.randn(vocab, heads * size, generator=random, dtype=dtype)
    neighbours = torch.randint(0, vocab + 1, (rows, tied), generator=random)
    neighbours[0, 1:] = vocab
    return weights, vectors, neighbours


def one_by_one(weights, vectors, neighbours):
    """The sum as the equations have it."""
    rows, tied = neighbours.shape
    heads = weights.shape[1] // tied
    size = vectors.shape[1] // heads
    z = torch.zeros(rows, heads * size, dtype=vectors.dtype)
    for n in range(rows):
        for g in range(heads):
            for j in range(tied):
                if (k := neighbours[n, j]) < len(vectors):
                    part = slice(g * size, (g + 1) * size)
                    z[n, part] += weights[n, g * tied + j] * vectors[k, part]
    return z


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"heads": 1},
        {"heads": 4, "size": 1},
        {"tied": 1},
        {"vocab": 1},
        {"rows": 1},
        {"rows": 40, "vocab": 3},  # tokens that are neighbours again and again
        {"rows": 3, "vocab": 70_000},  # and such as never are; too many for 16 bits
    ],
    ids=str,
)
@pytest.mark.parametrize("road", [tied_sum, plain_tied_sum])  # on a CPU, and elsewhere
def test_the_sum_and_its_gradients_are_those_of_the_equations(shape, road):
    weights, vectors, neighbours = made_up(**shape)
    leaves = [weights.requires_grad_(), vectors.requires_grad_()]
    expected = one_by_one(weights, vectors, neighbours)
    got = road(weights, vectors, neighbours)
    torch.testing.assert_close(got, expected)
    upstream = torch.randn(got.shape, generator=torch.Generator().manual_seed(2), dtype=got.dtype)
    for mine, theirs in zip(
        torch.autograd.grad(got, leaves, upstream),
        torch.autograd.grad(expected, leaves, upstream),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_finite_differences_say_the_same():
    weights, vectors, neighbours = made_up()
    inputs = (weights.requires_grad_(), vectors.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, u: tied_sum(a, u, neighbours), inputs)


def test_weights_in_bfloat16_are_summed_in_float32():
    weights, vectors, neighbours = made_up(rows=50, dtype=torch.float32)
    weights = weights.bfloat16()
    got = tied_sum(weights, vectors, neighbours)
    assert got.dtype == torch.bfloat16
    expected = one_by_one(weights.float(), vectors, neighbours)
    torch.testing.assert_close(got.float(), expected, rtol=2**-8, atol=1e-6)


def test_what_is_outside_adds_nothing():
    weights, vectors, neighbours = made_up()
    assert torch.equal(
        tied_sum(weights, vectors, torch.full_like(neighbours, len(vectors))),
        torch.zeros(7, vectors.shape[1], dtype=vectors.dtype),
    )


@pytest.mark.parametrize("size", [16, 13])
def test_a_rows_sum_is_the_same_bits_among_any_others(size):
    weights, vectors, neighbours = made_up(
        rows=301, vocab=90, tied=8, heads=4, size=size, dtype=torch.float32
    )
    table = by_head(vectors, 4)
    whole = bags(table, weights, neighbours)
    for rows in (slice(0, 1), slice(3, 10), slice(100, 301)):
        assert torch.equal(bags(table, weights[rows], neighbours[rows]), whole[rows])

"""Checks of samplers: pure functions from logits to distributions, on any array library."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import array_api_compat.numpy as numpy_namespace
import numpy as np

from pixelgen.errors import PixelgenError
from pixelgen.registration import is_installed
from pixelgen.samplers.interface import SamplerOptions
from pixelgen.testing.arrays import expect_array, expect_close, expect_equal, frozen
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.subject import Subject


def probabilities(subject: Subject, logits: np.ndarray, **options: Any) -> np.ndarray:
    """Return what a sampler makes of read-only logits, once it was looked at.

    Raises:
        Broken: it is no array of the logits' shape and type.
    """
    found = subject.type(subject.parsed(**options)).probabilities(logits, numpy_namespace)
    return expect_array(found, "probabilities", shape=logits.shape, dtype=logits.dtype)


def toy_logits(rows: int = 6, vocab: int = 9, dtype: Any = np.float32) -> np.ndarray:
    """Return logits (rows, vocab), read-only; in the last row all are equal."""
    logits = np.random.default_rng(1).normal(0, 3, (rows, vocab)).astype(dtype)
    logits[-1] = 0
    return frozen(logits)


@check("sampler")
def check_rows_are_distributions(subject: Subject) -> None:
    """`probabilities` of logits (M, V) returns an array of the same shape and type; every row is
    finite, non-negative and sums to one, for large and for equal logits too.

    What to do: take the row's maximum off before `xp.exp`, divide by the row's sum, and keep the
    type of the logits.
    """
    extreme = np.array([[3e38, 0, -3e38], [1e30, 1e30, 0], [-1e30, -1e30, -1e30]], np.float32)
    for logits in (toy_logits(), toy_logits(dtype=np.float64), frozen(extreme)):
        rows = probabilities(subject, logits)
        if not np.isfinite(rows).all() or (rows < 0).any():
            raise Broken(f"probabilities from {rows.min()} to {rows.max()}")
        sums = rows.astype(np.float64).sum(axis=1)
        if np.abs(sums - 1).max() > 1e-4:
            raise Broken(f"a row sums to {sums[np.abs(sums - 1).argmax()]:.6f}, not to 1")


@check("sampler")
def check_forbidden_tokens_stay_forbidden(subject: Subject) -> None:
    """A token whose logit is −∞ has the probability zero.

    What to do: let `xp.exp(-inf)` be the zero that it is; add no constant to all probabilities, and
    fill no row up with tokens that cannot be.
    """
    logits = toy_logits().copy()
    logits[:, 2:] = -np.inf
    logits[0, 1:] = -np.inf
    rows = probabilities(subject, frozen(logits))
    if not np.isfinite(rows).all():
        raise Broken("with forbidden tokens, probabilities are not finite")
    if (rows[np.isneginf(logits)] != 0).any():
        raise Broken(f"a forbidden token has the probability {rows[np.isneginf(logits)].max()}")


@check("sampler")
def check_rows_are_independent(subject: Subject) -> None:
    """A row's probabilities do not depend on the rows beside it, nor on their number, bit for bit.

    What to do: reduce over `axis=-1` alone.
    """
    logits = toy_logits(37, 101)
    together = probabilities(subject, logits)
    for row in (0, 17, 36):
        alone = probabilities(subject, logits[row : row + 1])
        expect_equal(alone[0], together[row], f"row {row}, alone and among 37")


@check("sampler")
def check_only_differences_count(subject: Subject) -> None:
    """Logits are unnormalised: a number added to a whole row changes no probability.

    What to do: take the row's maximum off first, and compare probabilities rather than logits.
    """
    logits = toy_logits()
    moved = frozen(logits + np.float32(8))
    expect_close(
        probabilities(subject, moved),
        probabilities(subject, logits),
        "probabilities of logits with 8 added and without",
        tolerance=1e-4,
    )


@check("sampler")
def check_sampler_is_pure(subject: Subject) -> None:
    """The same logits give the same probabilities each time: a sampler draws no random numbers,
    prints nothing, changes no shared state, and does not write into the logits. The core draws.

    What to do: return probabilities; choose no token yourself.
    """
    sampler = subject.type(subject.parsed())
    given = toy_logits().copy()
    with unchanged("a sampler"):
        first = sampler.probabilities(given, numpy_namespace)
        again = sampler.probabilities(given, numpy_namespace)
    expect_equal(given, toy_logits(), "logits after probabilities and before")
    expect_equal(np.asarray(again), np.asarray(first), "probabilities of the same logits, twice")


@check("sampler")
def check_small_vocabularies(subject: Subject) -> None:
    """A vocabulary of one token is certain of it; one of two works, whatever the options say of a
    larger one; and so does a single row.

    What to do: bound a k or an index by `logits.shape[-1]`.
    """
    one = probabilities(subject, frozen(np.array([[0.0], [-1e30], [12.5]], np.float32)))
    if np.abs(one - 1).max() > 1e-6:
        raise Broken(f"the only token there is has the probability {one.min()}")
    two = probabilities(subject, frozen(np.array([[0.5, 0.25]], np.float32)))
    if abs(float(two.sum()) - 1) > 1e-4:
        raise Broken(f"two tokens have the probabilities {two[0].tolist()}")


@check("sampler")
def check_temperature_is_taken(subject: Subject) -> None:
    """`Options` derives from `pixelgen.SamplerOptions`: `--temperature` is for every sampler, from
    the smallest to 100.

    What to do: derive from `SamplerOptions`; divide by the temperature with
    `pixelgen.samplers.softmax`, which never divides by zero.
    """
    if not issubclass(subject.type.Options, SamplerOptions):
        raise Broken(f"{subject.type.Options.__name__} does not derive from SamplerOptions")
    for temperature in (1e-30, 0.5, 100.0):
        rows = probabilities(subject, toy_logits(), temperature=temperature)
        if not np.isfinite(rows).all() or np.abs(rows.sum(axis=1) - 1).max() > 1e-4:
            raise Broken(f"at temperature {temperature} a row sums to {rows.sum(axis=1).max()}")


@check("sampler")
def check_other_array_libraries(subject: Subject) -> None:
    """Written against the array API: with another library's arrays and its `xp`, the result is an
    array of that library, with the values that NumPy gives. Tried with those that are installed of
    array-api-strict and PyTorch.

    What to do: call functions of `xp`, never of `numpy`, and only those of the array API standard;
    `pip install array-api-strict` shows which line is to blame.
    """
    logits = toy_logits()
    expected = probabilities(subject, logits)
    for name, namespace in _namespaces():
        given = namespace.asarray(logits.copy())
        found = subject.type(subject.parsed()).probabilities(given, namespace)
        if type(found) is not type(given):
            raise Broken(f"with arrays of {name}, probabilities returns {type(found).__name__}")
        if found.dtype != given.dtype:
            raise Broken(f"with arrays of {name}, probabilities returns {found.dtype}")
        rows, size = logits.shape
        values = np.array([[float(found[r, c]) for c in range(size)] for r in range(rows)])
        expect_close(values, expected, f"probabilities by {name} and by NumPy", tolerance=1e-4)


def _namespaces() -> Iterator[tuple[str, Any]]:
    if is_installed("array_api_strict"):
        yield "array-api-strict", importlib.import_module("array_api_strict")
    if is_installed("torch"):
        try:
            namespace = importlib.import_module("array_api_compat.torch")
        except (ImportError, OSError) as error:  # installed, but it does not work here
            raise PixelgenError(f"PyTorch cannot be imported: {error}") from error
        yield "PyTorch", namespace

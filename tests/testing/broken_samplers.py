"""Ways to break a sampler, and the checks of the kit that each is caught by."""

from __future__ import annotations

from typing import Any

import numpy as np
from mutation import Mistakes, broken
from pydantic import Field

import pixelgen
from pixelgen.samplers.softmax import softmax


class Sound(pixelgen.Sampler):
    """Draws from all tokens."""

    class Options(pixelgen.SamplerOptions):
        least: float = Field(0.0, description="of no effect")

    def probabilities(self, logits: Any, xp: Any) -> Any:
        return softmax(logits, self.options.temperature, xp)


class NoTemperature(pixelgen.Options):
    """No temperature at all."""

    temperature: float = Field(1.0, gt=0, description="but not the base class's")


def unnormalised(self, logits, xp):
    return 1.5 * softmax(logits, 1.0, xp)


def leaking(self, logits, xp):
    known = softmax(logits, self.options.temperature, xp)
    known = known + xp.asarray(0.01, dtype=known.dtype)
    return known / xp.sum(known, axis=-1, keepdims=True)


def mixing(self, logits, xp):
    known = softmax(logits, self.options.temperature, xp)
    return known * (0.5 + 0 * known) + 0.5 * xp.where(
        known > 0, xp.mean(known, axis=0, keepdims=True) * 0 + known[:1, :], known
    )


def absolute(self, logits, xp):
    finite = xp.where(xp.isfinite(logits), logits, xp.zeros_like(logits))
    cold = xp.max(xp.abs(finite), axis=-1, keepdims=True) > 9
    known = softmax(logits, self.options.temperature, xp)
    best = xp.max(known, axis=-1, keepdims=True)
    only = xp.astype(known == best, known.dtype)
    return xp.where(cold, only / xp.sum(only, axis=-1, keepdims=True), known)


def careless(self, logits, xp):
    np.random.random()
    return softmax(logits, self.options.temperature, xp)


def writing(self, logits, xp):
    known = softmax(logits, self.options.temperature, xp)
    if getattr(getattr(logits, "flags", None), "writeable", False):
        logits[0, 0] += 1
    return known


def third(self, logits, xp):
    known = softmax(logits, self.options.temperature, xp)
    assert known.shape[-1] > 2
    return known


def numpys(self, logits, xp):
    return softmax(np.asarray(logits), self.options.temperature, np)


MISTAKES = Mistakes("sampler", Sound)
MISTAKES |= {
    "options without the temperature": (
        broken(Sound, Options=NoTemperature),
        "temperature_is_taken",
    ),
    "rows that sum to 1.5": (
        broken(Sound, probabilities=unnormalised),
        "rows_are_distributions small_vocabularies temperature_is_taken",
    ),
    "forbidden tokens allowed": (
        broken(Sound, probabilities=leaking),
        "forbidden_tokens_stay_forbidden",
    ),
    "numbers in place of differences": (
        broken(Sound, probabilities=absolute),
        "only_differences_count",
    ),
    "global random numbers": (broken(Sound, probabilities=careless), "sampler_is_pure"),
    "writing into the logits": (broken(Sound, probabilities=writing), "sampler_is_pure"),
    "no vocabulary of two": (broken(Sound, probabilities=third), "small_vocabularies"),
    "NumPy in place of xp": (broken(Sound, probabilities=numpys), "other_array_libraries"),
    "rows mixed": (
        broken(Sound, probabilities=mixing),
        "rows_are_independent temperature_is_taken",
    ),
    "no method": (
        type("Empty", (pixelgen.Sampler,), {"__doc__": "Nothing."}),
        "class_is_complete rows_are_distributions forbidden_tokens_stay_forbidden "
        "rows_are_independent only_differences_count sampler_is_pure small_vocabularies "
        "temperature_is_taken other_array_libraries",
    ),
}

"""Each check of samplers catches the sampler that it is there for, and what else it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mutation import broken, failures, unproven
from pydantic import ConfigDict, Field

import pixelgen
from pixelgen.samplers.softmax import softmax


class Sound(pixelgen.Sampler):
    """Draws from all tokens."""

    class Options(pixelgen.SamplerOptions):
        least: float = Field(0.0, description="of no effect")

    def probabilities(self, logits: Any, xp: Any) -> Any:
        return softmax(logits, self.options.temperature, xp)


class Unchecked(pixelgen.SamplerOptions):
    model_config = ConfigDict(extra="ignore")


class Undescribed(pixelgen.SamplerOptions):
    least: float = 0.0


class Forgetful(pixelgen.SamplerOptions):
    names: set[str] = Field({"a"}, description="a set, which TOML has not")
    chosen: Any = Field((1, 2), description="a tuple, which TOML has not")


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


TABLE: dict[str, tuple[type[Any], str]] = {
    "no docstring": (broken(Sound, __doc__=""), "class_is_described"),
    "an option without a description": (broken(Sound, Options=Undescribed), "class_is_described"),
    "unknown options taken": (broken(Sound, Options=Unchecked), "options_are_validated"),
    "a set for an option": (broken(Sound, Options=Forgetful), "options_survive_a_recipe"),
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


def test_the_sound_one_passes() -> None:
    assert failures(Sound) == set()


@pytest.mark.parametrize("mistake", TABLE)
def test_a_mistake_is_caught(mistake: str) -> None:
    mutant, caught = TABLE[mistake]
    assert failures(mutant) == set(caught.split())


def test_every_check_is_proven() -> None:
    assert unproven("sampler", TABLE) == set()

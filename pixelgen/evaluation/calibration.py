"""Whether a model's probabilities mean what they say.

Of all tokens that a calibrated model gives a probability of 0.3, three in ten are the true ones;
what it expects a pixel to cost is what it costs; and dividing its logits by a temperature only
makes it worse (Guo et al., "On calibration of modern neural networks", 2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from pixelgen.evaluation.record import Bin, Calibration, Coverage

BINS = 10
NOMINAL = (0.5, 0.8, 0.9, 0.95, 0.99)
TEMPERATURES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2.0)
NOTABLE = 0.02  # bits per pixel that a temperature must save to be worth a word
DIFFERENT = 0.1  # bits per pixel between what is expected and what it costs


class CalibrationMeter:
    """Adds up what a calibration needs, a batch of distributions at a time.

    Args:
        seed: of the numbers that split the probability of the true token in sets of tokens.
    """

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)
        self._tokens = 0
        self._counts = np.zeros(BINS, np.int64)
        self._confidence = np.zeros(BINS)
        self._hits = np.zeros(BINS)
        self._entropy = 0.0
        self._nats = np.zeros(len(TEMPERATURES))
        self._covered = np.zeros(len(NOMINAL))

    def add(self, log_probabilities: np.ndarray, tokens: np.ndarray) -> None:
        """Take in (M, V) log-probabilities and the (M,) true tokens."""
        rows = np.arange(len(tokens))
        probabilities = np.exp(log_probabilities)
        best = log_probabilities.argmax(axis=1)
        confidence = probabilities[rows, best]
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        self._counts += np.bincount(bins, minlength=BINS)
        self._confidence += np.bincount(bins, confidence, minlength=BINS)
        self._hits += np.bincount(bins, best == tokens, minlength=BINS)
        self._entropy -= float((probabilities * np.maximum(log_probabilities, -1e3)).sum())
        of_true = log_probabilities[rows, tokens]
        narrow = log_probabilities.astype(np.float32)
        for index, temperature in enumerate(TEMPERATURES):
            mass = np.exp(narrow / np.float32(temperature)).sum(axis=1)
            self._nats[index] += float((np.log(mass) - of_true / temperature).sum())
        # The mass of all tokens more probable than the true one, and a random part of its own and
        # of those as probable, is uniform if the model is right.
        true = of_true[:, None]
        above = np.where(log_probabilities > true, probabilities, 0).sum(axis=1)
        level = np.where(log_probabilities == true, probabilities, 0).sum(axis=1)
        mass = above + self._generator.random(len(tokens)) * level
        self._covered += [(mass <= nominal).sum() for nominal in NOMINAL]
        self._tokens += len(tokens)

    def result(self, pixels_per_token: int = 1) -> Calibration:
        """Return the calibration of all that was added."""
        tokens = max(self._tokens, 1)
        per_pixel = 1 / (tokens * math.log(2) * pixels_per_token)
        filled = np.flatnonzero(self._counts)
        bins = [
            Bin(
                confidence=float(self._confidence[i] / self._counts[i]),
                accuracy=float(self._hits[i] / self._counts[i]),
                tokens=int(self._counts[i]),
            )
            for i in filled
        ]
        error = sum(abs(each.accuracy - each.confidence) * each.tokens for each in bins) / tokens
        best = int(self._nats.argmin())
        realised = float(self._nats[TEMPERATURES.index(1.0)] * per_pixel)
        expected, temperature = self._entropy * per_pixel, TEMPERATURES[best]
        gain = realised - float(self._nats[best] * per_pixel)
        return Calibration(
            tokens=self._tokens,
            bins=bins,
            expected_calibration_error=error,
            accuracy=float(self._hits.sum() / tokens),
            expected_bits=expected,
            realised_bits=realised,
            temperature=temperature,
            temperature_gain=gain,
            coverage=[
                Coverage(nominal=nominal, actual=float(covered / tokens))
                for nominal, covered in zip(NOMINAL, self._covered, strict=True)
            ],
            explanation=_explained(expected, realised, temperature, gain),
        )


def calibration(
    batches: Iterable[tuple[np.ndarray, np.ndarray]], *, pixels_per_token: int = 1, seed: int = 0
) -> Calibration:
    """Return the calibration of batches of (M, V) log-probabilities and (M,) true tokens."""
    meter = CalibrationMeter(seed)
    for log_probabilities, tokens in batches:
        meter.add(log_probabilities, tokens)
    return meter.result(pixels_per_token)


def _explained(expected: float, realised: float, temperature: float, gain: float) -> str:
    said = f"It expects {expected:.2f} bits per pixel and needs {realised:.2f}"
    if gain < NOTABLE and abs(realised - expected) < DIFFERENT:
        return f"The probabilities mean what they say. {said}"
    if gain < NOTABLE:
        direction = "surer of itself than it should be" if realised > expected else "too cautious"
        return f"The model is {direction}, and no temperature mends it. {said}"
    direction = "too sure of itself" if temperature > 1 else "not sure enough"
    return (
        f"The model is {direction}: at temperature {temperature:g} it would need {gain:.2f} bits "
        f"per pixel less. {said}"
    )

"""The article's program in today's Keras: the token after a window of 75, from one-hot tokens.

Two LSTM layers of 512 with dropout 0.2, a dense layer with a softmax, RMSprop, batches of 128, and
a window every three tokens, as in Keras's example of text generation, on which the article built.
It learns one target a window, at a constant rate. The rows of a picture are joined into one
sequence; a position is predicted from the 75 before it, so the first row is neither learned nor
measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from baselines.peer import Epochs

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

WINDOW, EVERY, BATCH, HIDDEN = 75, 3, 128, 512
MEASURED = 2048  # positions, evenly spaced over all: measuring each takes a whole window


class ArticlePeer:
    """What `quality.py` asks of a peer."""

    learning_rate = 1e-3  # RMSprop's in Keras

    def __init__(self, vocab_size: int, side: int) -> None:
        import keras

        keras.utils.set_random_seed(1)
        self.vocab_size = vocab_size
        layers = keras.layers
        self.model = keras.Sequential(
            [
                keras.Input((WINDOW, vocab_size)),
                layers.LSTM(HIDDEN, return_sequences=True),
                layers.Dropout(0.2),
                layers.LSTM(HIDDEN),
                layers.Dropout(0.2),
                layers.Dense(vocab_size, activation="softmax"),
            ]
        )
        self.model.compile(
            optimizer=keras.optimizers.RMSprop(self.learning_rate),
            loss="sparse_categorical_crossentropy",
        )

    def learn(self, epochs: Epochs, seconds: float) -> int:
        """Learn for so many seconds, compiling included; return how many targets were seen."""
        began, targets = time.perf_counter(), 0
        for epoch in range(1 << 30):
            for windows, following in self._batches(epochs(epoch), np.random.default_rng(epoch)):
                if time.perf_counter() - began >= seconds:
                    break
                self.model.train_on_batch(self._one_hot(windows), following)
                targets += len(following)
            if time.perf_counter() - began >= seconds:
                break
        return targets

    def nats(self, canvases: np.ndarray) -> np.ndarray:
        """Return −ln p of `MEASURED` tokens of canvases (N, P), as they come: (MEASURED,)."""
        count, cells = canvases.shape
        places = np.linspace(0, count * (cells - WINDOW) - 1, MEASURED).astype(int)
        pictures, lasts = places // (cells - WINDOW), places % (cells - WINDOW) + WINDOW
        steps = lasts[:, None] + np.arange(-WINDOW, 0)
        found = []
        for first in range(0, MEASURED, BATCH):
            part = slice(first, first + BATCH)
            windows = canvases[pictures[part, None], steps[part]]
            probabilities = np.asarray(self.model.predict_on_batch(self._one_hot(windows)))
            chosen = probabilities[np.arange(len(windows)), canvases[pictures[part], lasts[part]]]
            found.append(-np.log(np.maximum(chosen, 1e-12)))
        return np.concatenate(found)

    def paint(self, tokens: np.ndarray, count: int) -> np.ndarray:
        """Return `count` tokens that follow `WINDOW` ones: (count,), one `predict` for each."""
        random = np.random.default_rng(1)
        painted = list(tokens)
        for _ in range(count):
            window = np.array(painted[-WINDOW:])[None]
            chances = self.model.predict(self._one_hot(window), verbose=0)[0].astype(np.float64)
            painted.append(random.choice(self.vocab_size, p=chances / chances.sum()))
        return np.array(painted[WINDOW:])

    def _batches(
        self, canvases: np.ndarray, random: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Windows (B, 75) and what follows each (B,), in random order."""
        count, cells = canvases.shape
        firsts = np.arange(0, cells - WINDOW, EVERY)
        order = random.permutation(count * len(firsts))
        for begin in range(0, len(order), BATCH):
            picture, window = np.divmod(order[begin : begin + BATCH], len(firsts))
            steps = firsts[window][:, None] + np.arange(WINDOW + 1)
            tokens = canvases[picture[:, None], steps]
            yield tokens[:, :-1], tokens[:, -1]

    def _one_hot(self, windows: np.ndarray) -> np.ndarray:
        """(B, 75, V) float32."""
        found: np.ndarray = np.eye(self.vocab_size, dtype=np.float32)[windows]
        return found

"""What this distribution registers. Every command imports this file, so it imports no Keras."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_models(register: Register) -> None:
    """Register `keras-lstm`.

    Keras needs an engine as well, but any of three does: which one is missing is said when a model
    is built.
    """
    register(
        "keras-lstm",
        "pixelgen_keras.lstm:KerasLSTM",
        summary="LSTM over rows of colours that sees its neighbours and the palette; Keras 3",
        needs=["keras"],
    )

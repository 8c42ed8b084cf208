"""The canonical LSTM of pixelgen, on Keras 3."""

__version__ = "0.1.0"

"""pixelgen learns a folder of pictures as sequences of quantised colours and paints new ones."""

__version__ = "0.1.0"

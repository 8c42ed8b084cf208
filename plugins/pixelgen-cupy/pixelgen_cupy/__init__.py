"""k-means palettes on a GPU, for pixelgen."""

__version__ = "0.1.0"

"""TensorBoard for pixelgen."""

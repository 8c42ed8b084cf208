"""Ray for pixelgen."""

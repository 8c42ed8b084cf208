"""epsilon, a plugin of pixelgen."""

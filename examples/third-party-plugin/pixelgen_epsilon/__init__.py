"""Epsilon sampling for pixelgen."""

"""Hugging Face datasets for pixelgen."""

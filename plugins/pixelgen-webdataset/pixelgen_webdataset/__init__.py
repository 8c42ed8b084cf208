"""Tar shards for pixelgen."""

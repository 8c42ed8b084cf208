"""Parquet for pixelgen."""

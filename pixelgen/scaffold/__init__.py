"""Writes the distribution of a new plugin: complete, small, and working as written."""

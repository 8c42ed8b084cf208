"""Checks of tokenizers: what tokens are, edges, and files."""

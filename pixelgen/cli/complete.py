"""Completion of plugin names on the command line."""

from __future__ import annotations


def _names(kind: str, typed: str) -> list[str]:
    from pixelgen.plugins import catalogue

    return [name for name in catalogue().names(kind) if name.startswith(typed)]


def tokenizers(incomplete: str) -> list[str]:
    """Return the tokenizers that begin with what was typed."""
    return _names("tokenizer", incomplete)


def models(incomplete: str) -> list[str]:
    """Return the models that begin with what was typed."""
    return _names("model", incomplete)


def samplers(incomplete: str) -> list[str]:
    """Return the samplers that begin with what was typed."""
    return _names("sampler", incomplete)


def trackers(incomplete: str) -> list[str]:
    """Return the trackers that begin with what was typed."""
    return _names("tracker", incomplete)


def sources(incomplete: str) -> list[str]:
    """Return the sources that begin with what was typed."""
    return _names("source", incomplete)


def executors(incomplete: str) -> list[str]:
    """Return the executors that begin with what was typed."""
    return _names("executor", incomplete)

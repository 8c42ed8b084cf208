"""Checks of models: likelihoods, learning, painting, files, and edges."""

"""Peers: what somebody would take who had no pixelgen, each in its own standard form."""

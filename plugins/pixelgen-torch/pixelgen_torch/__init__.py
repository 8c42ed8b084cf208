"""pixelgen models on PyTorch. Imported before PyTorch is, and imports nothing itself."""

import os

# PyTorch's threads wait for one another by spinning, for milliseconds at a time. Where anything
# else runs on the machine, a thread that has lost its core is waited for by one that burns its own,
# and training slows many times over. Some tens of microseconds cover the waits that are short, and
# then the core is given up. Read by the OpenMP library when PyTorch is loaded; your own value wins.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

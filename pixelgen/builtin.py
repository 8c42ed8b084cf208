"""The core's own plugins, registered through the very hooks that a third party uses."""

from __future__ import annotations

from pixelgen.hookspecs import Register, hookimpl


@hookimpl
def register_tokenizers(register: Register) -> None:
    register(
        "numpy-kmeans",
        "pixelgen.tokenizers.numpy_kmeans:NumpyKMeans",
        summary="k-means palette of the pictures' own colours",
    )
    register(
        "median-cut",
        "pixelgen.tokenizers.median_cut:MedianCut",
        summary="Pillow's median cut, up to 256 colours",
    )
    register(
        "octree",
        "pixelgen.tokenizers.octree:Octree",
        summary="Pillow's fast octree, up to 256 colours",
    )
    register(
        "fixed-palette",
        "pixelgen.tokenizers.fixed_palette:FixedPalette",
        summary="colours from a palette file, or known by name: gameboy, pico-8 …",
    )
    register(
        "patch-kmeans",
        "pixelgen.tokenizers.patch_kmeans:PatchKMeans",
        summary="tokens of 2×2 or more pixels, by k-means on patches",
    )
    register(
        "rgb-grid",
        "pixelgen.tokenizers.rgb_grid:RGBGrid",
        summary="uniform levels a channel, nothing to fit",
    )


@hookimpl
def register_models(register: Register) -> None:
    register(
        "markov",
        "pixelgen.models.markov:Markov",
        summary="interpolated counts over the nearest neighbours; trains in a second",
    )
    register(
        "numpy-lstm",
        "pixelgen.models.numpy_lstm:NumpyLSTM",
        summary="LSTM over rows of colours that sees its neighbours and the palette; NumPy alone",
    )


@hookimpl
def register_samplers(register: Register) -> None:
    register(
        "multinomial",
        "pixelgen.samplers.multinomial:Multinomial",
        summary="draws from all tokens, at a temperature",
    )
    register(
        "top-k", "pixelgen.samplers.top_k:TopK", summary="draws from the k most probable tokens"
    )
    register(
        "top-p",
        "pixelgen.samplers.top_p:TopP",
        summary="draws from the fewest tokens that hold probability p (nucleus)",
    )
    register(
        "min-p",
        "pixelgen.samplers.min_p:MinP",
        summary="draws from tokens at least a share as probable as the best",
    )
    register(
        "typical",
        "pixelgen.samplers.typical:Typical",
        summary="draws from tokens about as surprising as expected",
    )
    register("greedy", "pixelgen.samplers.greedy:Greedy", summary="takes the most probable token")


@hookimpl
def register_sources(register: Register) -> None:
    register("folder", "pixelgen.sources.folder:Folder", summary="the pictures in a folder")
    register(
        "tokens",
        "pixelgen.sources.tokens:Tokens",
        summary="pictures that pixelgen encode has turned into tokens",
    )
    register(
        "sample",
        "pixelgen.sources.sample:Sample",
        summary="landscapes painted by program, endless and reproducible",
    )


@hookimpl
def register_trackers(register: Register) -> None:
    register("csv", "pixelgen.trackers.csv:CSV", summary="metrics.csv, a line an epoch")


@hookimpl
def register_executors(register: Register) -> None:
    register(
        "local", "pixelgen.executors.local:Local", summary="threads or processes of this machine"
    )
    register(
        "serial",
        "pixelgen.executors.serial:Serial",
        summary="one thing after another, in this process",
    )

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
        "sample",
        "pixelgen.sources.sample:Sample",
        summary="landscapes painted by program, endless and reproducible",
    )


@hookimpl
def register_executors(register: Register) -> None:
    register(
        "local", "pixelgen.executors.local:Local", summary="threads or processes of this machine"
    )

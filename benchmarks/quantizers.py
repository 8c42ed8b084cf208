"""How soon is a palette found, how good is it, and how soon are pixels encoded?

    PIXELGEN_TEST_DATA=… python benchmarks/quantizers.py [--only article,large,encode] [--json FILE]

`article`: the article's 275,625 pixels (`monet/` in the folder of the environment variable
PIXELGEN_TEST_DATA, each picture stretched to 75×75) to 1,000 colours. `large`: 10 million pixels of
painted landscapes to 256 colours. `encode`: those pixels to 1,000 colours. Peers are scikit-learn,
FAISS and the article's own way, on the same pixels in the same run; one that is not installed is
left out. What takes less than 5 seconds is done three times, and the soonest counts, ours and
theirs. MSE is a channel, in sRGB levels; for k-means it is that of the means before they are
rounded to 8 bits, as the peers have it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from PIL import Image

from pixelgen.data.colour_spaces import colour_space
from pixelgen.sources.sample import Sample
from pixelgen.threads import cores
from pixelgen.tokenizers.nearest import NearestColour
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

LARGE_PIXELS = 10_000_000
SIDE = 512  # of the painted landscapes


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    what: str
    seconds: float
    mse: float | None = None
    note: str = ""


def article() -> Iterator[Row]:
    pictures = article_pictures()
    if pictures is None:
        print("article: left out, PIXELGEN_TEST_DATA names no folder with monet/ in it")
        return
    pixels = pictures.reshape(-1, 3)
    yield ours("article", "numpy-kmeans", pictures, colors=1000)
    yield ours("article", "numpy-kmeans, 10 passes", pictures, colors=1000, max_iterations=10)
    yield ours("article", "numpy-kmeans, 6 passes", pictures, colors=1000, max_iterations=6)
    yield from faiss_kmeans("article", pixels, 1000, 25)
    yield from sklearn_kmeans("article", pixels, 1000)
    yield from articles_way("article", pixels)


def large() -> Iterator[Row]:
    pictures = painted_pictures()
    before = peak_memory()
    yield ours("large", "numpy-kmeans", pictures, colors=256)
    yield ours("large", "numpy-kmeans, 10 passes", pictures, colors=256, max_iterations=10)
    print(f"peak memory beyond the pictures: {(peak_memory() - before) / 2**20:.0f} MiB")
    for passes in (25, 100):
        yield from faiss_kmeans("large", pictures.reshape(-1, 3), 256, passes)


def encode() -> Iterator[Row]:
    pictures = painted_pictures()
    pixels = pictures.reshape(-1, 3)
    palette = NumpyKMeans(NumpyKMeans.Options(colors=1000)).fit(pictures).palette
    nearest = NearestColour(palette, colour_space("srgb"))
    began = time.perf_counter()
    found = np.concatenate([nearest(some) for some in np.array_split(pixels, 40)])
    first = time.perf_counter() - began
    _, again = timed(lambda: [nearest(some) for some in np.array_split(pixels, 40)])
    if find_spec("faiss") is None:
        yield Row("encode", "numpy-kmeans, first time", first)
        yield Row("encode", "numpy-kmeans, again", again)
        return
    import faiss

    faiss.omp_set_num_threads(cores())
    index = faiss.IndexFlatL2(3)
    index.add(palette.astype(np.float32))
    floats = pixels.astype(np.float32)
    (_, theirs), seconds = timed(index.search, floats, 1)
    differ = np.flatnonzero(theirs[:, 0] != found)
    ours_away = ((floats[differ] - palette[found[differ]]) ** 2).sum(axis=1)
    theirs_away = ((floats[differ] - palette[theirs[differ, 0]]) ** 2).sum(axis=1)
    note = f"{len(differ):,} answers differ, all of them ties"
    if (ours_away != theirs_away).any():
        note = f"{(ours_away != theirs_away).sum():,} answers differ"
    yield Row("encode", "numpy-kmeans, first time", first, note=note)
    yield Row("encode", "numpy-kmeans, again", again)
    yield Row("encode", "FAISS IndexFlatL2", seconds)


def timed(make: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return what is made and the seconds that it took, the fewest of three if they are few."""
    fewest = np.inf
    for _ in range(3):
        began = time.perf_counter()
        made = make(*arguments)
        fewest = min(fewest, time.perf_counter() - began)
        if fewest > 5:
            break
    return made, float(fewest)


# -- ours and theirs -------------------------------------------------------------------------------


def ours(work: str, what: str, pictures: np.ndarray, **options: Any) -> Row:
    tokenizer, seconds = timed(lambda: NumpyKMeans(NumpyKMeans.Options(**options)).fit(pictures))
    clustering = tokenizer.clustering
    assert clustering is not None
    mse = clustering.inertia / pictures.size
    return Row(work, what, seconds, mse, f"{clustering.passes} passes over all colours")


def faiss_kmeans(work: str, pixels: np.ndarray, k: int, passes: int) -> Iterator[Row]:
    if find_spec("faiss") is None:
        return
    import faiss

    faiss.omp_set_num_threads(cores())
    points = pixels.astype(np.float32)

    def train() -> Any:
        kmeans = faiss.Kmeans(3, k, niter=passes, max_points_per_centroid=len(points), seed=1)
        kmeans.train(points)
        return kmeans

    kmeans, seconds = timed(train)
    squares, _ = kmeans.index.search(points, 1)
    yield Row(work, "FAISS Kmeans", seconds, float(squares.mean()) / 3, f"{passes} passes")


def sklearn_kmeans(work: str, pixels: np.ndarray, k: int) -> Iterator[Row]:
    if find_spec("sklearn") is None:
        return
    from sklearn.cluster import KMeans, MiniBatchKMeans

    points = pixels.astype(np.float32)
    for kind in (MiniBatchKMeans, KMeans):
        fitted, seconds = timed(kind(k, random_state=0, n_init=1).fit, points)
        mse = -float(fitted.score(points)) / points.size
        yield Row(work, f"scikit-learn {kind.__name__}", seconds, mse, f"{fitted.n_iter_} passes")


def articles_way(work: str, pixels: np.ndarray) -> Iterator[Row]:
    """1,000 pixels drawn at random, and k-means for 1,000 colours on them: they themselves."""
    began = time.perf_counter()
    drawn = np.random.default_rng(0).choice(len(pixels), 1000, replace=False)
    seconds = time.perf_counter() - began
    palette = np.unique(pixels[drawn], axis=0)
    nearest = NearestColour(palette, colour_space("srgb"))(pixels)
    mse = ((pixels.astype(float) - palette[nearest]) ** 2).mean()
    yield Row(work, "the article: a sample of 1,000", seconds, float(mse))


# -- pixels ----------------------------------------------------------------------------------------


def article_pictures() -> np.ndarray | None:
    folder = Path(os.environ.get("PIXELGEN_TEST_DATA", "")) / "monet"
    files = sorted(folder.glob("*.*")) if os.environ.get("PIXELGEN_TEST_DATA") else []
    if not files:
        return None
    pictures = []
    for file in files:
        with Image.open(file) as image:
            small = image.convert("RGB").resize((75, 75), Image.Resampling.LANCZOS)
            pictures.append(np.asarray(small))
    return np.stack(pictures)


def painted_pictures() -> np.ndarray:
    count = -(-LARGE_PIXELS // SIDE**2)
    source = Sample(Sample.Options(pictures=count), None)
    pictures = [picture.pixels for picture in source.pictures((SIDE, SIDE))]
    return np.stack(pictures)


def peak_memory() -> int:
    """Return the most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


WORKS: dict[str, Callable[[], Iterator[Row]]] = {
    "article": article,
    "large": large,
    "encode": encode,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(WORKS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    print(f"{machine()}, Python {platform.python_version()}")
    rows = []
    for name in arguments.only.split(","):
        for row in WORKS[name]():
            rows.append(row)
            mse = f"{row.mse:8.3f}" if row.mse is not None else " " * 8
            print(f"{row.work:8} {row.what:32} {row.seconds:9.3f} s {mse}  {row.note}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()

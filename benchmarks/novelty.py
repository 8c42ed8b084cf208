"""Are copies found and real pictures left alone? Copies are planted into held-out pictures.

    PIXELGEN_TEST_DATA=… python benchmarks/novelty.py --json novelty.json

Each plant is coloured by the palette as a sample would be. Without PIXELGEN_TEST_DATA the bundled
landscapes are used. A copy counts as found if the verdict is "copy" and names the right picture; a
held-out picture as accused if its verdict is "copy" (or, in the second figure, even "close").
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pixelgen.data.collection import Collection, collect
from pixelgen.data.fitting import fit_picture
from pixelgen.evaluation.novelty.compare import CROP_SCALES, References, compare, judge
from pixelgen.evaluation.novelty.verdict import Thresholds
from pixelgen.plugins import catalogue
from pixelgen.sources.sample import Sample
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

SIDE = 75
MOST_REAL = 48  # as in pixelgen.evaluation.novelty.report
QUARTER = SIDE // 2 + 1

Plant = Callable[[np.random.Generator, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def exact(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    return source


def mirrored(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    return source[:, ::-1]


def shifted(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    down, right = rng.integers(-SIDE // 4, SIDE // 4 + 1, 2)
    planted = host.copy()
    to = [slice(max(0, d), SIDE + min(0, d)) for d in (down, right)]
    come = [slice(max(0, -d), SIDE - max(0, d)) for d in (down, right)]
    planted[to[0], to[1]] = source[come[0], come[1]]
    return planted


def recoloured(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    gammas, shifts = np.exp(rng.normal(0, 0.1, 3)), 255 * 0.01 * rng.standard_normal(3)
    changed = 255 * (source / 255.0) ** gammas + shifts
    return np.clip(changed, 0, 255).round().astype(np.uint8)


def half(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    planted, first = host.copy(), int(rng.integers(2))
    part = slice(0, QUARTER) if first else slice(SIDE - QUARTER, SIDE)
    where = (part,) if rng.integers(2) else (slice(None), part)
    planted[where] = source[where]
    return planted


def quarter(
    rng: np.random.Generator, source: np.ndarray, _: np.ndarray, host: np.ndarray
) -> np.ndarray:
    top, left, to_top, to_left = rng.integers(0, SIDE - QUARTER + 1, 4)
    planted = host.copy()
    planted[to_top : to_top + QUARTER, to_left : to_left + QUARTER] = source[
        top : top + QUARTER, left : left + QUARTER
    ]
    return planted


def cropped(
    rng: np.random.Generator, _: np.ndarray, large: np.ndarray, host: np.ndarray
) -> np.ndarray:
    side = large.shape[0]
    share = rng.uniform(0.75, 1)
    left, top = rng.uniform(0, 1 - share, 2) * side
    box = (left, top, min(side, left + share * side), min(side, top + share * side))
    return np.asarray(Image.fromarray(large).resize((SIDE, SIDE), Image.Resampling.LANCZOS, box))


def of_a_quarter(change: Plant) -> Plant:
    def plant(
        rng: np.random.Generator, source: np.ndarray, large: np.ndarray, host: np.ndarray
    ) -> np.ndarray:
        return quarter(rng, change(rng, source, large, host), large, host)

    return plant


KINDS: dict[str, Plant] = {
    "exact": exact,
    "mirrored": mirrored,
    "shifted": shifted,
    "recoloured": recoloured,
    "half": half,
    "quarter": quarter,
    "quarter, mirrored": of_a_quarter(mirrored),
    "cropped and rescaled": cropped,
    "quarter, recoloured": of_a_quarter(recoloured),
    "quarter, cropped and rescaled": of_a_quarter(cropped),
}


def pictures_of(landscapes: int) -> tuple[str, Collection]:
    root = os.environ.get("PIXELGEN_TEST_DATA")
    if root:
        folder = catalogue().load("source", "folder")
        return "Monet", collect(folder(folder.Options(), str(Path(root) / "monet")), (SIDE, SIDE))
    return "landscapes", collect(Sample(Sample.Options(pictures=landscapes), None), (SIDE, SIDE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--plants", type=int, default=100, help="of each kind; 0 for held-out alone"
    )
    parser.add_argument("--colors", type=int, default=1000)
    parser.add_argument("--landscapes", type=int, default=200)
    parser.add_argument("--splits", type=int, default=4)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    name, collection = pictures_of(arguments.landscapes)
    found = dict.fromkeys(KINDS, 0)
    planted = dict.fromkeys(KINDS, 0)
    accused = close = held_out = 0
    began = time.perf_counter()
    for split_seed in range(1, arguments.splits + 1):
        split = collection.split(0.15, split_seed)
        rng = np.random.default_rng(split_seed)
        plain = [fit_picture(p.pixels, (SIDE, SIDE), "stretch") for p in collection.pictures]
        large = [
            fit_picture(p.pixels, (2 * SIDE, 2 * SIDE), "stretch") for p in collection.pictures
        ]
        train = split.train
        tokenizer = NumpyKMeans(NumpyKMeans.Options(colors=arguments.colors))
        tokenizer.fit([plain[i] for i in train], seed=1)
        upright = tokenizer.encode(np.stack([plain[i] for i in train]))
        flipped = tokenizer.encode(np.stack([plain[i][:, ::-1] for i in train]))
        references = References(
            names=[collection.pictures[i].name for i in train],
            pictures=[large[i] for i in train],
            grids=np.concatenate([upright, flipped]),
            size=(SIDE, SIDE),
            scales=CROP_SCALES,
            mirrors=True,
        )

        def likeness(pictures, own=(), *, tokenizer=tokenizer, references=references):
            grids = tokenizer.encode(np.stack(pictures))
            decoded = tokenizer.decode(grids)
            return decoded, compare(decoded, grids, references, own)

        # Half of the held-out pictures set the threshold, with training pictures; the others are
        # judged by it, and copies are planted into them.
        set_by, judged = split.held_out[::2], split.held_out[1::2]
        more = rng.permutation(len(train))[: max(0, MOST_REAL - len(set_by))].tolist()
        own = [None] * len(set_by) + more
        _, real = likeness([plain[i] for i in set_by] + [plain[train[i]] for i in more], own)
        thresholds = Thresholds.of(
            [each.detail for each in real],
            [each.block.side for each in real],
            [each.run.side for each in real],
            (SIDE, SIDE),
        )
        print(f"split {split_seed}: {thresholds}", flush=True)
        decoded, seen = likeness([plain[i] for i in judged])
        for picture, each in zip(decoded, seen, strict=True):
            verdict = judge(picture, each, references, thresholds).verdict
            accused += verdict == "copy"
            close += verdict == "close"
            held_out += 1
        share = -(-arguments.plants // arguments.splits)
        for kind, plant in KINDS.items() if share else ():
            chosen = rng.integers(len(train), size=share)
            made = [
                plant(rng, plain[train[i]], large[train[i]], plain[int(rng.choice(judged))])
                for i in chosen
            ]
            decoded, seen = likeness(made)
            for index, picture, each in zip(chosen, decoded, seen, strict=True):
                judgement = judge(picture, each, references, thresholds)
                right = int(judgement.alignment.training) == int(index)
                found[kind] += judgement.verdict == "copy" and right
                planted[kind] += 1
            print(f"  {kind:32} {found[kind]:4} of {planted[kind]} so far", flush=True)
    print(f"{name}, {arguments.colors} colours, {arguments.splits} splits")
    for kind in KINDS if arguments.plants else ():
        print(f"  {kind:32} {found[kind]:4} of {planted[kind]} found")
    print(f"  held out: {accused} of {held_out} called copies, {close} more called close")
    print(f"  {time.perf_counter() - began:.0f} s")
    if arguments.json:
        result = {
            "pictures": name,
            "colors": arguments.colors,
            "found": found,
            "planted": planted,
            "held_out": held_out,
            "accused": accused,
            "close": close,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

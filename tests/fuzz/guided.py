"""Coverage-guided fuzzing of one target: `python tests/fuzz/guided.py TARGET INPUTS FOLDER SEED`.

Needs atheris (`pip install atheris`), which sees which branches an input takes, and changes those
further that took new ones. Ends with an error at the first escape, and shows it. The folder is
empty at first, and best in memory; what was found is left there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "trust")]

# Nothing heavy is watched: only what reads. PIL's and pydantic's own checks are the field's.
with atheris.instrument_imports(
    include=["pixelgen", "tomllib", "json", "PIL"], enable_loader_override=False
):
    import targets


def main() -> None:
    """Feed a target until so many inputs are done."""
    name, inputs, folder, seed = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    corpus = folder / "corpus"
    with atheris.instrument_imports(include=["pixelgen", "tomllib", "PIL"]):
        target = targets.make_targets(folder)[name]
    corpus.mkdir()
    for number, data in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(data)
    words = [f"-runs={inputs}", f"-seed={seed}", "-max_len=8192", "-timeout=300", str(corpus)]
    options = ["-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, *words], target.feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

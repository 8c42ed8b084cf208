"""What training goes on from besides the weights: the arrays' names, the same in every backend.

| name | shape | what it is |
|---|---|---|
| `seed` | () int64 | of the model; a backend draws its dropout from it |
| `steps` | () int64 | training steps taken |
| `optimizer.mean.NAME` | as the weight NAME, float32 | adamw, muon: running mean of the gradient |
| `optimizer.square.NAME` | the same | running mean of its square; zero where muon moves a matrix |
| `carried.l.h`, `carried.l.c` | (B, H) float32 | where sequences go on: layer l's state |
| `random.BACKEND` | a backend's own | the state of its random numbers |

The moments are there from the first step on. Weights are named as in `parameters.py`, so what one
backend's optimizer has gathered another's goes on with. Random numbers cannot be carried over: a
backend that does not find its own `random.` array draws afresh from `seed` and `steps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pixelgen.errors import RunUnreadable

State = list[tuple[np.ndarray, np.ndarray]]  # h and c (B, H) of each layer

MOMENTS = {"adamw": ("mean", "square"), "rmsprop": ("square",), "muon": ("mean", "square")}


@dataclass
class TrainingState:
    """All of the above, taken apart.

    Attributes:
        seed: of the model.
        steps: training steps taken.
        moments: `mean` and `square`, or `square` alone, each by weight name; empty before the
            first step.
        carried: h and c (B, H) of each layer.
        random: the backend's own array, or None.
    """

    seed: int
    steps: int
    moments: dict[str, dict[str, np.ndarray]]
    carried: State
    random: np.ndarray | None = field(default=None)

    def arrays(self, backend: str) -> dict[str, np.ndarray]:
        """Return the arrays by their names in the file."""
        arrays = {"seed": np.array(self.seed, np.int64), "steps": np.array(self.steps, np.int64)}
        for moment, by_name in self.moments.items():
            for name, array in by_name.items():
                arrays[f"optimizer.{moment}.{name}"] = array
        for layer, pair in enumerate(self.carried):
            for letter, array in zip("hc", pair, strict=True):
                arrays[f"carried.{layer}.{letter}"] = array
        if self.random is not None:
            arrays[f"random.{backend}"] = self.random
        return arrays


def read_training_state(
    arrays: Mapping[str, np.ndarray],
    *,
    backend: str,
    optimizer: str,
    shapes: Mapping[str, tuple[int, ...]],
    layers: int,
) -> TrainingState:
    """Take the arrays of a checkpoint apart.

    Args:
        arrays: by their names in the file.
        backend: whose random state to look for.
        optimizer: `adamw`, `rmsprop` or `muon`.
        shapes: the model's weights, by name.
        layers: of the LSTM; 0 for a family that has none.

    Raises:
        RunUnreadable: it is the state of another model, or of another optimizer.
    """
    steps, seed = (_number(arrays, name) for name in ("steps", "seed"))
    moments = MOMENTS[optimizer] if steps else ()
    hidden = shapes["lstm.0.recurrent"][1] if layers else 0
    expected = {
        *(f"optimizer.{moment}.{name}" for moment in moments for name in shapes),
        *(f"carried.{layer}.{letter}" for layer in range(layers) for letter in "hc"),
    }
    for name in arrays:
        if name.startswith(("optimizer.", "carried.")) and name not in expected:
            raise unfit(f"it holds {name!r}")
    return TrainingState(
        seed=seed,
        steps=steps,
        moments={
            moment: {
                name: _taken(arrays, f"optimizer.{moment}.{name}", shape)
                for name, shape in shapes.items()
            }
            for moment in moments
        },
        carried=[
            (
                _taken(arrays, f"carried.{layer}.h", (None, hidden)),
                _taken(arrays, f"carried.{layer}.c", (None, hidden)),
            )
            for layer in range(layers)
        ],
        random=arrays.get(f"random.{backend}"),
    )


def _taken(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """The array of this name and shape, float32; None is any number."""
    if name not in arrays:
        raise unfit(f"it lacks {name!r}")
    if arrays[name].dtype != np.float32:
        raise unfit(f"{name!r} is of {arrays[name].dtype}")
    found = arrays[name].shape
    if len(found) != len(shape) or any(
        side not in (None, length) for side, length in zip(shape, found, strict=True)
    ):
        raise unfit(f"{name!r} has the shape {list(found)}")
    return arrays[name]


def _number(arrays: Mapping[str, np.ndarray], name: str) -> int:
    """The whole number of this name, from 0."""
    if name not in arrays:
        raise unfit(f"it lacks {name!r}")
    array = arrays[name]
    if array.dtype != np.int64 or array.shape != () or array < 0:
        raise unfit(f"{name!r} is no number from 0")
    return int(array)


def unfit(what: str) -> RunUnreadable:
    """Return the error of a training state that is not one of the model that is to take it."""
    return RunUnreadable(
        f"the training state does not fit this model: {what}",
        where="in the checkpoint",
        remedy="Resume from an earlier checkpoint",
    )

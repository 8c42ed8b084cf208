"""How the weights are moved, and how that goes on after an interruption as if there were none."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pixelgen.models.canonical.muon import is_matrix
from pixelgen_torch.muon import Muon
from pixelgen_torch.options import LSTMOptions

# PyTorch's names of the moments that the family knows.
_ADAMW = {"mean": "exp_avg", "square": "exp_avg_sq"}
KEYS = {"adamw": _ADAMW, "rmsprop": {"square": "square_avg"}, "muon": _ADAMW}


class Optimizer:
    """AdamW, RMSprop or Muon with a warm-up, a learning-rate schedule and clipped gradients.

    With Muon, matrices are its own, and the rest is AdamW's.
    """

    def __init__(
        self, leaves: Mapping[str, Tensor], options: LSTMOptions, dtype: torch.dtype
    ) -> None:
        self.steps = 0
        self.scale = 1.0  # of the learning rate
        self._leaves = list(leaves.values())
        self._options = options
        matrices = {
            name: leaf
            for name, leaf in leaves.items()
            if options.optimizer == "muon" and is_matrix(name, leaf.shape)
        }
        self._muon = Muon(matrices, dtype)
        self._names = [name for name in leaves if name not in matrices]  # the inner optimizer's
        rest = [leaves[name] for name in self._names]
        self._inner: torch.optim.Optimizer
        rate = options.peak_learning_rate
        if options.optimizer == "rmsprop":  # with Keras's constants: the article's recipe is its
            self._inner = torch.optim.RMSprop(rest, lr=rate, alpha=0.9, eps=1e-7)
        else:
            self._inner = torch.optim.AdamW(
                rest, lr=rate, betas=(0.9, 0.99), weight_decay=options.weight_decay, fused=True
            )

    def step(self, progress: float) -> None:
        """Move the weights along the gradients in `grad`, and forget these.

        Args:
            progress: how much of the budget is spent, 0 to 1.
        """
        options = self._options
        if options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._leaves, options.clip, foreach=True)
        rate = self.rate(progress)
        for group in self._inner.param_groups:
            group["lr"] = rate
        plan = self._muon.plan()  # first: what fails for a lack of memory has moved nothing
        try:
            self._inner.step()
        except Exception:
            if not self.steps:  # the moments of some weights may be missing
                self._inner.state.clear()
            raise
        self._muon.step(plan, rate, options.weight_decay)
        self.forget_gradients()
        self.steps += 1

    def rate(self, progress: float) -> float:
        """Return the learning rate of the next step."""
        return self.scale * self._options.rate(self.steps, progress)

    def forget_gradients(self) -> None:
        """Drop what a step that failed had gathered."""
        for leaf in self._leaves:
            leaf.grad = None

    def moments(self) -> dict[str, dict[str, Tensor]]:
        """Return `mean` and `square`, or rmsprop's `square`, by the leaves' names."""
        state = self._inner.state_dict()["state"]
        found = {
            moment: {self._names[index]: state[index][key] for index in state}
            for moment, key in KEYS[self._options.optimizer].items()
            if state
        }
        for name, mean in self._muon.means.items() if state else ():
            found["mean"][name] = mean
            found["square"][name] = torch.zeros_like(mean)
        return found

    def restore(self, steps: int, moments: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on after so many steps from what `moments` returned then."""
        self.steps = steps
        keys = KEYS[self._options.optimizer]
        state = {
            index: {
                "step": torch.tensor(float(steps)),
                **{keys[moment]: by_leaf[name] for moment, by_leaf in moments.items()},
            }
            for index, name in enumerate(self._names)
            if moments
        }
        groups = self._inner.state_dict()["param_groups"]
        self._inner.load_state_dict({"state": state, "param_groups": groups})
        for name, mean in self._muon.means.items() if moments else ():
            mean.copy_(moments["mean"][name])

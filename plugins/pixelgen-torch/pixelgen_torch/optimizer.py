"""How the weights are moved, and how that goes on after an interruption as if there were none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from pixelgen_torch.options import LSTMOptions


class Optimizer:
    """AdamW or RMSprop with a warm-up, a learning-rate schedule and clipped gradients."""

    def __init__(self, leaves: Mapping[str, Tensor], options: LSTMOptions) -> None:
        self.steps = 0
        self._names, self._leaves = list(leaves), list(leaves.values())
        self._options = options
        self._inner: torch.optim.Optimizer
        rate = options.peak_learning_rate
        if options.optimizer == "adamw":
            self._inner = torch.optim.AdamW(
                self._leaves,
                lr=rate,
                betas=(0.9, 0.99),
                weight_decay=options.weight_decay,
                fused=True,
            )
        else:  # with Keras's constants, since the article's recipe is Keras's
            self._inner = torch.optim.RMSprop(self._leaves, lr=rate, alpha=0.9, eps=1e-7)

    def step(self, progress: float) -> None:
        """Move the weights along the gradients in `grad`, and forget these.

        Args:
            progress: how much of the budget is spent, 0 to 1.
        """
        options = self._options
        if options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._leaves, options.clip, foreach=True)
        for group in self._inner.param_groups:
            group["lr"] = self.rate(progress)
        self._inner.step()
        self._inner.zero_grad(set_to_none=True)
        self.steps += 1

    def rate(self, progress: float) -> float:
        """Return the learning rate of the next step."""
        options = self._options
        rate = options.peak_learning_rate * min(1.0, (self.steps + 1) / (options.warm_up + 1))
        if options.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
        return rate

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that further steps depend on."""
        state = {"steps": np.array(self.steps)}
        for name, tensor in self._moments():
            state[name] = tensor.detach().cpu().numpy().copy()
        return state

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` returned.

        Raises:
            KeyError, ValueError: it is that of other weights.
        """
        self.steps = int(state["steps"])
        saved: dict[int, dict[str, Tensor]] = {}
        for key, array in state.items():
            if key == "steps":
                continue
            name, _, moment = key.rpartition(".")
            index = self._names.index(name)
            tensor = torch.tensor(array)
            # PyTorch does not check: it would write beyond the end of a smaller tensor.
            if tensor.dim() and tensor.shape != self._leaves[index].shape:
                raise ValueError(f"{key!r} has the shape {list(tensor.shape)}")
            saved.setdefault(index, {})[moment] = tensor
        if saved and len(saved) < len(self._leaves):
            raise KeyError(next(n for i, n in enumerate(self._names) if i not in saved))
        groups = self._inner.state_dict()["param_groups"]
        self._inner.load_state_dict({"state": saved, "param_groups": groups})

    def _moments(self) -> Iterator[tuple[str, Tensor]]:
        for index, moments in self._inner.state_dict()["state"].items():
            for moment, tensor in moments.items():
                yield f"{self._names[index]}.{moment}", torch.as_tensor(tensor)

"""Painting without leaving the device: a whole plan, wave by wave, with nothing to wait for.

The core's loop fetches every wave's logits, draws in NumPy and brings the tokens back. Here the
canvases, the tables, the random numbers and the draws are on the device: a wave is a fixed sequence
of operations on buffers that stay where they are, and knows by a counter which one it is. So a
CUDA graph can hold it, and painting is to replay graphs, one for each wave.

A wave is painted in steps of one shape. Its rows are the first cell of every picture, then the
second of every picture, and so on. Rows beyond its last cell fill up the last step, and go to a
cell that nobody looks at. So waves of as many steps are the same graph.

N pictures of P cells, S waves of W cells at most, R rows a step, V tokens, n neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch
from torch import Tensor

from pixelgen.data.bands import FREE
from pixelgen.models.interface import Decoder
from pixelgen.plan import Plan
from pixelgen.samplers.device_draw import choose
from pixelgen.samplers.draw import not_numbers
from pixelgen.samplers.interface import Sampler
from pixelgen_torch.cuda_graph import Work, recorded
from pixelgen_torch.decoder import NetworkDecoder
from pixelgen_torch.device import there
from pixelgen_torch.network import Network
from pixelgen_torch.products import padded

CHECKED = 32  # waves that graphs must paint as they are painted without
KEPT = 3  # painters: a tall picture has as many kinds of bands, the first, those below, the last
KEPT_CELLS = 1 << 22  # of all of them, some 50 bytes each


class Painters:
    """The painters of a model, of whom the last few are kept for plans of the same kind."""

    def __init__(self) -> None:
        self._idle: list[Painter] = []
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Painters], tuple[()]]:
        return Painters, ()  # a copy has none

    def paint(
        self, network: Network, plan: Plan, decoder: Callable[[int], Decoder]
    ) -> np.ndarray | None:
        """Paint a plan as `Painter.paint` does; None where that cannot be.

        Args:
            network: the weights; `forget` is to be called before they change.
            plan: of no mixture, and with something to paint.
            decoder: returns one with so many slots, which may be of another kind.
        """
        if torch.are_deterministic_algorithms_enabled():  # CUDA has no such cumulative sum
            return None
        painter = self._that_fits(plan)
        try:
            painter = painter or _new_painter(network, plan, decoder)
            if painter is None:
                return None
            canvases = painter.paint(plan)
        except torch.OutOfMemoryError:
            self.forget()
            raise
        with self._lock:
            self._idle.append(painter)
            while len(self._idle) > KEPT or sum(idle.cells for idle in self._idle) > KEPT_CELLS:
                del self._idle[0]
        return canvases

    def forget(self) -> None:
        """Keep none: the weights will be others, or the memory is wanted."""
        if self._idle:
            with self._lock:
                self._idle.clear()

    def _that_fits(self, plan: Plan) -> Painter | None:
        """Take one out, so that no other thread does."""
        with self._lock:
            for number, painter in enumerate(self._idle):
                if painter.fits(plan):
                    return self._idle.pop(number)
        return None


class Painter:
    """Paints plans that differ in their numbers alone, and not in what is painted when.

    Args:
        network: whose weights the decoder has.
        decoder: with a slot for each segment of each picture, and a fixed number of rows a step.
        plan: the first of these plans.

    Attributes:
        cells: of all canvases, which is what the memory goes by.
    """

    def __init__(self, network: Network, decoder: NetworkDecoder, plan: Plan) -> None:
        assert decoder.at_once is not None
        self._network, self._decoder = network, decoder
        self._cutter, self._sampler, self._schedule = plan.cutter, plan.sampler, plan.schedule
        pictures, cells = len(plan.pictures), plan.cutter.scan.cells
        schedule = plan.schedule
        outside, self._nowhere = cells, cells + 1  # beside the cells of a canvas
        self._pictures, self._stride = pictures, cells + 2
        self.cells = pictures * self._stride
        width = max(map(len, schedule.waves))
        waves = np.full((len(schedule.waves), width + 1), self._nowhere)
        for wave, of_wave in zip(waves, schedule.waves, strict=True):
            wave[: len(of_wave)] = of_wave
        self._waves = self._there(waves)
        self._number = self._there(np.zeros(1, np.int64))  # of the wave that is next
        # By row: its picture and its column among the waves; the last column is nowhere.
        rows = np.arange(padded(pictures * width, decoder.at_once))
        parts = np.split(rows, len(rows) // decoder.at_once)
        self._steps = [
            (self._there(part % pictures), self._there(np.minimum(part // pictures, width)))
            for part in parts
        ]
        self._steps_of = [
            math.ceil(len(wave) * pictures / decoder.at_once) for wave in schedule.waves
        ]
        # By cell; nothing is seen from nowhere.
        self._table = self._there(_longer(plan.cutter.table, 2, outside))  # (P + 2, n)
        self._segments = self._there(_longer(schedule.segment, 2, 0))
        self._keep = self._there(_longer(~schedule.starts, 2, True)[:, None])
        self._places = self._there(np.zeros(cells + 2, np.int64))
        self._temperatures: Tensor | None = None
        if plan.temperatures is not None:
            self._temperatures = self._there(np.ones((cells + 2, 1)))
        self._token_starts = self._there(network.token_starts)
        self._entries_of_position = self._there(network.entries_of_position)
        # By picture and cell.
        self._canvas = torch.empty(self.cells, dtype=torch.int64, device=network.device)
        self._given: Tensor | None = None
        if plan.given is not None:
            self._given = torch.empty_like(self._canvas)
        self._uniforms = torch.zeros(
            self.cells, plan.uniforms.shape[2], dtype=torch.float64, device=network.device
        )
        self._totals = torch.ones(self.cells, dtype=torch.float64, device=network.device)
        self._groups = torch.zeros(pictures, dtype=torch.int64, device=network.device)
        self._graphs: dict[int, Work] | None = None  # by steps; none if they do not work

    def fits(self, plan: Plan) -> bool:
        """Whether it can paint this plan."""
        waves, mine = plan.schedule.waves, self._schedule.waves
        return (
            plan.cutter is self._cutter
            and len(plan.pictures) == self._pictures
            and type(plan.sampler) is type(self._sampler)
            and plan.sampler.options == self._sampler.options
            and (plan.given is None) == (self._given is None)
            and (plan.temperatures is None) == (self._temperatures is None)
            and len(waves) == len(mine)
            and all(map(np.array_equal, waves, mine))
        )

    def paint(self, plan: Plan) -> np.ndarray:
        """Return the plan's canvases: (N, P) int32.

        Raises:
            TrainingError: the model's logits are not numbers.
        """
        with torch.inference_mode():
            if self._graphs is None:
                self._graphs = self._recorded(plan)
            self._begin(plan)
            self._paint_waves(len(self._steps_of), self._graphs)
            totals = self._by_picture(self._totals)
            if not (totals.isfinite() & (totals > 0)).all():
                raise not_numbers()
            result: np.ndarray = self._by_picture(self._canvas).to(torch.int32).cpu().numpy()
            return result

    def _begin(self, plan: Plan) -> None:
        """Empty the canvases, and take what is this plan's own."""
        self._number.zero_()
        self._totals.fill_(1)
        self._canvas.fill_(self._network.spec.vocab_size)
        if plan.given is not None and self._given is not None:
            given, done = self._there(plan.given), self._there(plan.schedule.done)
            self._given.fill_(FREE)
            self._by_picture(self._given).copy_(given)
            self._by_picture(self._canvas)[:, done] = given[:, done]
        if plan.temperatures is not None and self._temperatures is not None:
            self._temperatures[:-2, 0] = self._there(plan.temperatures)
        cells = self._stride - 2
        places = np.arange(cells) if plan.places is None else plan.places
        self._places[:-2] = self._there(places)
        self._groups.copy_(self._there(plan.groups))
        self._by_picture(self._uniforms).copy_(torch.from_numpy(plan.uniforms))

    def _by_picture(self, numbers: Tensor) -> Tensor:
        """A view of what there is by picture and cell: (N, P, …)."""
        return numbers.view(-1, self._stride, *numbers.shape[1:])[:, :-2]

    def _paint_waves(self, count: int, graphs: dict[int, Work]) -> None:
        """Paint the first waves, each by the graph of as many steps where there is one."""
        for steps in self._steps_of[:count]:
            if steps in graphs:
                graphs[steps]()
            else:
                self._paint_wave(steps)

    def _paint_wave(self, steps: int) -> None:
        cells = self._waves.index_select(0, self._number)[0]
        for picture, column in self._steps[:steps]:
            self._step(picture, cells.index_select(0, column))
        self._number.add_(1).clamp_(max=len(self._waves) - 1)  # it may be warmed up more often

    def _step(self, picture: Tensor, cell: Tensor) -> None:
        """Paint a cell (R,) of each of some pictures (R,)."""
        network, decoder = self._network, self._decoder
        first = picture * self._stride
        context = self._canvas.take(first[:, None] + self._table.index_select(0, cell))  # (R, n)
        entries = [
            context[:, : len(self._token_starts)] + self._token_starts,
            self._entries_of_position.index_select(0, self._places.index_select(0, cell)),
        ]
        if network.group_start is not None:
            groups = self._groups.index_select(0, picture)
            entries.append(groups[:, None] + network.group_start)
        slots = picture * self._schedule.segments + self._segments.index_select(0, cell)
        seen = decoder.look(
            context,
            torch.cat(entries, 1),
            torch.where(cell != self._nowhere, slots, decoder.spare),
            self._keep.index_select(0, cell),
        )
        logits = decoder.logits(seen)
        if self._temperatures is not None:
            lowered = logits - logits.amax(1, keepdim=True)
            logits = (lowered / self._temperatures.index_select(0, cell)).float()
        at = first + cell
        probabilities = self._sampler.probabilities(logits, xp)
        tokens, total = choose(probabilities, self._uniforms.index_select(0, at), xp)
        if self._given is not None:
            given = self._given.take(at)
            tokens = torch.where(given == FREE, tokens, given)
        self._canvas.index_copy_(0, at, tokens)
        self._totals.index_copy_(0, at, total)

    def _recorded(self, plan: Plan) -> dict[int, Work]:
        """Return graphs of waves by their steps; none where that does not work.

        What they paint is compared with what is painted without them.
        """
        if not waits_for_nothing(self._sampler, self._network.spec.vocab_size):
            return {}
        graphs: dict[int, Work] = {}
        self._begin(plan)
        for steps in sorted(set(self._steps_of)):
            graph = recorded(partial(self._paint_wave, steps), self._network.device)
            if graph is None:
                return {}
            graphs[steps] = graph
        painted = []
        for chosen in (graphs, {}):
            self._begin(plan)
            self._paint_waves(CHECKED, chosen)
            painted.append(self._canvas.clone())
        return graphs if torch.equal(*map(self._by_picture, painted)) else {}

    def _there(self, array: np.ndarray) -> Tensor:
        """A copy on the device; what is neither truth values nor fractions as int64."""
        kind = array.dtype if array.dtype.kind in "bf" else np.int64
        return there(array.astype(kind), self._network.device)


def _new_painter(network: Network, plan: Plan, decoder: Callable[[int], Decoder]) -> Painter | None:
    """Return one for a plan, or None where the sampler or the decoder does not go with it."""
    if not takes_tensors(plan.sampler, network.spec.vocab_size, network.device):
        return None
    made = decoder(len(plan.pictures) * plan.schedule.segments)
    return Painter(network, made, plan) if isinstance(made, NetworkDecoder) else None


def takes_tensors(sampler: Sampler, vocab_size: int, device: torch.device) -> bool:
    """Whether a sampler can be given tensors on a device; it might know NumPy's arrays alone."""
    logits = torch.zeros(2, vocab_size, device=device)
    try:
        probabilities: Any = sampler.probabilities(logits, xp)
    except torch.OutOfMemoryError:
        raise
    except Exception:
        return False
    return (
        isinstance(probabilities, Tensor)
        and probabilities.device == logits.device
        and probabilities.shape == logits.shape
    )


def waits_for_nothing(sampler: Sampler, vocab_size: int) -> bool:
    """Whether a sampler looks at none of its numbers, as `float(array)` would: there are none."""
    try:
        sampler.probabilities(torch.zeros(2, vocab_size, device="meta"), xp)
    except Exception:
        return False
    return True


def _longer(array: np.ndarray, rows: int, filler: Any) -> np.ndarray:
    """The array with so many rows of a filler appended."""
    return np.concatenate([array, np.full((rows, *array.shape[1:]), filler, array.dtype)])

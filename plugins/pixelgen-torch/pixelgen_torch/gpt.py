"""`torch-gpt`: a small decoder-only transformer over the sequence of tokens.

As in Chen et al., "Generative pretraining from pixels" (2020): a picture is one long sequence, and
each position attends to those painted before it, here to the last `reach` of them. With x (E,) of
the input layer (`network.py`), for each of L layers:

    [q, k, v] = qkv norm x                              (3E,), each cut into heads of D
    x = x + attention.back softmax(q · K / √D) V        K, V: of this and the reach - 1 before it
    x = x + back γ(up norm x)                           up: E → 4E, back: 4E → E

and h = norm x goes to the output layer. Places are told by the input's row and column embeddings.
Training is on windows of the sequence, shuffled, since the rows of a picture in their order are no
sample of it. Keys and values are kept in a cache, from chunk to chunk in evaluation and from
position to position in painting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional

import pixelgen
from pixelgen.data.segments import Batch, Segments
from pixelgen.models.canonical.options import ENDS
from pixelgen_torch.decoder import NetworkDecoder
from pixelgen_torch.dropout import Dropout, dropped
from pixelgen_torch.model import SequenceNetwork, TorchModel
from pixelgen_torch.network import gelu
from pixelgen_torch.options import TorchOptions
from pixelgen_torch.products import pad_to
from pixelgen_torch.residual import Norm, Residual, residual_shapes


class GPTOptions(TorchOptions):
    """Options of `torch-gpt`."""

    family: ClassVar[str] = "gpt"
    shaping: ClassVar[tuple[str, ...]] = ("layers", "heads", "reach", *ENDS)

    layers: int = Field(2, ge=1, le=64, description="transformer layers, one after another")
    heads: int = Field(4, ge=1, le=64, description="attention heads; they share the embedding")
    reach: int = Field(
        150, ge=1, le=65536, description="positions that are attended to, the own one included"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of what each layer adds that is dropped in training"
    )
    batch: int = Field(8, ge=1, le=65536, description="windows in a training batch")
    window: int = Field(
        150,
        ge=1,
        le=65536,
        description="positions in a window that is trained on; it starts afresh",
    )
    window_step: int = Field(75, ge=1, description="how far apart the windows start")
    learning_rate: float | None = Field(
        None, gt=0, le=10, description="its peak; unset: 0.002, and 0.001 for rmsprop"
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embedding % self.heads:
            raise ValueError(
                f"'heads' must divide 'embedding': {self.heads} and {self.embedding} do not"
            )
        return self

    @property
    def width(self) -> int:
        """How many numbers the output layer reads."""
        return self.embedding

    def middle_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the layers' weights, by name."""
        width = self.embedding
        shapes = residual_shapes("layer", self.layers, width, 4 * width)
        for layer in range(self.layers):
            name = f"layer.{layer}.attention"
            shapes |= {f"{name}.norm.weight": (width,), f"{name}.norm.bias": (width,)}
            shapes |= {f"{name}.qkv.weight": (3 * width, width), f"{name}.qkv.bias": (3 * width,)}
            shapes |= {f"{name}.back.weight": (width, width), f"{name}.back.bias": (width,)}
        return shapes

    def segments(self) -> Segments:
        """Return how sequences are to be cut."""
        return Segments(
            memory="picture",
            context=self.context,
            batch=self.batch,
            chunk=self.window,
            window=self.window,
            window_step=self.window_step,
            positions=self.elsewhere,
            scan=self.scan,
        )

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate given, or the optimizer's default."""
        if self.learning_rate is None and self.optimizer != "rmsprop":
            return 0.002
        return super().peak_learning_rate


@dataclass(frozen=True, eq=False)
class Cache:
    """Keys and values of the last C positions of B sequences.

    Attributes:
        keys, values: (L, B, heads, C, D).
        filled: (B,) int64, how many of them, counted from the last, the sequence has.
    """

    keys: Tensor
    values: Tensor
    filled: Tensor


class GPTNetwork(SequenceNetwork):
    """Attention and residual blocks between the input and the output layer."""

    options: GPTOptions

    def read(
        self,
        batch: Batch,
        carried: Cache | None,
        dtype: torch.dtype,
        dropout: Dropout | None,
    ) -> tuple[Tensor, Cache]:
        """Return the outputs h (TB, E), time first, and the cache after the last position."""
        options = self.options
        cache = self._continued(carried, batch, dtype)
        rows, steps = batch.targets.shape
        before = cache.keys.shape[3]  # C
        seen = self._mask(cache, steps)
        x = self.embed(batch, dtype).transpose(0, 1).float()  # (B, T, E), summed in float32
        kept: list[tuple[Tensor, Tensor]] = []
        for layer in range(options.layers):
            name = f"layer.{layer}"
            qkv = self._linear(f"{name}.attention.qkv", self._normed(f"{name}.attention", x, dtype))
            # (3, B, heads, T, D)
            q, k, v = qkv.view(rows, steps, 3, options.heads, -1).permute(2, 0, 3, 1, 4)
            k = torch.cat([cache.keys[layer], k], 2)  # (B, heads, C + T, D)
            v = torch.cat([cache.values[layer], v], 2)
            kept.append((k[:, :, -(options.reach - 1) :], v[:, :, -(options.reach - 1) :]))
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
            y = self._linear(f"{name}.attention.back", y.transpose(1, 2).flatten(2))
            x = x + dropped(y, options.dropout, dropout, batch_axis=0)
            y = gelu(self._linear(f"{name}.up", self._normed(name, x, dtype)))
            y = self._linear(f"{name}.back", y)
            x = x + dropped(y, options.dropout, dropout, batch_axis=0)
        h = self._normed("layer", x, dtype).transpose(0, 1).flatten(0, 1)
        if options.reach == 1:
            return h, self._empty(rows, dtype)
        filled = (cache.filled + steps).clamp(max=min(before + steps, options.reach - 1))
        keys, values = (torch.stack(part).detach() for part in zip(*kept, strict=True))
        return h, Cache(keys, values, filled)

    def _mask(self, cache: Cache, steps: int) -> Tensor:
        """(B, 1, T, C + T) bool: which keys each position attends to."""
        before = cache.keys.shape[3]
        key = torch.arange(before + steps, device=self.device)
        query = torch.arange(before, before + steps, device=self.device)[:, None]
        near = (key <= query) & (key > query - self.options.reach)  # (T, C + T)
        there = key >= before - cache.filled[:, None, None]  # (B, 1, C + T)
        return (near & there)[:, None]

    def _continued(self, carried: Cache | None, batch: Batch, dtype: torch.dtype) -> Cache:
        rows = len(batch.starts)
        if batch.starts.all():
            return self._empty(rows, dtype)
        before = 0 if carried is None else len(carried.filled)
        if carried is None or before != rows:
            raise ValueError(f"a batch of {rows} sequences cannot go on from one of {before}")
        goes_on = self._tensor(~batch.starts)
        return Cache(carried.keys.to(dtype), carried.values.to(dtype), carried.filled * goes_on)

    def _empty(self, rows: int, dtype: torch.dtype) -> Cache:
        options = self.options
        shape = (options.layers, rows, options.heads, 0, options.embedding // options.heads)
        nothing = torch.empty(shape, dtype=dtype, device=self.device)
        return Cache(nothing, nothing, torch.zeros(rows, dtype=torch.int64, device=self.device))


class TorchGPT(TorchModel):
    """A small decoder-only transformer."""

    Options: ClassVar[type[pixelgen.Options]] = GPTOptions
    Net: ClassVar[type[SequenceNetwork]] = GPTNetwork
    family: ClassVar[str | None] = GPTOptions.family

    network: GPTNetwork

    def decoder(self, slots: int) -> GPTDecoder:
        """Return a decoder with room for this many sequences."""
        return GPTDecoder(self.network, slots)


class GPTDecoder(NetworkDecoder):
    """Holds the keys and values of a number of slots in rings of `reach` entries.

    `_painted` is how many positions of each slot have been painted.
    """

    together: ClassVar[int] = 64  # a sequence paints one position at a time

    def __init__(self, network: GPTNetwork, slots: int) -> None:
        super().__init__(network, slots)
        options, weights = network.options, network.weights()
        self._reach, self._heads = options.reach, options.heads
        size = options.embedding // options.heads
        ring = (options.layers, slots + 1, options.heads, options.reach, size)
        self._keys = torch.zeros(ring, device=network.device)
        self._values = torch.zeros(ring, device=network.device)
        self._painted = torch.zeros(slots + 1, dtype=torch.int64, device=network.device)
        self._numbers = torch.arange(options.reach, device=network.device)
        self._scale = 1 / math.sqrt(size)
        self._attention = []
        for layer in range(options.layers):
            name = f"layer.{layer}.attention"
            back = weights[f"{name}.back.weight"]
            self._attention.append(
                (
                    Norm(weights, name),
                    self._product(weights[f"{name}.qkv.weight"], weights[f"{name}.qkv.bias"]),
                    self._product(pad_to(back, *back.shape), weights[f"{name}.back.bias"]),
                )
            )
        self._blocks = [
            Residual(weights, f"layer.{layer}", self._dtype) for layer in range(options.layers)
        ]
        self._norm = Norm(weights, "layer")

    def between(self, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """Return h (M', E') of x (M', E'), and put the keys and values into the slots' rings."""
        painted = self._painted.index_select(0, slots)  # positions before, (M',)
        if keep is not None:
            painted *= keep[:, 0]
        place = painted % self._reach
        painted += 1
        self._painted.index_copy_(0, slots, painted)
        empty = (self._numbers >= painted[:, None])[:, None]  # (M', 1, reach)
        for layer, block in enumerate(self._blocks):
            x = block(x + self._attend(layer, x, slots, place, empty))
        return self._norm.padded(x)

    def _attend(self, layer: int, x: Tensor, slots: Tensor, place: Tensor, empty: Tensor) -> Tensor:
        """(M', E') what a layer's attention adds."""
        norm, qkv, back = self._attention[layer]
        rows, width = len(x), self._network.options.embedding
        made = qkv(norm(x))[:, : 3 * width].float().view(rows, 3, self._heads, -1)
        q, k, v = made.unbind(1)  # (M', heads, D)
        self._keys[layer, slots, :, place] = k
        self._values[layer, slots, :, place] = v
        attended = self._by_row if self.at_once is None else self._all_rows
        return back(attended(layer, q, slots, empty))

    def _all_rows(self, layer: int, q: Tensor, slots: Tensor, empty: Tensor) -> Tensor:
        """(M', E') what rows find, each in its slot's ring, by queries (M', heads, D)."""
        keys = self._keys[layer].index_select(0, slots)  # (M', heads, reach, D)
        values = self._values[layer].index_select(0, slots)
        scores = torch.matmul(keys, q[..., None])[..., 0].mul_(self._scale)
        shares = scores.masked_fill_(empty, -math.inf).softmax(-1)  # (M', heads, reach)
        return torch.matmul(shares[:, :, None], values).flatten(1)

    def _by_row(self, layer: int, q: Tensor, slots: Tensor, empty: Tensor) -> Tensor:
        """The same a row at a time: in one product, last bits depend on how many there are."""
        out = torch.empty(len(q), q[0].numel(), device=q.device)
        for row, slot in enumerate(slots.tolist()):
            keys, values = self._keys[layer, slot], self._values[layer, slot]  # (heads, reach, D)
            scores = torch.bmm(keys, q[row, :, :, None])[:, :, 0].mul_(self._scale)
            shares = scores.masked_fill_(empty[row], -math.inf).softmax(1)  # (heads, reach)
            out[row] = torch.bmm(shares[:, None], values).flatten()
        return out

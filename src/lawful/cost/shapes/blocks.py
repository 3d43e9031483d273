"""The blocks that models are stacked from; each gives its parts at the width of its tower.

What to use when: ``Attention`` for multi-head, grouped-query and multi-query attention, with or without a window, and
across towers; ``LatentAttention`` for DeepSeek's compressed keys and values; ``FeedForward`` and ``Experts`` for the
layers between; ``SelectiveScan`` for Mamba; ``Norm``, ``Table``, ``Patches`` and ``Linear`` for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lawful.cost.shapes.parts import Activation, Cache, Part, Product, Scan, Use, Weight


class Block(Protocol):
    """What a tower stacks."""

    def parts(self, width: int) -> Iterator[Part]:
        """Its weights, products and caches in a tower of ``width`` channels."""


def _matrix(name: str, group: str, columns: int, rows: int, bias: bool, stream: str | None = None) -> Iterator[Weight]:
    """A matrix that takes ``columns`` channels to ``rows``, and its bias."""
    yield Weight(name, group, (rows, columns), stream=stream)
    if bias:
        yield Weight(f"{name} bias", group, (rows,), use="never")


@dataclass(frozen=True)
class Attention:
    """``heads`` query heads of ``head_dim`` channels share ``kv_heads`` heads of keys and values.

    ``bias`` are those of queries, keys and values, ``out_bias`` that of the output; ``qk_norm`` is the size of a gain
    on queries and keys each, 0 for none. ``window`` bounds the keys that a query sees. ``across`` names the tower whose
    tokens give the keys, in cross-attention.
    """

    heads: int
    head_dim: int
    kv_heads: int
    bias: bool = False
    out_bias: bool = False
    key_bias: bool | None = None      # where it differs, as in Whisper
    qk_norm: tuple[int, ...] = ()     # sizes of the gains: (head_dim, head_dim), or those of all heads
    window: int | None = None
    causal: bool = True
    across: str | None = None

    def parts(self, width: int) -> Iterator[Part]:
        """Four matrices, the scores and the values, and the cache of keys and values."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        key_bias = self.bias if self.key_bias is None else self.key_bias
        yield from _matrix("query", "attention", width, queries, self.bias)
        yield from _matrix("key", "attention", width, keys, key_bias, self.across)
        yield from _matrix("value", "attention", width, keys, self.bias, self.across)
        yield from _matrix("output", "attention", queries, width, self.out_bias)
        for size in self.qk_norm:
            yield Weight("query-key norm", "norm", (size,), use="never")
        yield Product("scores and values", queries, queries, window=self.window, causal=self.causal, stream=self.across)
        yield Activation("attention", width + 2 * queries + 2 * keys, scores=self.heads)
        if self.causal or self.across:
            yield Cache("keys and values", 2 * keys, window=self.window)


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention: keys and values are read from ``kv_rank`` channels, and ``rope`` shared ones.

    ``query_rank`` None means that queries are not compressed. Each head has ``nope`` channels of keys without position,
    ``rope`` with, and ``value`` channels of values. DeepSeek-V2, arXiv:2405.04434, section 2.1. The products are those
    of training and prefill; what is cached is the latent alone.
    """

    heads: int
    kv_rank: int
    nope: int
    rope: int
    value: int
    query_rank: int | None = None

    def parts(self, width: int) -> Iterator[Part]:
        """The down- and up-projections, their norms, the products, and the latent that is cached."""
        keys, values = self.heads * (self.nope + self.rope), self.heads * self.value
        if self.query_rank is None:
            yield Weight("query", "attention", (keys, width))
        else:
            yield Weight("query down", "attention", (self.query_rank, width))
            yield Weight("query norm", "norm", (self.query_rank,), use="never")
            yield Weight("query up", "attention", (keys, self.query_rank))
        yield Weight("key-value down", "attention", (self.kv_rank + self.rope, width))
        yield Weight("key-value norm", "norm", (self.kv_rank,), use="never")
        yield Weight("key-value up", "attention", (self.heads * (self.nope + self.value), self.kv_rank))
        yield Weight("output", "attention", (width, values))
        yield Product("scores and values", keys, values)
        latents = 2 * ((self.query_rank or 0) + self.kv_rank) + self.rope   # before their norms and after
        yield Activation("attention", width + latents + 2 * keys + 2 * values, scores=self.heads)
        yield Cache("latent", self.kv_rank + self.rope)


@dataclass(frozen=True)
class FeedForward:
    """``hidden`` channels between two matrices, or three where ``gated`` (SwiGLU, GeGLU)."""

    hidden: int
    gated: bool = True
    bias: bool = False

    def parts(self, width: int) -> Iterator[Part]:
        """Two or three matrices."""
        if self.gated:
            yield from _matrix("gate", "mlp", width, self.hidden, self.bias)
        yield from _matrix("up", "mlp", width, self.hidden, self.bias)
        yield from _matrix("down", "mlp", self.hidden, width, self.bias)
        yield Activation("mlp", width + (4 if self.gated else 2) * self.hidden)


@dataclass(frozen=True)
class Experts:
    """``routed`` experts of ``hidden`` channels, of which each token takes ``active``; ``shared`` channels for all.

    ``router_bias`` is a correction for each expert that only steers the choice (DeepSeek-V3), ``shared_gate`` a gate on
    the shared experts (Qwen2-MoE).
    """

    routed: int
    active: int
    hidden: int
    shared: int = 0           # hidden channels of the shared experts together
    gated: bool = True
    router_bias: bool = False
    shared_gate: bool = False

    def parts(self, width: int) -> Iterator[Part]:
        """The router, the routed experts and the shared ones."""
        yield Weight("router", "router", (self.routed, width))
        if self.router_bias:
            yield Weight("router bias", "router", (self.routed,), use="never")
        names = ("gate", "up", "down") if self.gated else ("up", "down")
        for name in names:
            yield Weight(f"expert {name}", "experts", (self.hidden, width), self.routed, self.active)
        if self.shared:
            for name in names:
                yield Weight(f"shared {name}", "experts", (self.shared, width))
            if self.shared_gate:
                yield Weight("shared switch", "router", (1, width))
        inner = 4 if self.gated else 2
        yield Activation("experts", width + self.active * (width + inner * self.hidden) + inner * self.shared)


@dataclass(frozen=True)
class SelectiveScan:
    """A Mamba block: ``inner`` channels with ``states`` each, a short convolution, steps from ``step_rank`` channels.

    ``norms`` are gains on step, B and C (Jamba). arXiv:2312.00752, figure 3.
    """

    inner: int
    states: int
    convolution: int
    step_rank: int
    bias: bool = False
    convolution_bias: bool = True
    norms: bool = False

    def parts(self, width: int) -> Iterator[Part]:
        """Projections, convolution, scan, and the state that is kept."""
        yield from _matrix("in", "ssm", width, 2 * self.inner, self.bias)
        yield Weight("convolution", "ssm", (self.inner, self.convolution))
        if self.convolution_bias:
            yield Weight("convolution bias", "ssm", (self.inner,), use="never")
        yield Weight("select", "ssm", (self.step_rank + 2 * self.states, self.inner))
        yield from _matrix("step", "ssm", self.step_rank, self.inner, bias=True)
        yield Weight("A", "ssm", (self.inner, self.states), use="never")
        yield Weight("D", "ssm", (self.inner,), use="never")
        yield from _matrix("out", "ssm", self.inner, width, self.bias)
        if self.norms:
            yield Weight("step, B and C norms", "norm", (self.step_rank + 2 * self.states,), use="never")
        yield Scan("scan", self.inner, self.states)
        # both halves, the convolution's output and its activation, the step twice, the scan's output, the gated one
        yield Activation("scan", width + 8 * self.inner + self.step_rank + 2 * self.states)
        yield Cache("state", self.inner * (self.states + self.convolution - 1), fixed=True)


@dataclass(frozen=True)
class Norm:
    """A gain for every channel, with a ``bias`` in layer normalisation; ``gain`` False for one without parameters."""

    bias: bool = False
    gain: bool = True

    def parts(self, width: int) -> Iterator[Part]:
        """One vector or two."""
        if self.gain:
            yield Weight("norm", "norm", (width,), use="never")
        if self.bias:
            yield Weight("norm bias", "norm", (width,), use="never")
        yield Activation("norm", width)


@dataclass(frozen=True)
class Table:
    """A vector for each of ``entries`` tokens, places or kinds: looked up, not multiplied."""

    entries: int
    group: str = "embedding"
    channels: int | None = None   # the tower's width where None

    def parts(self, width: int) -> Iterator[Part]:
        """One table."""
        yield Weight(self.group, self.group, (self.entries, self.channels or width), use="never")


@dataclass(frozen=True)
class Patches:
    """``count`` squares of ``side`` pixels in ``channels`` colours, each made a token by one matrix."""

    count: int
    side: int
    channels: int = 3
    bias: bool = True

    def parts(self, width: int) -> Iterator[Part]:
        """One matrix, applied to every patch."""
        yield Weight("patches", "embedding", (width, self.channels * self.side**2), use="example", uses=self.count)
        if self.bias:
            yield Weight("patches bias", "embedding", (width,), use="never")


@dataclass(frozen=True)
class Linear:
    """A matrix to ``rows`` channels: a head, a pooler, a projection into a common space.

    A ``tied`` one is the embedding used again: it costs as a matrix and adds no parameters.
    """

    rows: int
    group: str = "head"
    bias: bool = False
    use: Use = "token"
    tied: bool = False
    channels: int | None = None   # the tower's width where None

    def parts(self, width: int) -> Iterator[Part]:
        """One matrix."""
        columns = self.channels or width
        yield Weight("linear", self.group, (self.rows, columns), use=self.use, tied=self.tied)
        if self.bias:
            yield Weight("linear bias", self.group, (self.rows,), use="never")
        if self.use == "token":   # a head over the vocabulary; what is made once an example is next to nothing
            yield Activation("head", columns, inside=False)
            yield Activation("log-softmax", self.rows, inside=False, in_fp32=True)


@dataclass(frozen=True)
class Scalars:
    """Single numbers, such as a learned temperature."""

    count: int
    group: str = "head"

    def parts(self, width: int) -> Iterator[Part]:
        """So many numbers."""
        yield Weight("scalars", self.group, (self.count,), use="never")

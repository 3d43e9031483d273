"""What a model is made of, as far as costs go: weights, products of activations, scans, and what is cached.

Every count of parameters, FLOP and bytes is a sum over these parts, so that no two of them can disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

GROUPS = ("embedding", "position", "attention", "mlp", "experts", "router", "ssm", "norm", "head")
"""The groups of parameters, which add up to the total."""

EMBEDDINGS = ("embedding", "position", "head")
"""The groups that a count of non-embedding parameters leaves out: tables of vocabulary and place, at both ends."""

FLOP_PER_WEIGHT = 2.0
"""A weight that multiplies an activation costs one multiplication and one addition."""

SCAN_FLOP = 7.0
"""Of one step of a selective scan, per channel and state: the products dt A, dt B, (dt B) x, one multiplication and
one addition for the state, and the same for the output. Its exponential is not counted."""

Use = Literal["token", "example", "never"]


@dataclass(frozen=True)
class Weight:
    """Weights of one kind: ``copies`` of ``shape``, of which a token passes through ``used`` (None: all).

    ``use`` says how often one multiplies an activation: for every token, ``uses`` times an example (a pooled head, the
    patches of an image), or never (a table that is looked up, a gain, a bias: elementwise work is not counted).
    ``stream`` names the tokens it works on where they are not those of its own tower, as the keys of cross-attention.
    ``tied`` weights are those of another part used again: they cost and do not count.
    """

    name: str
    group: str
    shape: tuple[int, ...]
    copies: int = 1
    used: int | None = None
    use: Use = "token"
    uses: int = 1
    stream: str | None = None
    tied: bool = False

    @property
    def elements(self) -> int:
        """How many weights there are, tied or not."""
        return math.prod(self.shape) * self.copies

    @property
    def params(self) -> int:
        """How many weights there are; none where they are tied to others, which count."""
        return 0 if self.tied else self.elements

    @property
    def active(self) -> int:
        """How many of them one token passes through."""
        return 0 if self.tied else self._used

    @property
    def flop(self) -> float:
        """What one use of them costs, forward [FLOP]."""
        return 0.0 if self.use == "never" else FLOP_PER_WEIGHT * self._used

    @property
    def _used(self) -> int:
        return math.prod(self.shape) * (self.copies if self.used is None else self.used)

    def times(self, layers: int) -> Weight:
        """The same in ``layers`` layers."""
        return replace(self, copies=self.copies * layers, used=None if self.used is None else self.used * layers)


@dataclass(frozen=True)
class Product:
    """Attention's own products, queries with keys and scores with values, in ``copies`` layers.

    ``key_width`` and ``value_width`` are those of all heads together. A query sees at most ``window`` keys (None: all),
    of the tokens of ``stream`` where they are not its own; where ``causal`` none after itself.
    """

    name: str
    key_width: int
    value_width: int
    copies: int = 1
    window: int | None = None
    causal: bool = True
    stream: str | None = None

    def flop(self, queries: float, keys: float, skip_masked: bool = False) -> float:
        """For ``queries`` tokens over ``keys`` tokens, forward [FLOP].

        Masked scores are computed and thrown away by plain kernels, and counted; ``skip_masked`` counts those alone
        that are kept, as a fused kernel computes them.
        """
        pairs = queries * keys
        if skip_masked:
            seen = keys if self.window is None else min(self.window, keys)
            causal = queries * seen - seen * (seen - 1) / 2
            pairs = causal if self.causal else queries * seen
        return FLOP_PER_WEIGHT * self.copies * pairs * (self.key_width + self.value_width)

    def times(self, layers: int) -> Product:
        """The same in ``layers`` layers."""
        return replace(self, copies=self.copies * layers)


@dataclass(frozen=True)
class Scan:
    """The recurrence of a state-space block: ``channels`` of ``states`` each, in ``copies`` layers."""

    name: str
    channels: int
    states: int
    copies: int = 1

    @property
    def flop(self) -> float:
        """For one token, forward [FLOP]."""
        return SCAN_FLOP * self.channels * self.states * self.copies

    def times(self, layers: int) -> Scan:
        """The same in ``layers`` layers."""
        return replace(self, copies=self.copies * layers)


@dataclass(frozen=True)
class Cache:
    """What decoding keeps: ``elements`` for every token seen (at most ``window``), or, where ``fixed``, in all."""

    name: str
    elements: int
    copies: int = 1
    window: int | None = None
    fixed: bool = False

    def size(self, context: float) -> float:
        """Elements kept after ``context`` tokens."""
        seen = context if self.window is None else min(self.window, context)
        return self.copies * self.elements * (1.0 if self.fixed else seen)

    def times(self, layers: int) -> Cache:
        """The same in ``layers`` layers."""
        return replace(self, copies=self.copies * layers)


@dataclass(frozen=True)
class Activation:
    """What a layer keeps of each token for its backward pass: the inputs of its products and nonlinearities.

    ``elements`` always, ``scores`` more for each token of the context where attention is not fused. ``inside`` a
    layer, so that it can be computed again from the layer's input; ``in_fp32`` whatever the precision of training.
    """

    name: str
    elements: int
    copies: int = 1
    scores: int = 0
    inside: bool = True
    in_fp32: bool = False

    def size(self, number: float, context: float = 0.0) -> float:
        """Bytes kept for one token at ``number`` bytes an element, with scores over ``context`` tokens."""
        return self.copies * (self.elements + self.scores * context) * (4.0 if self.in_fp32 else number)

    def times(self, layers: int) -> Activation:
        """The same in ``layers`` layers."""
        return replace(self, copies=self.copies * layers)


Part = Weight | Product | Scan | Cache | Activation

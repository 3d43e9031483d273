"""``flops(shape, convention)``: what an example costs, forward and in training, by the convention that a paper or tool
counts in.

What to use when:

- ``exact``: every matrix product of the shape, with the full square of attention scores, as a profiler counts them;
- ``causal``: the same without the scores that a causal mask or a window throws away, as a fused kernel computes them;
- ``6N``: six for each active parameter, embeddings included;
- ``kaplan``: six for each active non-embedding parameter, and attention at its causal mean (Kaplan et al. 2020,
  table 1);
- ``palm``: 6N + 12 L H Q T, with all of attention's square (Chowdhery et al. 2022, appendix B), N as in ``6N``;
- ``megatron``: 72 l h² (1 + s / 6h + V / 12 l h), of a plain GPT with a hidden width of 4h (Narayanan et al. 2021 less
  its recomputation, which makes 72 into 96 and 12 into 16).

Elementwise work (norms, activations, softmax, rotary positions) is counted by none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lawful.cost.shapes.parts import Part, Product, Scan, Weight
from lawful.cost.shapes.shape import Shape
from lawful.errors import InputError, unknown

BACKWARD = 2.0
"""The backward pass multiplies every weight twice: once for the gradient of its input, once for its own."""


@dataclass(frozen=True)
class Flops:
    """FLOP of one example of ``lengths`` tokens a stream; ``items`` are those of the forward pass, and add up to it."""

    convention: str
    lengths: Mapping[str, int]
    items: Mapping[str, float]

    @property
    def forward(self) -> float:
        """One forward pass over the example [FLOP]."""
        return sum(self.items.values())

    @property
    def train(self) -> float:
        """Forward and backward [FLOP]."""
        return (1.0 + BACKWARD) * self.forward

    @property
    def tokens(self) -> int | None:
        """Tokens of the example; None where it has several streams, whose tokens cost differently."""
        return next(iter(self.lengths.values())) if len(self.lengths) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """The counts as data: the contract of ``lawful calc flops --json``."""
        a_token = None if self.tokens is None else self.train / self.tokens
        return {"schema": "lawful.flops/1", "convention": self.convention, "lengths": dict(self.lengths),
                "items": dict(self.items), "forward_flop": self.forward, "train_flop": self.train,
                "train_flop_per_token": a_token}


def flops(shape: Shape, convention: str = "exact", context: int | None = None, **lengths: int) -> Flops:
    """The FLOP of one example: ``context`` tokens in every stream of text, or ``lengths`` by stream.

    Without either the shape's own longest context is taken. Raises ``UnknownName`` for another convention or stream,
    ``InputError`` where no length is known, or where a convention for decoders is asked of anything else.
    """
    if convention not in CONVENTIONS:
        raise unknown("convention", convention, CONVENTIONS)
    streams = {tower.name for tower in shape.towers}
    for name in lengths:
        if name not in streams:
            raise unknown("stream of tokens", name, streams, where=f"in {shape.name}")
    known = {tower.name: lengths.get(tower.name) or tower.length or context or shape.context for tower in shape.towers}
    for name, n in known.items():
        if not n:
            raise InputError(f"{shape.name} says no longest context: give the number of {name} tokens, as context=4096")
        if n < 1:
            raise InputError(f"{shape.name}: {name} tokens must be at least 1, got {n}")
    sizes = {name: int(n) for name, n in known.items() if n}
    return Flops(convention, sizes, CONVENTIONS[convention](shape, sizes))


def _exact(shape: Shape, lengths: Mapping[str, int], skip_masked: bool = False) -> dict[str, float]:
    items: dict[str, float] = {}
    for tower in shape.towers:
        for part in tower.parts():
            if cost := _cost(part, tower.name, lengths, skip_masked):
                name = part.group if isinstance(part, Weight) else part.name
                items[name] = items.get(name, 0.0) + cost
    return items


def _cost(part: Part, own: str, lengths: Mapping[str, int], skip_masked: bool) -> float:
    match part:
        case Weight():
            return part.flop * (part.uses if part.use == "example" else lengths[part.stream or own])
        case Product():
            return part.flop(lengths[own], lengths[part.stream or own], skip_masked)
        case Scan():
            return part.flop * lengths[own]
        case _:  # what is kept costs nothing to compute
            return 0.0


def _causal(shape: Shape, lengths: Mapping[str, int]) -> dict[str, float]:
    return _exact(shape, lengths, skip_masked=True)


def _six_n(shape: Shape, lengths: Mapping[str, int]) -> dict[str, float]:
    return {"2N": 2.0 * shape.params().active * _only(shape, lengths, "6N")}


def _kaplan(shape: Shape, lengths: Mapping[str, int]) -> dict[str, float]:
    n = _only(shape, lengths, "kaplan")
    return {"2N, no embeddings": 2.0 * shape.params().active_nonembedding * n,
            "2 layers context width": 2.0 * n * n * _attention_width(shape)}


def _palm(shape: Shape, lengths: Mapping[str, int]) -> dict[str, float]:
    n = _only(shape, lengths, "palm")
    return {"2N": 2.0 * shape.params().active * n, "4 LHQT": 4.0 * n * n * _attention_width(shape)}


def _megatron(shape: Shape, lengths: Mapping[str, int]) -> dict[str, float]:
    s, h = _only(shape, lengths, "megatron"), shape.towers[0].width
    layers = shape.towers[0].layers
    vocab = max((p.shape[0] for p in shape.parts() if isinstance(p, Weight) and p.group == "head"), default=0)
    return {"24 l h^2": 24.0 * layers * h**2 * s, "4 l h s": 4.0 * layers * h * s * s, "2 h V": 2.0 * h * vocab * s}


def _only(shape: Shape, lengths: Mapping[str, int], convention: str) -> int:
    """The tokens of a shape of one stream: the conventions of papers are for decoders."""
    if len(lengths) != 1:
        raise InputError(f"{convention} counts a model of one stream of tokens; {shape.name} has "
                         f"{' and '.join(lengths)}: count it with exact")
    return next(iter(lengths.values()))


def _attention_width(shape: Shape) -> int:
    """The channels of all heads, summed over layers: n_layer d_attn, or L H Q."""
    return sum(part.copies * part.value_width for part in shape.parts() if isinstance(part, Product))


CONVENTIONS: Mapping[str, Callable[[Shape, Mapping[str, int]], dict[str, float]]] = {
    "exact": _exact, "causal": _causal, "6N": _six_n, "kaplan": _kaplan, "palm": _palm, "megatron": _megatron,
}
"""Forward FLOP of an example by item, under each convention; training costs three times as much in all of them."""

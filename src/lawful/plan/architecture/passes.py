"""More work for each token instead of more parameters: parallel streams of one model, and a longer context.

Both cost compute and leave the weights as they are. Streams act like a larger model, a longer context like a
better one on long texts; what they cost is compared with what else would give the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lawful.cost.checks import positive
from lawful.errors import LawError
from lawful.fit import Fit
from lawful.laws.inference import ParallelLoss
from lawful.laws.published import Published


@dataclass(frozen=True)
class Streamed:
    """A model with ``streams``: its loss, the params that one stream would need for it, and what both multiply.

    ``flop`` is the compute of a token beside that of one stream; the larger model multiplies compute and memory by
    ``worth`` / params instead.
    """

    streams: float
    loss: float
    worth: float
    flop: float
    larger: float


@dataclass(frozen=True)
class InContext:
    """A model at a ``context``: its loss there, and the compute of a token beside that of the shortest context."""

    context: float
    loss: float
    flop: float


def weigh_streams(law: Fit | Published, params: float, streams: Sequence[float]) -> tuple[Streamed, ...]:
    """What each number of ``streams`` gives a model of ``params`` without embeddings; Chen et al. 2025, equation 5.

    P streams are worth 1 + k ln P times the params, at P times the compute: by compute alone a larger model is always
    the better buy; streams are for memory. Raises ``LawError`` for a law of another form.
    """
    inner = law.law
    if not isinstance(inner, ParallelLoss):
        raise LawError(f"{inner.form} knows no parallel streams: give chen2025_parscale:pile or :stack_v2, or a fit of "
                       "that form")
    positive("params", params, "parameters without embeddings")
    return tuple(Streamed(p, float(inner(params=params, streams=positive("streams", p, "streams"))),
                          params * inner.size_gain(p), p, inner.size_gain(p)) for p in streams)


def weigh_contexts(law: Fit | Published, contexts: Sequence[float], params: float, width: float,
                   depth: float) -> tuple[InContext, ...]:
    """The loss of a model at each of ``contexts``, the shortest first, and what a token costs there.

    A token takes 6 N + 6 l c d FLOP in training, of which the second part is attention under a causal mask (Kaplan et
    al. 2020, table 1, times three). Raises ``LawError`` for a law that takes more than context.
    """
    if law.law.inputs != ("context",):
        raise LawError(f"{law.law.form} takes {', '.join(law.law.inputs)}: context length is weighed by a law of "
                       "context alone, as xiong2023_context_length:7B")
    ordered = sorted(positive("context", c, "tokens") for c in contexts)
    cost = [params + depth * c * width for c in ordered]
    return tuple(InContext(c, float(law.law(context=c)), each / cost[0])
                 for c, each in zip(ordered, cost, strict=True))

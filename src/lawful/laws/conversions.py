"""From one convention of counting to another: parameters, tokens and bytes, losses, compute.

A law counts as its paper counts, and refuses a quantity of another convention; these functions convert,
each with its formula. What to use when: ``convert_params`` from one count of a decoder-only Transformer to
another when its shape is known, the counts themselves (``embedding_params``, ``total_params``, ...) from a
shape, the rest for data, losses and compute. Nothing here guesses: bytes per token, width and vocabulary
are always given. Biases, normalisation weights and routers are left out: below 1 % in common models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lawful.errors import InputError
from lawful.quantities import PF_DAY


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The shape of a decoder-only Transformer, as far as its parameters depend on it.

    ``tied``: the output layer is the embedding again. ``positions``: the context length where positions are
    learned, else 0. ``ff_width`` is the hidden width of one expert, 4 x width where it is None; ``gated``
    layers have three matrices instead of two. ``kv_share``: key-value heads over heads, below 1 for
    grouped queries.
    """

    width: float
    depth: float
    vocab_size: float
    tied: bool = True
    positions: float = 0.0
    experts: float = 1.0
    active_experts: float = 1.0
    ff_width: float | None = None
    gated: bool = False
    kv_share: float = 1.0

    def __post_init__(self) -> None:
        for name in ("width", "depth", "vocab_size", "experts", "active_experts", "kv_share"):
            _positive(name, getattr(self, name))
        if self.active_experts > self.experts:
            raise InputError(f"active_experts must not exceed experts, got {self.active_experts:g} of {self.experts:g}")


# ---------------------------------------------------------------------------------- counts of parameters

def embedding_params(shape: ModelShape) -> float:
    """The params of vocabulary and positions: V d (twice where the output layer is not tied) + T d.  [count]

    >>> f"{embedding_params(ModelShape(width=768, depth=12, vocab_size=50257, positions=1024)):.4g}"
    '3.938e+07'
    """
    return shape.width * (shape.vocab_size * (1.0 if shape.tied else 2.0) + shape.positions)


def nonembedding_params(shape: ModelShape) -> float:
    """The params of all blocks, idle experts included: l (2 (1 + kv) d**2 + E m d f).  [count]

    m is 2 matrices, or 3 where gated; with f = 4 d, one expert and no grouping this is 12 l d**2
    (Kaplan et al. 2020, equation 2.1).
    """
    return _blocks(shape, shape.experts)


def total_params(shape: ModelShape) -> float:
    """All params: ``nonembedding_params`` + ``embedding_params``.  [count]"""
    return nonembedding_params(shape) + embedding_params(shape)


def active_params(shape: ModelShape) -> float:
    """The params that a token uses: blocks with ``active_experts`` experts, and the embeddings.  [count]"""
    return _blocks(shape, shape.active_experts) + embedding_params(shape)


def _blocks(shape: ModelShape, experts: float) -> float:
    d = shape.width
    hidden = 4.0 * d if shape.ff_width is None else shape.ff_width
    return shape.depth * (2.0 * (1.0 + shape.kv_share) * d**2 + experts * (3.0 if shape.gated else 2.0) * d * hidden)


COUNTS = {"total": total_params, "non-embedding": nonembedding_params, "active": active_params}
"""The conventions that laws use (``Published.counting``), each with the function that counts so."""


def convert_params(params: float, from_: str, to: str, shape: ModelShape) -> float:
    """``params`` counted by the convention ``from_``, counted by ``to``: the difference is read off ``shape``.

        N_to = N_from + count_to(shape) - count_from(shape)

    Conventions: ``total``, ``non-embedding``, ``active``. Raises ``InputError`` for another convention, and for
    a shape whose own count is more than a quarter off ``params``: it is then not the shape of this model.
    """
    for convention in (from_, to):
        if convention not in COUNTS:
            raise InputError(f"params are counted as {', '.join(COUNTS)}; not as {convention!r}")
    counted = COUNTS[from_](shape)
    if not 0.75 <= _positive("params", params) / counted <= 1.25:
        raise InputError(f"params: a model of this shape has {counted:.4g} {from_} params, got {params:.4g}")
    return params + COUNTS[to](shape) - counted


# --------------------------------------------------------------------------------------- data and losses

def tokens_to_bytes(tokens: Any, bytes_per_token: float) -> Any:
    """The bytes of ``tokens`` at the stated ``bytes_per_token`` of tokenizer and text (English BPE: 4 to 5)."""
    return tokens * _positive("bytes_per_token", bytes_per_token)


def bytes_to_tokens(n_bytes: Any, bytes_per_token: float) -> Any:
    """The tokens that ``n_bytes`` of text make at the stated ``bytes_per_token``."""
    return n_bytes / _positive("bytes_per_token", bytes_per_token)


def nats_to_bits_per_byte(loss: Any, bytes_per_token: float) -> Any:
    """``loss`` in nats/token as bits/byte: L / (ln 2 x bytes per token).

    >>> round(nats_to_bits_per_byte(3.0, 4.5), 4)
    0.9618
    """
    return loss / (math.log(2.0) * _positive("bytes_per_token", bytes_per_token))


def bits_per_byte_to_nats(bits_per_byte: Any, bytes_per_token: float) -> Any:
    """``bits_per_byte`` as a loss in nats/token: b x ln 2 x bytes per token."""
    return bits_per_byte * math.log(2.0) * _positive("bytes_per_token", bytes_per_token)


def pf_days_to_flop(pf_days: Any) -> Any:
    """``pf_days`` in FLOP: 1 PF-day = 1e15 FLOP/s x 86,400 s = 8.64e19 FLOP."""
    return pf_days * PF_DAY


def flop_to_pf_days(flop: Any) -> Any:
    """``flop`` in PF-days of 8.64e19 FLOP."""
    return flop / PF_DAY


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} must be positive and finite, got {value:g}")
    return value

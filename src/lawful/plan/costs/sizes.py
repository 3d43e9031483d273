"""How large a decided model is: params that a token passes through, params that are held, FLOP that a token costs.

A law's ``params`` are counted as its paper counts them: active, in all, or those that are not zero.
``Counting.of(law)`` says how, and ``sizes`` makes the other counts of them. For experts a ``Layout`` says how much of a
model they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.costs.extras import FORWARD_FLOP
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Array = npt.NDArray[np.float64]

ROUTE_TRAIN, ROUTE_FORWARD = 14.0, 6.0
"""FLOP a token for each weight of the router, in training and forward: logits, and moving tokens to experts and back.
Krajewski et al. 2024 (arXiv:2402.07871), appendix E; by implementation 6 to 20."""


BEYOND = 1e-3
"""What a share may lie beyond 1: derivatives are taken on both sides of a limit."""


@dataclass(frozen=True)
class Layout:
    """Where experts lie in the models of a law: weights of a layer in units of width squared.

    Of ``block`` that a token passes through, ``expert`` are in one routed expert. The width is ``aspect`` times the
    depth, and ``vocab`` entries of embedding and head each are part of the count. ``counts`` says what the law's params
    are, active or total; ``experts`` how many there are where the law holds them. ``routes`` charges for the router.
    """

    source: str
    counts: str
    block: float
    expert: float
    experts: float | None = None
    vocab: float = 0.0
    aspect: float = 64.0
    routes: bool = False

    @property
    def sentence(self) -> str:
        """Where the experts are, and what routing costs."""
        held = "" if self.experts is None else f" There are {self.experts:g} times as many as a token takes."
        routing = (f" Routing costs {ROUTE_TRAIN:g} FLOP for each weight of a router in training, {ROUTE_FORWARD:g} "
                   f"forward; width is {self.aspect:g} x depth.") if self.routes else " Routing costs nothing."
        return (f"Of the params that a token passes through {self.expert:g} in {self.block:g} are in experts "
                f"({self.source}).{held}{routing}")

    def total(self, active: Array, spread: Array) -> Array:
        """All params, of those ``active``, with ``spread`` experts for each that a token takes."""
        return active + self.expert * (spread - 1.0) * self._blocks(active)

    def active(self, total: Array, spread: Array) -> Array:
        """The params that a token passes through, of ``total``; embeddings are not counted."""
        return total / (1.0 + self.expert / self.block * (spread - 1.0))

    def router_weights(self, active: Array, experts: Array) -> Array:
        """Weights of all routers: depth x width x ``experts``."""
        squares = active / self.block
        return squares / np.cbrt(self.aspect * squares) * experts

    def _blocks(self, active: Array) -> Array:
        """Depth times width squared, where active = 2 vocab width + block depth width**2 and width = aspect depth."""
        if not self.vocab:
            return active / self.block
        # the one real root of width**3 + p width = q
        p, q = (factor * self.aspect / self.block for factor in (2.0 * self.vocab, active))
        half = np.sqrt(p / 3.0)
        width = 2.0 * half * np.sinh(np.arcsinh(1.5 * q / (p * half)) / 3.0)
        return np.asarray(width**3 / self.aspect)


LAYOUTS: Mapping[str, Layout] = {
    "": Layout("attention 4 and feed-forward 8 width**2 a layer, each layer routed", "active", 12.0, 8.0),
    "routed": Layout("Clark et al. 2022 (arXiv:2202.01169): every other layer routed", "active", 12.0, 4.0),
    "joint_moe": Layout("Ludziejewski et al. 2025 (arXiv:2502.05172), equations 9 and 10", "active", 13.0, 9.0,
                        vocab=50257.0),
    "fine_grained_moe": Layout("Krajewski et al. 2024 (arXiv:2402.07871), section 6: 64 times expansion", "total",
                               12.0, 8.0, experts=64.0, routes=True),
    "moe_sparsity": Layout("attention 4 and feed-forward 8 width**2 a layer, each layer routed", "total", 12.0, 8.0),
}
"""Layouts by form; the first where a form is not here and experts are decided."""

MODULES = {"routing": "routed", "joint_routing": "joint_moe", "fine_grained": "fine_grained_moe"}
"""Modules of laws whose layout is that of a form."""


@dataclass(frozen=True)
class Counting:
    """How a law counts ``params``: the convention of its paper, and the layout of its experts where it has them."""

    params: str = ""
    layout: Layout | None = None

    @staticmethod
    def of(law: Fit | Published) -> Counting:
        """How ``law`` counts; a fit counts as its table did, which is taken as all params of a dense model."""
        parts = law.law.form.split("+")
        layout = next((LAYOUTS[form] for part in parts if (form := MODULES.get(part, part)) in LAYOUTS), None)
        if layout is None and "experts" in law.law.inputs:
            layout = LAYOUTS[""]
        return Counting(law.counting.get("params", "") if isinstance(law, Published) else "", layout)


PLAIN = Counting()
"""All params of a dense model."""


@dataclass(frozen=True)
class Sizes:
    """What a decided model counts: ``active`` params are multiplied, ``total`` are there, ``nonzero`` are stored.

    ``train`` and ``forward`` are FLOP a token. ``differ`` says that active and total params are not the same.
    """

    active: Array
    total: Array
    nonzero: Array
    train: Array
    forward: Array
    differ: bool = False


def sizes(q: Mapping[str, Array], counting: Counting = PLAIN, skips_zeros: bool = False) -> Sizes | None:
    """The sizes of the decision ``q``; what it says itself as ``active_params`` and ``total_params`` goes first.

    FLOP are 6 N in training and 2 N forward, N those that are multiplied, and what routers take beside. None where
    nothing says a size. Raises ``InputError`` for more experts a token than there are, and for a share beyond 0 to 1.
    """
    params = q.get("params", q.get("active_params", q.get("total_params")))
    if params is None:
        return None
    if counting.params == "non-embedding" and (vocabulary := _vocabulary(q)) is not None:
        params = params + vocabulary
    layout = layout_of(q, counting)
    if layout is None:
        return _dense(q, params, counting, skips_zeros)
    spread = _spread(q, layout)
    if layout.counts == "total":
        active, total = q.get("active_params", layout.active(params, spread)), q.get("total_params", params)
    else:
        active, total = q.get("active_params", params), q.get("total_params", layout.total(params, spread))
    router: Any = 0.0
    if layout.routes and layout.experts is not None:
        router = layout.router_weights(active, layout.experts * q.get("granularity", np.ones(())))
    return Sizes(active, total, total, FLOP_PER_PARAM_TOKEN * active + ROUTE_TRAIN * router,
                 FORWARD_FLOP * active + ROUTE_FORWARD * router, differ=True)


def _dense(q: Mapping[str, Array], params: Array, counting: Counting, skips_zeros: bool) -> Sizes:
    """The sizes without experts: some of the weights may be zero, and some idle where the law counts active ones."""
    active, total = q.get("active_params", params), q.get("total_params", params)
    differ, kept = "active_params" in q or "total_params" in q, kept_share(q)
    nonzero = total
    if kept is not None and counting.params == "non-zero":
        active, total, nonzero = params / kept, params / kept, params
    elif kept is not None and counting.params == "active":   # idle weights cost nothing and are held
        active, total, nonzero, differ = params, params / kept, params / kept, True
    elif kept is not None:
        nonzero = params * kept
    multiplied = nonzero if skips_zeros and counting.params != "active" else active
    return Sizes(active, total, nonzero, FLOP_PER_PARAM_TOKEN * multiplied, FORWARD_FLOP * multiplied, differ)


def layout_of(decided: Collection[str], counting: Counting) -> Layout | None:
    """The layout of a decision of the quantities ``decided``; None where they say nothing of experts."""
    layout = counting.layout or LAYOUTS[""]
    idle = layout.counts == "total" and not {"sparsity", "density"}.isdisjoint(decided)
    return layout if "experts" in decided or layout.experts is not None or idle else None


def _spread(q: Mapping[str, Array], layout: Layout) -> Array:
    """Experts for each one that a token takes."""
    if "experts" not in q and layout.experts is not None:
        return np.full((), layout.experts)
    if "experts" not in q:
        kept = kept_share(q)
        assert kept is not None, "a layout without experts is that of a share of idle ones"
        return np.asarray(1.0 / kept)
    experts, taken = q["experts"], q.get("active_experts", np.ones(()))
    if taken.size == experts.size == 1 and taken.ndim < 2 and (taken > experts).all():   # one decision, or the first
        raise InputError(f"active_experts must not exceed experts, got {taken.min():g} of {experts.max():g}")
    with np.errstate(invalid="ignore"):
        return np.where(taken > experts, np.nan, experts / taken)


def kept_share(q: Mapping[str, Array]) -> Array | None:
    """The share of weights that is not zero, or of experts that is not idle; None where nothing says it."""
    kept = q["density"] if "density" in q else 1.0 - q["sparsity"] if "sparsity" in q else None
    if kept is None:
        return None
    if ((kept <= 0.0) | (kept > 1.0 + BEYOND)).any():
        raise InputError("sparsity and density are shares: 0 <= sparsity < 1, 0 < density <= 1")
    return np.asarray(kept)


def _vocabulary(q: Mapping[str, Array]) -> Array | None:
    """The params of the vocabulary, counted once as where the head is tied."""
    if "vocab_params" in q:
        return q["vocab_params"]
    return q["vocab_size"] * q["width"] if {"vocab_size", "width"} <= q.keys() else None

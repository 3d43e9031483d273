"""Decisions of a known shape: width, depth and params follow from one another, and FLOP are counted.

A ``Family`` gives every count as a polynomial of width, depth, vocabulary and experts; params are taken and given as
the law counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.cost.shapes import CONVENTIONS, Count, Family, Sized, models
from lawful.errors import InputError, LawError, unknown
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.costs.served import Place
from lawful.plan.costs.sizes import Counting, Sizes, kept_share
from lawful.results import Caveat

Array = npt.NDArray[np.float64]

ROUTED = frozenset(("experts", "granularity", "active_experts", "sparsity", "active_params"))
"""Inputs by one of which a law knows of experts."""

FORWARD_SHARE = 1.0 / 3.0
"""Of the FLOP of training, those of the forward pass, in every convention."""


def plain_family() -> Family:
    """The shape that stands in where a latency is asked and none is given: Mistral 7B's, without its window."""
    return Family("a plain transformer like Mistral 7B", {**models()["mistral-7b"]["config"], "sliding_window": None})


@dataclass(frozen=True)
class Placed:
    """Where a decision lies among the shapes: width, depth, vocabulary, experts; ``params`` as the law counts them."""

    at: Place
    params: Array

    def missing(self, q: Mapping[str, Array]) -> dict[str, Array]:
        """Width, depth and params, as far as ``q`` does not decide them."""
        known = {"width": self.at[0], "depth": self.at[1], "params": self.params}
        return {name: value for name, value in known.items() if name not in q}


@dataclass(frozen=True)
class Shaped:
    """The counts of a family that a decision needs, at texts of ``context`` tokens, by a named ``convention``."""

    family: Family
    context: int | None = None
    convention: str = "exact"
    aspect: float | None = None

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise unknown("convention", self.convention, CONVENTIONS)
        if self.context is not None and positive("context", self.context, "tokens") % 1:
            raise InputError(f"context must be a whole number of tokens, got {self.context!r}")

    @cached_property
    def train_flop(self) -> Count:
        """FLOP of training on one token."""
        return self.family.train_flop(self.convention, self.context)

    def sentence(self) -> str:
        """What the FLOP rest on."""
        tokens = self.context or self.family.template.context
        length = "" if tokens is None else f" at {tokens:,} tokens a text,"   # an image has its patches
        return (f"FLOP and params are those of the shape of {self.family.name},{length} by the convention "
                f"{self.convention}; an MFU goes with the convention that it was measured by.")

    def accept(self, law: Fit | Published) -> None:
        """Raises ``LawError`` where the law counts, or is of, what this shape is not."""
        name = law.key if isinstance(law, Published) else law.law.form
        counting = Counting.of(law)
        if counting.params == "non-zero":
            raise LawError(f"{name} counts non-zero params, and a shape counts all: plan without --shape")
        knows = counting.params == "active" or counting.layout is not None or bool(ROUTED & set(law.law.inputs))
        if self.family.experts and not knows:
            raise LawError(f"{name} is a law of dense models, and {self.family.name} has {self.family.experts} "
                           "experts: give a law of mixtures, or the shape of a dense model")

    def place(self, q: Mapping[str, Array], counting: Counting) -> Placed | None:
        """Where the decision ``q`` lies; None where it says no size.

        Two of params, width and depth give the third; of params alone the family's width over depth gives both. Raises
        ``InputError`` for all three, and for what the family does not have.
        """
        if {"params", "width", "depth"} <= q.keys():
            raise InputError(f"params, width and depth are one too many: of {self.family.name} the third follows")
        for name in ("active_params", "total_params", "active_experts", "granularity"):
            if name in q:
                raise InputError(f"{name} follows from the shape of {self.family.name}: leave one of them out")
        if "experts" in q and not self.family.experts:
            raise InputError(f"{self.family.name} has no experts: take the shape of a mixture, such as mixtral-8x7b")
        vocab = q.get("vocab_size", np.full((), float(self.family.vocab_size)))
        experts = q.get("experts", np.full((), float(self.family.experts)))
        params, width, depth = q.get("params"), q.get("width"), q.get("depth")
        if params is None:
            if width is None or depth is None:
                return None
            at = (width, depth, vocab, experts)
            return Placed(at, np.asarray(self.family.counted(counting.params)(*at)))
        if width is None:
            width = self.family.width_of(params, aspect=self.aspect, depth=depth, convention=counting.params,
                                         vocab_size=vocab, experts=experts)
            depth = width / (self.aspect or self.family.aspect) if depth is None else depth
        else:
            depth = self.family.depth_of(params, width, convention=counting.params, vocab_size=vocab, experts=experts)
        return Placed((width, depth, vocab, experts), params)

    def recounted(self, metrics: Mapping[str, Any], counting: Counting) -> Any:
        """The params of decisions with these ``metrics`` as ``counting`` counts them; None where no shape is said."""
        if not {"width", "depth"} <= metrics.keys():
            return None
        return self.family.counted(counting.params)(
            metrics["width"], metrics["depth"], metrics.get("vocab_size", self.family.vocab_size),
            metrics.get("experts", self.family.experts))

    def nearest(self, metrics: Mapping[str, float], counting: Counting) -> Sized | None:
        """The shape nearest to a decision with these ``metrics`` that can be built.

        None where no shape is said, or its vocabulary or experts are decided as well.
        """
        if not {"params", "width", "depth"} <= metrics.keys() or not {"vocab_size", "experts"}.isdisjoint(metrics):
            return None
        return self.family.nearest(metrics["params"], metrics["width"] / metrics["depth"], counting.params)

    def caveats(self, metrics: Mapping[str, float]) -> Iterator[Caveat]:
        """A shape below the smallest of its family."""
        family = self.family
        if {"width", "depth"} <= metrics.keys() and (
                metrics["width"] < family.unit or metrics["depth"] < family.least_depth):
            yield Caveat("too_small_to_build", f"width {metrics['width']:.4g} and depth {metrics['depth']:.4g} cannot "
                         f"be built: {family.name} begins at width {family.unit}, depth {family.least_depth}; take the "
                         "shape of a smaller model")

    def sizes(self, q: Mapping[str, Array], placed: Placed, skips_zeros: bool = False) -> Sizes:
        """The sizes of the decision, counted."""
        at, kept = placed.at, kept_share(q)
        total, train = np.asarray(self.family.total(*at)), np.asarray(self.train_flop(*at))
        nonzero = total if kept is None else total * kept
        if kept is not None and skips_zeros:
            train = train * kept
        return Sizes(np.asarray(self.family.active(*at)), total, nonzero, train, train * FORWARD_SHARE,
                     differ=bool(self.family.experts))

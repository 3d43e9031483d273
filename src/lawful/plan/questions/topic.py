"""What the questions share: a situation, the options that are weighed, a recommendation, and guidance with sources."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

from lawful.cost import Budget
from lawful.errors import InputError
from lawful.laws import registry
from lawful.laws.published import cited
from lawful.plan.costs.rates import Rates
from lawful.plan.laws import LawLike
from lawful.results import Caveat, Interval, once

PRICES = ("devices", "usd_per_hour", "pue", "grid_kg_per_kwh")
"""What a budget says of its device beside the name."""


@dataclass(frozen=True)
class Situation:
    """What all questions share: the user's own loss law where there is one, what may be spent, what is to be served.

    A device that the budget names, with its prices, is that of the ``rates`` where they name none.
    """

    law: LawLike | None = None
    budget: Budget | None = None
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        if self.budget is not None and self.budget.device is not None and self.rates.device is None:
            prices = {name: getattr(self.budget, name) for name in PRICES}
            object.__setattr__(self, "rates", replace(self.rates, device=self.budget.device, mfu=self.budget.mfu,
                                                      options=prices))

    def loss_law(self, default: str) -> LawLike:
        """The user's law, or that of the catalogue."""
        return self.law or registry.law(default)

    def compute(self) -> float:
        """Training FLOP that the budget buys. Raises ``InputError`` without a budget."""
        if self.budget is None:
            raise InputError("no budget is given: write [budget] with compute = \"1e22\", or usd, gpu_hours, days or "
                             "kwh with a device")
        return self.budget.train_flop

    def spent_on_training(self) -> tuple[str, ...]:
        """What an answer that spends all of ``compute`` on training takes for granted, where a model is to be served.

        A sentence at most; none where nothing is served.
        """
        return ("The whole budget is spent on training here: what serving costs comes on top.",
                ) if self.rates.serve_tokens else ()


@dataclass(frozen=True)
class Option:
    """One way that was weighed: what it decides, by quantity, and what that gives, by metric.

    ``intervals`` are those of any of these names, where draws give them.
    """

    name: str
    decision: Mapping[str, float]
    gives: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        known = {name: i for name, i in self.intervals.items() if name in self.decision or name in self.gives}
        object.__setattr__(self, "intervals", known)


@dataclass(frozen=True)
class Recommendation:
    """What to do, in a sentence or two with its numbers, and what that rests on.

    The first of ``options`` is what is recommended, the rest what it was weighed against. ``limits`` say where the laws
    stop holding, ``measure_first`` what to find out before spending.
    """

    topic: str
    answer: str
    options: tuple[Option, ...]
    laws: tuple[str, ...]
    limits: tuple[Caveat, ...]
    measure_first: tuple[str, ...]
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """The answer to one part of a question: a sentence or two, its options with the recommended first, its grounds."""

    answer: str
    options: tuple[Option, ...]
    laws: tuple[str, ...]
    limits: tuple[Caveat, ...] = ()
    measure_first: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


def in_parts(topic: str, parts: Sequence[Part]) -> Recommendation:
    """The recommendation that consists of ``parts``, what several of them say said once."""
    laws, first, assumed = (tuple(dict.fromkeys(text for part in parts for text in getattr(part, name)))
                            for name in ("laws", "measure_first", "assumptions"))
    options, limits = tuple(o for part in parts for o in part.options), once(c for part in parts for c in part.limits)
    return Recommendation(topic, " ".join(part.answer for part in parts), options, laws, limits, first, assumed)


@dataclass(frozen=True)
class Guidance:
    """What the field has found, in our words, and where it says so."""

    text: str
    source: str


@dataclass(frozen=True)
class Topic:
    """One question: its ``number`` in arXiv:2502.12051, the section that asks it, and the function that answers.

    ``asked`` is a frozen dataclass: its fields are the keys of the section, the strings under them their meaning.
    """

    name: str
    number: int
    title: str
    asked: type
    recommend: Callable[[Situation, Any], Recommendation]

    @cached_property
    def guidance(self) -> tuple[Guidance, ...]:
        """What the survey and the papers advise, from the topic's TOML file."""
        data = tomllib.loads((files("lawful.plan.questions") / f"{self.name}.toml").read_text("utf-8"))
        return tuple(Guidance(entry["text"], cited(entry["source"])) for entry in data["guidance"])

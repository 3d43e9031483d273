"""What the questions share: a situation, the options that are weighed, a recommendation, and guidance with sources."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

from lawful.cost import Budget
from lawful.errors import InputError
from lawful.fit import Fit, forecast
from lawful.laws import registry
from lawful.laws.published import Published, cited
from lawful.plan.costs.rates import Rates
from lawful.results import Caveat, Interval
from lawful.validate.question import question_caveats

LawLike = Fit | Published
"""What a question may be asked of: a fit, or a law of the catalogue."""

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


def law_name(law: LawLike) -> str:
    """What a law is called in an answer."""
    return law.key if isinstance(law, Published) else f"{law.law.form} fitted to {law.source}"


def law_caveats(law: LawLike, at: Mapping[str, float]) -> tuple[Caveat, ...]:
    """Where ``law`` stops holding, asked at the quantities ``at``: its reach, its known failures, how it counts."""
    asked = {name: at[name] for name in law.law.inputs}
    found = (*forecast(law, asked).warnings, *question_caveats(law, asked))
    return tuple({caveat.message: caveat for caveat in found}.values())

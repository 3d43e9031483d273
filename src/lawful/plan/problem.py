"""A decision to be made: what may vary, between which limits, what is to be least, and what must hold.

    Problem(law, variables, minimise=("loss",), constraints=(Constraint("usd", "<=", 50e3),), rates=Rates("h100"))

Every quantity that the law takes is a ``Variable``: free within limits, one of some choices, or held. Metrics are the
law's outcome, the costs of ``lawful.plan.costs``, the quantities themselves, and tokens per parameter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import InputError, LawError, unknown
from lawful.fit import Fit
from lawful.laws.base import MORE_IS_BETTER, Law
from lawful.laws.published import Published
from lawful.plan.costs import METRICS, Rates, trained_tokens
from lawful.quantities import parse_positive, quantity

Array = npt.NDArray[np.float64]

SPANS: Mapping[str, str] = {"params": "1e5:1e15", "tokens": "1e6:1e18"}
"""Where params and tokens are looked for where nobody says: beyond anything that anyone has trained."""

RATIO = "tokens_per_param"
"""The metric tokens / params."""


@dataclass(frozen=True)
class Variable:
    """A quantity that is decided: between ``low`` and ``high``, or one of ``choices``; held where both are one."""

    name: str
    low: float
    high: float
    choices: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        quantity(self.name)
        for value in (self.low, self.high, *self.choices):
            positive(self.name, value, quantity(self.name).unit or "any unit")
        if self.low > self.high:
            raise InputError(f"{self.name}: a span runs from low to high, got {self.low:g}:{self.high:g}")

    @property
    def free(self) -> bool:
        """Whether it moves continuously."""
        return not self.choices and self.high > self.low

    @staticmethod
    def parse(text: str) -> Variable:
        """``params=1e8:1e12``, ``post_bits=4,8,16`` or ``epochs=4``. Raises InputError for anything else."""
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(f"{text!r}: write NAME=LOW:HIGH, NAME=A,B,C or NAME=VALUE, as params=1e8:1e12")
        where = f"{name} in {text!r}"
        if ":" in value:
            low, _, high = value.partition(":")
            return Variable(name, parse_positive(low, where), parse_positive(high, where))
        values = tuple(sorted({parse_positive(part, where) for part in value.split(",")}))
        return Variable(name, values[0], values[-1], values if len(values) > 1 else ())


@dataclass(frozen=True)
class Constraint:
    """``metric`` at most (``<=``) or at least (``>=``) ``bound``."""

    metric: str
    sense: str
    bound: float

    def __post_init__(self) -> None:
        if self.sense not in ("<=", ">="):
            raise InputError(f"{self.metric} {self.sense} {self.bound:g}: a constraint is <= or >=")
        positive(self.metric, self.bound, "its unit")

    def __str__(self) -> str:
        return f"{self.metric} {self.sense} {self.bound:g}"

    @staticmethod
    def parse(text: str) -> Constraint:
        """``usd<=50k`` or ``loss <= 2.1``. Raises InputError for anything else."""
        found = re.fullmatch(r"\s*([A-Za-z_.]\w*)\s*(<=|>=)\s*(\S+)\s*", text)
        if found is None:
            raise InputError(f"{text!r}: write METRIC<=BOUND or METRIC>=BOUND, as usd<=50k")
        return Constraint(found[1], found[2], parse_positive(found[3], f"the bound of {found[1]}"))


@dataclass(frozen=True)
class Problem:
    """What is to be decided. ``minimise`` are metrics; of an outcome of which more is better, the largest is sought.

    Raises ``LawError`` where the law takes a quantity that no variable gives, or none of its quantities is decided;
    ``UnknownName`` for a metric that is not known or cannot be answered here.
    """

    law: Fit | Published
    variables: tuple[Variable, ...]
    minimise: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        names = [v.name for v in self.variables]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise InputError(f"{', '.join(twice)}: decided twice")
        object.__setattr__(self, "minimise", self.minimise or (self.outcome,))
        given = {v.name: np.ones(1) for v in self.variables}
        if trained_tokens(given) is not None:
            given.setdefault("tokens", np.ones(1))
        if missing := [n for n in self.inner.inputs if n not in given]:
            raise LawError(f"{self.inner.form} takes {', '.join(self.inner.inputs)}: nothing says "
                           f"{', '.join(missing)}; let it vary, as {missing[0]}=LOW:HIGH, or hold it, as "
                           f"{missing[0]}=VALUE")
        known = self.metrics({v.name: np.full(1, v.low) for v in self.variables})
        for metric in (*self.minimise, *(c.metric for c in self.constraints)):
            if metric not in known:
                hint = f"{METRICS[metric][1]}: give a device" if metric in METRICS else ""
                raise unknown("metric", metric, known, hint=hint)

    @property
    def inner(self) -> Law:
        """The law itself."""
        return self.law.law

    @property
    def outcome(self) -> str:
        """The name of what the law forecasts."""
        return self.inner.output.name

    def metrics(self, decision: Mapping[str, Any], law: Law | None = None) -> dict[str, Array]:
        """Every metric of ``decision``, under the law itself or another of its form."""
        q = {name: np.asarray(value, dtype=float) for name, value in decision.items()}
        tokens = trained_tokens(q)
        if tokens is not None:
            q.setdefault("tokens", tokens)
        asked = {n: q[n] for n in self.inner.inputs}
        with np.errstate(all="ignore"):
            outcome = np.asarray((law or self.inner).at(asked), dtype=float)
        found = {**q, self.outcome: outcome, **self.rates.costs(decision)}
        if tokens is not None and "params" in q:
            found[RATIO] = tokens / q["params"]
        return found

    def goal(self, metrics: Mapping[str, Array], name: str) -> Array:
        """The logarithm of the metric ``name``, turned so that less is better."""
        sign = -1.0 if name in MORE_IS_BETTER else 1.0
        with np.errstate(all="ignore"):
            return np.asarray(sign * np.log(metrics[name]))

    def no_worse(self, name: str, goal: float) -> Constraint:
        """The constraint that the metric ``name`` is no worse than where its ``goal`` is this."""
        if name in MORE_IS_BETTER:
            return Constraint(name, ">=", math.exp(-goal))
        return Constraint(name, "<=", math.exp(goal))

    def excess(self, metrics: Mapping[str, Array], points: int = 1) -> Array:
        """By how much each constraint is broken, in logarithms, ``(constraint, point)``: at most 0 where it holds."""
        broken = np.zeros((len(self.constraints), points))
        with np.errstate(all="ignore"):
            for i, c in enumerate(self.constraints):
                broken[i] = (1.0 if c.sense == "<=" else -1.0) * np.log(metrics[c.metric] / c.bound)
        return broken


def parse_problem(law: Fit | Published, vary: Sequence[str], subject: Sequence[str] = (), minimise: str | None = None,
                  rates: Rates | None = None) -> Problem:
    """The problem that the texts of the command line describe."""
    names = tuple(n.strip() for n in (minimise or "").split(",") if n.strip())
    return Problem(law, tuple(map(Variable.parse, vary)), names, tuple(map(Constraint.parse, subject)),
                   rates or Rates())

"""A decision to be made: what may vary, between which limits, what is to be least, and what must hold.

    Problem(law, variables, minimise=("loss",), constraints=(Constraint("usd", "<=", 50e3),), rates=Rates("h100"))

Every quantity that the law takes is a ``Variable``: free within limits, one of some choices, or held. Metrics are the
law's outcome, the costs of ``lawful.plan.costs``, the quantities themselves, and tokens per parameter. Further laws may
follow in a row, ``then``, each taking what is known by then: an accuracy from the loss, a learning rate from the size.
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
from lawful.laws.base import COSTS, MORE_IS_BETTER, SETTINGS, Law
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

    ``then`` are further laws in order: each takes quantities that are decided, ``compute`` (what training takes, where
    nobody decides it) and what the laws before it gave, and its output is a metric too. ``added_loss`` is added to
    ``loss``; ``accuracy`` and ``error`` give each other.

    Raises ``LawError`` where a law takes a quantity that nothing gives, or none of its quantities is decided;
    ``UnknownName`` for a metric that is not known or cannot be answered here.
    """

    law: Fit | Published
    variables: tuple[Variable, ...]
    minimise: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    rates: Rates = field(default_factory=Rates)
    then: tuple[Fit | Published, ...] = ()

    def __post_init__(self) -> None:
        names = [v.name for v in self.variables]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise InputError(f"{', '.join(twice)}: decided twice")
        object.__setattr__(self, "minimise", self.minimise or (self.outcome,))
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
    def laws(self) -> tuple[Fit | Published, ...]:
        """All laws, in the order in which they are asked."""
        return (self.law, *self.then)

    @property
    def outcome(self) -> str:
        """The name of what the laws forecast: the output of the last that gives no mere setting or cost of a run."""
        outputs = [law.law.output.name for law in self.laws]
        judged = next((name for name in reversed(outputs) if name not in (*SETTINGS, *COSTS)), outputs[0])
        return "loss" if judged == "added_loss" and "loss" in outputs else judged

    def metrics(self, decision: Mapping[str, Any], law: Law | None = None,
                then: Sequence[Law] | None = None) -> dict[str, Array]:
        """Every metric of ``decision``, under the laws themselves, or others of their forms: ``law`` and ``then``."""
        q = {name: np.asarray(value, dtype=float) for name, value in decision.items()}
        tokens = trained_tokens(q)
        if tokens is not None:
            q.setdefault("tokens", tokens)
        found = {**q, **self.rates.costs(decision)}
        if tokens is not None and "params" in q:
            found[RATIO] = tokens / q["params"]
        with np.errstate(all="ignore"):
            for asked in (law or self.inner, *(then or (t.law for t in self.then))):
                _ask(asked, found)
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


def _ask(law: Law, found: dict[str, Array]) -> None:
    """Add to the metrics ``found`` what ``law`` gives. Raises ``LawError`` for what it takes and nothing gives."""
    known = {"compute": found["train_flop"], **found} if "train_flop" in found else found
    if missing := [n for n in law.inputs if n not in known]:
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}: nothing says {', '.join(missing)}; let it vary, as "
                       f"{missing[0]}=LOW:HIGH, or hold it, as {missing[0]}=VALUE")
    name, value = law.output.name, np.asarray(law.at(known), dtype=float)
    found[name] = value
    if name == "added_loss" and "loss" in found:
        found["loss"] = found["loss"] + value
    if name in ("accuracy", "error"):
        found["error" if name == "accuracy" else "accuracy"] = 1.0 - value


def parse_problem(law: Fit | Published, vary: Sequence[str], subject: Sequence[str] = (), minimise: str | None = None,
                  rates: Rates | None = None, then: Sequence[Fit | Published] = ()) -> Problem:
    """The problem that the texts of the command line describe."""
    names = tuple(n.strip() for n in (minimise or "").split(",") if n.strip())
    return Problem(law, tuple(map(Variable.parse, vary)), names, tuple(map(Constraint.parse, subject)),
                   rates or Rates(), tuple(then))

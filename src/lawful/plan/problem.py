"""A decision to be made: what may vary, between which limits, what is to be least, and what must hold.

    Problem(law, variables, minimise=("loss",), constraints=(Constraint("usd", "<=", 50e3),), rates=Rates("h100"))

Every quantity that the law takes is a ``Variable``: free within limits, one of some choices, or held. Metrics are the
law's outcome, the costs of ``lawful.plan.costs.rates``, the quantities themselves, and tokens per parameter. Two or
more shares ``mixture.<domain>`` sum to 1 by themselves. Further laws may follow in a row, ``then``, each taking what is
known by then: an accuracy from the loss, a learning rate from the size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, LawError, UnknownName, unknown
from lawful.fit import Fit
from lawful.laws.base import COSTS, MORE_IS_BETTER, SETTINGS, Law
from lawful.laws.published import Published
from lawful.plan.costs.metrics import METRICS, NEEDS
from lawful.plan.costs.rates import Rates, trained_tokens
from lawful.plan.costs.sizes import Counting
from lawful.plan.variables import SEEN, SHARE, Constraint, Variable, back, onto

__all__ = ["RATIO", "SPANS", "Constraint", "Problem", "Variable", "parse_problem"]

Array = npt.NDArray[np.float64]

SPANS: Mapping[str, str] = {"params": "1e5:1e15", "tokens": "1e6:1e18"}
"""Where params and tokens are looked for where nobody says: beyond anything that anyone has trained."""

RATIO = "tokens_per_param"
"""The metric tokens / params."""


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
        if twice := sorted({goal for goal in self.minimise if self.minimise.count(goal) > 1}):
            raise InputError(f"{', '.join(twice)}: a goal twice; name each goal once")
        self.rates.accept(self.law)
        known = self.metrics({v.name: np.full(1, v.low) for v in self.variables})
        for metric in (*self.minimise, *(c.metric for c in self.constraints)):
            if metric not in known and metric in NEEDS:
                meaning = f" ({METRICS[metric][1]})" if metric in METRICS else ""
                raise UnknownName(f"{metric}{meaning} cannot be answered here: it needs {NEEDS[metric]}")
            if metric not in known:
                raise unknown("metric", metric, known)
        self._check_shares()
        self._check_shape()

    @property
    def inner(self) -> Law:
        """The law itself."""
        return self.law.law

    @cached_property
    def counting(self) -> Counting:
        """How the law counts params."""
        return Counting.of(self.law)

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
        if {"vocab_size", "width"} <= q.keys():
            q.setdefault("vocab_params", q["vocab_size"] * q["width"])
        found = {**q, **self.rates.costs(decision, self.counting)}
        if tokens is not None and "params" in found:
            found[RATIO] = tokens / found["params"]
        if tokens is not None:
            found |= {SEEN + name.removeprefix(SHARE): share * tokens for name, share in q.items()
                      if name.startswith(SHARE)}
        with np.errstate(all="ignore"):
            for entry, asked in zip(self.laws, (law or self.inner, *(then or (t.law for t in self.then))), strict=True):
                _ask(asked, found, self.told(entry, found))
        return found

    def told(self, law: Fit | Published, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``law``, one of the row, is told of ``metrics``: compute is what training takes, params as it counts."""
        known = dict(metrics)
        if "train_flop" in metrics:
            known.setdefault("compute", metrics["train_flop"])
        if law is not self.law and "params" in law.law.inputs:
            counted = self.rates.recounted(metrics, Counting.of(law))
            known |= {} if counted is None else {"params": counted}
        return known

    def goal(self, metrics: Mapping[str, Array], name: str) -> Array:
        """The metric ``name`` on the scale it is solved on, turned so that less is better."""
        return np.asarray((-1.0 if name in MORE_IS_BETTER else 1.0) * onto(name, metrics[name]))

    def no_worse(self, name: str, goal: float) -> Constraint:
        """The constraint that the metric ``name`` is no worse than where its ``goal`` is this."""
        if name in MORE_IS_BETTER:
            return Constraint(name, ">=", float(back(name, -goal)))
        return Constraint(name, "<=", float(back(name, goal)))

    @cached_property
    def shares(self) -> tuple[str, ...]:
        """The shares of the mixture that are held to one sum: those that are decided, where they are two or more."""
        names = tuple(v.name for v in self.variables if v.name.startswith(SHARE))
        return names if len(names) > 1 else ()

    @cached_property
    def whole(self) -> bool:
        """Whether ``shares`` are all there are, so that they sum to 1; else a law leaves one domain what is left."""
        taken = {name for law in self.laws if law.law.leaves_a_share for name in law.law.inputs}
        return not set(self.shares) <= taken

    @cached_property
    def equal(self) -> tuple[bool, ...]:
        """Which rows of ``gaps`` are equalities."""
        return (*(c.equal for c in self.constraints), *([self.whole] if self.shares else []))

    def gaps(self, metrics: Mapping[str, Array], shape: int | tuple[int, ...] = 1) -> Array:
        """How far each constraint, and the sum of the shares, lies beyond its bound, ``(constraint, *shape)``.

        ``shape`` is that of the decisions. On the scale of its metric: at most 0 where it holds, and 0 of an equality.
        """
        rows = [c.gap(metrics[c.metric]) for c in self.constraints]
        if self.shares:
            rows.append(sum(metrics[name] for name in self.shares) - 1.0)
        found = np.empty((len(rows), *(shape if isinstance(shape, tuple) else (shape,))))
        for i, row in enumerate(rows):
            found[i] = row
        return found

    def excess(self, metrics: Mapping[str, Array], points: int = 1) -> Array:
        """By how much each row of ``gaps`` is broken: at most 0 where an inequality holds, 0 where an equality does."""
        gaps = self.gaps(metrics, points)
        return np.where(np.array(self.equal, bool)[:, None], np.abs(gaps), gaps)

    def _check_shape(self) -> None:
        """Refuse width, depth and params that are decided each by itself, so that no model has all three."""
        sizes = [v for v in self.variables if v.name in ("params", "width", "depth")]
        if self.rates.family is None and len(sizes) == 3 and any(v.high > v.low for v in sizes):
            raise InputError("params, width and depth: nothing ties them to one another; give a shape, as --shape "
                             "llama-3-8b, and leave one of them out, or hold all three")

    def _check_shares(self) -> None:
        """Refuse shares that cannot sum to 1 within their limits."""
        ends = [(v.low, v.high) for v in self.variables if v.name in self.shares]
        least, most = (sum(column) for column in zip(*ends, strict=True)) if ends else (1.0, 1.0)
        if least > 1.0 + 1e-9 or (self.whole and most < 1.0 - 1e-9):
            raise InputError(f"{', '.join(self.shares)}: the shares of a mixture sum to 1, and within their limits "
                             f"they sum to {least:g} at least and {most:g} at most")


def _ask(law: Law, found: dict[str, Array], known: Mapping[str, Any]) -> None:
    """Add to the metrics ``found`` what ``law`` gives, told what is ``known``.

    Raises ``LawError`` for what it takes and nothing gives.
    """
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
    names = tuple(n.strip() for n in minimise.split(",")) if minimise is not None else ()
    if "" in names:
        raise InputError(f"{minimise!r}: name each goal, with commas between, as loss,usd")
    return Problem(law, tuple(map(Variable.parse, vary)), names, tuple(map(Constraint.parse, subject)),
                   rates or Rates(), tuple(then))

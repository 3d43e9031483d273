"""``decide(problem)``: the best decision under every constraint, and ``frontier(problem)`` for several goals.

Choices are tried one by one, what moves continuously is solved by ``lawful.plan.solver``. The interval of each
decided quantity is its spread over the optima of some of the fit's draws; the price of a constraint is how the goal
moves with its bound, both in per cent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lawful.cost import Cost
from lawful.errors import FailedToAnswer
from lawful.fit import Fit, Forecast
from lawful.laws.base import Law
from lawful.laws.published import Published
from lawful.plan.expected import expect
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.plan.solver import FEASIBLE, Found, minimise
from lawful.plan.variables import SHARE, back, is_positive, onto
from lawful.quantities import format_number
from lawful.results import Caveat, Interval, interval
from lawful.validate.question import question_caveats

if TYPE_CHECKING:
    from lawful.plan.sensitivity import Sensitivity

Array = npt.NDArray[np.float64]

DRAWS = 48
"""Draws whose own optimum is sought: enough for the ends of a 90 % interval to within a third of its half width."""

BINDS = 1e-4
"""A constraint whose metric is this near its bound, relatively, binds."""

POINTS = 24
"""Points of a frontier along each goal but the first."""

SLACK = 1e-9
"""What the limits along a frontier are loosened by, so that its ends can be reached."""

NEAR = 1e-3
"""Goals of two plans of a frontier that differ by less, relatively, are one plan."""


@dataclass(frozen=True)
class Decision:
    """The best decision: its quantities, every metric there, what binds, and what each bound is worth.

    ``prices`` give by constraint the per cent by which the goal falls when its bound is loosened by one per cent, that
    of an equality raised. ``limits`` are those on the other goals, at which a plan of a frontier is the best.
    """

    problem: Problem
    decision: Mapping[str, float]
    metrics: Mapping[str, float]
    forecast: Forecast
    binding: tuple[str, ...]
    prices: Mapping[str, float]
    intervals: Mapping[str, Interval]
    warnings: tuple[Caveat, ...] = ()
    limits: tuple[Constraint, ...] = ()

    @property
    def law(self) -> str:
        """What the laws are called, in the order in which they are asked."""
        return ", then ".join(law.key if isinstance(law, Published) else f"{law.law.form} fitted to {law.source}"
                              for law in self.problem.laws)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the decision rests on, a sentence each."""
        limit = self.forecast.limit
        rates = self.problem.rates.assumptions(self.decision, self.problem.counting)
        return (*rates, f"{limit[0].upper()}{limit[1:]}.")

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """How the decision answers to coefficients, bounds and the doubt about the law; worked out when asked for."""
        from lawful.plan.sensitivity import sensitivity

        return sensitivity(self)

    @property
    def answer(self) -> str:
        """The decision as one sentence."""
        chosen = ", ".join(f"{name} {format_number(value)}" for name, value in self.decision.items())
        goals = ", ".join(f"{name} {format_number(self.metrics[name])}" for name in self.problem.minimise)
        held = f"; {', '.join(self.binding)} bind" + "s" * (len(self.binding) == 1) if self.binding else ""
        return f"Choose {chosen}: {goals}{held}."

    def to_dict(self) -> dict[str, Any]:
        """The decision as data: the contract of ``lawful plan --vary --json``."""
        cost = {f.name: self.metrics.get(f.name) for f in fields(Cost)}
        return {
            "schema": "lawful.plan/1", "law": self.law, "answer": self.answer, "decision": dict(self.decision),
            "intervals": {name: vars(i) for name, i in self.intervals.items()}, "forecast": self.forecast.to_dict(),
            "cost": cost, "binding": list(self.binding), "sensitivity": self.sensitivity.to_dict(),
            "prices": dict(self.prices), "metrics": dict(self.metrics), "assumptions": list(self.assumptions),
            "warnings": [vars(w) for w in self.warnings],
        }


@dataclass(frozen=True)
class Frontier:
    """Decisions none of which is better than another in every goal, in order of the first goal."""

    objectives: tuple[str, ...]
    plans: tuple[Decision, ...]

    def to_dict(self) -> dict[str, Any]:
        """The frontier as data: the contract of ``lawful plan --minimise a,b --json``."""
        return {"schema": "lawful.frontier/1", "objectives": list(self.objectives),
                "plans": [plan.to_dict() for plan in self.plans]}


def decide(problem: Problem, level: float | None = None) -> Decision:
    """The decision of ``problem`` with the least of its first goal.

    Raises ``FailedToAnswer`` where no decision keeps every constraint: it names the one that cannot be kept, and the
    nearest bound that could.
    """
    held, found = _best(problem)
    if not found.feasible:
        raise FailedToAnswer(_impossible(problem))
    return _described(problem, held, found, level)


def frontier(problem: Problem, level: float | None = None) -> Frontier:
    """Decisions over the goals of ``problem``, each the best in the first goal among those as good in the others.

    Raises as ``decide``.
    """
    first, *others = problem.minimise
    best = [_best(replace(problem, minimise=(goal,))) for goal in problem.minimise]
    if not all(found.feasible for _, found in best):
        raise FailedToAnswer(_impossible(problem))
    ends = [_metrics(problem, held, found) for held, found in best]
    spans = [np.sort([problem.goal(end, goal) for end in ends])[[0, -1]] for goal in others]
    decided = [_described(replace(problem, minimise=(first,)), *best[0], level)]
    count = POINTS if len(others) == 1 else max(5, round(POINTS ** (2 / (len(others) + 1))))
    for bounds in itertools.product(*(np.linspace(low, high, count) for low, high in spans)):
        limits = tuple(problem.no_worse(goal, bound + SLACK) for goal, bound in zip(others, bounds, strict=True))
        inner = replace(problem, minimise=(first,), constraints=(*problem.constraints, *limits))
        held, found = _best(inner)
        if found.feasible:
            decided.append(_described(inner, held, found, level, draws=0))
    plans = [replace(d, problem=problem, binding=tuple(b for b in d.binding if b.split()[0] not in others),
                     limits=d.problem.constraints[len(problem.constraints):]) for d in decided]
    return Frontier(problem.minimise, tuple(_undominated(problem, plans)))


def _undominated(problem: Problem, plans: list[Decision]) -> Iterator[Decision]:
    goals = np.array([[float(problem.goal({g: np.array(p.metrics[g])}, g)) for g in problem.minimise] for p in plans])
    order = np.lexsort(goals.T[::-1])
    kept: list[int] = []
    for i in order:
        if not any((goals[k] <= goals[i] + 1e-9).all() or (np.abs(goals[k] - goals[i]) < NEAR).all() for k in kept):
            kept.append(int(i))
    yield from (plans[i] for i in kept)


def _best(problem: Problem, law: Law | None = None, start: Mapping[str, float] | None = None,
          aim: Callable[[Mapping[str, Array]], Array] | None = None) -> tuple[dict[str, float], Found]:
    """The best point over every combination of choices, and what is held there.

    ``law`` takes the place of the problem's, ``aim`` that of its first goal; from ``start`` alone where it is given.
    """
    best: tuple[dict[str, float], Found] | None = None
    discrete = [v for v in problem.variables if not v.free]
    free = [v for v in problem.variables if v.free]
    low, high = (np.array([onto(v.name, getattr(v, end)) for v in free]) for end in ("low", "high"))
    combinations = itertools.product(*(v.choices or (v.low,) for v in discrete)) if start is None else [
        tuple(start[v.name] for v in discrete)]
    for values in combinations:
        held = {v.name: value for v, value in zip(discrete, values, strict=True)}

        def function(x: Array, held: dict[str, float] = held) -> tuple[Array, Array]:
            metrics = problem.metrics(_decision(free, x, held), law)
            goal = aim(metrics) if aim is not None else problem.goal(metrics, problem.minimise[0])
            return np.broadcast_to(goal, (len(x),)), problem.gaps(metrics, len(x))

        begin = None if start is None else np.array([[onto(v.name, start[v.name]) for v in free]])
        found = minimise(function, low, high, problem.equal, begin)
        if best is None or _first_better(found, best[1]):
            best = held, found
    assert best is not None
    return best


def _first_better(one: Found, other: Found) -> bool:
    return (not one.feasible, one.value if one.feasible else float(np.maximum(one.excess, 0).sum())) < (
        not other.feasible, other.value if other.feasible else float(np.maximum(other.excess, 0).sum()))


def _decision(free: list[Variable], x: Array, held: Mapping[str, float]) -> dict[str, Any]:
    moved = {v.name: back(v.name, x[:, j]) for j, v in enumerate(free)}
    return {**{name: np.full(len(x), value) for name, value in held.items()}, **moved}


def _metrics(problem: Problem, held: Mapping[str, float], found: Found) -> dict[str, Array]:
    free = [v for v in problem.variables if v.free]
    return {name: np.ravel(value)[0] for name, value in
            problem.metrics(_decision(free, found.x[None, :], held)).items()}


def _described(problem: Problem, held: Mapping[str, float], found: Found, level: float | None,
               draws: int = DRAWS) -> Decision:
    metrics = {name: float(value) for name, value in _metrics(problem, held, found).items()}
    names = [v.name for v in problem.variables]
    decision = {name: metrics[name] for name in names}
    expected = expect(problem, metrics, level)
    intervals = _spread(problem, decision, expected.level, draws) if isinstance(problem.law, Fit) and draws else {}
    binding, prices = _bounds(problem, held, found, metrics)
    return Decision(problem, decision, metrics, expected, binding, prices, intervals,
                    (*expected.warnings, *question_caveats(problem.law, expected.at)))


def _spread(problem: Problem, decision: Mapping[str, float], level: float, draws: int) -> dict[str, Interval]:
    """The spread of the optimum over some of the fit's draws, each solved from the decision itself."""
    assert isinstance(problem.law, Fit)
    all_draws = problem.law.draws
    if not len(all_draws):
        return {}
    found: dict[str, list[float]] = {v.name: [] for v in problem.variables if v.free}
    free = [v for v in problem.variables if v.free]
    for row in all_draws[np.linspace(0, len(all_draws) - 1, min(draws, len(all_draws))).astype(np.int64)]:
        _, best = _best(problem, problem.inner.with_coefficients(row.tolist()), decision)
        if best.feasible:
            for v, x in zip(free, best.x, strict=True):
                found[v.name].append(float(back(v.name, x)))
    return {name: interval(decision[name], np.array(values), level) for name, values in found.items()}


def _bounds(problem: Problem, held: Mapping[str, float], found: Found,
            metrics: Mapping[str, float]) -> tuple[tuple[str, ...], dict[str, float]]:
    """What binds at the optimum, and what loosening each binding constraint is worth."""
    at_limit = [f"{v.name} at its {end} end" for v in problem.variables if v.free
                for end, bound in (("lower", v.low), ("upper", v.high))
                if abs(onto(v.name, metrics[v.name]) - onto(v.name, bound)) < BINDS]
    tight = [c for c in problem.constraints if c.equal or abs(c.gap(metrics[c.metric])) < BINDS]
    prices = {}
    for c in tight:
        loose = replace(problem, constraints=tuple(c.loosened(0.01) if o is c else o for o in problem.constraints))
        start = {**held, **{v.name: metrics[v.name] for v in problem.variables}}
        _, better = _best(loose, None, start)
        if better.feasible:
            prices[str(c)] = _gain(problem, found.value, better.value)
    return (*map(str, tight), *at_limit), prices


def _gain(problem: Problem, before: float, after: float) -> float:
    """By how many per cent the first goal is better, where what is minimised goes from ``before`` to ``after``."""
    name = problem.minimise[0]
    if is_positive(name):
        return float(-100.0 * np.expm1(after - before))
    return float(100.0 * (np.sinh(before) - np.sinh(after)) / abs(np.sinh(before)))


def _impossible(problem: Problem) -> str:
    """Which constraint cannot be kept, and the nearest bound that could."""
    for c in problem.constraints:
        others = tuple(o for o in problem.constraints if o is not c)
        nearest = _nearest(problem, c, others)
        if nearest is not None and _broken(c, nearest):
            alone = _nearest(problem, c, ())
            beside = "" if (alone is not None and _broken(c, alone)) or not others else (
                f" beside {' and '.join(map(str, others))}")
            if problem.shares:
                beside += f", the shares of {', '.join(n.removeprefix(SHARE) for n in problem.shares)} making up 1"
            return (f"no decision keeps {c}{beside}: the nearest that could be kept is {c.metric} {c.sense} "
                    f"{nearest:.6g}")
    return f"no decision keeps {' and '.join(map(str, problem.constraints))}"


def _broken(c: Constraint, value: float) -> bool:
    gap = float(c.gap(value))
    return (abs(gap) if c.equal else gap) > FEASIBLE


def _nearest(problem: Problem, c: Constraint, others: tuple[Constraint, ...]) -> float | None:
    """The nearest to its bound that the metric of ``c`` comes while the ``others`` hold; None where they cannot."""
    def aim(metrics: Mapping[str, Array]) -> Array:
        gap = np.asarray(c.gap(metrics[c.metric]))
        return gap**2 if c.equal else gap

    held, found = _best(replace(problem, constraints=others), aim=aim)
    return float(_metrics(problem, held, found)[c.metric]) if found.feasible else None

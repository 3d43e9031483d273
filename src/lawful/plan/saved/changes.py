"""``compare(a, b)``: two plans side by side, what was decided, what it should give and what it costs, with intervals.

The intervals of two plans are each plan's own. Where both rest on the same fit their doubt is largely shared, and the
difference is known better than the two intervals say: with the fit itself, the difference is read off its draws, in
which both plans are asked of the same law each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.costs.metrics import METRICS
from lawful.plan.saved.files import PlanFile
from lawful.quantities import QUANTITIES
from lawful.results import Caveat, Interval, interval, to_plain
from lawful.validate.registration import law_record

PAID = ("usd", "gpu_hours", "total_flop", "train_flop")
"""The costs that a sentence names one of: the first that differs."""

NEAR = 1e-6
"""Relative difference below which two figures are one: what a solver leaves open."""


@dataclass(frozen=True)
class Side:
    """One plan's figure, with the ``ends`` of its interval where it has one."""

    value: float
    ends: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, float | None]:
        """The figure as data."""
        low, high = self.ends or (None, None)
        return {"value": self.value, "low": low, "high": high}


@dataclass(frozen=True)
class Change:
    """One figure of two plans; ``kind`` is decision, outcome or cost; a side is None where its plan lacks it."""

    name: str
    kind: str
    unit: str
    a: Side | None
    b: Side | None

    @property
    def difference(self) -> float | None:
        """b less a."""
        return None if self.a is None or self.b is None else self.b.value - self.a.value

    @property
    def ratio(self) -> float | None:
        """b over a."""
        return None if self.a is None or self.b is None or not self.a.value else self.b.value / self.a.value

    @property
    def same(self) -> bool:
        """Whether both plans have one figure, to within what a solver leaves open."""
        if self.a is None or self.b is None:
            return False
        return abs(self.b.value - self.a.value) <= NEAR * max(abs(self.a.value), abs(self.b.value))

    @property
    def overlap(self) -> bool | None:
        """Whether the intervals overlap; None where a side has none."""
        ends = [side.ends if side is not None else None for side in (self.a, self.b)]
        if ends[0] is None or ends[1] is None:
            return None
        return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]

    @property
    def shift(self) -> str:
        """The change in a few signs: an outcome by its difference, anything else in per cent or as a multiple."""
        if self.same or self.difference is None or self.ratio is None:
            return "same" if self.same else ""
        if self.kind == "outcome":
            return f"{self.difference:+.4f}"
        return f"{100 * (self.ratio - 1):+.3g} %" if 0.5 < self.ratio < 2 else f"x {self.ratio:.3g}"

    def to_dict(self) -> dict[str, Any]:
        """The figure as data."""
        return {"name": self.name, "kind": self.kind, "unit": self.unit, "a": to_plain(self.a), "b": to_plain(self.b),
                "difference": self.difference, "ratio": self.ratio, "shift": self.shift, "same": self.same,
                "overlap": self.overlap}


@dataclass(frozen=True)
class PlanDiff:
    """Two plans side by side. ``paired`` is the outcome of b less that of a, over the draws of the fit of both."""

    a: PlanFile
    b: PlanFile
    changes: tuple[Change, ...]
    paired: Interval | None
    level: float
    only_a: tuple[str, ...]        # assumptions that one of the two makes
    only_b: tuple[str, ...]
    warnings: tuple[Caveat, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every figure is the same."""
        return all(change.same for change in self.changes)

    @property
    def answer(self) -> str:
        """What differs, in one sentence: what is decided, what it gives, what it costs."""
        if self.same:
            return f"{self.b.source} plans the same as {self.a.source}."
        moved = [c for c in self.changes if not c.same]
        paid = next((name for name in PAID if any(c.name == name for c in moved)), None)
        told = [f"{c.name} {c.shift}" for c in moved if c.shift and (c.kind != "cost" or c.name == paid)]
        return f"{self.b.source} against {self.a.source}: {', '.join(told) or 'they decide different quantities'}."

    def to_dict(self) -> dict[str, Any]:
        """The comparison as data: the contract of ``lawful plan diff --json``."""
        return {
            "schema": "lawful.plan_diff/1", "answer": self.answer, "same": self.same,
            **{side: {"source": file.source, "hash": file.hash, "intact": file.intact, "created":
                      file.data.get("created"), "law": file.law.get("name"), "digest": file.law.get("digest")}
               for side, file in (("a", self.a), ("b", self.b))},
            "changes": [c.to_dict() for c in self.changes], "paired": self.paired and vars(self.paired),
            "level": self.level, "only_a": list(self.only_a), "only_b": list(self.only_b),
            "warnings": [vars(w) for w in self.warnings],
        }


def compare_plans(a: PlanFile, b: PlanFile, law: Fit | Published | None = None) -> PlanDiff:
    """The plans of two files side by side; with the fit that both rest on, ``law``, their paired difference as well.

    Raises ``InputError`` where ``law`` is not what both plans rest on, or has no draws to pair.
    """
    one, other = a.plan, b.plan
    level = one["forecast"]["level"]
    paired = None if law is None else _paired(a, b, law, level)
    said = [tuple(plan.get("assumptions", ())) for plan in (one, other)]
    return PlanDiff(a, b, tuple(_changes(one, other)), paired, level,
                    tuple(s for s in said[0] if s not in said[1]), tuple(s for s in said[1] if s not in said[0]),
                    tuple(_caveats(a, b, paired is not None)))


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    """What is decided, then the outcomes, then the costs: every figure that either plan has."""
    sides = [_figures(plan) for plan in (a, b)]
    for kind in ("decision", "outcome", "cost"):
        for name in dict.fromkeys((*sides[0][kind], *sides[1][kind])):
            yield Change(name, kind, _unit(name, a, b), sides[0][kind].get(name), sides[1][kind].get(name))


def _figures(plan: Mapping[str, Any]) -> dict[str, dict[str, Side]]:
    """The figures of a plan by kind and name; compute is among its costs, and what is nothing is left out."""
    answer, spans, metrics = plan["forecast"], plan.get("intervals", {}), plan.get("metrics", {})

    def side(name: str, value: float) -> Side:
        return Side(value, _ends(spans.get(name, {})))

    decided = {name: side(name, value) for name, value in plan["decision"].items() if name != "compute"}
    costs = {**{n: v for n, v in plan["cost"].items() if v}, **{n: metrics[n] for n in METRICS if metrics.get(n)}}
    outcomes = {answer["output"]: Side(answer["value"], _ends(answer))}
    known = {*decided, *METRICS, *outcomes, "tokens", "tokens_per_param"}
    others = {name: side(name, value) for name, value in metrics.items() if name not in known and value is not None}
    if answer["output"] in decided:   # a law that reads the optimal params off the compute forecasts no outcome
        outcomes = {}
    return {"decision": decided, "outcome": {**outcomes, **others},
            "cost": {name: side(name, value) for name, value in costs.items()}}


def _ends(span: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = span.get("low"), span.get("high")
    return None if low is None or high is None else (low, high)


def _unit(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    if name in METRICS:
        return METRICS[name][0]
    if name in QUANTITIES:
        return QUANTITIES[name].unit
    return next((str(plan["forecast"]["unit"]) for plan in (a, b) if plan["forecast"]["output"] == name), "")


def _paired(a: PlanFile, b: PlanFile, law: Fit | Published, level: float) -> Interval:
    """The outcome of b less that of a, each draw of the fit asked of both."""
    if not isinstance(law, Fit) or not len(law.draws):
        raise InputError("a paired difference is read off a fit's draws: give --law the saved fit (fit.json)")
    digest = law_record(law, law.source)["digest"]
    for file in (a, b):
        if file.law.get("digest") != digest:
            raise InputError(f"{file.source}: rests on another law than the one given: its digest is "
                             f"{str(file.law.get('digest'))[:12]}, and {digest[:12]} was given")
        if file.plan["forecast"]["output"] != law.law.output.name:
            raise InputError(f"{file.source}: forecasts {file.plan['forecast']['output']} by laws in a row, and the "
                             f"fit alone gives {law.law.output.name}: leave --law out")
    asked = [file.plan["forecast"]["at"] for file in (a, b)]
    draws = [law.expectations(at)[:, 0] for at in asked]
    value = float(law.expected(asked[1])[0] - law.expected(asked[0])[0])
    return interval(value, draws[1] - draws[0], level)


def _caveats(a: PlanFile, b: PlanFile, paired: bool) -> Iterator[Caveat]:
    for file in (a, b):
        if file.hash is None:
            yield Caveat("no_hash", f"{file.source} has no hash: nothing shows whether it was changed")
        elif not file.intact:
            yield Caveat("changed_file", f"{file.source} was changed after it was written: its content does not match "
                         f"its hash {file.hash[:12]}")
    one, other = a.plan, b.plan
    if a.law.get("digest") != b.law.get("digest") or one["law"] != other["law"]:
        yield Caveat("other_law", f"{a.source} rests on {one['law']}, {b.source} on {other['law']}"
                     + (": not the same fit" if one["law"] == other["law"] else ""))
    elif not paired and one["forecast"].get("low") is not None:
        yield Caveat("unpaired", "the intervals are each plan's own; both rest on one fit, so that they overlap more "
                     "than the plans are in doubt of each other: --law fit.json gives the paired difference")
    if one["forecast"]["output"] != other["forecast"]["output"]:
        yield Caveat("other_outcome", f"{a.source} forecasts {one['forecast']['output']}, {b.source} "
                     f"{other['forecast']['output']}")
    if one["forecast"]["level"] != other["forecast"]["level"]:
        yield Caveat("other_level", f"the intervals of {a.source} are at {one['forecast']['level']:g}, those of "
                     f"{b.source} at {other['forecast']['level']:g}")

"""A law asked about a run that has not been made: value, interval, and how far the question reaches.

How far is said per quantity, jointly (``lawful.fit.reach``), and against how far the fit was ever tested
(``lawful.fit.tested``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit.reach import Joint
from lawful.fit.result import Fit
from lawful.fit.tested import Tested
from lawful.laws.published import Published
from lawful.quantities import Quantity, format_number, quantity
from lawful.results import Caveat, interval

FAR = 1.0
"""Decades beyond the runs at which a forecast is called far: few published laws were tested further."""

PUBLISHED = "a published law: its reach is the span of its source's runs, and how far it holds beyond is not known here"
UNKNOWN = "how far this fit was tested is not known: it was saved before that was kept; fit again"
"""What stands for the stated limit of laws that keep no record."""


@dataclass(frozen=True)
class Forecast:
    """The output expected at some quantities.

    ``low`` and ``high`` bound the law's own value, ``new_run`` one more run about it; both None for a
    law without draws. ``reach`` is in decades beyond the evidence, per quantity; 0 is inside. ``joint`` places the
    question among the runs with all quantities at once, and ``tested`` says how far the fit was ever right; both
    None for a published law, and for a fit saved without them. ``basis`` says what each interval carries, by
    ``law`` and ``new_run``.
    """

    output: Quantity
    at: Mapping[str, float]
    value: float
    low: float | None
    high: float | None
    level: float
    reach: Mapping[str, float]
    new_run: tuple[float, float] | None = None
    warnings: tuple[Caveat, ...] = ()
    joint: Joint | None = None
    tested: Tested | None = None
    basis: Mapping[str, str] = field(default_factory=dict)
    limit: str = ""

    @property
    def refused(self) -> str:
        """Why ``--strict`` refuses the question, empty where it does not.

        A fit answers as far as it was tested; a law without a record only within its runs.
        """
        outside = [w.message for w in self.warnings if w.code in ("untested_reach", "novel_combination")]
        if self.joint is not None:
            return f"{'; '.join(outside)}; {self.limit}" if outside else ""
        beyond = ", ".join(f"{name} by {decades:.2f} decades" for name, decades in self.reach.items() if decades > 0)
        return f"the question lies beyond the runs: {beyond}; {self.limit}" if beyond else ""

    def to_dict(self) -> dict[str, Any]:
        """The forecast as data: the contract of ``lawful predict --json``."""
        return {
            "schema": "lawful.forecast/1", "output": self.output.name, "unit": self.output.unit,
            "at": dict(self.at), "value": self.value, "low": self.low, "high": self.high, "level": self.level,
            "new_run": None if self.new_run is None else {"low": self.new_run[0], "high": self.new_run[1]},
            "basis": dict(self.basis), "reach": dict(self.reach),
            "joint": self.joint and self.joint.to_dict(), "tested": self.tested and self.tested.to_dict(),
            "limit": self.limit, "warnings": [vars(w) for w in self.warnings],
        }


def forecast(law: Fit | Published, at: Mapping[str, float], level: float | None = None) -> Forecast:
    """What ``law`` expects at the quantities ``at``, with interval and reach.

    A fit brings its draws; a published law has none, and the forecast says so and lists the law's known
    failures. ``compute`` beside ``params`` or ``tokens`` is not resolved here: give what the law takes.

    Raises ``LawError`` for missing or surplus quantities, ``InputError`` for values that are not positive.
    """
    for name, value in at.items():
        positive = quantity(name, law.law.inputs).positive
        if not (np.isfinite(value) and (value > 0 or not positive)):
            raise InputError(f"{name} must be {'positive and ' if positive else ''}finite, got {value:g}")
    if isinstance(law, Published):
        return _from_published(law, at, level or 0.9)
    return _from_fit(law if level is None else law.at_level(level), at)


def _from_fit(fit: Fit, at: Mapping[str, float]) -> Forecast:
    _exactly(fit.law.form, fit.law.inputs, at)
    centre = float(fit.expected(at)[0])
    if not math.isfinite(centre):
        where = ", ".join(f"{name} {value:g}" for name, value in at.items())
        raise FailedToAnswer(f"{fit.law.formula()} has no finite value at {where}")
    warnings = [w for w in fit.warnings if w.code in ("at_bound", "not_identified", "out_of_steps", "selected")]
    if fit.law.composed:
        warnings.append(Caveat("composed", f"{fit.law.form} composes laws that were never validated jointly"))
    if fit.combination is not None:
        warnings.append(Caveat("combined", fit.combination.sentence))
    low = high = new = None
    basis: dict[str, str] = {}
    if len(fit.draws):
        mean = interval(centre, fit.expectations(at), fit.level)
        one_more = interval(centre, fit.new_runs(at), fit.level)
        low, high, new = mean.low, mean.high, (one_more.low, one_more.high)
        basis = _basis(fit)
    else:
        warnings.append(Caveat("no_interval", "the fit was made with --bootstrap 0: no interval"))
    reach, joint = fit.region.reach(**at), fit.evidence.place(at)
    limit = None if joint is None else fit.tested
    if joint is not None and limit is not None:
        warnings += [*_untested(fit, joint, limit), *_novel(fit, at, joint, limit)]
    return Forecast(fit.law.output, dict(at), centre, low, high, fit.level, reach, new,
                    (*warnings, *reach_caveats(reach)), joint, limit, basis,
                    UNKNOWN if limit is None or joint is None else limit.sentence(joint.scale))


def _basis(fit: Fit) -> dict[str, str]:
    """What the interval of the law's own value carries, and what that of a new run carries."""
    method = str(fit.uncertainty.get("method", "bootstrap")) + (" of several forms" if fit.combination else "")
    return {"law": method, "new_run": f"{method}, noise and drift" if fit.drift.share > 0 else f"{method} and noise"}


def _untested(fit: Fit, joint: Joint, limit: Tested) -> tuple[Caveat, ...]:
    """The warning that the question is of larger scale than the fit was ever tested at."""
    if joint.scale <= limit.decades:
        return ()
    scale = fit.evidence.scale
    named = "compute" if set(scale) == {"params", "tokens"} else " x ".join(scale)
    tried = f"{limit.decades:.1f} decades were tested" if limit.steps else "nothing beyond them was tested"
    return (Caveat("untested_reach", f"the question lies {joint.scale:.2f} decades of {named} beyond the runs, and "
                   f"{tried}"),)


def _novel(fit: Fit, at: Mapping[str, float], joint: Joint, limit: Tested) -> tuple[Caveat, ...]:
    """The warning that nothing like the question's combination of quantities was ever tried."""
    if joint.aside <= limit.aside:
        return ()
    if joint.ratio and fit.evidence.ratio is not None:
        low, high = (format_number(10.0**end, 3) for end in fit.evidence.ratio)
        asked = format_number(at["tokens"] / at["params"], 3)
        what = f"{asked} tokens per parameter, where the runs have {low} to {high}"
    else:
        what = "no runs surround " + _listed(at, fit)
    return (Caveat("novel_combination", f"{what}: {joint.aside:.2f} decades aside of what the runs span, where "
                   f"{limit.aside:.2f} were tested; the nearest run has {_listed(joint.nearest, fit)}"),)


def _listed(at: Mapping[str, float], fit: Fit) -> str:
    return ", ".join(f"{name} {format_number(at[name], 3, quantity(name, fit.law.inputs).unit)}"
                     for name in fit.law.inputs)


def _from_published(entry: Published, at: Mapping[str, float], level: float) -> Forecast:
    taken, caveats = entry.resolve(at)
    reach = entry.region.reach(**taken)
    warnings = [
        Caveat("no_interval", "a published law without draws: no interval can be given"),
        *caveats, *reach_caveats(reach),
        *(Caveat("known_failure", f"{f.text} (arXiv:{f.source})") for f in entry.failures),
    ]
    return Forecast(entry.law.output, taken, float(entry.law.at(taken)), None, None, level, reach, None,
                    tuple(warnings), limit=PUBLISHED)


def _exactly(form: str, inputs: tuple[str, ...], at: Mapping[str, float]) -> None:
    missing, surplus = [n for n in inputs if n not in at], [n for n in at if n not in inputs]
    if missing or surplus:
        needed = ", ".join(quantity(n, inputs).label() for n in inputs)
        wrong = f"missing {', '.join(missing)}" if missing else f"it does not take {', '.join(surplus)}"
        raise LawError(f"{form} takes {needed}: {wrong}")


def reach_caveats(reach: Mapping[str, float]) -> tuple[Caveat, ...]:
    """The warning that a question lies far outside the evidence, naming the quantities."""
    far = {name: decades for name, decades in reach.items() if decades > FAR}
    if not far:
        return ()
    named = ", ".join(f"{name} by {decades:.1f} decades" for name, decades in far.items())
    return (Caveat("far_extrapolation", f"beyond the runs: {named}; the interval assumes that the law still holds"),)

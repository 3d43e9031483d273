"""A law asked about a run that has not been made: value, interval, and how far the question reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit.result import Fit
from lawful.laws.published import Published
from lawful.quantities import Quantity, quantity
from lawful.results import Caveat, interval

FAR = 1.0
"""Decades beyond the runs at which a forecast is called far: few published laws were tested further."""


@dataclass(frozen=True)
class Forecast:
    """The output expected at some quantities.

    ``low`` and ``high`` bound the law's own value, ``new_run`` one more run about it; both None for a
    law without draws. ``reach`` is in decades beyond the evidence, per quantity; 0 is inside.
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

    def to_dict(self) -> dict[str, Any]:
        """The forecast as data: the contract of ``lawful predict --json``."""
        return {
            "schema": "lawful.forecast/1", "output": self.output.name, "unit": self.output.unit,
            "at": dict(self.at), "value": self.value, "low": self.low, "high": self.high, "level": self.level,
            "new_run": None if self.new_run is None else {"low": self.new_run[0], "high": self.new_run[1]},
            "reach": dict(self.reach), "warnings": [vars(w) for w in self.warnings],
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
    if len(fit.draws):
        mean = interval(centre, fit.expectations(at), fit.level)
        one_more = interval(centre, fit.new_runs(at), fit.level)
        low, high, new = mean.low, mean.high, (one_more.low, one_more.high)
    else:
        warnings.append(Caveat("no_interval", "the fit was made with --bootstrap 0: no interval"))
    reach = fit.region.reach(**at)
    return Forecast(fit.law.output, dict(at), centre, low, high, fit.level, reach, new,
                    (*warnings, *reach_caveats(reach)))


def _from_published(entry: Published, at: Mapping[str, float], level: float) -> Forecast:
    taken, caveats = entry.resolve(at)
    reach = entry.region.reach(**taken)
    warnings = [
        Caveat("no_interval", "a published law without draws: no interval can be given"),
        *caveats, *reach_caveats(reach),
        *(Caveat("known_failure", f"{f.text} (arXiv:{f.source})") for f in entry.failures),
    ]
    return Forecast(entry.law.output, taken, float(entry.law.at(taken)), None, None, level, reach, None,
                    tuple(warnings))


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

"""A law over training curves asked about another schedule: the loss along it, at its end, and the best of a family.

``along(law, schedule)`` gives the curve and its end with intervals; ``best_schedule(law, make, values)`` compares the
ends of schedules that differ in one number, such as the share of the steps over which a WSD schedule decays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, LawError
from lawful.fit.curves.anchored import FORM_ERROR
from lawful.fit.forecast import reach_caveats
from lawful.fit.result import Fit
from lawful.laws.annealing import AnnealedLoss, MultiPowerLoss, ScheduleLoss
from lawful.laws.base import Region
from lawful.laws.published import Published
from lawful.laws.schedules import Schedule
from lawful.quantities import Quantity
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]

POINTS = 100
"""Points of a forecast curve."""

ERRORS = 15
"""Equally likely errors of the form that each draw is tried with."""

LONGER = 1.5
"""A schedule this many times as long as the longest curve of the fit comes with a warning."""


@dataclass(frozen=True, eq=False)
class CurveForecast:
    """The output expected at ``steps`` along ``schedule``, all arrays ``(point,)``.

    ``low`` and ``high`` bound the law's own value, ``new_low`` and ``new_high`` one more run about it; all None for a
    law without draws. ``reach`` is in decades beyond the curves of the fit.
    """

    output: Quantity
    schedule: Schedule
    steps: npt.NDArray[np.int64]
    value: Array
    low: Array | None
    high: Array | None
    new_low: Array | None
    new_high: Array | None
    level: float
    reach: Mapping[str, float]
    warnings: tuple[Caveat, ...] = ()

    @property
    def final(self) -> float:
        """The output at the last step."""
        return float(self.value[-1])

    def to_dict(self) -> dict[str, Any]:
        """The forecast as data: the contract of ``lawful curves predict --json``."""
        bounds = {name: getattr(self, name) for name in ("low", "high", "new_low", "new_high")}
        return {
            "schema": "lawful.curve_forecast/1", "output": self.output.name, "unit": self.output.unit,
            "schedule": self.schedule.to_dict(), "level": self.level,
            "final": {"value": self.final, **{n: None if v is None else float(v[-1]) for n, v in bounds.items()}},
            "steps": self.steps.tolist(), "value": self.value.tolist(),
            **{n: None if v is None else v.tolist() for n, v in bounds.items()},
            "reach": dict(self.reach), "warnings": [vars(w) for w in self.warnings],
        }


@dataclass(frozen=True, eq=False)
class ScheduleChoice:
    """The output at the end of schedules that differ in ``over``: the best of ``values``, and each one's outcome.

    ``best`` is the value with the lowest end, with the interval of the same over the law's draws; ``final`` the output
    there; ``finals`` the output at the end for each value.
    """

    output: Quantity
    over: str
    values: tuple[float, ...]
    finals: tuple[float, ...]
    best: Interval
    final: Interval
    schedule: Schedule
    level: float
    warnings: tuple[Caveat, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The choice as data: the contract of ``lawful curves best --json``."""
        return {
            "schema": "lawful.schedule_choice/1", "output": self.output.name, "unit": self.output.unit,
            "over": self.over, "values": list(self.values), "finals": list(self.finals), "best": vars(self.best),
            "final": vars(self.final), "schedule": self.schedule.to_dict(), "level": self.level,
            "warnings": [vars(w) for w in self.warnings],
        }


def along(law: Fit | Published, schedule: Schedule, steps: Sequence[int] | None = None,
          level: float | None = None) -> CurveForecast:
    """What ``law`` expects along ``schedule``, at ``steps`` (100 of them after the warm-up, the last included).

    One more run carries the noise of the fit's residuals, and the error of the form itself on a schedule that it was
    not fitted to, 0.15 % of the loss, which it has over its whole length.

    Raises ``LawError`` for a law that takes no schedule, or for steps beyond the schedule.
    """
    formula = _formula(law)
    at = schedule.points(POINTS) if steps is None else np.asarray(steps, dtype=np.int64)
    quantities = schedule.changes(at)
    value = np.asarray(formula.at(quantities), dtype=float)
    region = law.region
    reach = _reach(region, schedule)
    warnings = [*_soft(law), *reach_caveats(reach), *_longer(region, schedule)]
    low = high = new_low = new_high = None
    if isinstance(law, Fit):
        fit = law if level is None else law.at_level(level)
        level = fit.level
        if len(fit.draws):
            off = np.exp(FORM_ERROR * np.array([NormalDist().inv_cdf((k + 0.5) / ERRORS) for k in range(ERRORS)]))
            tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
            low, high = np.percentile(fit.outputs(quantities), tails, axis=0)
            new_runs = fit.new_runs(quantities) * off[:, None, None]
            new_low, new_high = np.percentile(new_runs, tails, axis=(0, 1))
    return CurveForecast(formula.output, schedule, at, value, low, high, new_low, new_high, level or 0.9, reach,
                         tuple(warnings))


def best_schedule(law: Fit | Published, make: Callable[[float], Schedule], values: Sequence[float],
                  over: str = "value") -> ScheduleChoice:
    """The one of ``values`` whose schedule ``make(value)`` ends lowest under ``law``.

    ``best_schedule(fit, lambda share: Schedule.wsd(3e-4, 20_000, decay=share), np.linspace(0.05, 0.6, 23), "decay")``.
    Raises ``InputError`` for fewer than two values.
    """
    if len(values) < 2:
        raise InputError(f"the best {over} of {len(values)} values: give two or more")
    formula, made = _formula(law), [make(float(value)) for value in values]
    ends = [schedule.changes([schedule.steps]) for schedule in made]
    finals = np.array([float(np.ravel(formula.at(end))[0]) for end in ends])
    first = int(np.argmin(finals))
    draws = np.array([law.outputs(end)[:, 0] for end in ends]) if isinstance(law, Fit) else np.zeros((len(ends), 0))
    level = law.level if isinstance(law, Fit) else 0.9
    winners = np.asarray(values, dtype=float)[np.argmin(draws, axis=0)] if draws.size else np.zeros(0)
    warnings = [*_soft(law), *_longer(law.region, made[first])]
    if first in (0, len(values) - 1):
        warnings.append(Caveat("at_edge", f"the best {over} is the {'first' if first == 0 else 'last'} one tried, "
                               f"{values[first]:g}: a better one may lie beyond"))
    return ScheduleChoice(
        formula.output, over, tuple(map(float, values)), tuple(finals.tolist()),
        interval(float(values[first]), winners, level), interval(float(finals[first]), draws[first], level),
        made[first], level, tuple(warnings))


def _formula(law: Fit | Published) -> ScheduleLoss:
    """The law, ready to be asked about any schedule."""
    if not isinstance(law.law, AnnealedLoss | MultiPowerLoss):
        raise LawError(f"{law.law.form} takes no schedule; annealed_loss and multi_power do: lawful curves fit CURVES")
    return replace(law.law, stages=None)


def _soft(law: Fit | Published) -> list[Caveat]:
    """What the law itself is warned about."""
    if isinstance(law, Published):
        return [Caveat("no_interval", "a published law without draws: no interval can be given")]
    codes = ("at_bound", "not_identified", "out_of_steps", "single_schedule", "anchored")
    notes = [w for w in law.warnings if w.code in codes]
    if not len(law.draws):
        notes.append(Caveat("no_interval", "the fit was made with --bootstrap 0: no interval"))
    return notes


def _reach(region: Region, schedule: Schedule) -> dict[str, float]:
    """How far the schedule lies beyond the curves, in decades of steps and of learning rate."""
    rates = schedule.rates[schedule.warmup:]
    lowest = float(rates[rates > 0].min())
    found = [region.reach(steps=float(schedule.steps), learning_rate=rate) for rate in (lowest, schedule.peak)]
    return {name: max(one[name] for one in found) for name in found[0]}


def _longer(region: Region, schedule: Schedule) -> list[Caveat]:
    longest = region.spans.get("steps", (0.0, float("inf")))[1]
    if schedule.steps < LONGER * longest:
        return []
    return [Caveat("longer_schedule", f"the schedule is {schedule.steps / longest:.1f} times as long as the longest "
                   "curve: on public curves such forecasts were off by more than their intervals say")]

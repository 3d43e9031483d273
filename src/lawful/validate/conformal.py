"""The interval for a new run, made as wide as a back-test shows that it should have been: split conformal prediction.

    score of a prediction = |log observed - log predicted| / half width of its interval, of the log
    factor at a horizon   = the ceil((n + 1) level)-th smallest of the n scores near that horizon
    adjusted interval     = value exp(+- factor x half width)

A factor above 1 says that intervals were too narrow in the back-test, below 1 that they were too wide. The scores
near a horizon are those at horizons within a factor ``NEAR`` of it. Nearer than any that was tested, the scores of
the nearest serve, and may widen the interval but not narrow it: it is mostly noise there, which they say little of.
Inside the runs the interval stays as it is, and beyond the furthest horizon that was tested it is infinite.

What it assumes. Were the scores and that of the coming run exchangeable, the adjusted interval would hold it with a
probability of at least the level, whatever the law (Vovk et al. 2005; Lei et al. 2018). In a back-test they are not,
for three reasons. The predictions of one cut share a fit, and those of one run by several cuts share its noise, so n
scores count for fewer: the factor scatters about as much as a few cuts can, and on a single table coverage may be well
off either way. The cuts lie lower in scale than the forecast: if errors in units of the interval grow with scale, the
factor is too small. And the fits of the cuts rest on fewer runs than the last one: where half widths shrink with runs
faster than errors do, it is too small again. It is a correction by experience, with no guarantee left.

Where n is too small for the level, (n + 1) level > n, no finite interval has the level, and it is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError
from lawful.fit.forecast import Forecast
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.results import Caveat
from lawful.validate.cuts import Backtest
from lawful.validate.horizons import LEVELS, SLACK

Array = npt.NDArray[np.float64]

NEAR = 2.0
"""Horizons that differ by no more than this factor are taken for one: a random walk's errors differ by its root."""


@dataclass(frozen=True)
class Calibration:
    """The scores of a back-test of ``form`` by horizon.

    ``horizon`` ``(prediction,)`` is in decades of ``along`` beyond the fitted runs; ``scores`` ``(prediction,)`` are,
    by level, those of the interval at that level.
    ``top`` is the largest value of ``along`` in the whole table, from which the horizon of a forecast is counted;
    ``cut`` ``(prediction,)`` the cut that each prediction is of.
    """

    form: str
    along: str
    top: float
    horizon: Array
    scores: Mapping[float, Array]
    cut: npt.NDArray[np.int64]

    @property
    def tested(self) -> tuple[float, float]:
        """The nearest and the furthest horizon beyond the fitted runs that was tested."""
        beyond = self.horizon[self.horizon > 0]
        return (float(beyond.min()), float(beyond.max())) if len(beyond) else (math.inf, 0.0)

    def near(self, horizon: float) -> npt.NDArray[np.bool_]:
        """Which predictions lie near ``horizon``, ``(prediction,)``; none beyond the furthest that was tested."""
        nearest, furthest = self.tested
        if horizon > furthest + SLACK:
            return np.zeros(len(self.horizon), dtype=bool)
        at = max(horizon, nearest)
        return (self.horizon >= at / NEAR) & (self.horizon <= at * NEAR)

    def factor(self, horizon: float, level: float) -> float:
        """By what the half width of an interval at ``level`` is multiplied; infinite where the scores are too few.

        1 inside the runs.

        Raises ``InputError`` for a level at which the back-test kept no interval.
        """
        at = next((kept for kept in self.scores if math.isclose(kept, level, abs_tol=1e-9)), None)
        if at is None:
            known = ", ".join(f"{100 * kept:g}" for kept in sorted(self.scores))
            raise InputError(f"the back-test kept intervals at {known} %, not at {100 * level:g} %: make it again with "
                             f"--level {level:g}, or ask for one of these")
        if horizon <= 0:
            return 1.0
        found = quantile(self.scores[at][self.near(horizon)], level)
        return max(found, 1.0) if horizon < self.tested[0] else found

    def beyond(self, at: Mapping[str, float]) -> float:
        """How far a question lies beyond the table, in decades of ``along``; 0 within it.

        Raises ``InputError`` where the question does not say.
        """
        if self.along in at:
            value = at[self.along]
        elif self.along == "compute" and {"params", "tokens"} <= at.keys():
            value = FLOP_PER_PARAM_TOKEN * at["params"] * at["tokens"]
        else:
            raise InputError(f"the back-test is along {self.along}, which a question in {', '.join(at)} does not give: "
                             "make it along one of these with --along")
        return max(math.log10(value / self.top), 0.0)

    def adjust(self, forecast: Forecast) -> Forecast:
        """``forecast`` with its interval for a new run as wide as the back-test shows that it should have been.

        As it was inside the runs; infinite, from 0, where too few predictions lie near its horizon.

        Raises ``FailedToAnswer`` for a forecast without such an interval, ``InputError`` for a level or a question that
        the back-test does not cover.
        """
        if forecast.new_run is None:
            raise FailedToAnswer("there is no interval to adjust: the law has no draws")
        horizon = self.beyond(forecast.at)
        factor = self.factor(horizon, forecast.level)
        if horizon <= 0:
            inside = Caveat("conformal_inside", "the question lies within the runs, and the back-test asked beyond "
                            "them: the interval for a new run is the fit's own")
            return replace(forecast, warnings=(*forecast.warnings, inside))
        near = self.near(horizon)
        n, cuts = int(near.sum()), len(np.unique(self.cut[near]))
        low, high = forecast.new_run
        half = 0.5 * math.log(high / low) if low > 0 else math.inf
        if math.isfinite(factor) and math.isfinite(half):
            ends = forecast.value * math.exp(-factor * half), forecast.value * math.exp(factor * half)
            note = Caveat("conformal", f"the interval for a new run is {factor:.2f} times as wide as the fit's own, by "
                          f"{n} predictions of {cuts} cuts near {horizon:.1f} decades; they share fits and runs, so "
                          "that its level is no guarantee")
        else:
            ends = 0.0, math.inf
            note = Caveat("conformal_too_few", f"the back-test went to {self.tested[1]:.1f} decades, and {n} of its "
                          f"predictions lie near {horizon:.1f}: a level of {100 * forecast.level:g} % takes "
                          f"{fewest(forecast.level)}, and the interval for a new run is infinite")
        return replace(forecast, new_run=ends, basis={**forecast.basis, "new_run": "conformal"},
                       warnings=(*forecast.warnings, note))


def conformal(tested: Backtest) -> Calibration:
    """The calibration that ``tested`` gives. Raises ``InputError`` for a back-test whose horizons are no decades of a
    quantity that a question has, or whose predictions have no intervals."""
    if tested.unit != "decades" or tested.left_out is not None:
        how = f"leaves out {tested.left_out}" if tested.left_out is not None else f"is along {tested.along}"
        raise InputError(f"the back-test {how}: its horizons are not those of a forecast; make one along compute")
    predictions = [(p, k) for k, cut in enumerate(tested.cuts) for p in cut.predictions]
    bounds: dict[float, list[tuple[float, float] | None]] = {
        level: [p.bounds(level) for p, _ in predictions] for level in LEVELS}
    bounds[tested.level] = [(p.low, p.high) for p, _ in predictions]
    errors = np.abs([p.error for p, _ in predictions])
    scores = {level: _scores(errors, np.array(found)) for level, found in bounds.items() if None not in found}
    if not any(np.isfinite(s).any() for s in scores.values()):
        raise InputError("the back-test has no intervals, it was made with --bootstrap 0: make it again with "
                         "--bootstrap 200")
    return Calibration(tested.form, tested.along, tested.top, np.array([p.horizon for p, _ in predictions]), scores,
                       np.array([k for _, k in predictions]))


def quantile(scores: Array, level: float) -> float:
    """The ceil((n + 1) level)-th smallest of n scores; infinite where there is none so large."""
    rank = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def fewest(level: float) -> int:
    """How many scores a finite interval at ``level`` takes."""
    return math.ceil(level / (1.0 - level) - 1e-9)


def _scores(errors: Array, bounds: Any) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = 0.5 * np.log(bounds[:, 1] / bounds[:, 0])
        scores: Array = np.where(half > 0, errors / half, np.inf)
    return scores

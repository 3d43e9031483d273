"""Two laws side by side: the effect at a scale, the compute it is worth, and whether the runs can tell.

``compare(a, b, compute=1e21)`` asks at the split of compute that each law calls best;
``compare(a, b, at={...})`` at the same quantities for both. ``a`` is the reference, ``b`` what is
held against it. Draws of separate fits are independent; those of fits to the same resamples of
matched runs (``lawful.fit.comparing.arms``) are paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit.comparing.contrast import Contrast, Crossing
from lawful.fit.comparing.sides import Side, count, takes
from lawful.fit.forecast import FAR, reach_caveats
from lawful.fit.result import Fit
from lawful.laws.base import MORE_IS_BETTER
from lawful.laws.published import Published
from lawful.quantities import FLOP_PER_PARAM_TOKEN, QUANTITIES, quantity
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]
LESS_IS_BETTER = ("loss", "bits_per_byte", "error", "task_loss", "normalised_loss", "added_loss", "hours", "usd", "kwh",
                  "co2e_kg")
"""Outputs that everybody wants to be small, beside ``loss.<domain>``."""

SPAN = 6.0
"""Decades to either side of the scale in which a multiplier or a crossing is looked for."""

_STEPS = 40
"""Halvings of the 12 decades: the last is 1e-11 of a decade."""

_GRID = 121
"""Scales at which the curves are compared to find a crossing: ten a decade."""


def compare(
    a: Fit | Published,
    b: Fit | Published,
    *,
    at: Mapping[str, float] | None = None,
    compute: float | None = None,
    level: float = 0.9,
    paired: bool = False,
    more_is_better: bool | None = None,
    names: tuple[str, str] = ("a", "b"),
) -> Contrast:
    """What ``b`` changes against ``a``, at the quantities ``at`` or at the best split of ``compute`` [FLOP].

    ``paired`` says that draw i of both comes from the same resample of matched runs; otherwise the draws
    are taken as independent. A published law has no draws: the interval then holds the doubt of the other alone.
    ``more_is_better`` is known of the glossary's outcomes and may be said of a column of one's own.

    Raises ``InputError`` for laws of different outputs, neither or both of ``at`` and ``compute``, or values that
    cannot be; ``LawError`` for a quantity that is missing, or a law that cannot divide compute.
    """
    if (at is None) == (compute is None):
        raise InputError("give either the quantities to ask at, as --at params=7B,tokens=1.4T, or a budget, as "
                         "--compute 1e21")
    if not 0.0 < level < 1.0:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    if (a.law.output.name, a.law.output.unit) != (b.law.output.name, b.law.output.unit):
        raise InputError(f"{names[0]} gives {a.law.output.label()} and {names[1]} {b.law.output.label()}: these do "
                         "not compare; give two laws of one output")
    more, caveats = _direction(a.law.output.name, more_is_better)
    own = {*a.law.inputs, *b.law.inputs}
    asked = {"compute": float(compute)} if compute is not None else dict(at or {})
    for name, value in asked.items():
        if not (math.isfinite(value) and (value > 0 or not quantity(name, own).positive)):
            raise InputError(f"{name} must be positive and finite, got {value:g}")
    if at is not None and (idle := [n for n in at if not (takes(a, n) or takes(b, n))]):
        known = dict.fromkeys(quantity(n, own).label() for law in (a.law, b.law) for n in law.inputs)
        raise InputError(f"neither law takes {', '.join(idle)}; they take {', '.join(known)}")
    draws = max(count(a), count(b))
    order = None if paired else np.random.default_rng(0)
    sides = (Side.of(a, asked, at is None, draws, None), Side.of(b, asked, at is None, draws, order))
    if not sides[0].paths.keys() & sides[1].paths.keys():
        raise LawError(f"{names[0]} and {names[1]} share no quantity that grows; compare them at one they both take")
    return _contrast(sides, names, asked, level, more, caveats)


def _direction(output: str, more_is_better: bool | None) -> tuple[bool, tuple[Caveat, ...]]:
    """Whether more of ``output`` is better; ``LawError`` for a choice, of which neither is."""
    if more_is_better is not None:
        return more_is_better, ()
    if output in MORE_IS_BETTER or output in LESS_IS_BETTER or output.startswith("loss."):
        return output in MORE_IS_BETTER, ()
    if output in QUANTITIES:
        raise LawError(f"these laws give {output}, of which neither more nor less is better: compare laws of an "
                       "outcome such as loss")
    return False, (Caveat("less_is_better", f"less {output} is taken to be better; --more-is-better says otherwise"),)


def _contrast(sides: tuple[Side, Side], names: tuple[str, str], asked: Mapping[str, float],
              level: float, more: bool, caveats: tuple[Caveat, ...]) -> Contrast:
    a, b = sides
    output, draws = a.law.output, a.draws
    shared = [axis for axis in a.paths if axis in b.paths]
    axis = shared[0]
    best = [float(side.best(axis, 1.0)) for side in sides]
    if not np.isfinite(best).all() or (output.positive and min(best) <= 0):
        raise FailedToAnswer(f"{names[0]} gives {output.name} {best[0]:g} and {names[1]} {best[1]:g} at this scale: "
                             "ask nearer to the runs")
    drawn = [np.broadcast_to(side.drawn(axis, 1.0).reshape(-1), draws) for side in sides]
    values = (_value(a, best[0], drawn[0], level), _value(b, best[1], drawn[1], level))
    difference = spread(best[1] - best[0], drawn[1] - drawn[0], level)
    log_ratio = None
    if output.positive:
        with np.errstate(all="ignore"):
            log_ratio = spread(math.log(best[1] / best[0]), np.log(drawn[1] / drawn[0]), level)
    effect = log_ratio or difference
    sign = 1.0 if more else -1.0
    gain = sign * (drawn[1] - drawn[0])
    reach = (a.reach(axis), b.reach(axis))
    farthest = {n: max(r.get(n, 0.0) for r in reach) for n in {**reach[0], **reach[1]}}
    return Contrast(
        a=names[0], b=names[1], at=asked, output=output, level=level, values=values, difference=difference,
        log_ratio=log_ratio,
        better=float(np.mean(gain > 0) + 0.5 * np.mean(gain == 0)) if draws else None,
        distinguishable=bool(effect.low > 0 or effect.high < 0) if draws else None,
        multipliers={name: _exp(*_log_multiplier(a, b, name, 1.0, sign), level) for name in shared},
        axis=axis, trend=_trend(a, b, axis, sign, level),
        crossing=_crossing(a, b, axis, _scale(a, axis, asked), level), reach=reach, more_is_better=more,
        warnings=tuple(dict.fromkeys((*caveats, *a.warnings, *b.warnings, *reach_caveats(farthest)))),
    )


def _value(side: Side, best: float, drawn: Array, level: float) -> Interval:
    """The output of one law; without an interval where it has no draws of its own."""
    return spread(best, drawn[:0] if side.sure else drawn, level)


def _scale(a: Side, axis: str, asked: Mapping[str, float]) -> float:
    """The value on ``axis`` of the scale asked about; compute follows from params and tokens where it was not asked."""
    here = {**a.paths[axis](1.0), **asked}
    return float(here[axis] if axis in here else FLOP_PER_PARAM_TOKEN * here["params"] * here["tokens"])


def spread(value: float, draws: Array, level: float) -> Interval:
    """Like ``results.interval``, where 0 and infinity are answers too: no amount is enough, or any is."""
    if np.isinf(draws).any():
        tail = 0.5 * (1.0 - level)
        low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1.0 - tail], method="inverted_cdf")
        return Interval(value, math.inf, float(low), float(high))
    return interval(value, draws, level)


def _exp(value: float, draws: Array, level: float) -> Interval:
    with np.errstate(over="ignore"):
        return spread(math.exp(value), np.exp(draws), level)


def _log_multiplier(a: Side, b: Side, axis: str, factor: float, sign: float) -> tuple[float, Array]:
    """log m of the best laws and of each draw, where b at 1 / m of the scale gives what a gives there.

    -inf where b needs more than ``SPAN`` decades more, as where a's output lies beyond b's floor; inf where it
    needs less than so little.
    """
    value = _solve(lambda f: sign * (b.best(axis, factor * f) - a.best(axis, factor)), ())
    wanted = np.broadcast_to(a.drawn(axis, factor), (a.draws, 1))
    return float(value), _solve(lambda f: sign * (b.drawn(axis, factor * f) - wanted), wanted.shape).reshape(-1)


def _solve(gain: Callable[[Array], Array], shape: tuple[int, ...]) -> Array:
    """Minus the log of the factor at which ``gain`` turns positive, by bisection; infinite where it does not."""
    low, high = np.full(shape, -SPAN * math.log(10.0)), np.full(shape, SPAN * math.log(10.0))
    always, never = gain(np.exp(low)) > 0, ~(gain(np.exp(high)) >= 0)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        enough = gain(np.exp(middle)) > 0
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(always, math.inf, np.where(never, -math.inf, -0.5 * (low + high)))


def _trend(a: Side, b: Side, axis: str, sign: float, level: float) -> Interval:
    """The factor on the multiplier over the decade about the scale."""
    with np.errstate(invalid="ignore"):
        (low, lows), (high, highs) = (_log_multiplier(a, b, axis, f, sign) for f in (10**-0.5, 10**0.5))
        value = high - low if math.isfinite(high) or math.isfinite(low) else math.nan
        return _exp(value, highs - lows, level)


def _crossing(a: Side, b: Side, axis: str, start: float, level: float) -> Crossing:
    logs = np.linspace(-SPAN, SPAN, _GRID)
    asked = max([FAR, *a.reach(axis).values(), *b.reach(axis).values()])
    inside = [max([0.0, *a.reach(axis, 10**x).values(), *b.reach(axis, 10**x).values()]) <= asked for x in logs]
    logs = logs[inside]
    factors = 10**logs
    searched = (float(start * factors[0]), float(start * factors[-1]))
    value = _nearest(logs, np.atleast_2d(b.best(axis, factors) - a.best(axis, factors)))[0]
    found = None if math.isnan(value) else float(start * 10**value)
    if not a.draws:
        return Crossing(found, None, None, None, searched)
    drawn = _nearest(logs, np.broadcast_to(b.drawn(axis, factors) - a.drawn(axis, factors), (a.draws, len(logs))))
    crossed = ~np.isnan(drawn)
    if not crossed.any():
        return Crossing(found, None, None, 0.0, searched)
    ends = interval(0.0, start * 10 ** drawn[crossed], level)
    return Crossing(found, ends.low, ends.high, float(crossed.mean()), searched)


def _nearest(logs: Array, difference: Array) -> Array:
    """The sign change of each row of ``difference`` nearest to log 0, between grid points; NaN where there is none."""
    left, right = difference[:, :-1], difference[:, 1:]
    with np.errstate(all="ignore"):
        share = left / (left - right)
        where = logs[:-1] + share * np.diff(logs)
    where = np.where(left * right < 0, where, math.inf)
    if not where.size:
        return np.full(len(difference), math.nan)
    chosen = where[np.arange(len(where)), np.argmin(np.abs(where), axis=1)]
    return np.where(np.isinf(chosen), math.nan, chosen)

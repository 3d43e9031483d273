"""A saved fit and more runs: the same fit again, what moved, and whether the new runs came as forecast.

A fit does not hold its runs. It holds their residuals, which say which runs of a table it has seen: the residual
of a run about the old law is the saved one to the last digits. The others are new, and how they fell about the old
forecast is a test of it that cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.engine import AN_ARRAY, fit
from lawful.fit.objective import HUBER_DELTA
from lawful.fit.result import Fit
from lawful.results import Caveat, Interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

SEEN = 1e-11
"""Residuals that differ by less are those of one run: far below the last digit of any loss that is written down."""

SURPRISE = 0.01
"""How rare, under the nominal level, so few new runs within the old interval must be to be called a miss."""


@dataclass(frozen=True)
class Move:
    """A coefficient or exponent before and after; ``shift`` is in half widths of the old interval."""

    old: Interval
    new: Interval
    shift: float | None


@dataclass(frozen=True)
class OutOfSample:
    """How ``runs`` new runs fell about the old fit's forecast of them.

    ``inside`` of them lay in its interval for a new run, where ``expected`` should; both are None without draws.
    ``bias`` is the mean of log observed minus log forecast (the plain difference where the fit's residuals are that).
    """

    runs: int
    inside: int | None
    expected: float | None
    bias: float


@dataclass(frozen=True)
class Refit:
    """A ``fit`` with the settings of an older one, what ``moved``, and how the ``new_runs`` came out.

    ``seen`` is how many runs of the table the old fit had been fitted to; ``new_runs`` is None if that is all.
    """

    fit: Fit
    seen: int
    moved: Mapping[str, Move]
    new_runs: OutOfSample | None
    warnings: tuple[Caveat, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fit as data, with ``refit`` beside it: the contract of ``lawful fit --from --json``."""
        moved = {name: {"old": vars(m.old), "new": vars(m.new), "shift": m.shift} for name, m in self.moved.items()}
        return {**self.fit.to_dict(), "refit": {
            "seen": self.seen, "moved": moved, "new_runs": self.new_runs and vars(self.new_runs),
            "warnings": [vars(w) for w in self.warnings]}}

    def __repr__(self) -> str:
        wide = max(len(name) for name in self.moved)
        lines = [repr(self.fit), "", "what moved, in half widths of the old interval"]
        lines += [f"  {name:<{wide}}  {m.old.value:<12.6g} -> {m.new.value:<12.6g}"
                  + ("" if m.shift is None else f" {m.shift:+.2f}") for name, m in self.moved.items()]
        if self.new_runs is not None:
            n = self.new_runs
            held = "" if n.inside is None else (f"{n.inside} lie in the old fit's interval for a new run, "
                                                f"{n.expected:.1f} expected; ")
            lines.append(f"{n.runs} new runs: {held}mean error {n.bias:+.2g}")
        return "\n".join(lines)


def refit(old: Fit, runs: RunTable, *, bootstrap: int | None = None, seed: int | None = None,
          level: float | None = None, **options: Any) -> Refit:
    """``old`` again on ``runs``, which hold its own runs and new ones: same form, objective and fixed coefficients.

    The search starts from the old coefficients as well as from everywhere. ``bootstrap``, ``seed``, ``level``, and the
    ``options`` of ``fit``, are the old fit's unless they are given; of weights or noise that were an array the old fit
    knows only that. Raises what ``fit`` raises.
    """
    used = {**_recorded(old), **{name: value for name, value in options.items() if value is not None}}
    new = fit(old.law, runs, loss=str(old.objective["name"]), delta=old.objective.get("delta") or HUBER_DELTA,
              start=old.law, fixed={name: old.law.coefficients[name] for name in old.fixed},
              bootstrap=len(old.draws) if bootstrap is None else bootstrap, seed=old.seed if seed is None else seed,
              level=old.level if level is None else level, **used)
    quantities = {name: runs[name] for name in old.law.inputs}
    observed = runs[old.law.output.name]
    error = _errors(old, quantities, observed)
    fresh = ~_seen(error, old.residuals)
    seen = int(np.sum(~fresh))
    before, after = old.intervals | old.derived, new.intervals | new.derived
    moved = {name: Move(i, after[name], _shift(i, after[name])) for name, i in before.items() if name not in old.fixed}
    found = _out_of_sample(old, {n: q[fresh] for n, q in quantities.items()}, observed[fresh], error[fresh])
    return Refit(new, seen, moved, found, (*_unrecorded(old, used), *_doubts(old, seen, found)))


def _recorded(old: Fit) -> dict[str, Any]:
    """The options of the old fit that can be used again."""
    limits = {name: (low, high) for name, (low, high) in old.options.get("limits", {}).items()}
    columns = {name: old.options.get(name) for name in ("weights", "noise", "cluster")}
    method = str(old.uncertainty.get("method", "bootstrap"))
    return {"limits": limits, "uncertainty": method} | {n: c for n, c in columns.items() if c not in (None, AN_ARRAY)}


def _unrecorded(old: Fit, used: Mapping[str, Any]) -> list[Caveat]:
    """What the old fit was made with and this one was not."""
    return [Caveat("option_not_recorded", f"the old fit had {name} as an array, which it does not hold, and this one "
                   "has none: give it again") for name in ("weights", "noise")
            if old.options.get(name) == AN_ARRAY and name not in used]


def _errors(old: Fit, quantities: Mapping[str, Array], observed: Array) -> Array:
    """What the old law leaves of each run, as its own residuals were taken."""
    expected = np.broadcast_to(np.asarray(old.law.at(quantities), dtype=float), observed.shape)
    error: Array = np.log(observed / expected) if old.relative else observed - expected
    return error


def _seen(error: Array, residuals: Array) -> npt.NDArray[np.bool_]:
    """Which of the runs with these errors are among those that left ``residuals``."""
    known = np.sort(residuals)
    place = np.searchsorted(known, error)
    nearest = np.minimum(np.abs(error - known[np.clip(place - 1, 0, None)]),
                         np.abs(error - known[np.clip(place, None, len(known) - 1)]))
    return np.asarray(nearest <= SEEN * max(1.0, float(np.abs(residuals).max())))


def _shift(old: Interval, new: Interval) -> float | None:
    half = 0.5 * (old.high - old.low)
    return float((new.value - old.value) / half) if np.isfinite(half) and half > 0 else None


def _out_of_sample(old: Fit, quantities: Mapping[str, Array], observed: Array, error: Array) -> OutOfSample | None:
    if not len(observed):
        return None
    if not len(old.draws):
        return OutOfSample(len(observed), None, None, float(error.mean()))
    tail = 50.0 * (1.0 - old.level)
    low, high = np.nanpercentile(old.new_runs(quantities), [tail, 100.0 - tail], axis=0)
    inside = int(np.sum((low <= observed) & (observed <= high)))
    return OutOfSample(len(observed), inside, old.level * len(observed), float(error.mean()))


def _doubts(old: Fit, seen: int, found: OutOfSample | None) -> list[Caveat]:
    doubts = []
    if seen < old.n_runs:
        doubts.append(Caveat("runs_not_seen", f"{old.n_runs - seen} of the {old.n_runs} runs of the old fit are not "
                             "among these: give its table as well, unless they were left out on purpose"))
    if found is None:
        doubts.append(Caveat("no_new_runs", "the old fit has seen every run of this table: there is nothing new"))
    elif found.inside is not None:
        from scipy.special import bdtr

        if bdtr(found.inside, found.runs, old.level) < SURPRISE:
            doubts.append(Caveat("forecast_missed", f"{found.inside} of {found.runs} new runs lie in the old fit's "
                                 f"{100 * old.level:g} % interval for a new run: the form, the noise or the recipe is "
                                 "not what the old runs said"))
    return doubts

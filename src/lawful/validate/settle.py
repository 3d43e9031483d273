"""Registered forecasts held against the runs that came in: which run answers which, and how each forecast did.

A run answers a forecast where every quantity of the question agrees to a relative tolerance. A forecast that no
run answers is pending, one that several answer is ambiguous; neither is scored. A run whose own date precedes
the registration is late news: its forecast is scored, flagged, and left out of the summary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.results import Caveat
from lawful.runs import RunTable
from lawful.validate.registration import LEVELS, Ledger, Registration
from lawful.validate.scores import pinball

TOLERANCE = 0.01
"""How far a run's quantities may lie from the question's, relatively: 1 % moves a loss by less than a seed does."""

CENTRAL = (0.5, 0.8, 0.9)
"""Levels of the central intervals whose coverage is judged, read from the registered quantiles."""

DATES = ("date", "finished", "finished_at", "end_time", "ended_at", "completed_at", "timestamp")
"""Columns that are read as the date of a run where none is named."""


@dataclass(frozen=True)
class Outcome:
    """One registered forecast and what came of it.

    ``status`` is ``hit`` or ``miss`` (the interval for a new run), ``no_interval``, ``pending`` or ``ambiguous``; of
    the last two ``why`` says why. ``error`` is log observed - log forecast, None where one of them is not positive;
    ``pit`` the place of the outcome among the registered quantiles, 0.005 or 0.995 beyond all of them;
    ``crps`` twice the mean pinball loss of the quantiles, in the unit of the outcome; ``pinball`` the loss of the
    interval's ends and the median. ``off`` is how far the run's quantities lie from the question's, relatively.
    """

    entry: Registration
    status: str
    why: str = ""
    row: int | None = None
    observed: float | None = None
    error: float | None = None
    pit: float | None = None
    crps: float | None = None
    pinball: Mapping[str, float] | None = None
    off: float = 0.0
    late: bool = False

    @property
    def scored(self) -> bool:
        """Whether a run has answered, and is no late news."""
        return self.observed is not None and not self.late

    def to_dict(self) -> dict[str, Any]:
        """The outcome as data."""
        new = self.entry.forecast["new_run"] or {}
        return {
            "number": self.entry.number, "time": self.entry.time.isoformat(), "law": self.entry.law["name"],
            "at": self.entry.at, "output": self.entry.output, "value": self.entry.forecast["value"],
            "low": new.get("low"), "high": new.get("high"), "level": self.entry.forecast["level"],
            "status": self.status, "why": self.why, "row": self.row, "observed": self.observed, "error": self.error,
            "pit": self.pit, "crps": self.crps, "pinball": self.pinball, "off": self.off, "late": self.late,
        }


@dataclass(frozen=True)
class Held:
    """How many of ``n`` outcomes fell within their intervals at ``level``, and what a true level would give.

    ``fewest`` to ``most`` is what a true interval holds in 95 % of cases, for independent outcomes; ``p`` the
    two-sided binomial probability of a count as unlikely as this one.
    """

    level: float
    n: int
    held: int
    fewest: int
    most: int
    p: float

    @property
    def verdict(self) -> str:
        """``in keeping``, ``too narrow`` or ``too wide``."""
        return "too narrow" if self.held < self.fewest else "too wide" if self.held > self.most else "in keeping"

    @classmethod
    def of(cls, level: float, inside: Sequence[bool]) -> Held:
        """The count of ``inside`` with its judgement."""
        n, held = len(inside), sum(inside)
        chance = [math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
                           + k * math.log(level) + (n - k) * math.log1p(-level)) for k in range(n + 1)]
        below = np.cumsum(chance)
        fewest = int(np.searchsorted(below, 0.025, side="right"))
        most = min(int(np.searchsorted(below, 0.975)), n)
        p = min(sum(c for c in chance if c <= chance[held] * (1 + 1e-9)), 1.0)
        return cls(level, n, held, fewest, most, p)

    def to_dict(self) -> dict[str, Any]:
        """The count as data."""
        return {**vars(self), "verdict": self.verdict}


@dataclass(frozen=True)
class Scorecard:
    """Every forecast of a ledger with its outcome by ``runs``, the name of a table; None where nothing has come in.

    The coverage is that of the forecasts that were answered in time.
    """

    ledger: Ledger
    outcomes: tuple[Outcome, ...]
    tolerance: float
    runs: str | None = None
    warnings: tuple[Caveat, ...] = ()

    @property
    def scored(self) -> tuple[Outcome, ...]:
        """Those that the summary counts."""
        return tuple(o for o in self.outcomes if o.scored)

    @property
    def coverage(self) -> tuple[Held, ...]:
        """The intervals for a new run by their level, and the central intervals of the registered quantiles."""
        judged: list[Held] = []
        for level in sorted({float(o.entry.forecast["level"]) for o in self.scored if o.status != "no_interval"}):
            judged.append(Held.of(level, [o.status == "hit" for o in self.scored if o.status != "no_interval"
                                          and o.entry.forecast["level"] == level]))
        pits = [o.pit for o in self.scored if o.pit is not None]
        known = {held.level for held in judged}
        judged += [Held.of(level, [abs(pit - 0.5) <= level / 2 for pit in pits])
                   for level in CENTRAL if pits and level not in known]
        return tuple(sorted(judged, key=lambda held: held.level))

    def to_dict(self) -> dict[str, Any]:
        """The scorecard as data: the contract of ``lawful score --json``."""
        errors = [o.error for o in self.scored if o.error is not None]
        crps = [o.crps for o in self.scored if o.crps is not None]
        count = {s: sum(o.status == s for o in self.outcomes) for s in ("pending", "ambiguous")}
        return {
            "schema": "lawful.scorecard/1", "ledger": self.ledger.source, "head": self.ledger.head,
            "runs": self.runs, "tolerance": self.tolerance, "outcomes": [o.to_dict() for o in self.outcomes],
            "summary": {
                "entries": len(self.outcomes), "scored": len(self.scored), **count,
                "late": sum(o.late for o in self.outcomes),
                "mean_error": float(np.mean(errors)) if errors else None,
                "rms_error": float(np.sqrt(np.mean(np.square(errors)))) if errors else None,
                "crps": float(np.mean(crps)) if crps else None,
                "coverage": [held.to_dict() for held in self.coverage],
            },
            "warnings": [vars(w) for w in self.warnings],
        }


def settle(ledger: Ledger, runs: RunTable | None = None, *, tolerance: float = TOLERANCE,
           date: str | None = None) -> Scorecard:
    """What became of the forecasts of ``ledger`` by the finished ``runs``; all pending without runs.

    ``date`` names the column with each run's date, ISO 8601, UTC unless it says otherwise; without it the first of
    ``DATES`` that the table has is read. A date without an hour counts as the end of that day. Raises ``InputError``
    for a broken chain, and ``RunsError`` where the table has the quantities of no question at all.
    """
    ledger.whole()
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"--tolerance must be 0 or more, such as 0.01 for 1 %, got {tolerance:g}")
    if runs is None:
        return Scorecard(ledger, tuple(Outcome(e, "pending", "no run yet") for e in ledger.entries), tolerance)
    ended, warnings = _dates(runs, date)
    outcomes = tuple(_answered(entry, runs, tolerance, ended) for entry in ledger.entries)
    if outcomes and all(o.why.startswith("no column") for o in outcomes):
        entry = ledger.entries[0]
        runs.need(*entry.at, entry.output)
    return Scorecard(ledger, outcomes, tolerance, runs.source, (*warnings, *_shared(outcomes)))


def settle_one(ledger: Ledger, number: int, output: str, observed: float) -> Scorecard:
    """The forecast ``number`` of ``ledger`` held against one value; the scorecard holds it alone."""
    entries = {entry.number: entry for entry in ledger.whole().entries}
    if number not in entries:
        raise InputError(f"--entry {number}: {ledger.source} holds entries 1 to {len(entries)}")
    entry = entries[number]
    if output != entry.output:
        raise InputError(f"--observed {output}: entry {number} forecasts {entry.output}")
    return Scorecard(ledger, (_score(entry, observed, None, 0.0, False),), 0.0, "--observed")


def _answered(entry: Registration, runs: RunTable, tolerance: float, ended: Sequence[datetime | None]) -> Outcome:
    lacking = []
    for name in (*entry.at, entry.output):
        try:
            runs[name]
        except RunsError:
            lacking.append(name)
    if lacking:
        return Outcome(entry, "pending", f"no column for {', '.join(lacking)}")
    off = np.max([_apart(runs[name], value) for name, value in entry.at.items()], axis=0)
    found = np.flatnonzero(off <= tolerance * (1 + 1e-9))
    if not len(found):
        near = int(np.argmin(off))
        name = max(entry.at, key=lambda n: float(_apart(runs[n], entry.at[n])[near]))
        return Outcome(entry, "pending", f"nearest is row {runs.rows[near]}, {name} {100 * off[near]:.2g} % off")
    if len(found) > 1:
        rows = ", ".join(str(runs.rows[i]) for i in found[:6]) + (" ..." if len(found) > 6 else "")
        return Outcome(entry, "ambiguous", f"rows {rows} answer it: choose one with --where, or give --entry and "
                                           "--observed")
    i = int(found[0])
    late = ended[i] is not None and ended[i] < entry.time  # type: ignore[operator]
    return _score(entry, float(runs[entry.output][i]), int(runs.rows[i]), float(off[i]), late)


def _apart(values: npt.NDArray[np.float64], asked: float) -> npt.NDArray[np.float64]:
    """How far each run lies from the question, relatively, ``(run,)``; at 0 only 0 is near."""
    difference = np.abs(values - asked)
    return difference / abs(asked) if asked else np.where(difference > 0, np.inf, 0.0)


def _score(entry: Registration, observed: float, row: int | None, off: float, late: bool) -> Outcome:
    value, new, q = float(entry.forecast["value"]), entry.forecast["new_run"], np.array(entry.quantiles)
    error = math.log(observed / value) if observed > 0 and value > 0 else None
    if new is None or new["low"] is None or len(q) != len(LEVELS):
        return Outcome(entry, "no_interval", "", row, observed, error, off=off, late=late)
    low, high, tail = new["low"], new["high"], (1.0 - entry.forecast["level"]) / 2.0
    y = np.array([observed])
    parts = {tail: low, 0.5: float(q[len(q) // 2]), 1.0 - tail: high}
    lost = pinball(np.array([[v] for v in parts.values()]), y, np.array(list(parts)))[:, 0]
    return Outcome(
        entry, "hit" if low <= observed <= high else "miss", "", row, observed, error, _place(q, observed),
        float(2.0 * pinball(q[:, None], y, np.array(LEVELS)).mean()),
        {f"{tau:.6g}": float(loss) for tau, loss in zip(parts, lost, strict=True)}, off, late)


def _place(q: npt.NDArray[np.float64], observed: float) -> float:
    """The level at which the registered quantiles reach ``observed``; the middle of the tail beyond them."""
    if observed < q[0]:
        return LEVELS[0] / 2
    if observed > q[-1]:
        return 1.0 - LEVELS[0] / 2
    low, high = np.searchsorted(q, observed, "left"), np.searchsorted(q, observed, "right")
    if high > low:   # quantiles that are equal: the middle of them
        return (LEVELS[low] + LEVELS[high - 1]) / 2
    return float(np.interp(observed, q, LEVELS))


def _dates(runs: RunTable, column: str | None) -> tuple[list[datetime | None], tuple[Caveat, ...]]:
    """When each run ended, None where that is not known."""
    name = column or next((h for h in runs.headers if h.lower() in DATES), None)
    if name is None:
        return [None] * len(runs), ()
    found: list[datetime | None] = []
    for row, cell in zip(runs.rows, runs.label(name), strict=True):
        try:
            found.append(_moment(str(cell).strip()) if str(cell).strip() else None)
        except ValueError:
            problem = (f"column {name!r}, row {row}: {str(cell)[:40]!r} is no date; write 2026-11-23 or "
                       "2026-11-23T09:30:00Z")
            if column is not None:
                raise RunsError(f"{runs.source}: {problem}") from None
            return [None] * len(runs), (Caveat("dates_unread", f"{problem}: no forecast could be found late"),)
    return found, ()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if len(text) <= len("2026-11-23"):
        moment = datetime.combine(moment, time.max)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shared(outcomes: Iterable[Outcome]) -> tuple[Caveat, ...]:
    scored = [o for o in outcomes if o.scored]
    runs, laws = ({o.row for o in scored}, {o.entry.law["digest"] for o in scored})
    if len(runs) == len(laws) == len(scored):
        return ()
    return (Caveat("shared_outcomes", f"{len(scored)} forecasts rest on {len(runs)} runs and {len(laws)} fits: the "
                                      "judgement of coverage counts them as independent, which they are not"),)

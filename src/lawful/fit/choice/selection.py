"""``select(runs)``: the form that forecasts these runs best, and the forms that they cannot tell from it.

Along one quantity forms are weighed by their evidence (``lawful.fit.choice.curve``). Else every candidate is refitted
below each cut of the table and predicts the runs above it (rolling origin). The choice, in this order:

1. a form that the runs cannot carry is left out, with the reason;
2. the lowest forecast error, and all forms that it cannot be told from: whose paired difference in error lies
   within its Student t interval, cuts taken as clusters, at the level asked for;
3. of those, the lowest AICc over all runs, and all forms within ``NO_SUPPORT`` of it;
4. of those, the lowest forecast error again, and all forms within one standard error of it;
5. of those, the fewest coefficients, and the lower AICc where they are as many.

Forms that cannot be told from the chosen one by the test of step 2 are its rivals: they could as well have been
chosen, and the stacked forecast is made of it and them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lawful.errors import InputError, LawError
from lawful.fit.choice.candidates import candidates as find_candidates
from lawful.fit.choice.candidates import label, outcome
from lawful.fit.choice.candidates import over as quantity_of
from lawful.fit.choice.combination import Stack
from lawful.fit.choice.curve import choose_curve, is_curve
from lawful.fit.choice.rolling import Trial, thinned, trial
from lawful.fit.choice.scores import Forecasts, akaike, stack, told_apart
from lawful.fit.engine import check_options, fit
from lawful.fit.forecast import Forecast, forecast
from lawful.fit.origins import Array
from lawful.fit.result import Fit
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.results import Caveat
from lawful.runs import RunTable

NO_SUPPORT = 10.0
"""A form whose AICc is this much above another's has as good as no support beside it (Burnham & Anderson 2002,
section 2.6)."""

DECISIVE = float(np.log(20.0))
"""A form 20 times less likely on a curve than another is told from it: strong evidence (Kass and Raftery 1995)."""


@dataclass(frozen=True)
class Row:
    """One candidate: its forecast error, what speaks for and against it, and its weight in the stacked forecast.

    ``error`` is the mean absolute log error over the cuts, of which it ``failed`` at some; ``difference`` is its
    error minus that of the chosen form, with standard error ``std``. ``verdict`` is chosen, tied, worse or
    left_out, the last with a ``reason``. Along a curve there is no such error, but the log ``evidence`` of the form.
    """

    form: str
    coefficients: int
    verdict: str
    reason: str = ""
    failed: int = 0
    error: float | None = None
    difference: float | None = None
    std: float | None = None
    aicc: float | None = None
    weight: float = 0.0
    evidence: float | None = None


@dataclass(frozen=True)
class Selection:
    """The form chosen for some runs, and how sure the choice is.

    ``fit`` is the chosen form fitted to all ``runs``; ``rows`` has every candidate, best first; ``members`` are
    the chosen form and, where it is stacked, its rivals, fitted to all runs, with their weights. ``compared`` is
    how many runs the comparison used, ``cuts`` at how many cuts; along a curve it is of points, without cuts, and the
    other forms are in ``fit.combination`` alone.
    """

    fit: Fit
    rows: tuple[Row, ...]
    members: tuple[tuple[Fit, float], ...]
    target: str
    runs: int
    compared: int
    cuts: int

    @property
    def rivals(self) -> tuple[str, ...]:
        """The forms that the runs cannot tell from the chosen one."""
        return _rivals(self.rows)

    @property
    def verdict(self) -> str:
        """The outcome as a sentence."""
        chosen, *others = (row for row in self.rows if row.verdict != "left_out")
        if chosen.evidence is not None:
            said = f"{chosen.form}, whose evidence on the curve is the largest"
        elif chosen.error is None:
            said = f"{chosen.form} by AICc alone: no cut leaves runs enough to forecast from"
        else:
            said = f"{chosen.form}, with a forecast error of {100 * chosen.error:.2g} % over {self.cuts} cuts"
        if self.rivals:
            return f"{said}; these runs cannot tell it from {_listed(self.rivals)}"
        return f"{said}; these runs tell it from {_listed([row.form for row in others]) or 'no other'}"

    def forecast(self, at: Mapping[str, float], level: float | None = None) -> Forecast:
        """The combined forecast at the quantities ``at``, as ``lawful predict`` gives it of the saved fit.

        Raises ``LawError`` for quantities missing from ``at``, or where the rivals were not fitted.
        """
        return forecast(self._combined, at, level)

    def forecasts(self, quantities: Mapping[str, Any]) -> tuple[Array, Array]:
        """The combined forecasts at many points: the values ``(point,)``, and draws of a new run ``(draw, point)``.

        ``quantities`` are floats or ``(point,)``. A stack fitted with ``bootstrap=0`` has no draws. Raises
        ``LawError`` where the rivals were not fitted.
        """
        fit = self._combined
        return fit.expected(quantities), fit.new_runs(quantities)

    @property
    def _combined(self) -> Fit:
        if self.fit.combination is None and self.rivals:
            raise LawError("the rivals were not fitted, so nothing can be stacked: select(..., stacked=True)")
        return self.fit

    def to_dict(self) -> dict[str, Any]:
        """The comparison as data; the fits stay behind: that of the chosen form stands beside it in ``lawful fit``."""
        return {
            "schema": "lawful.selection/1", "form": self.rows[0].form, "target": self.target,
            "verdict": self.verdict, "rivals": list(self.rivals), "level": self.fit.level, "runs": self.runs,
            "compared": self.compared, "cuts": self.cuts, "rows": [vars(row) for row in self.rows],
        }

    def __repr__(self) -> str:
        return f"{self.verdict}\n{self.fit!r}"


def select(
    runs: RunTable,
    candidates: Sequence[str | Law | type[Law]] | None = None,
    *,
    target: str | None = None,
    over: str | None = None,
    stacked: bool = True,
    level: float = 0.9,
    **options: Any,
) -> Selection:
    """The candidate that forecasts ``runs`` best, the forms that could as well be it, and their combination.

    ``candidates`` are forms; left out, those that go with the table's columns (``lawful.fit.choice.candidates``),
    or the curves ``over`` one quantity. ``target`` is the outcome: the loss, where the table has one. Without
    ``stacked`` the rivals are not fitted to all runs, and there is no stacked forecast. ``level`` is that of the
    intervals and of telling forms apart; the other ``options`` are those of ``fit``, and forms that lack a
    coefficient which they hold are left out.

    Raises ``RunsError`` where the runs can carry no candidate, ``UnknownName`` for one that nobody knows,
    ``LawError`` for one with another outcome, ``FailedToAnswer`` where none could be fitted.
    """
    options = {"level": level, **options}
    check_options(options["level"], options.get("bootstrap", 0))
    target = outcome(runs, target)
    laws = find_candidates(runs, target, over) if candidates is None else _named(candidates, target)
    aimed = runs if all(law.output.name == target for law in laws) else replace(
        runs, quantities={**runs.quantities, "task_loss": runs[target]})
    if is_curve(aimed, laws, options):
        return _along(aimed, laws, target, **options)
    kept = thinned(aimed, sorted({name for law in laws for name in law.inputs}))
    tried = trial(aimed.take(kept), laws, **{name: value[kept] if isinstance(value, np.ndarray) else value
                                             for name, value in options.items()})
    rows, weights = _judged(tried, options["level"])
    names = [label(law) for law in tried.laws]
    members = tuple((fit(tried.laws[names.index(row.form)], aimed, **options), weights[row.form])
                    for row in rows if row.verdict == "chosen" or (stacked and row.verdict == "tied"))
    best, weight = members[0]
    best = replace(best, warnings=(*best.warnings, *_noted(rows, len(names))))
    left_out = [Row(label(law), len(law.names()), "left_out", tried.left_out[label(law)])
                for law in laws if label(law) in tried.left_out]
    members = ((best, weight), *members[1:])
    if len(members) > 1:
        best = replace(best, combination=Stack(members))
    return Selection(best, (*rows, *left_out), members, target, len(runs), len(kept), tried.cuts)


def _along(runs: RunTable, laws: Sequence[Law], target: str, **options: Any) -> Selection:
    """The selection along one quantity: by evidence, with the departure from every form: see ``choice.curve``."""
    found = choose_curve(runs, laws, **options)
    best = found.judged.evidence[0]
    shares = found.judged.forecast.weights
    rows = [Row(label(law), len(law.names()), "chosen" if k == 0 else "tied" if best - evidence < DECISIVE else "worse",
                weight=shares.get(law.form, 0.0), evidence=evidence)
            for k, (law, evidence) in enumerate(zip(found.judged.laws, found.judged.evidence, strict=True))]
    left_out = [Row(label(law), len(law.names()), "left_out", found.left_out[label(law)])
                for law in laws if label(law) in found.left_out]
    fit = replace(found.fit, warnings=(*found.fit.warnings, *_noted(rows, len(rows))))
    return Selection(fit, (*rows, *left_out), ((fit, rows[0].weight),), target, len(runs), found.points, 0)


def _noted(rows: Sequence[Row], forms: int) -> tuple[Caveat, ...]:
    """The caveat that the form was chosen among some which the runs cannot tell apart."""
    if not (rivals := _rivals(rows)):
        return ()
    return (Caveat("selected", f"{rows[0].form} was chosen among {forms} forms, and these runs cannot tell it from "
                   f"{_listed(rivals)}: beyond the runs they may disagree"),)


def fit_auto(form: str, runs: RunTable, **options: Any) -> Fit:
    """The fit of the form chosen for ``auto`` or ``auto:QUANTITY``: what ``fit`` does with either."""
    return select(runs, over=quantity_of(form), **options).fit


def _named(named: Sequence[str | Law | type[Law]], target: str) -> tuple[Law, ...]:
    laws = tuple(find_form(form) for form in named)
    if not laws:
        raise InputError("no candidates: name at least one form, or leave them out to have them found")
    if len({label(law) for law in laws}) < len(laws):
        raise InputError(f"a candidate comes twice: {', '.join(map(label, laws))}")
    for law in laws:
        if law.output.name not in (target, "task_loss"):
            raise LawError(f"{law.form} gives {law.output.name}, and the outcome to forecast is {target}")
    return laws


def _judged(tried: Trial, level: float) -> tuple[tuple[Row, ...], Mapping[str, float]]:
    """A row for each form that was tried, the chosen one first, and the weights of it and its rivals by name."""
    rolled = tried.forecasts
    counts = [len(law.names()) for law in tried.laws]
    aicc = [akaike(r, n) for r, n in zip(tried.residuals, counts, strict=True)]
    best = _choice(rolled, aicc, counts, level)
    rows = []
    for k, law in enumerate(tried.laws):
        row = Row(label(law), counts[k], "chosen" if k == best else "tied", aicc=aicc[k])
        if rolled is None:
            apart = aicc[k] > aicc[best] + NO_SUPPORT
        else:
            mean, std, clusters = rolled.difference(k, best)
            apart = mean > 0 and told_apart(mean, std, clusters, level)  # a lower error is no reason against a form
            row = replace(row, failed=int(rolled.failed[k]), error=float(rolled.score[k]), difference=mean, std=std)
        rows.append(replace(row, verdict="worse") if apart else row)
    together = [k for k, row in enumerate(rows) if row.verdict != "worse"]
    weights = stack(rolled, together) if rolled is not None else np.full(len(together), 1 / len(together))
    for k, weight in zip(together, weights.tolist(), strict=True):
        rows[k] = replace(rows[k], weight=weight)
    rows.sort(key=lambda row: (row.verdict != "chosen", row.error if row.error is not None else row.aicc))
    return tuple(rows), {row.form: row.weight for row in rows}


def _choice(rolled: Forecasts | None, aicc: Sequence[float], counts: Sequence[int], level: float) -> int:
    """The place of the chosen form: steps 2 to 5 of the module's rule; without forecasts 3 and 5 alone."""
    pool = list(range(len(counts)))

    def near(within: Callable[[float, float, int], bool]) -> list[int]:
        assert rolled is not None
        lowest = min(pool, key=lambda k: rolled.score[k])
        return [k for k in pool if within(*rolled.difference(k, lowest))]

    if rolled is not None:
        pool = near(lambda mean, std, clusters: not told_apart(mean, std, clusters, level))
    least = min(aicc[k] for k in pool)
    pool = [k for k in pool if aicc[k] <= least + NO_SUPPORT]
    if rolled is not None:
        pool = near(lambda mean, std, _: mean <= std)
    return min(pool, key=lambda k: (counts[k], aicc[k]))


def _rivals(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row.form for row in rows if row.verdict == "tied")


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

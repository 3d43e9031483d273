"""How a table is divided for a back-test: the runs to fit, the runs to predict, and how far these lie beyond those.

What to use when: ``rolling`` for a whole picture, cuts at growing scale; ``below`` for one question, such as a decade
below the top; ``leaving_out`` for what a law says of a family, a corpus or a budget that it has not seen. Scale is an
``Axis``: compute, any other quantity or column, or time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.fit.origins import FIRST, LAST, MOST_CUTS, SPANS, origins
from lawful.fit.readings import budgets
from lawful.quantities import QUANTITIES
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TIME = ("time", "date", "timestamp", "released", "release_date", "created", "year")
"""Headers, in any case, that ``along="time"`` looks for, in this order."""

YEAR = 365.2425
"""Days."""

MOST_GROUPS = 100
"""Groups that are left out one by one, each with a fit of its own: a column with more is a number, not a family."""


@dataclass(frozen=True)
class Axis:
    """What scale is in a back-test: a value a run, ``(run,)``, and the unit that distances along it are given in.

    ``unit`` is decades for quantities that are powers of ten apart, years for dates, and otherwise the column's own
    name, its values being differences apart.
    """

    name: str
    values: Array
    unit: str = "decades"

    def beyond(self, top: float) -> Array:
        """How far each run lies beyond ``top``, ``(run,)``, in ``unit``; below 0 where it does not reach it."""
        away: Array = np.log10(self.values / top) if self.unit == "decades" else self.values - top
        return away


@dataclass(frozen=True)
class Split:
    """Masks ``(run,)`` of the runs to fit and of those to predict, and the ``horizon`` of each run, ``(run,)``.

    ``top`` is the largest value along the axis among the runs to fit; ``left_out`` the group that is predicted.
    """

    train: Mask
    test: Mask
    horizon: Array
    top: float
    left_out: str | None = None


def axis(runs: RunTable, along: str) -> Axis:
    """The axis ``along`` a quantity, a column of numbers, a column of ISO dates, or ``time``: the first of ``TIME``.

    A column of no known quantity is read in decades where it is positive and spans half a decade. Raises ``RunsError``
    for a column that is missing, or with the row that holds neither number nor date.
    """
    if along == "time" and "time" not in runs.headers:
        here = {header.lower(): header for header in reversed(runs.headers)}
        found = next((here[name] for name in TIME if name in here), None)
        if found is None:
            raise RunsError(f"{runs.source}: no column says when a run was made ({', '.join(TIME)}); name one: --along "
                            f"COLUMN, among {', '.join(runs.headers)}")
        along = found
    if along not in QUANTITIES and along in runs.labels:
        cells = runs.label(along)
        try:
            values = np.array([_years(cell) for cell in cells])
            return Axis(along, values, "years")
        except ValueError:
            pass  # numbers, or an error that names the row
        try:
            values = runs.number(along)
        except RunsError:
            i = next(i for i, cell in enumerate(cells) if not _reads(cell))
            raise RunsError(f"{runs.source}: column {along!r}, row {runs.rows[i]}: {str(cells[i])[:40]!r} is neither a "
                            "number nor an ISO date such as 2024-05-13; name another column with --along") from None
    else:
        values = runs[along]
    known = along in QUANTITIES and QUANTITIES[along].positive
    wide = values.min() > 0 and np.log10(values.max() / values.min()) >= SPANS
    return Axis(along, values, "decades" if (known and values.min() > 0) or wide else along)


def _years(cell: str) -> float:
    """A date as years since the year 0, months and days as fractions; ``ValueError`` for anything else."""
    text = str(cell).strip()
    if "-" not in text[1:]:
        raise ValueError(text)
    when = datetime.fromisoformat(f"{text}-01" if text.count("-") == 1 and len(text) == 7 else text)
    return 1.0 + (when.toordinal() - 1 + (when.hour + when.minute / 60) / 24) / YEAR


def _reads(cell: str) -> bool:
    for read in (float, _years):
        try:
            read(cell)
            return True
        except ValueError:
            continue
    return False


def rolling(along: Axis, fewest: int) -> Iterator[Split]:
    """Cuts at growing scale, each with at least ``fewest`` runs below it and one above.

    At the tops of budgets where scale falls into budgets, at quantiles where it does not.
    """
    if along.unit == "decades":
        tops = [cut.scale for cut in origins(along.values, fewest)]
    else:
        shares = np.linspace(FIRST, LAST, MOST_CUTS)
        tops = sorted({float(np.quantile(along.values, q, method="lower")) for q in shares})
    for top in tops:
        yield from _cut(along, top, fewest)


def below(along: Axis, distances: Sequence[float], fewest: int) -> Iterator[Split]:
    """One cut for each of ``distances`` below the largest value, in the axis' unit; those without runs enough yield
    nothing. Raises ``InputError`` for a distance that is not positive."""
    for distance in sorted(set(distances), reverse=True):
        if not (distance > 0 and np.isfinite(distance)):
            raise InputError(f"--below takes positive distances below the largest run, in {along.unit}, as 0.5,1.0; "
                             f"got {distance:g}")
        largest = float(along.values.max())
        yield from _cut(along, largest / 10**distance if along.unit == "decades" else largest - distance, fewest)


def _cut(along: Axis, at: float, fewest: int) -> Iterator[Split]:
    train = along.values <= at
    if train.sum() >= fewest and not train.all():
        top = float(along.values[train].max())
        yield Split(train, ~train, along.beyond(top), top)


def groups_of(runs: RunTable, column: str) -> npt.NDArray[np.str_]:
    """The group of each run, ``(run,)``: a column's text, or with ``budget`` where there is no such column the budget
    that its compute falls into.

    Raises ``InputError`` for a single group, more than ``MOST_GROUPS``, or compute that does not fall into budgets.
    """
    if column == "budget" and column not in runs.headers:
        found = budgets(runs)
        if sum(map(len, found)) < len(runs):
            raise InputError(f"{runs.source}: --leave-out budget: compute does not fall into budgets; name a column")
        labels = np.empty(len(runs), dtype="<U32")
        for members in found:
            labels[members] = f"{np.exp(np.log(runs['compute'][members]).mean()):.3g} FLOP"
    else:
        labels = runs.label(column)
    different = np.unique(labels)
    if len(different) == 1:
        raise InputError(f"{runs.source}: --leave-out {column}: every run has {column} {str(different[0])!r}, and "
                         "nothing is left to fit; name a column with two values or more")
    if len(different) > MOST_GROUPS:
        raise InputError(f"{runs.source}: --leave-out {column}: {len(different)} different values, at most "
                         f"{MOST_GROUPS} can be left out one by one; name a column of families")
    return labels


def _in_order(label: str) -> tuple[float, str]:
    """Labels that start with a number by that number, then the others by the alphabet."""
    try:
        number = float(label.split()[0])
    except (ValueError, IndexError):
        return float("inf"), label
    return (number if np.isfinite(number) else float("inf")), label


def leaving_out(along: Axis, labels: npt.NDArray[np.str_], fewest: int) -> Iterator[Split]:
    """Each group predicted from all others, which must be ``fewest`` runs; the horizon is how far a run lies outside
    the others' span, at either end, and 0 inside."""
    for label in sorted(np.unique(labels), key=_in_order):
        test = labels == label
        train = ~test
        if train.sum() < fewest:
            continue
        top, bottom = float(along.values[train].max()), float(along.values[train].min())
        outside = np.maximum(np.maximum(along.beyond(top), -along.beyond(bottom)), 0.0)
        yield Split(train, test, outside, top, str(label))


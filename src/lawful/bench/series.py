"""A task's series: for each the runs that a method may see, and those it is asked about.

``load`` reads the table once, divides it by the task's columns, and cuts every part as the task's split says. A
method is given ``train`` and ``at``; the outcomes of the test runs are read by the scores alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.bench.task import Split, Task
from lawful.errors import InputError, RunsError
from lawful.filters import select
from lawful.fit.origins import Array, axis
from lawful.laws.expressions import evaluate
from lawful.laws.parser import parse
from lawful.runs import RunTable
from lawful.store import read_runs

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """One extrapolation: ``train`` runs, ``test`` runs above them, and the ``scale`` of both along the split.

    ``cut`` is how many decades below its top the series was cut, None where the split says it otherwise; ``group`` is
    what medians are taken over.
    """

    task: str
    name: str
    group: str
    cut: float | None
    target: str
    inputs: tuple[str, ...]
    train: RunTable
    test: RunTable
    top: float
    scale: Array

    @property
    def key(self) -> str:
        """What no other series of the task is called."""
        return self.name if self.cut is None else f"{self.name} @{self.cut:g}"

    @property
    def observed(self) -> Array:
        """The outcomes of the test runs, ``(point,)``."""
        return self.test[self.target]

    @cached_property
    def at(self) -> Mapping[str, Array]:
        """Where the test runs lie: every quantity of theirs that is known beside outcomes."""
        return {name: self.test[name] for name in self.inputs}

    @property
    def horizon(self) -> Array:
        """How far above the largest training run each test run lies [decades], ``(point,)``."""
        return np.log10(self.scale / self.top)


@dataclass(frozen=True)
class LeftOut:
    """A series that no method is asked about, and why."""

    task: str
    name: str
    reason: str


def load(task: Task, data: Path) -> tuple[tuple[Series, ...], tuple[LeftOut, ...]]:
    """Every series of ``task``, and those that its split leaves without enough runs.

    Raises ``InputError`` with the task's name for a column that is not there, a split with an empty side, and
    training runs larger than every test run.
    """
    try:
        runs = _derived(read_runs(str(data / task.folder / task.table), mapping=task.map, where=task.where), task)
        runs.need(task.target, *task.inputs)
        if task.dedupe:
            runs = _once(runs, task)
        if task.best:
            runs = _best(runs, task)
        parts = list(_parts(runs, task))
        found = [_cut(task, name, group, part, cut) for name, group, part in parts for cut in task.split.cuts]
    except InputError as problem:
        raise InputError(f"task {task.name}: {problem}") from None
    series = tuple(one for one in found if isinstance(one, Series))
    left_out = tuple(one for one in found if isinstance(one, LeftOut))
    if not series:
        raise InputError(f"task {task.name}: no series has runs enough: {left_out[0].name}: {left_out[0].reason}")
    return series, left_out


def _derived(runs: RunTable, task: Task) -> RunTable:
    """The table with the columns that ``derive`` writes as formulas of others."""
    for name, text in task.derive.items():
        parsed = parse(text)
        try:
            with np.errstate(all="ignore"):
                values = evaluate(parsed.expression, {column: runs[column] for column in parsed.names})
        except InputError as problem:
            raise RunsError(f"derive {name} = {text!r}: {problem}") from None
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), (len(runs),))
        if not np.isfinite(values).all():
            raise RunsError(f"derive {name} = {text!r}: row {runs.rows[int(np.argmin(np.isfinite(values)))]} gives no "
                            "finite number; filter it out with where")
        runs = replace(runs, quantities={**runs.quantities, name: values},
                       problems={key: why for key, why in runs.problems.items() if key != name})
    return runs


def _once(runs: RunTable, task: Task) -> RunTable:
    """The table without rows that say again what another said: same series, inputs, outcome and side of the split."""
    named = [runs.label(column) for column in (*task.series, *([task.split.column] if task.split.column else []))]
    numbers = [runs[name].astype(str) for name in (*task.inputs, task.target)]
    _, first = np.unique(np.stack([*named, *numbers]), axis=1, return_index=True)
    return runs.take(np.sort(first))


def _best(runs: RunTable, task: Task) -> RunTable:
    """Of the runs that share the columns ``best``, in one series and on one side, the one with the lowest target."""
    columns = (*task.series, *task.best, *([task.split.column] if task.split.column else []))
    cells = np.unique(np.stack([runs.label(column) for column in columns], axis=1), axis=0, return_inverse=True)[1]
    order = np.lexsort((runs[task.target], cells.ravel()))
    first = np.unique(cells.ravel()[order], return_index=True)[1]
    return runs.take(np.sort(order[first]))


def _parts(runs: RunTable, task: Task) -> Iterator[tuple[str, str, RunTable]]:
    """The runs of each series with its name and group, in alphabetical order."""
    group = runs.label(task.by) if task.by else np.full(len(runs), "all")
    names = np.full(len(runs), task.name)
    if task.series:
        names = np.array(series_names(runs, task.series))
    for name in np.unique(names).tolist():
        mine = names == name
        yield name, str(group[mine][0]), runs.take(mine)


def series_names(runs: RunTable, columns: Sequence[str]) -> list[str]:
    """What the series of each run is called: its values in ``columns``, numbers in their shortest form."""
    return [", ".join(map(_short, row)) for row in zip(*(runs.label(c).tolist() for c in columns), strict=True)]


def _short(value: str) -> str:
    whole, dot, rest = value.partition(".")
    return f"{float(value):g}" if dot and whole.lstrip("-").isdigit() and set(rest) <= {"0"} else value


def _cut(task: Task, name: str, group: str, runs: RunTable, cut: float | None) -> Series | LeftOut:
    split = task.split
    along = split.along or ("compute" if len(task.inputs) > 1 and "compute" in runs else None)
    scale = runs[along] if along else axis(runs, task.inputs)
    train, test = _sides(runs, split, scale, cut)
    shown = name if cut is None else f"{name} @{cut:g}"
    if train.sum() < task.fewest or not test.any():
        why = "no run is left to forecast" if not test.any() else (
            f"{int(train.sum())} of {len(runs)} runs are to be fitted, at least {task.fewest} are needed")
        if split.below or split.share:  # a cut of our making may miss a short series; one of the user's must not
            return LeftOut(task.name, shown, why)
        raise InputError(f"series {shown!r}: {why}; look at [split]")
    top, highest = float(scale[train].max()), float(scale[test].max())
    if top > highest and not split.interpolates:
        raise InputError(f"series {shown!r}: training runs reach {along or ' x '.join(task.inputs)} {top:.4g}, beyond "
                         f"the largest test run at {highest:.4g}: no extrapolation; swap the sides, or say "
                         "interpolates = true in [split]")
    seen = runs.take(train)
    if task.thin is not None:
        seen = seen.take(_thinned(scale[train], task.thin))
    return Series(task.name, name, group, cut, task.target, task.inputs, seen, runs.take(test), top, scale[test])


def _sides(runs: RunTable, split: Split, scale: Array, cut: float | None) -> tuple[Mask, Mask]:
    """The runs to fit and those to forecast."""
    if split.column is not None:
        label = runs.label(split.column)
        train, test = (np.isin(label, [side] if isinstance(side, str) else list(map(str, side)))
                       for side in (split.train, split.test))
        return train, test
    if split.train_where is not None and split.test_where is not None:
        return chosen_rows(runs, split.train_where), chosen_rows(runs, split.test_where)
    if cut is not None:
        edge = scale.max() / 10**cut
    else:
        assert split.share is not None
        edge = np.sort(scale)[max(int(split.share * len(scale)) - 1, 0)]
    below = scale <= edge
    return below, ~below


def chosen_rows(runs: RunTable, expression: str) -> Mask:
    """The rows of a table for which ``expression`` holds, a mask ``(run,)``."""
    columns: dict[str, npt.NDArray[Any]] = {**runs.quantities}
    for header in runs.headers:
        try:
            columns[header] = runs.number(header)
        except RunsError:
            columns[header] = runs.label(header)
    return select(expression, columns, len(runs))


def _thinned(scale: Array, most: int) -> npt.NDArray[np.int64]:
    """At most ``most`` runs: those nearest to an even spacing of the logarithm of ``scale``, so its ends as well."""
    if len(scale) <= most:
        return np.arange(len(scale))
    place = np.log(scale)
    nearest = [int(np.argmin(np.abs(place - even))) for even in np.linspace(place.min(), place.max(), most)]
    return np.unique(nearest)

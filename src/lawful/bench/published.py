"""What others published for a task: which series it is about, and their scores for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lawful.bench.series import Series, chosen_rows, series_names
from lawful.bench.task import Task
from lawful.errors import InputError
from lawful.quantities import parse_number
from lawful.store import read_runs


def counted(task: Task, series: Sequence[Series]) -> frozenset[str]:
    """The keys of the series that the published shares are about: those whose runs ``where`` keeps, or all."""
    if not task.published.where:
        return frozenset(one.key for one in series)
    try:
        return frozenset(one.key for one in series if chosen_rows(one.train, task.published.where).any())
    except InputError as problem:
        raise InputError(f"task {task.name}: [published] where: {problem}") from None


def reference_scores(task: Task, data: Path) -> Mapping[str, Mapping[str, float]]:
    """The published score of each method by the name of a series, where its cell is not empty.

    Raises ``InputError`` for a file or a column that is not there.
    """
    if task.published.file is None:
        return {}
    try:
        table = read_runs(str(data / task.folder / task.published.file))
        names = series_names(table, task.published.key)
        columns = {method: table.label(column) for method, column in task.published.columns.items()}
        return {name: {method: parse_number(values[i].item(), method) for method, values in columns.items()
                       if values[i].strip()} for i, name in enumerate(names)}
    except InputError as problem:
        raise InputError(f"task {task.name}: [published]: {problem}") from None

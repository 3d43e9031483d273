"""Several tables of runs as one: the old sweep and the new, or a file per recipe.

A run that stands in two tables, every cell that both have the same, is one run. Tables that count
parameters in different ways do not merge: a law of both would be a law of neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lawful.errors import RunsError
from lawful.quantities import PARAM_COUNTS
from lawful.results import Caveat
from lawful.runs import RunTable

TABLE = "table"
"""The label that says which table a run came from."""


def merge(*tables: RunTable) -> RunTable:
    """The runs of all ``tables``, in order, each with the label ``table``: the source it came from.

    Runs of a later table that repeat a run of an earlier one in all columns of both are left out, which is noted.
    A quantity that one table lacks is refused when somebody asks for it; a label that one lacks is empty there.

    Raises ``RunsError`` for tables that count params differently, or with no quantity in common.
    """
    if len(tables) == 1:
        return tables[0]
    _same_count(tables)
    common = [name for name in tables[0].quantities if all(name in table for table in tables)]
    if not common:
        raise RunsError(f"{' and '.join(t.source for t in tables)} have no quantity in common: give tables of one kind "
                        "of run, or map their columns with --map")
    source = " + ".join(table.source for table in tables)
    whole = RunTable(
        quantities={name: np.concatenate([table.quantities[name] for table in tables]) for name in common},
        labels=_labels(tables),
        rows=np.concatenate([table.rows for table in tables]),
        columns={name: column for name, column in tables[0].columns.items() if name in common},
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)), source=source,
        problems=_problems(tables, common),
    )
    again = _repeated(whole, tables)
    if not again.any():
        return whole
    first = np.repeat([table.source for table in tables], [len(table) for table in tables])
    where = ", ".join(f"{int(np.sum(again & (first == name)))} of {name}" for name in np.unique(first[again]))
    note = Caveat("merged_duplicates", f"{where} stand in an earlier table too, cell by cell: each run counts once")
    return replace(whole.take(~again), notes=(*whole.notes, note))


def _same_count(tables: Iterable[RunTable]) -> None:
    """Raise ``RunsError`` where ``params`` are not the same count in every table."""
    counted: dict[str, str] = {}
    for table in tables:
        if "params" in table:
            counted.setdefault(_count(table), table.source)
    if len(counted) > 1:
        said = ", ".join(f"{name} in {source}" for name, source in counted.items())
        raise RunsError(f"params are counted differently: {said}; map one count in every table, as with "
                        "--map params=COLUMN, or convert them first (lawful.laws.conversions)")


def _count(table: RunTable) -> str:
    """The count that stands behind ``params``, by the name of its column's quantity."""
    return "params" if "params" in table.columns else next((n for n in PARAM_COUNTS if n in table.columns), "params")


def _labels(tables: tuple[RunTable, ...]) -> dict[str, npt.NDArray[np.str_]]:
    names = dict.fromkeys(name for table in tables for name in table.labels)
    labels = {name: np.concatenate([np.asarray(table.labels.get(name, np.full(len(table), "")), dtype=str)
                                    for table in tables]) for name in names}
    origin = np.repeat([table.source for table in tables], [len(table) for table in tables])
    return labels if TABLE in labels else {**labels, TABLE: origin}


def _problems(tables: tuple[RunTable, ...], common: list[str]) -> dict[str, str]:
    """What to say of each quantity that a table lacks, when somebody asks for it."""
    problems = {name: said for table in tables for name, said in table.problems.items()}
    for name in dict.fromkeys(name for table in tables for name in table.quantities if name not in common):
        lacking = ", ".join(table.source for table in tables if name not in table)
        problems.setdefault(name, f"{lacking}: no column for {name}, which the others have; add it, or fit a form "
                                  "without it")
    return problems


def _repeated(whole: RunTable, tables: tuple[RunTable, ...]) -> npt.NDArray[np.bool_]:
    """Runs that repeat one of an earlier table: equal in every column that all tables have."""
    shared = [name for name in whole.labels if all(name in table.labels for table in tables)]
    columns = [*(whole.quantities[n] for n in whole.columns), *(whole.labels[n] for n in shared)]
    run = np.zeros(len(whole), dtype=np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        _, run = np.unique(run * (code.max() + 1) + code.reshape(-1), return_inverse=True)
    table = np.repeat(np.arange(len(tables)), [len(t) for t in tables])
    first = np.full(int(run.max()) + 1, len(tables))
    np.minimum.at(first, run, table)
    return np.asarray(table > first[run])

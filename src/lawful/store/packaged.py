"""The sweep that comes with the package: real runs made by this project (see ``lawful.lab``)."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

from lawful.runs import RunTable
from lawful.store.tables import read_runs

SWEEP, TUNING = "stdlib_bytes", "stdlib_bytes_tuning"


def packaged_sweep(where: str | None = None) -> RunTable:
    """Byte-level transformers trained on the CPython standard library; ``where`` filters the rows."""
    return _packaged(SWEEP, where)


def packaged_tuning(where: str | None = None) -> RunTable:
    """The runs behind that sweep's learning rates: six rates at each of eight sizes and horizons."""
    return _packaged(TUNING, where)


def _packaged(name: str, where: str | None) -> RunTable:
    with as_file(files("lawful") / "data" / f"{name}.csv") as path:
        table = read_runs(str(path), where=where)
    return replace(table, source=name if where is None else f"{name} where {where}")

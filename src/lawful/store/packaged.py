"""The sweep that comes with the package: real runs made by this project (see ``lawful.lab``)."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

from lawful.runs import RunTable
from lawful.store.tables import read_runs

SWEEP = "stdlib_bytes"


def packaged_sweep(where: str | None = None) -> RunTable:
    """Byte-level transformers trained on the CPython standard library; ``where`` filters the rows."""
    with as_file(files("lawful") / "data" / f"{SWEEP}.csv") as path:
        table = read_runs(str(path), where=where)
    return replace(table, source=SWEEP if where is None else f"{SWEEP} where {where}")

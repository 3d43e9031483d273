"""Cells of a sweep: the runs that have the same size and data, or whatever else is held, while something is tuned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lawful.quantities import format_number
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

SAME = 0.02
"""Values of a quantity within this share of a cell's smallest are one value: batches seldom divide tokens evenly."""


def cells_of(runs: RunTable, names: Sequence[str]) -> list[tuple[dict[str, float | str], Indices]]:
    """The cells of a table: what the runs of each have in common, and their indices; in order of the values."""
    columns = [grouped(runs[name]) if name in runs else runs.label(name) for name in names]
    keys = list(zip(*(column.tolist() for column in columns), strict=True)) if columns else [()] * len(runs)
    return [(dict(zip(names, key, strict=True)), np.flatnonzero([k == key for k in keys])) for key in sorted(set(keys))]


def grouped(values: Array) -> Array:
    """Each value replaced by the median of its group: those within ``SAME`` of the group's smallest."""
    order = np.argsort(values, kind="stable")
    group, first, number = np.zeros(len(values), dtype=int), -math.inf, -1
    for i in order:
        if not values[i] <= first + SAME * abs(first):
            first, number = values[i], number + 1
        group[i] = number
    return np.array([np.median(values[group == g]) for g in range(number + 1)])[group]


def describe(cell: Mapping[str, float | str]) -> str:
    """A cell in words: ``params 214.7M, tokens 4B``."""
    return ", ".join(f"{name} {value if isinstance(value, str) else format_number(value)}"
                     for name, value in cell.items()) or "all runs"

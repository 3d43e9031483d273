"""The faults of tables and of regimes: how each is planted in a clean table.

Strengths are drawn where they matter for the answer and people still overlook them. A fault that bends the losses is
kept only where it moves the forecast half a decade beyond the runs in each quantity (a decade of compute) by
``WORTH`` standard deviations of one run or more: what bends less, nobody needs to hear of.
"""

from __future__ import annotations

import numpy as np

from lawful.bench.planted_runs import CleanTable, Planted, Random, planted


@planted("swapped columns", "swapped")
def _swapped(clean: CleanTable, rng: Random) -> Planted:
    """Params stand in the column of tokens, and tokens in that of params."""
    c = clean.columns
    return clean.planted("swapped", params=c["tokens"], tokens=c["params"])


@planted("duplicates", "duplicates")
def _duplicates(clean: CleanTable, rng: Random) -> Planted:
    """A tenth to a third of the rows stand in the table twice."""
    n = len(clean.columns["loss"])
    again = rng.choice(n, int(rng.uniform(0.1, 0.34) * n), replace=False)
    order = np.concatenate([np.arange(n), again])
    return clean.take(order).planted(f"{len(again)} of {n} rows twice")

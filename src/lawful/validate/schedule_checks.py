"""Rows that are not finished runs: checkpoints along runs, and schedules that had not ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import RunsError
from lawful.runs import Array, RunTable
from lawful.validate.findings import Finding, Severity, rows_text

RUN_NAMES = ("run", "run_id", "run_name", "name", "model", "id")

PLANNED_TOKENS = ("planned_tokens", "schedule_tokens", "max_tokens", "target_tokens", "decay_tokens")
PLANNED_STEPS = ("planned_steps", "total_steps", "max_steps", "schedule_steps", "decay_steps", "cosine_steps",
                 "train_iters", "lr_decay_iters")
STEPS = ("current_steps", "current_step", "step", "steps", "iteration", "iter", "num_steps")
SHARES = ("fraction_done", "fraction_complete", "progress")

ONCE = 0.25
"""Share of the counts of tokens that stand once under a run's name; tables that hold some runs twice have fewer."""

UNFINISHED = 0.97
"""A run that has done less of its schedule than this had not ended: its learning rate was still to fall."""


def checkpoints(runs: RunTable) -> Iterator[Finding]:
    """Rows of one run at growing tokens, unless a column says that each had finished its schedule."""
    if "tokens" not in runs or any((done >= UNFINISHED).all() for _, done in _shares(runs)):
        return
    for name in runs.labels:
        if name.lower() not in RUN_NAMES:
            continue
        values, at = np.unique(runs.labels[name], return_inverse=True)
        several = [v for v in range(len(values)) if len(np.unique(runs["tokens"][at == v])) >= 3]
        once = [np.mean(np.unique(runs["tokens"][at == v], return_counts=True)[1] == 1) for v in several]
        if several and np.median(once) < ONCE:
            continue  # one run passes a count of tokens once: this names a size, or a recipe
        most = len(values) > 1 and len(several) > len(values) / 2 and len(runs) >= 3 * len(values)
        if most and _is_curve(runs, at, several):
            yield Finding(
                "checkpoints", Severity.CAUTION, "Rows look like checkpoints along training runs",
                f"{len(several)} of {len(values)} values of {name!r} have three or more rows of growing tokens",
                "a checkpoint of a decayed schedule is not a final loss: keep the last row of each run, unless the "
                "learning rate was constant")
            return


def _is_curve(runs: RunTable, at: npt.NDArray[Any], several: list[int]) -> bool:
    """Whether the rows of one label share their params, as the checkpoints of one run do."""
    return "params" not in runs or all(np.ptp(runs["params"][at == v]) == 0 for v in several)


def unfinished(runs: RunTable) -> Iterator[Finding]:
    """Runs whose schedule was longer than they ran, by columns of what was planned."""
    for columns, done in _shares(runs):
        early = done < UNFINISHED
        if not early.any() or not (done > 0).all():
            continue
        rows = tuple(runs.rows[early].tolist())
        every = bool(early.all())
        yield Finding(
            "unfinished_schedule", Severity.CAUTION,
            "Every row was read before its schedule ended" if every else
            f"{len(rows)} of {len(runs)} rows were read before their schedule ended",
            f"{rows_text(rows)}: {columns} say that {100 * np.median(done[early]):.0f} % of the schedule was done in "
            "the middle one", "a learning rate that has not decayed leaves the loss high: keep finished runs, or fit "
            "the schedule (--form multi_power)" if every else
            "a learning rate that has not decayed leaves the loss high, by as much as scale buys: "
            f"keep the {int((~early).sum())} finished runs", rows)
        return


def _shares(runs: RunTable) -> Iterator[tuple[str, Array]]:
    """Columns that tell what share of its schedule each run had done, and that share."""
    headers = {header.lower(): header for header in runs.headers}
    for name in SHARES:
        if (done := _numbers(runs, headers.get(name))) is not None:
            yield headers[name], done
    for name in PLANNED_TOKENS:
        planned = _numbers(runs, headers.get(name))
        if planned is not None and "tokens" in runs and planned.min() > 0:
            yield f"tokens and {headers[name]}", runs["tokens"] / planned
    for name in PLANNED_STEPS:
        planned = _numbers(runs, headers.get(name))
        for step in STEPS:
            have = _numbers(runs, headers.get(step))
            if planned is not None and have is not None and planned.min() > 0:
                yield f"{headers[step]} and {headers[name]}", have / planned


def _numbers(runs: RunTable, header: str | None) -> Array | None:
    """The column's numbers, None where there are none."""
    if header is None:
        return None
    try:
        values = runs.number(header)
    except RunsError:
        return None
    return values if np.isfinite(values).all() else None

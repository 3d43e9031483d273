"""Training curves from a table: what a law over a schedule is fitted to.

A curve table has a row for each recorded step of each run: run, step, learning rate, loss. ``trajectories`` reads it;
``gather`` turns trajectories into the quantities that ``AnnealedLoss`` and ``MultiPowerLoss`` take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.laws.schedules import MOST_CHANGES, Schedule
from lawful.quantities import PARAM_COUNTS
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

RUN_COLUMNS = ("run", "run_id", "run_name", "curve", "schedule", "name")
"""Columns that tell runs apart, in the order in which they are looked for."""

MOST_POINTS = 200
"""Points of a curve that a fit looks at: neighbours say nearly the same."""

FEWEST_POINTS = 10
"""Recorded steps after the warm-up that a curve must have."""

FALL = 0.1
"""A rate this share below the peak is annealed."""

HELD, CONSTANT = 1e-3, 0.2
"""A rate within this share of the peak is held there; a schedule has a constant part if so large a share of its points
is."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One run's loss at recorded ``steps``, ``(point,)``, along its ``schedule``; the warm-up is left out."""

    name: str
    schedule: Schedule
    steps: npt.NDArray[np.int64]
    loss: Array

    @property
    def annealed(self) -> npt.NDArray[np.bool_]:
        """The points at which the rate has fallen, ``(point,)``."""
        return np.asarray(self.schedule.rates[self.steps - 1] < (1.0 - FALL) * self.schedule.peak)

    def thinned(self, count: int) -> Trajectory:
        """The same with at most ``count`` points, evenly spaced, the last one among them."""
        kept = np.unique(np.linspace(0, len(self.steps) - 1, min(count, len(self.steps))).round().astype(np.int64))
        return Trajectory(self.name, self.schedule, self.steps[kept], self.loss[kept])


def trajectories(runs: RunTable, *, by: str | None = None, warmup: int | None = None) -> tuple[Trajectory, ...]:
    """The curves in ``runs``, in the order of their first rows.

    ``by`` names the column that tells runs apart (run, run_id, run_name, curve, schedule or name where it is left
    out; a table without any is one run). ``warmup`` is the length of the warm-up in steps; without it, see
    ``Schedule.recorded``.

    Raises ``RunsError`` for a table without steps, learning rates or losses or with models of several sizes, for
    steps that do not increase within a run, and for a run with too few points after its warm-up.
    """
    loss = runs["loss"]
    sizes = {name: len(np.unique(runs[name])) for name in PARAM_COUNTS if name in runs}
    if any(count > 1 for count in sizes.values()):
        name = max(sizes, key=lambda size: sizes[size])
        raise RunsError(f"{runs.source}: {sizes[name]} different {name}; a law over training curves is fitted to one "
                        "size of model: keep one with --where")
    found = []
    for name, rows, schedule in _recorded(runs, by, warmup):
        steps = runs["steps"][rows]
        kept = steps >= max(schedule.warmup, 1)
        if kept.sum() < FEWEST_POINTS:
            raise RunsError(f"{runs.source}: run {name!r} has {kept.sum()} points from the end of its warm-up, "
                            f"step {schedule.warmup}, on; a curve needs {FEWEST_POINTS}")
        found.append(Trajectory(name, schedule, steps[kept].astype(np.int64), loss[rows[kept]]))
    return tuple(found)


def recorded_schedules(runs: RunTable, *, by: str | None = None, warmup: int | None = None) -> dict[str, Schedule]:
    """The schedule of each run in ``runs`` by its name, as ``trajectories`` reads them; no loss is needed."""
    return {name: schedule for name, _, schedule in _recorded(runs, by, warmup)}


def _recorded(runs: RunTable, by: str | None, warmup: int | None) -> Iterator[
        tuple[str, npt.NDArray[np.int64], Schedule]]:
    """Name, rows and schedule of each run."""
    for column, what in (("steps", "the step of every row"), ("learning_rate", "the learning rate at every step")):
        if column not in runs:
            raise RunsError(f"{runs.missing(column)}; a law over training curves needs {what}")
    steps, rates = runs.need("steps", "learning_rate")
    names = _names(runs, by)
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        back = np.flatnonzero(np.diff(steps[rows]) < 1)
        if len(back):
            row = rows[back[0] + 1]
            raise RunsError(
                f"{runs.source}, row {runs.rows[row]}: step {steps[row]:g} of run {name!r} comes after step "
                f"{steps[rows[back[0]]]:g}; steps must increase within a run. If several runs share that name, keep "
                "one with --where or tell them apart with --by COLUMN")
        try:
            yield name, rows, Schedule.recorded(steps[rows], rates[rows], warmup=warmup, name=name)
        except InputError as problem:
            raise RunsError(f"{runs.source}, run {problem}") from None


def _names(runs: RunTable, by: str | None) -> npt.NDArray[np.str_]:
    if by is None:
        by = next((name for name in RUN_COLUMNS if name in runs.labels), None)
        return runs.label(by) if by else np.full(len(runs), runs.source)
    return runs.label(by)


def contrast(curves: Sequence[Trajectory]) -> str | None:
    """Why these curves cannot tell annealing from progress, or None if they can.

    They can if some points are annealed and some stand at the same area under a higher rate: under another schedule,
    or, weaker, in the constant part of the same one.
    """
    if not any(curve.annealed.any() for curve in curves):
        return ("no learning rate falls by a tenth of its peak: what a decay brings cannot be fitted; add a run whose "
                "rate decays")
    if schedules(curves) > 1:
        return None
    curve = max(curves, key=lambda c: len(c.steps))
    held = curve.schedule.rates[curve.steps - 1] >= (1.0 - HELD) * curve.schedule.peak
    if held.mean() >= CONSTANT and curve.annealed.sum() >= FEWEST_POINTS:
        return None
    return ("all curves follow one schedule, which has no constant part: what annealing brings cannot be told from "
            "what progress brings; add a run at a constant rate, or under another schedule")


def schedules(curves: Sequence[Trajectory]) -> int:
    """How many schedules there are: two whose rates agree to a hundredth of the peak, as far as both go, are one."""
    different: list[Array] = []
    for rates in (curve.schedule.rates for curve in curves):
        if not any(np.abs(other[: len(rates)] - rates[: len(other)]).max() <= 0.01 * rates.max()
                   for other in different):
            different.append(rates)
    return len(different)


def gather(curves: Sequence[Trajectory], most: int = MOST_CHANGES) -> dict[str, Array]:
    """What a law with ``stages=None`` is called with at every point of ``curves``, one after the other."""
    parts, pairs = [], 0
    for curve in curves:
        part = curve.schedule.changes(curve.steps, most)
        parts.append({**part, "first": part["first"] + pairs})
        pairs += len(part["drop"])
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

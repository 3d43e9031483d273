"""How long a fit takes beside the published recipe on the same runs, as ratios of CPU time.

The recipe is that of Hoffmann et al. 2022: L-BFGS-B of scipy from each of 4,500 starts on the summed Huber loss, with
exact gradients and tolerances at which it reaches the optimum (``lawful.bench.peers``). A part of the starts is run,
evenly taken, and its time stated for all. Ours runs between its blocks, so that both meet the same machine. Medians
count. ``benchmarks/fit_speed.py`` measures more: whole commands, other packages, and the arithmetic itself.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.bench.peers import LATTICE, descend
from lawful.errors import InputError
from lawful.fit import fit
from lawful.runs import RunTable

REFITS = 1000
"""Resamples of a fit with intervals."""

BLOCKS = 5
"""Parts into which the recipe's starts are cut, with fits of ours after each."""


@dataclass(frozen=True)
class Timing:
    """One way to fit: median ``seconds`` and CPU seconds, the ``objective`` it reached, and its ``ratio``.

    ``ratio`` is the CPU time of the recipe with all of its starts over this one's.
    """

    what: str
    seconds: float
    cpu_seconds: float
    objective: float
    ratio: float
    note: str = ""


@dataclass(frozen=True)
class Speed:
    """How long fits of the additive law took on ``runs`` runs of ``source``."""

    source: str
    runs: int
    timings: tuple[Timing, ...]
    machine: Mapping[str, str]
    day: str

    def to_dict(self) -> dict[str, Any]:
        """The timings as data: the contract of ``lawful bench speed --json``."""
        return {"schema": "lawful.bench_speed/1", "date": self.day, "machine": dict(self.machine),
                "source": self.source, "runs": self.runs, "timings": [vars(timing) for timing in self.timings]}


def bench_speed(runs: RunTable, machine: Mapping[str, str], day: str, *, starts: int = 300, repeats: int = 9,
                progress: Callable[[str], None] = lambda _: None) -> Speed:
    """The recipe with ``starts`` of its 4,500 starts, and ours ``repeats`` times, on the params and tokens of ``runs``.

    Raises ``InputError`` for fewer than one of either, or more starts than the recipe has.
    """
    if not BLOCKS <= starts <= len(LATTICE):
        raise InputError(f"--starts must lie between {BLOCKS} and {len(LATTICE)}, the recipe's own, got {starts}")
    if repeats < 1:
        raise InputError(f"--repeats must be 1 or more, got {repeats}")
    data = tuple(np.log(runs[name]) for name in ("params", "tokens", "loss"))
    chosen = [LATTICE[i] for i in np.linspace(0, len(LATTICE) - 1, starts).round().astype(int)]
    fit("chinchilla", runs, bootstrap=REFITS)  # imports and caches, not counted
    reached: list[float] = []
    spent = np.zeros(2)
    ours: dict[int, list[tuple[float, float]]] = {0: [], REFITS: []}
    values = dict.fromkeys(ours, 0.0)
    for block in range(BLOCKS):
        begin = _clocks()
        reached += [descend(start, data)[0] for start in chosen[block::BLOCKS]]
        spent += _clocks() - begin
        for count, taken in ours.items():
            for _ in range(-(-repeats // BLOCKS)):
                begin = _clocks()
                fitted = fit("chinchilla", runs, bootstrap=count)
                seconds, cpu = _clocks() - begin
                taken.append((float(seconds), float(cpu)))
                values[count] = float(fitted.objective["value"])
        progress(f"{block + 1} of {BLOCKS} parts of the recipe's starts")
    whole = spent * len(LATTICE) / starts
    arrive = np.mean(np.array(reached) <= min(reached) * (1 + 1e-6))
    note = f"{starts} starts measured" if starts < len(LATTICE) else "all starts measured"
    timings = [Timing(f"recipe: {len(LATTICE)} starts of L-BFGS-B, no intervals", float(whole[0]), float(whole[1]),
                      min(reached), 1.0, f"{note}; {100 * arrive:.0f} % of them arrive at the best")]
    for count, what in ((0, "lawful.fit, no intervals"), (REFITS, f"lawful.fit with {REFITS} refits")):
        wall, cpu = (statistics.median(column) for column in zip(*ours[count], strict=True))
        timings.append(Timing(what, wall, cpu, values[count], float(whole[1]) / cpu))
    return Speed(runs.source, len(runs), tuple(timings), machine, day)


def _clocks() -> Any:
    return np.array([time.perf_counter(), time.process_time()])

"""Are plans that a frontier calls ties hard to tell apart, and those it tells apart in their true order? A study.

``LAWFUL_STUDIES=full`` takes 400 tables; the default is 20. Pairs of plans for 1e22 FLOP: one at the truth's best size
or beside it, the other as good in truth but on the other side of the best, or worse by a known part. ``-s`` prints
the shares that docs/deciding.md quotes.
"""

from __future__ import annotations

import os
from collections import defaultdict

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.fit import Fit, fit
from lawful.plan.decide import decide
from lawful.plan.decision import Decision
from lawful.plan.problem import Problem, parse_problem
from lawful.plan.solving.ties import ties

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
TABLES = 400 if FULL else 20
COMPUTE, RESAMPLES, LEVEL = 1e22, 300, 0.9
WORSE = (0.0001, 0.0003, 0.001, 0.003, 0.01)
"""By how much the second of two plans is truly worse, as a part of the loss."""


def at_size(params: float) -> float:
    """The truth's loss of so many params for the compute."""
    return float(TRUTH(params=params, tokens=COMPUTE / 6 / params))


BEST = TRUTH.allocate(COMPUTE).params


def other_side(params: float, worse: float = 0.0) -> float:
    """The size above the best at which the loss is that of ``params``, or worse by so much, by bisection."""
    wanted, low, high = at_size(params) * (1 + worse), BEST, 1e3 * BEST
    for _ in range(100):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if at_size(middle) < wanted else (low, middle)
    return float(np.sqrt(low * high))


def pair(fitted: Fit, sizes: tuple[float, float]) -> tuple[Problem, list[Decision]]:
    """Two plans of a frontier over loss and size, one of each of ``sizes``."""
    plans = [decide(parse_problem(fitted, (f"params={n!r}", f"tokens={COMPUTE / 6 / n!r}")), draws=0) for n in sizes]
    return parse_problem(fitted, ("params=1e6:1e14", "tokens=1e8:1e17"), minimise="loss,params"), plans


def judged(fitted: Fit, sizes: tuple[float, float]) -> int:
    """0 for a tie, 1 where the first is told to be better, -1 where the second is."""
    problem, plans = pair(fitted, sizes)
    tied = ties(problem, plans)
    first, second = (p.metrics["loss"] for p in plans)
    return 0 if tied[0] else (1 if first < second else -1)


def verdicts() -> dict[str, list[int]]:
    """The verdict of every table on every pair."""
    pairs = {f"equal, {factor} x": (BEST / factor, other_side(BEST / factor)) for factor in (1.5, 3.0, 10.0)}
    pairs |= {f"worse by {100 * w:g} %": (BEST, other_side(BEST, w)) for w in WORSE}
    found = defaultdict(list)
    for seed in range(TABLES):
        fitted = fit("chinchilla", simulate(seed=1000 + seed), bootstrap=RESAMPLES, seed=seed)
        for name, sizes in pairs.items():
            found[name].append(judged(fitted, sizes))
    return found


@pytest.mark.study
def test_equal_plans_are_ties_and_told_plans_are_told_rightly() -> None:
    found = {name: np.array(v) for name, v in verdicts().items()}
    for name, v in found.items():
        print(f"\n{name}: tied {100 * np.mean(v == 0):.1f} %, told rightly {100 * np.mean(v == 1):.1f} %, "
              f"wrongly {100 * np.mean(v == -1):.1f} %", end="")
    error = 2 * np.sqrt(LEVEL * (1 - LEVEL) / TABLES)
    for name, v in found.items():
        if name.startswith("equal"):
            assert np.mean(v == 0) == pytest.approx(LEVEL, abs=0.05 + error), name
        else:
            assert np.mean(v == -1) <= (1 - LEVEL) / 2 + error, name
    told = [np.mean(found[f"worse by {100 * w:g} %"] == 1) for w in WORSE]
    assert (np.diff(told) >= 0).all(), "a larger difference is told more often"
    assert told[-1] > LEVEL

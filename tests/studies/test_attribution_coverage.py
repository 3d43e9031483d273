"""Do the intervals of attribution's parts and of elasticities hold the truth's own? A study, small by default.

``LAWFUL_STUDIES=full`` takes 40 tables; the default is 8. ``-s`` prints the shares that docs/sensitivity.md quotes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from conftest import TRUTH, known, simulate
from lawful.fit import Fit, fit
from lawful.laws.language import AdditiveLoss
from lawful.plan.decide import decide
from lawful.plan.explaining.attribution import attribute
from lawful.plan.problem import parse_problem
from lawful.results import Interval

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
TABLES = 40 if FULL else 8
RESAMPLES, LEVEL = 300, 0.9
SLACK = 2 * np.sqrt(LEVEL * (1 - LEVEL) / TABLES)
OTHER = AdditiveLoss(E=1.78, A=480.0, alpha=0.348, B=1700.0, beta=0.366)
"""Better data: a lower floor, and more learnt of each token."""
BEFORE, AFTER = {"params": 1e9, "tokens": 2e10}, {"params": 7e9, "tokens": 1e12}

Intervals = Mapping[str, Interval]


def elasticities(law: Fit) -> Intervals:
    """Of the loss in params and tokens, held at the decision that the truth makes."""
    best = TRUTH.allocate(1e22)
    vary = (f"params={best.params!r}", f"tokens={best.tokens!r}")
    return decide(parse_problem(law, vary)).sensitivity.quantities


WHAT: dict[str, Callable[[Fit, Fit], Intervals]] = {
    "by quantity, shapley": lambda a, b: attribute(a, BEFORE, AFTER).parts,
    "by quantity, path": lambda a, b: attribute(a, BEFORE, AFTER, method="path").parts,
    "two laws": lambda a, b: attribute(a, BEFORE, AFTER, to=b).parts,
    "elasticity": lambda a, b: elasticities(a),
}


def coverage() -> dict[str, float]:
    """The share of tables whose interval holds the truth's part, by what and part."""
    true = {what: ask(known(TRUTH), known(OTHER)) for what, ask in WHAT.items()}
    hits: dict[str, list[bool]] = defaultdict(list)
    for seed in range(TABLES):
        fits = (fit("chinchilla", simulate(seed=7000 + seed), bootstrap=RESAMPLES, seed=seed),
                fit("chinchilla", simulate(seed=17000 + seed, law=OTHER), bootstrap=RESAMPLES, seed=seed + 1))
        for what, ask in WHAT.items():
            for part, i in ask(*fits).items():
                hits[f"{what}: {part}"].append(i.low <= true[what][part].value <= i.high)
    return {name: float(np.mean(h)) for name, h in hits.items()}


@pytest.mark.study
def test_the_parts_of_the_truth_lie_in_the_intervals_of_the_parts() -> None:
    found = coverage()
    print(f"\n{TABLES} tables:", {name: round(100 * share, 1) for name, share in found.items()})
    for name, share in found.items():
        assert 0.85 - SLACK <= share <= 0.95 + SLACK, (name, found)

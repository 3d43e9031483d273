"""Do 90 % intervals hold the truth about 90 % of the time? A study, small by default.

``LAWFUL_STUDIES=full`` runs 400 tables a case with 500 resamples; the default is 40 with 200.
Verdicts use the binomial bound for the number of tables, so the small study is not a weaker claim made
strongly: it is a weaker claim.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design
from lawful.fit import fit, forecast
from lawful.laws import Law
from lawful.laws.language import KaplanLoss
from lawful.laws.power import FloorPowerLaw
from lawful.runs import RunTable

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
TABLES, RESAMPLES = (400, 500) if FULL else (40, 200)
NOISE, LEVEL = 0.006, 0.9

CASES: dict[str, Law] = {
    "chinchilla": TRUTH,
    "power_law_floor": FloorPowerLaw(E=1.75, A=1600.0, alpha=0.165),
    "kaplan": KaplanLoss(N_c=8.8e12, alpha_N=0.095, D_c=3e13, alpha_D=0.114),
}


def questions(law: Law) -> list[dict[str, float]]:
    """The runs to forecast: one and two decades of compute beyond the table."""
    best = [TRUTH.allocate(c) for c in (1e22, 1e23)]
    if law.inputs == ("compute",):
        return [{"compute": b.compute} for b in best]
    return [{"params": b.params, "tokens": b.tokens} for b in best]


def coverage(law: Law, tables: int, resamples: int) -> dict[str, float]:
    """The share of tables whose interval holds the truth, per exponent and per forecast."""
    grid = isoflop_design()
    design = grid if law.splits_compute else {"compute": np.geomspace(1e18, 1e21, 48)}
    clean = law.at(design)
    hits: dict[str, list[bool]] = {}
    for table in range(tables):
        noise = np.random.default_rng(1000 + table).standard_normal(len(clean))
        runs = RunTable.of(**design, loss=clean * np.exp(NOISE * noise))
        found = fit(law, runs, bootstrap=resamples, seed=table, level=LEVEL)
        for name, i in found.intervals.items():
            if name.startswith(("alpha", "beta")):
                hits.setdefault(name, []).append(i.low <= getattr(law, name) <= i.high)
        if law.splits_compute:
            a, _ = law.allocation_exponents()
            i = found.derived["params_exponent"]
            hits.setdefault("params_exponent", []).append(i.low <= a <= i.high)
        for decades, at in enumerate(questions(law), start=1):
            answer = forecast(found, at)
            assert answer.low is not None
            assert answer.high is not None
            hits.setdefault(f"loss {decades} decades out", []).append(answer.low <= law.at(at) <= answer.high)
    return {name: float(np.mean(h)) for name, h in hits.items()}


@pytest.mark.study
@pytest.mark.parametrize("name", CASES)
def test_ninety_percent_intervals_cover(name: str) -> None:
    covered = coverage(CASES[name], TABLES, RESAMPLES)
    print(f"\n{name}, {TABLES} tables, {RESAMPLES} resamples:", covered)
    # The wanted band is 85 to 95 %; to it comes the binomial error of the study itself (two standard errors).
    slack = 0.0 if FULL else 2 * np.sqrt(LEVEL * (1 - LEVEL) / TABLES)
    for what, share in covered.items():
        assert 0.85 - slack <= share <= 0.95 + slack, (what, covered)


if __name__ == "__main__":
    for case, truth in CASES.items():
        print(case, coverage(truth, TABLES, RESAMPLES))

"""Approaches 1 and 2: right on data made for them, refused by name on data that is not."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, shared, simulate
from lawful.fit.readings import AT_EDGE, NO_MINIMUM, TOO_FEW_SIZES, budgets, reading, readings
from lawful.runs import RunTable
from lawful.store import read_runs


def parabolas(optimum: dict[float, float], sizes: int = 7) -> RunTable:
    """Exact parabolas in log params about a given optimum per budget."""
    params, compute, loss = [], [], []
    for budget, best in optimum.items():
        for x in np.linspace(-1.5, 1.5, sizes):
            params.append(best * np.exp(x))
            compute.append(budget)
            loss.append(3.0 + 0.05 * x**2)
    return RunTable.of(params=params, compute=compute, loss=loss)


def test_budgets_are_found_and_a_spread_of_compute_is_none() -> None:
    assert [len(g) for g in budgets(simulate())] == [8] * 6
    spread = RunTable.of(params=np.geomspace(1e7, 1e9, 60), tokens=np.geomspace(1e9, 2e10, 60),
                         loss=np.linspace(4, 3, 60))
    assert budgets(spread) == []
    assert reading(spread, "parabola").status == "refused"
    assert any(c.code == "no_budgets" for c in reading(spread, "envelope").caveats)


def test_the_parabola_reads_exact_parabolas_exactly() -> None:
    table = parabolas({c: 0.1 * c**0.47 for c in (1e18, 1e19, 1e20, 1e21)})
    read = reading(table, "parabola")
    assert read.params_exponent is not None
    assert read.params_exponent.value == pytest.approx(0.47, abs=1e-9)
    assert read.tokens_exponent is not None
    assert read.tokens_exponent.value == pytest.approx(0.53, abs=1e-9)
    assert [p.params for p in read.points] == pytest.approx([0.1 * c**0.47 for c in (1e18, 1e19, 1e20, 1e21)])
    assert any(c.code == "parabola_bias" and "2603.22339" in c.message for c in read.caveats)


def test_the_envelope_takes_the_best_run() -> None:
    read = reading(parabolas({c: 0.1 * c**0.47 for c in (1e18, 1e19, 1e20)}), "envelope")
    assert [p.params for p in read.points] == pytest.approx([0.1 * c**0.47 for c in (1e18, 1e19, 1e20)])


def test_refusals_go_by_name() -> None:
    good = {1e18: 1e8, 1e19: 3e8}
    table = parabolas(good)
    few = table.take(~((table["compute"] == 1e19) & (np.arange(len(table)) % 7 > 2)))
    assert [p.refused for p in reading(few, "parabola").points] == [None, TOO_FEW_SIZES]
    falling = RunTable.of(params=[1e8, 2e8, 4e8, 8e8], compute=[1e19] * 4, loss=[3.4, 3.2, 3.05, 3.0])
    both = {r.approach: r.points[0].refused for r in readings(falling)}
    assert both == {"envelope": AT_EDGE, "parabola": NO_MINIMUM}
    assert reading(falling, "parabola").params_exponent is None


def test_parabolas_are_biased_where_the_surface_is_skewed() -> None:
    """The published bias: on an off-centre grid the parabola's minimum misses the surface's (arXiv:2603.22339)."""
    design = isoflop_design(sizes=9, width=300.0)
    design["params"] = design["params"] * 4
    design["tokens"] = design["tokens"] / 4
    read = reading(simulate(0.0, **design), "parabola")
    misses = [p.params / TRUTH.allocate(p.compute).params - 1 for p in read.points if p.params is not None]
    assert misses
    assert max(abs(m) for m in misses) > 0.03


def test_llama3_reading_is_near_the_published_one() -> None:
    """Published: D_opt = 0.29 C**0.53, from parabolas over the same runs."""
    read = reading(read_runs(shared("llama3-isoflops/isoflop.csv")), "parabola")
    assert read.tokens_exponent is not None
    assert read.tokens_exponent.value == pytest.approx(0.537, abs=0.005)

"""Plans: the optimum is the optimum, the price is the price, being off costs what it says."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.cost import Budget
from lawful.errors import LawError
from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.plan import plan


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", simulate(), bootstrap=200)


def test_no_other_split_of_the_budget_is_better(fitted: Fit) -> None:
    made = plan(fitted, Budget(compute=1e22))
    params, tokens = made.decision["params"], made.decision["tokens"]
    assert 6 * params * tokens == pytest.approx(1e22)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert fitted.law(params=params * factor, tokens=tokens / factor) > made.forecast.value
    assert made.intervals["params"].low < params < made.intervals["params"].high
    assert abs(np.log(TRUTH.allocate(1e22).params / params)) < 4 * made.intervals["params"].std / params


def test_the_cost_of_being_off_is_the_loss_there_and_the_compute_it_wastes(fitted: Fit) -> None:
    made = plan(fitted, Budget(compute=1e22))
    for name, factor in (("params_half", 0.5), ("params_double", 2.0)):
        off = made.sensitivity[name]
        assert off.params == pytest.approx(made.decision["params"] * factor)
        assert off.params * off.tokens * 6 == pytest.approx(1e22)
        assert off.loss == pytest.approx(fitted.law(params=off.params, tokens=off.tokens))
        assert off.loss_increase == pytest.approx(off.loss - made.forecast.value)
        assert off.loss_increase > 0
        leaner = fitted.law.allocate(1e22 * (1 - off.compute_wasted))
        assert leaner.output == pytest.approx(off.loss, rel=1e-9)


def test_every_currency_buys_the_compute_it_costs(fitted: Fit) -> None:
    for budget in (Budget(days=10, device="h100", devices=64, mfu=0.35), Budget(usd=50_000, device="a100"),
                   Budget(gpu_hours=1e4, device="h200"), Budget.parse("8xH100*72h")):
        made = plan(fitted, budget)
        assert made.decision["compute"] == pytest.approx(budget.train_flop)
        assert made.cost.train_flop == pytest.approx(budget.train_flop)
        if budget.usd is not None:
            assert made.cost.usd == pytest.approx(50_000)
        if budget.days is not None:
            assert made.cost.wall_days == pytest.approx(10)
        assert any("MFU" in a for a in made.assumptions)


def test_a_published_law_plans_without_an_interval_and_says_so() -> None:
    made = plan(law("hoffmann2022_approach3"), Budget(compute=5.76e23))
    assert made.decision["params"] == pytest.approx(32.2e9, rel=0.01)
    assert made.intervals == {}
    assert any(w.code == "no_interval" for w in made.warnings)


def test_approaches_1_and_2_give_a_size_and_no_loss() -> None:
    made = plan(law("hoffmann2022_approach1"), Budget(compute=5.76e23))
    assert made.decision["params"] == pytest.approx(67e9)
    assert made.forecast.output.name == "params"
    assert any(w.code == "no_loss" for w in made.warnings)


def test_a_law_in_one_variable_cannot_divide_compute() -> None:
    with pytest.raises(LawError, match="cannot divide compute"):
        plan(law("kaplan2020_l_n"), Budget(compute=1e21))


def test_the_contract_of_the_plan(fitted: Fit) -> None:
    data = plan(fitted, Budget(compute=1e22)).to_dict()
    assert data["schema"] == "lawful.plan/1"
    assert set(data["cost"]) == {"train_flop", "gpu_hours", "usd", "energy_kwh", "co2e_kg", "wall_days", "serve_usd"}
    assert {"params", "tokens"} <= set(data["decision"])
    assert {"schema", "decision", "forecast", "cost", "binding", "sensitivity", "warnings"} <= set(data)
    assert data["forecast"]["schema"] == "lawful.forecast/1"


def test_intervals_narrow_as_runs_grow() -> None:
    small, large = (plan(fit("chinchilla", simulate(**{k: np.tile(v, n) for k, v in
                    {"params": simulate()["params"], "tokens": simulate()["tokens"]}.items()}), bootstrap=100),
                    Budget(compute=1e22)) for n in (1, 9))
    spread = [np.log(p.intervals["params"].high / p.intervals["params"].low) for p in (small, large)]
    assert spread[1] < 0.6 * spread[0]


@pytest.mark.parametrize("compute", [1e2, 1e5, 1e40, 1e60])
def test_what_being_off_wastes_is_said_of_every_budget(compute):
    """Of a power law with floor the share does not depend on the budget: 1 - (excess there / excess) ** -(1/p)."""
    entry = law("besiroglu2024_refit")
    made, c = plan(entry, Budget(compute=compute)), entry.law.coefficients
    rate = c["alpha"] * c["beta"] / (c["alpha"] + c["beta"])   # the excess of the optimum falls as C ** -rate
    for off, factor in ((made.sensitivity["params_half"], 0.5), (made.sensitivity["params_double"], 2.0)):
        excess = (c["beta"] * factor ** -c["alpha"] + c["alpha"] * factor ** c["beta"]) / (c["alpha"] + c["beta"])
        assert off.compute_wasted == pytest.approx(1.0 - excess ** (-1.0 / rate), abs=1e-4)

"""Regret: what a wrong law's choice loses, against a truth known by construction; no law but the runs is asked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.laws.language import AdditiveLoss
from lawful.runs import RunTable
from lawful.validate import backtest
from lawful.validate.regret import Regret, best_ratio, frontier, regrets, summary_of

TOO_SMALL, TOO_LARGE = replace(TRUTH, alpha=0.30, A=100.0), replace(TRUTH, A=900.0)


def judged(law: AdditiveLoss, noise: float = 1e-6, seed: int = 0, **columns: np.ndarray) -> list[Regret]:
    known, refused = frontier(simulate(noise=noise, seed=seed, **columns), "loss", 0.9)
    return regrets(law.at, 1e18, known, refused, 0.9)


def truly_lost(r: Regret) -> float:
    return TRUTH(params=r.params, tokens=r.tokens) / TRUTH.allocate(r.compute).output - 1


def truly_wasted(r: Regret) -> float:
    """The share of compute that the true optimum does not need for the loss of the choice, by bisection."""
    low, high = math.log(r.compute / 1e3), math.log(r.compute)
    for _ in range(60):
        middle = 0.5 * (low + high)
        better = TRUTH.allocate(math.exp(middle)).output > TRUTH(params=r.params, tokens=r.tokens)
        low, high = (middle, high) if better else (low, middle)
    return 1 - math.exp(low) / r.compute


@pytest.mark.parametrize(("law", "side"), [(TOO_SMALL, -1), (TOO_LARGE, 1)], ids=("too small", "too large"))
def test_what_a_wrong_law_loses_is_what_the_truth_says_of_its_choice(law, side):
    found = judged(law)
    assert len(found) == 5
    for r in found:
        assert np.sign(r.size_error) == side
        assert r.relative == pytest.approx(truly_lost(r), rel=0.1)
        assert r.lost == pytest.approx(r.relative * r.best_loss)
        assert r.wasted == pytest.approx(truly_wasted(r), rel=0.2)
        assert r.wasted_flop == pytest.approx(r.wasted * r.compute)
        assert 6 * r.params * r.tokens == pytest.approx(r.compute, rel=1e-6)
        assert not r.at_least


def test_the_truth_regrets_next_to_nothing():
    assert max(r.relative for r in judged(TRUTH)) < 1e-4


def test_the_interval_holds_the_true_regret_as_often_as_it_says():
    held = [r.low <= truly_lost(r) <= r.high for seed in range(12) for r in judged(TOO_LARGE, noise=0.003, seed=seed)]
    assert len(held) == 60
    assert sum(held) >= 46  # 90 % of 60 less three standard deviations and a half; cubics about skewed bowls are biased


def test_a_size_that_nobody_tried_is_charged_the_nearest_and_says_so():
    found = judged(replace(TRUTH, A=48_000.0))
    assert all(r.at_least for r in found)
    assert all(0 < r.relative < truly_lost(r) for r in found)


def test_what_the_smallest_budget_already_reached_is_not_priced():
    """A choice worse than the best of the smallest budget: how much smaller nobody has tried."""
    first = min(judged(replace(TRUTH, A=48_000.0)), key=lambda r: r.compute)
    assert first.relative > 0
    runs = simulate(noise=1e-6)
    known, refused = frontier(runs.take(runs["compute"] > 2e18), "loss", 0.9)
    least = regrets(replace(TRUTH, A=48_000.0).at, 1e18, known, refused, 0.9)[0]
    assert math.isnan(least.wasted)
    assert math.isnan(least.wasted_flop)


def test_a_budget_without_a_best_size_says_why():
    design = isoflop_design()
    small = design["params"] < 0.8 * np.array([TRUTH.allocate(6 * n * d).params
                                              for n, d in zip(*design.values(), strict=True)])
    found = judged(TOO_LARGE, params=design["params"][small], tokens=design["tokens"][small])
    assert all(r.refused for r in found)
    assert summary_of(found) == pytest.approx(
        {"answered": 0, "refused": len(found), "at_least": 0, "relative": math.nan, "kept": math.nan,
         "largest": math.nan, "size_error": math.nan, "wasted": math.nan, "wasted_usd": math.nan}, nan_ok=True)


def test_keeping_the_ratio_is_judged_by_the_same_curve():
    """At the truth's own ratio nothing is lost; the ratio is that of the best run of the largest budget."""
    runs = simulate(noise=1e-6)
    known, refused = frontier(runs, "loss", 0.9)
    top = TRUTH.allocate(1e21)
    kept = regrets(TRUTH.at, 3e20, known, refused, 0.9, kept=top.tokens / top.params)
    assert [r.kept for r in kept] == pytest.approx([0.0], abs=1e-4)
    best = np.flatnonzero(runs["compute"] > 9e20)[np.argmin(runs["loss"][runs["compute"] > 9e20])]
    assert best_ratio(runs, "loss") == pytest.approx(runs["tokens"][best] / runs["params"][best])


def test_money_is_compute_at_its_price():
    known, refused = frontier(simulate(noise=1e-6), "loss", 0.9)
    for r in regrets(TOO_LARGE.at, 1e18, known, refused, 0.9, usd_per_flop=2e-18):
        assert r.wasted_usd == pytest.approx(2e-18 * r.wasted_flop)


def test_a_back_test_judges_each_cuts_own_law():
    tested = backtest(simulate(), "chinchilla", bootstrap=0)
    assert {r.train_max for r in tested.regrets} == {c.train_compute_max for c in tested.cuts}
    assert all(r.compute > r.train_max for r in tested.regrets)
    data = tested.to_dict()["regret"]
    assert data["summary"]["answered"] == len(tested.regrets) == len(data["rows"])


def test_without_budgets_or_without_a_split_there_is_no_regret():
    rng = np.random.default_rng(5)
    spread = simulate(params=np.exp(rng.uniform(17, 22, 40)), tokens=np.exp(rng.uniform(20, 25, 40)))
    assert frontier(spread, "loss", 0.9) == ([], {})
    assert backtest(simulate(), "power_law_floor", bootstrap=0).regrets == ()
    assert frontier(RunTable.of(tokens=[1e9, 2e9], loss=[3.0, 2.0]), "loss", 0.9) == ([], {})

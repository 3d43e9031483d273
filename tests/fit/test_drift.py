"""Intervals for new runs: noise, resamples, and the share of its slope by which a form is wrong beyond the runs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.fit import Fit, fit
from lawful.fit.drift import ANCHOR, GRID, NO_DRIFT, RIGHT, SPREAD, TYPICAL, Drift, posterior, reach
from lawful.results import to_plain
from lawful.runs import RunTable

FAR = {name: np.array([values]) for name, values in (("params", 6e10), ("tokens", 1.2e12))}


def bent(seed: int = 0, bend: float = 0.02) -> RunTable:
    """Runs of the additive law whose log loss bends away by ``bend`` per squared decade of compute."""
    design = isoflop_design(budgets=10, sizes=8)
    decades = np.log10(design["params"] * design["tokens"]) - 17.0
    noise = 0.002 * np.random.default_rng(seed).standard_normal(len(decades))
    return RunTable.of(**design, loss=TRUTH.at(design) * np.exp(-bend * decades**2 + noise))


def held(fitted: Fit, test: RunTable, level: float) -> float:
    """The share of runs within the interval for a new run."""
    tail = 50.0 * (1.0 - level)
    new = fitted.new_runs({name: test[name] for name in fitted.law.inputs})
    low, high = np.percentile(new, [tail, 100.0 - tail], axis=0)
    return float(np.mean((test["loss"] >= low) & (test["loss"] <= high)))


# ------------------------------------------------------------------------------------- what cuts say of the share


def test_without_evidence_the_share_is_what_was_expected() -> None:
    weights = posterior([])
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] == pytest.approx(RIGHT)
    below = np.cumsum(weights[1:])[len(GRID) // 2 - 1] / (1.0 - RIGHT)
    assert below == pytest.approx(0.5, abs=0.06)  # the median of the others is the typical share


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_many_cuts_recover_the_share_that_made_them(share: float) -> None:
    rng = np.random.default_rng(1)
    known, unit = 1e-5, 0.1**2
    cuts = [(float(rng.normal() ** 2 * (known + share**2 * unit)), known, unit) for _ in range(400)]
    weights = posterior(cuts)
    assert float(np.exp(weights[1:] @ np.log(GRID[1:]))) == pytest.approx(share, rel=0.15)
    assert weights[0] < 1e-6


def test_cuts_without_error_beyond_what_is_known_speak_for_a_right_form() -> None:
    assert posterior([(1e-5, 1e-5, 1e-2)] * 8)[0] > 0.9
    assert posterior([(1e-5, 1e-5, 1e-7)] * 8)[0] == pytest.approx(RIGHT, abs=0.02)  # noise hides any drift


def test_a_right_form_is_believed_and_a_wrong_one_is_not() -> None:
    """Right forms gain belief from ten budgets of runs; a bent law is known for one."""
    right = [fit("chinchilla", simulate(seed=seed, **isoflop_design(budgets=10)), bootstrap=50).drift
             for seed in range(8)]
    assert all(d.cuts >= 5 for d in right)
    assert all(d.shares[0] == 0.0 for d in right)
    assert np.median([d.weights[0] for d in right]) > 2.0 * RIGHT
    assert np.median([d.share for d in right]) < 0.15
    wrong = [fit("chinchilla", bent(seed), bootstrap=50).drift for seed in range(4)]
    assert max(d.weights[0] if d.shares[0] == 0.0 else 0.0 for d in wrong) < 0.01
    assert min(d.share for d in wrong) > 2.0 * np.median([d.share for d in right])


def test_the_slope_is_the_laws_own_at_its_largest_runs() -> None:
    compute = np.geomspace(1e18, 1e21, 40)
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(40))
    power = fit("power_law:compute", RunTable.of(compute=compute, loss=30.0 * compute**-0.05 * noise), bootstrap=20)
    assert power.drift.slope == pytest.approx(math.log(10.0) * power.law.coefficients["alpha"], rel=1e-6)


# ------------------------------------------------------------------------------------- intervals


def test_new_runs_of_a_wrong_form_fall_within_their_interval() -> None:
    """Fitted up to a budget and asked beyond it: resamples and noise alone miss, with the drift they do not."""
    with_drift, without = [], []
    for seed in range(6):
        runs = bent(seed)
        compute = runs["params"] * runs["tokens"]
        train, test = runs.take(compute <= 3e19), runs.take(compute > 3e19)
        found = fit("chinchilla", train, bootstrap=200)
        with_drift.append(held(found, test, 0.95))
        without.append(held(replace(found, drift=NO_DRIFT), test, 0.95))
    assert np.mean(with_drift) > 0.85
    assert np.mean(without) < 0.6


def test_new_runs_of_a_right_form_are_held_near_the_level() -> None:
    """One decade beyond 10 budgets, nominal 80 %: not all of them, as a drift that never learns would have it."""
    design, far = isoflop_design(budgets=10), {"params": np.full(40, 1.2e10), "tokens": np.full(40, 1.6e11 * 5.2)}
    shares, widths = [], []
    for seed in range(16):
        found = fit("chinchilla", simulate(seed=seed, **design), bootstrap=100)
        luck = 0.006 * np.random.default_rng(100 + seed).standard_normal(40)
        shares.append(held(found, RunTable.of(**far, loss=TRUTH.at(far) * np.exp(luck)), 0.8))
        one = {name: values[:1] for name, values in far.items()}
        spreads = [np.ptp(np.percentile(np.log(f.new_runs(one)), [10, 90]))
                   for f in (found, replace(found, drift=NO_DRIFT))]
        widths.append(spreads[0] / spreads[1])
    assert 0.7 < np.mean(shares) < 0.97
    assert np.median(widths) < 1.5


def test_an_interval_grows_with_the_distance_beyond_the_runs_and_not_within_them() -> None:
    found = fit("chinchilla", simulate(), bootstrap=100)
    inside = {"params": 1e8, "tokens": 1e10}
    assert found.drift.horizon(inside) == 0.0
    assert found.drift.size(inside) == 0.0
    top = found.drift.top
    sizes = []
    for decades in (1.0, 2.0):
        at = {"params": 1e10, "tokens": top / 1e10 * 10**decades}
        assert found.drift.horizon(at) == pytest.approx(decades)
        sample = found.drift.sample(np.random.default_rng(0), at, (50_000, 1))
        assert sample.std() == pytest.approx(found.drift.size(at), rel=0.02)
        sizes.append(sample.std())
    assert sizes[1] / sizes[0] == pytest.approx((2.0 + ANCHOR) / (1.0 + ANCHOR), rel=0.01)  # a wrong slope
    np.testing.assert_array_equal(reach([0.0, 0.4]), [0.0, 0.4 + ANCHOR])


def test_all_points_of_a_draw_share_one_error() -> None:
    drift = Drift(0.01, 0.1, (0.0, 0.3), (0.4, 0.6), 5, ("compute",), 1e20)
    at = {"compute": np.array([1e19, 1e21, 1e22])}
    drawn = drift.sample(np.random.default_rng(3), at, (500, 3))
    np.testing.assert_array_equal(drawn[:, 0], 0.0)
    np.testing.assert_allclose(drawn[:, 2] * (1.0 + ANCHOR), drawn[:, 1] * (2.0 + ANCHOR), atol=1e-15)
    assert drawn[:, 1].mean() == pytest.approx(0.0, abs=1e-4)
    assert np.mean(np.abs(drawn[:, 1]) < 1e-3) == pytest.approx(0.4, abs=0.05)  # the form is right


def test_bad_runs_among_the_rest_widen_the_interval_less_than_twofold() -> None:
    ratios = []
    for seed in range(8):
        runs = simulate(noise=0.005, seed=seed, **isoflop_design(budgets=8, sizes=10))
        rng = np.random.default_rng(seed)
        loss = runs["loss"].copy()
        bad = rng.choice(80, 8, replace=False)
        loss[bad] *= np.exp(rng.uniform(0.05, 0.3, 8))
        spoiled = RunTable.of(params=runs["params"], tokens=runs["tokens"], loss=loss)
        widths = [np.ptp(np.percentile(np.log(fit("chinchilla", table, bootstrap=150).new_runs(FAR)), [2.5, 97.5]))
                  for table in (spoiled, runs)]
        ratios.append(widths[0] / widths[1])
    assert np.median(ratios) < 2.0


# ------------------------------------------------------------------------------------- other laws, saved fits


def test_a_form_over_one_quantity_has_a_drift_too() -> None:
    compute = np.geomspace(1e18, 1e21, 40)
    runs = RunTable.of(compute=compute, loss=(1.8 + 4e3 / compute**0.19)
                       * np.exp(0.003 * np.random.default_rng(0).standard_normal(40)))
    found = fit("power_law_floor:compute", runs, bootstrap=20).drift
    assert found.scale == ("compute",)
    assert found.top == pytest.approx(1e21)
    assert found.cuts >= 4


def test_a_law_that_has_levelled_off_still_drifts() -> None:
    """Its floor was hardly seen: a quarter of the slope so far is kept."""
    compute = np.geomspace(1e15, 1e21, 60)
    runs = RunTable.of(compute=compute, loss=(2.0 + (1e15 / compute) ** 1.0)
                       * np.exp(0.002 * np.random.default_rng(0).standard_normal(60)))
    drift = fit("power_law_floor:compute", runs, bootstrap=20).drift
    assert 0.005 < drift.slope < 0.1


def test_a_table_without_room_for_cuts_has_the_usual_drift() -> None:
    drift = fit("chinchilla", simulate(**isoflop_design(budgets=2, sizes=4)), bootstrap=20).drift
    assert drift.cuts == 0
    assert drift.weights[0] == pytest.approx(RIGHT, abs=1e-3)
    usual = TYPICAL * math.exp((SPREAD * math.log(10.0)) ** 2) * math.sqrt(1.0 - RIGHT)
    assert drift.share == pytest.approx(usual, rel=0.02)  # the root mean square of a log-normal, and of zeros


def test_the_drift_is_saved_and_older_fits_still_read() -> None:
    found = fit("chinchilla", simulate(), bootstrap=20)
    data = json.loads(json.dumps(to_plain(found)))
    assert Fit.from_dict(data).drift == found.drift
    data["drift"] = {"noise": 0.005, "rate": 36.0, "cuts": 6, "scale": ["params", "tokens"], "top": 1e20}
    old = Fit.from_dict(data).drift
    assert old.size({"params": 1e10, "tokens": 1e11}) == pytest.approx(0.03 * (1.0 + ANCHOR))
    del data["drift"]
    assert Fit.from_dict(data).drift.horizon(FAR) == 0.0

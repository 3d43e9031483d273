"""Intervals for new runs: noise, resamples, and how far the form itself has been seen to drift."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.fit import Fit, fit
from lawful.fit.drift import USUAL, USUAL_CUTS, Drift
from lawful.results import to_plain
from lawful.runs import RunTable

FAR = {name: np.array([values]) for name, values in (("params", 6e10), ("tokens", 1.2e12))}


def prior(cuts: int) -> float:
    """The rate of a fit whose cuts showed no drift at all."""
    return USUAL_CUTS * USUAL / (cuts + USUAL_CUTS)


def bent(seed: int = 0, bend: float = 0.02) -> RunTable:
    """Runs of the additive law whose log loss bends away by ``bend`` per squared decade of compute."""
    design = isoflop_design(budgets=10, sizes=8)
    decades = np.log10(design["params"] * design["tokens"]) - 17.0
    noise = 0.002 * np.random.default_rng(seed).standard_normal(len(decades))
    return RunTable.of(**design, loss=TRUTH.at(design) * np.exp(-bend * decades**2 + noise))


def test_a_right_form_drifts_little_and_a_wrong_one_much() -> None:
    right = [fit("chinchilla", simulate(seed=seed, **isoflop_design(budgets=10)), bootstrap=50).drift
             for seed in range(8)]
    assert all(d.cuts >= 5 for d in right)
    assert np.median([d.rate - prior(d.cuts) for d in right]) < 3.0
    wrong = [fit("chinchilla", bent(seed), bootstrap=50).drift for seed in range(4)]
    assert min(d.rate - prior(d.cuts) for d in wrong) > 10.0


def test_new_runs_of_a_wrong_form_fall_within_their_interval() -> None:
    """Fitted up to a budget and asked beyond it: resamples and noise alone miss, with the drift they do not."""
    held, without = [], []
    for seed in range(6):
        runs = bent(seed)
        compute = runs["params"] * runs["tokens"]
        train, test = runs.take(compute <= 3e19), runs.take(compute > 3e19)
        found = fit("chinchilla", train, bootstrap=200)
        at = {name: test[name] for name in ("params", "tokens")}
        for fitted, into in ((found, held), (Fit(**{**vars(found), "drift": Drift(0.0, 0.0, 0, (), 1.0)}), without)):
            low, high = np.percentile(fitted.new_runs(at), [2.5, 97.5], axis=0)
            into.append(np.mean((test["loss"] >= low) & (test["loss"] <= high)))
    assert np.mean(held) > 0.85
    assert np.mean(without) < 0.6


def test_an_interval_grows_with_the_distance_beyond_the_runs_and_not_within_them() -> None:
    found = fit("chinchilla", simulate(), bootstrap=100)
    inside = {"params": 1e8, "tokens": 1e10}
    assert found.drift.horizon(inside) == 0.0
    top = found.drift.top
    for decades in (1.0, 2.0):
        at = {"params": 1e10, "tokens": top / 1e10 * 10**decades}
        assert found.drift.horizon(at) == pytest.approx(decades)
    one, two = (np.log(found.drift.sample(np.random.default_rng(0), {"params": 1e10, "tokens": top / 1e10 * 10**d},
                                          (50_000, 1)).std()) for d in (1.0, 2.0))
    assert two - one == pytest.approx(0.5 * np.log(2.0), abs=0.02)  # a random walk: variance in proportion


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


def test_the_drift_is_saved_and_a_fit_without_one_still_reads() -> None:
    found = fit("chinchilla", simulate(), bootstrap=20)
    data = json.loads(json.dumps(to_plain(found)))
    assert Fit.from_dict(data).drift == found.drift
    del data["drift"]
    assert Fit.from_dict(data).drift.horizon(FAR) == 0.0


def test_a_form_over_one_quantity_and_one_without_scale_have_a_drift_too() -> None:
    compute = np.geomspace(1e18, 1e21, 40)
    runs = RunTable.of(compute=compute, loss=(1.8 + 4e3 / compute**0.19)
                       * np.exp(0.003 * np.random.default_rng(0).standard_normal(40)))
    found = fit("power_law_floor:compute", runs, bootstrap=20).drift
    assert found.scale == ("compute",)
    assert found.top == pytest.approx(1e21)
    assert found.cuts >= 4

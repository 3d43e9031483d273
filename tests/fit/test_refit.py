"""A saved fit and more runs: which runs are new, what moved, and whether they came as forecast."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.fit import Fit, fit
from lawful.fit.refit import refit
from lawful.laws import form
from lawful.results import to_plain
from lawful.runs import RunTable

RUNS = simulate()
SMALL = RUNS["compute"] < 3e20


@pytest.fixture(scope="module")
def old() -> Fit:
    """A fit of the smaller runs, as it comes back from a file."""
    fitted = fit("chinchilla", RUNS.take(SMALL), bootstrap=200, seed=3, level=0.8)
    return Fit.from_dict(json.loads(json.dumps(to_plain(fitted))))


def test_new_runs_are_told_from_old_ones_by_their_residuals(old: Fit) -> None:
    found = refit(old, RUNS)
    assert found.seen == old.n_runs == int(SMALL.sum())
    assert found.new_runs is not None
    assert found.new_runs.runs == int((~SMALL).sum())
    assert found.warnings == ()


def test_the_fit_is_that_of_all_runs_with_the_old_settings(old: Fit) -> None:
    found, afresh = refit(old, RUNS).fit, fit("chinchilla", RUNS, bootstrap=200, seed=3, level=0.8)
    assert found.law.coefficients == pytest.approx(afresh.law.coefficients, rel=1e-6)
    assert (found.level, found.seed, len(found.draws)) == (0.8, 3, 200)
    assert found.search.starts == afresh.search.starts + 1  # the old coefficients
    assert refit(old, RUNS, level=0.5, bootstrap=10).fit.level == 0.5


def test_a_start_of_ones_own_is_searched_from():
    runs = simulate(0.0)
    kept = fit("chinchilla", runs, bootstrap=0, start=TRUTH)
    assert kept.objective["value"] <= fit("chinchilla", runs, bootstrap=0).objective["value"]
    assert kept.law.coefficients == pytest.approx(TRUTH.coefficients, rel=1e-6)


def test_fixed_coefficients_and_the_objective_stay(old: Fit) -> None:
    held = fit("chinchilla", RUNS.take(SMALL), bootstrap=20, loss="huber_log", delta=0.01, fixed={"E": 1.82})
    found = refit(held, RUNS)
    assert found.fit.law.coefficients["E"] == 1.82
    assert found.fit.objective["delta"] == 0.01
    assert "E" not in found.moved


def test_moves_are_in_half_widths_of_the_old_interval(old: Fit) -> None:
    found = refit(old, RUNS)
    move, before = found.moved["alpha"], old.intervals["alpha"]
    assert move.shift == pytest.approx((found.fit.law.coefficients["alpha"] - before.value)
                                       / (0.5 * (before.high - before.low)))
    assert set(found.moved) == {*old.law.names(), "params_exponent", "tokens_exponent"}


def test_runs_as_forecast_lie_inside_and_others_are_called_a_miss(old: Fit) -> None:
    good = refit(old, RUNS).new_runs
    assert good is not None
    assert good.inside is not None
    assert good.expected == pytest.approx(0.8 * good.runs)
    worse = RunTable.of(params=RUNS["params"], tokens=RUNS["tokens"],
                        loss=RUNS["loss"] * np.where(SMALL, 1.0, 1.05))
    bad = refit(old, worse)
    assert bad.new_runs is not None
    assert bad.new_runs.inside == 0
    assert bad.new_runs.bias == pytest.approx(np.log(1.05) + good.bias)
    assert [w.code for w in bad.warnings] == ["forecast_missed"]


def test_old_runs_that_are_missing_and_nothing_new_are_said(old: Fit) -> None:
    alone = refit(old, RUNS.take(~SMALL), bootstrap=2)
    assert alone.seen == 0
    assert [w.code for w in alone.warnings] == ["runs_not_seen"]
    again = refit(old, RUNS.take(SMALL))
    assert again.new_runs is None
    assert [w.code for w in again.warnings] == ["no_new_runs"]
    assert all(abs(move.shift or 0.0) < 1e-3 for move in again.moved.values())


def test_a_fit_without_draws_still_tells_old_from_new():
    bare = fit("chinchilla", RUNS.take(SMALL), bootstrap=0)
    found = refit(bare, RUNS)
    assert found.new_runs is not None
    assert found.new_runs.inside is None
    assert found.moved["E"].shift is None


def test_residuals_of_the_plain_value_are_compared_as_such():
    plain = fit("chinchilla", RUNS.take(SMALL), bootstrap=0, loss="squares")
    assert refit(plain, RUNS).seen == plain.n_runs


def test_a_refit_is_a_saved_fit_with_more(old: Fit) -> None:
    data = json.loads(json.dumps(to_plain(refit(old, RUNS))))
    assert data["schema"] == "lawful.fit/1"
    assert data["refit"]["seen"] == old.n_runs
    assert Fit.from_dict(data).law.form == form("chinchilla").form


def test_limits_weights_noise_and_method_stay_unless_they_are_given_anew():
    weighed = RunTable.from_columns({**RUNS.quantities, "trust": np.where(SMALL, 1.0, 0.2)})
    first = fit("chinchilla", weighed.take(SMALL), bootstrap=60, limits={"alpha": (0.3, 0.33)}, weights="trust",
                uncertainty="jackknife")
    kept = Fit.from_dict(json.loads(json.dumps(to_plain(first))))
    assert kept.options == {"limits": {"alpha": [0.3, 0.33]}, "weights": "trust", "noise": None, "cluster": None}
    again = refit(kept, weighed).fit
    assert 0.3 <= again.law.coefficients["alpha"] <= 0.33
    assert again.options == kept.options
    assert again.uncertainty["method"] == "jackknife"
    afresh = fit("chinchilla", weighed, bootstrap=0, limits={"alpha": (0.3, 0.33)}, weights="trust")
    assert again.law.coefficients == pytest.approx(afresh.law.coefficients, rel=1e-6)
    freed = refit(kept, weighed, limits={"alpha": (0.1, 0.9)}).fit
    assert freed.options["limits"] == {"alpha": [0.1, 0.9]}


def test_weights_that_were_an_array_are_asked_for_again():
    first = fit("chinchilla", RUNS.take(SMALL), bootstrap=20, weights=np.linspace(0.5, 1.0, int(SMALL.sum())))
    assert "option_not_recorded" in {w.code for w in refit(first, RUNS).warnings}
    given = refit(first, RUNS, weights=np.ones(len(RUNS)))
    assert "option_not_recorded" not in {w.code for w in given.warnings}

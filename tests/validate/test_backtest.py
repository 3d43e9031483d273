"""Back-tests: honest arithmetic, baselines beside, refusals by name."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import FailedToAnswer
from lawful.fit import fit
from lawful.validate import Backtest, backtest, backtest_findings


@pytest.fixture(scope="module")
def tested() -> Backtest:
    return backtest(simulate(), "chinchilla", bootstrap=100)


def test_each_cut_fits_below_and_predicts_above(tested: Backtest) -> None:
    compute = simulate()["compute"]
    for cut in tested.cuts:
        assert cut.train == (compute <= cut.train_compute_max).sum()
        assert cut.test == (compute > cut.train_compute_max).sum()
        assert all(p.compute > cut.train_compute_max for p in cut.predictions)
        assert all(p.horizon > 0 for p in cut.predictions)


def test_a_prediction_is_the_fit_below_at_the_run_above(tested: Backtest) -> None:
    runs = simulate()
    cut = tested.cuts[1]
    below = fit("chinchilla", runs.take(runs["compute"] <= cut.train_compute_max), bootstrap=0)
    for p in cut.predictions:
        i = int(np.flatnonzero(runs.rows == p.row)[0])
        assert p.observed == runs["loss"][i]
        assert p.predicted == pytest.approx(below(params=runs["params"][i], tokens=runs["tokens"][i]), rel=1e-9)
        assert p.low < p.predicted < p.high


def test_the_true_form_beats_both_baselines_and_covers(tested: Backtest) -> None:
    assert tested.rmse_log < 0.03
    for name in ("last_value", "power_law_compute", "last_points"):
        assert tested.rmse_log < 0.6 * tested.baseline(name)
    assert tested.coverage > 0.6  # the first cut rests on 16 runs, two budgets: its intervals are too narrow


def test_summary_is_the_sum_of_its_cuts(tested: Backtest) -> None:
    data = tested.to_dict()
    errors = np.concatenate([[np.log(p["observed"] / p["predicted"]) for p in c["predictions"]] for c in data["cuts"]])
    assert data["summary"]["rmse_log"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert data["summary"]["predictions"] == len(errors)
    assert data["schema"] == "lawful.backtest/1"
    assert set(data["baselines"]) == {"last_value", "power_law_compute", "last_points"}
    assert {"train", "test", "rmse_log", "coverage"} <= set(data["cuts"][0])


def test_too_few_runs_are_refused_with_the_number_needed() -> None:
    runs = simulate()
    with pytest.raises(FailedToAnswer, match="needs 8 runs"):
        backtest(runs.take(np.arange(8)))


def test_works_without_budgets_and_over_one_variable() -> None:
    rng = np.random.default_rng(5)
    runs = simulate(params=np.exp(rng.uniform(17, 22, 60)), tokens=np.exp(rng.uniform(20, 25, 60)))
    assert len(backtest(runs, "chinchilla", bootstrap=50).cuts) >= 3
    assert backtest(runs, "power_law_floor", bootstrap=50).form == "power_law_floor"


def test_a_back_test_that_went_badly_is_a_finding(tested: Backtest) -> None:
    from dataclasses import replace

    narrow = replace(tested, cuts=tuple(
        replace(cut, predictions=tuple(replace(p, low=p.predicted, high=p.predicted) for p in cut.predictions),
                baselines=dict.fromkeys(cut.baselines, 0.0)) for cut in tested.cuts))
    assert {f.code for f in backtest_findings(narrow)} == {"backtest_coverage", "backtest_baseline"}
    fine = replace(tested, cuts=tested.cuts[1:])
    assert fine.coverage > 0.75
    assert list(backtest_findings(fine)) == []

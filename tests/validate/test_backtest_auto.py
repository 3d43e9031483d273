"""A back-test of ``auto``: each cut chooses from the runs below it."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import simulate
from lawful.fit import fit
from lawful.laws.allocation import EqualExponentLoss
from lawful.runs import RunTable
from lawful.validate import backtest, diagnose

FORMS = ("chinchilla", "equal_exponents", "kaplan")


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    monkeypatch.setattr("lawful.fit.choice.candidates.JOINT", FORMS)


def test_each_cut_names_the_form_it_chose_and_knows_nothing_above_itself():
    runs = simulate(seed=2)
    tested = backtest(runs, "auto", bootstrap=20)
    assert tested.form == "auto"
    assert {cut.form for cut in tested.cuts} <= set(FORMS)
    top = tested.cuts[0].train_compute_max
    spoilt = RunTable.of(params=runs["params"], tokens=runs["tokens"],
                         loss=np.where(runs["compute"] > 1.01 * top, 9.0, runs["loss"]))
    again = backtest(spoilt, "auto", bootstrap=20).cuts[0]
    assert again.form == tested.cuts[0].form
    assert [p.predicted for p in again.predictions] == [p.predicted for p in tested.cuts[0].predictions]


def test_the_forecasts_of_auto_are_near_the_truths_own():
    """Noise of 0.6 % is in every run that is predicted; a form chosen and fitted below the cut adds little to it."""
    tested = backtest(simulate(seed=2), "auto", bootstrap=20)
    assert tested.cuts[-1].to_dict()["rmse_log"] < 2 * 0.006
    assert tested.to_dict()["cuts"][0]["form"] in FORMS


def test_a_diagnosis_says_what_could_as_well_have_been_chosen():
    runs = simulate(law=EqualExponentLoss(E=1.8, A=500.0, B=1700.0, alpha=0.355), seed=1)
    found = diagnose(runs, fit("auto", runs, bootstrap=0))
    (finding,) = [f for f in found.findings if f.code == "selected"]
    assert found.form == "equal_exponents"
    assert "cannot tell it from chinchilla" in finding.evidence


def test_a_law_in_the_tasks_own_unit_is_diagnosed_without_comparing_it_to_its_own_outcome():
    compute = np.geomspace(1e18, 1e21, 30)
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(30))
    runs = RunTable.of(compute=compute, loss=2.0 * (1e18 / compute) ** 0.1 * noise)
    found = diagnose(runs, fit("task_power_law:compute", runs, bootstrap=20))
    assert not any("loss" in f.title for f in found.findings if f.code == "trend")

"""The record of a fit: its form's forecasts of the larger runs of its own table from the smaller."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.fit import Fit, fit
from lawful.fit.record import MOST_KEPT, NO_RECORD
from lawful.results import to_plain
from lawful.runs import RunTable

RUNS = simulate(**isoflop_design(budgets=6, sizes=8))


def test_the_record_is_what_fits_of_the_smaller_runs_say_of_the_larger() -> None:
    found = fit("chinchilla", RUNS, bootstrap=50)
    scale = RUNS["params"] * RUNS["tokens"]
    first = found.record.cuts()[0]
    below = scale <= first.cut[0]
    by_hand = fit("chinchilla", RUNS.take(below), bootstrap=0)
    above = RUNS.take(~below)
    missed = np.log(above["loss"] / by_hand(params=above["params"], tokens=above["tokens"]))
    np.testing.assert_allclose(first.error, missed, atol=1e-6)
    np.testing.assert_allclose(first.horizon, np.log10(scale[~below] / scale[below].max()))
    assert first.noise[0] == pytest.approx(by_hand.noise, rel=1e-3)
    assert len(found.record.cuts()) == found.drift.cuts


def test_the_spread_of_a_right_form_is_that_of_its_errors() -> None:
    """Noise and spread together say how far forecasts of a right form fall off."""
    ratios = []
    for seed in range(20):
        record = fit("chinchilla", simulate(seed=seed, **isoflop_design(budgets=6)), bootstrap=50).record
        ratios.append(np.mean(record.error**2 / (record.noise**2 + record.spread**2)))
    assert 0.5 < np.median(ratios) < 2.0


def test_a_long_record_is_thinned_and_keeps_its_cuts() -> None:
    found = fit("chinchilla", simulate(**isoflop_design(budgets=12, sizes=20)), bootstrap=10)
    assert len(found.record) == MOST_KEPT
    assert len(found.record.cuts()) == found.drift.cuts


def test_the_record_is_saved_and_a_fit_without_one_still_reads() -> None:
    found = fit("chinchilla", RUNS, bootstrap=10)
    data = json.loads(json.dumps(to_plain(found)))
    again = Fit.from_dict(data).record
    np.testing.assert_array_equal(again.error, found.record.error)
    np.testing.assert_array_equal(again.cut, found.record.cut)
    del data["record"]
    assert len(Fit.from_dict(data).record) == 0


def test_a_table_without_room_for_cuts_or_without_noise_has_none() -> None:
    few = isoflop_design(budgets=2, sizes=4)
    assert len(fit("chinchilla", simulate(**few), bootstrap=10).record) == 0
    design = isoflop_design(budgets=6)
    exact = fit("chinchilla", RunTable.of(**design, loss=TRUTH.at(design)), bootstrap=10)
    assert np.abs(exact.record.error).max(initial=0.0) < 1e-6
    assert fit("chinchilla", RUNS, bootstrap=0).record is NO_RECORD

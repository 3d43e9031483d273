"""The stated limit: its steps against records written by hand, and what it holds of runs that were not seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from conftest import simulate
from lawful.fit import fit
from lawful.fit.reach import NO_EVIDENCE, NOVEL, evidence
from lawful.fit.record import Record
from lawful.fit.tested import FEWEST, Step, reach_tested

if TYPE_CHECKING:
    from lawful.fit.tested import Tested


def record(*forecasts: tuple[float, float, float]) -> Record:
    """Forecasts given as cut, horizon and error."""
    cut, horizon, error = np.array(forecasts, dtype=float).reshape(-1, 3).T
    return Record(cut, horizon, error, 0.0 * cut, 0.0 * cut + 0.01)


def limit(forecasts: Record, relative: bool = True, unit: str = "") -> Tested:
    return reach_tested(forecasts, NO_EVIDENCE, relative, unit)


NEAR = [(c, 0.3, e) for c in (1.0, 2.0) for e in np.linspace(-0.01, 0.01, 10)]
FAR = [(c, 0.9, e) for c in (1.0, 2.0) for e in np.linspace(-0.04, 0.04, 10)]


def test_steps_and_sentence() -> None:
    found = limit(record(*NEAR, *FAR))
    assert found.steps == (Step(0.5, pytest.approx(0.01)), Step(0.9, pytest.approx(0.04)))
    assert found.decades == 0.9
    assert found.sentence() == (
        "this fit has been right within 1 % up to 0.5 decades beyond the runs it saw and within 4.1 % up to 0.9 "
        "decades (90 % of 40 forecasts from 2 rolling origins); beyond that it is untested")
    assert "within 4.1 % up to 0.9" in found.sentence(0.7)
    assert "within 1 %" not in found.sentence(0.7)


def test_a_lucky_far_step_does_not_undo_a_near_one() -> None:
    lucky = [(c, h, e / 100) for c, h, e in FAR]
    assert limit(record(*NEAR, *lucky)).steps[-1].error == pytest.approx(0.01)


def test_the_quantile_is_the_conformal_one() -> None:
    nine = [(1.0 + (i > 4), 0.2, 0.001 * (i + 1)) for i in range(9)]
    assert limit(record(*nine)).steps[0].error == pytest.approx(0.009), "of nine the largest"
    nineteen = [(1.0 + (i > 4), 0.2, 0.001 * (i + 1)) for i in range(19)]
    assert limit(record(*nineteen)).steps[0].error == pytest.approx(0.018), "the 0.9 x 20th of 19"


def test_too_little_is_untested() -> None:
    one_cut = [(1.0, h, e) for _, h, e in NEAR]
    few = NEAR[:2] + NEAR[10:14]
    for some in (record(), record(*few), record(*one_cut)):
        found = limit(some)
        assert found.decades == 0
        assert "untested beyond its runs" in found.sentence(1.0)


def test_the_longest_horizon_was_reached_by_enough_forecasts_of_two_origins() -> None:
    alone = [(1.0, 2.0, 0.01)] * FEWEST
    assert limit(record(*NEAR, *FAR, *alone)).decades == pytest.approx(0.9), "only one origin went so far"
    two = limit(record(*NEAR, (1.0, 1.9, 0.0), (2.0, 1.8, 0.0)))
    assert two.decades == pytest.approx(0.3), "two forecasts did"


def test_errors_in_the_unit_of_the_output() -> None:
    assert "within 0.01 points up to" in limit(record(*NEAR), relative=False, unit="points").sentence()


def test_holds_of_larger_runs_of_the_same_kind() -> None:
    """Fits on the smaller runs of 30 simulated tables state a limit; the larger runs keep to it."""
    held, all_ = 0, 0
    for seed in range(30):
        runs = simulate(seed=seed)
        below = runs["compute"] < 0.9e20
        found, test = fit("chinchilla", runs.take(below), bootstrap=20), runs.take(~below)
        horizon = np.log10(test["params"] * test["tokens"]) - found.evidence.top
        error = np.abs(np.log(test["loss"] / found.law(params=test["params"], tokens=test["tokens"])))
        for h, e in zip(horizon, error, strict=True):
            steps = [step.error for step in found.tested.steps if step.decades >= h]
            held, all_ = held + int(bool(steps) and e <= steps[0]), all_ + bool(steps)
    assert all_ > 200
    assert held / all_ > 0.9 - 2 * math.sqrt(0.9 * 0.1 / 30), "as few independent trials as tables"


def test_aside_was_tested_as_far_as_enough_forecast_runs_lay() -> None:
    """A ladder tests nothing aside of it; a square grid, cut along compute, tests its corners."""
    params = np.geomspace(1e7, 1e10, 40)
    cuts = record(*((c, 0.5, 0.01) for c in np.geomspace(1e17, 1e20, 4) for _ in range(10)))
    assert reach_tested(cuts, evidence({"params": params, "tokens": 20 * params})).aside == NOVEL
    sizes, data = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 7)))
    assert reach_tested(cuts, evidence({"params": sizes, "tokens": data})).aside > 3 * NOVEL

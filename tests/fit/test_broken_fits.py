"""Bent laws are found again: from their own curves, from noisy ones, and on the public learning curves."""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest

from conftest import shared
from lawful.errors import LawError, RunsError
from lawful.fit import Fit, fit
from lawful.fit.objective import objective
from lawful.fit.problem import Problem
from lawful.fit.search import make_job, search
from lawful.fit.starts import _various, extended
from lawful.laws import Law, form
from lawful.laws.base import Limit
from lawful.laws.broken import (
    NEW_PLACES,
    NEW_WIDTHS,
    BendingPowerLaw,
    BrokenPowerLaw1,
    BrokenPowerLaw2,
    BrokenPowerLaw3,
    BrokenPowerLaw4,
    DoubleDescent,
    Gompertz,
    SaturatingPowerLaw,
    Sigmoid,
)
from lawful.runs import RunTable

ONE = BrokenPowerLaw1(a=0.3, b=1.2, c_0=0.02, c_1=0.5, d_1=3e6, f_1=0.5, over="examples")
TWO = BrokenPowerLaw2(a=0.2, b=4.0, c_0=0.15, c_1=-0.15, d_1=5e5, f_1=0.25, c_2=0.4, step_2=60.0, f_2=0.3,
                      over="examples")
THREE = BrokenPowerLaw3(a=0.1, b=1.0, c_0=0.01, c_1=0.3, d_1=3e5, f_1=0.2, c_2=-0.25, step_2=12.0, f_2=0.2, c_3=0.5,
                        step_3=12.0, f_3=0.25, over="steps")
FOUR = BrokenPowerLaw4(a=0.05, b=1.0, c_0=0.01, c_1=0.3, d_1=1e5, f_1=0.15, c_2=-0.25, step_2=8.0, f_2=0.15, c_3=0.5,
                       step_3=8.0, f_3=0.2, c_4=-0.35, step_4=8.0, f_4=0.15, over="tokens")
BUMP = DoubleDescent(E=0.2, A=5.0, alpha=0.3, B=0.3, d=1e6, w=0.8, over="params")


def table(law: Law, runs: int, noise: float = 0.0, seed: int = 0, low: float = 1e4, high: float = 1e9) -> RunTable:
    """Runs of a law over one quantity, evenly spaced in its logarithm, with log-normal noise."""
    x = np.geomspace(low, high, runs)
    y = law.at({law.inputs[0]: x}) * np.exp(noise * np.random.default_rng(seed).standard_normal(runs))
    return RunTable.of(**{law.inputs[0]: x, law.output.name: y})


def refit(law: Law, runs: RunTable, **options: object) -> Fit:
    return fit(f"{law.form}:{law.inputs[0]}", runs, bootstrap=0, **options)  # type: ignore[arg-type]


def optimum(name: str, runs: RunTable) -> tuple[Law, float]:
    """The law of least squares and its sum, without what a fit does about its uncertainty."""
    law, penalty = form(name), objective("log_squares")
    problem = Problem(law, {x: runs[x] for x in law.inputs}, runs[law.output.name])
    best, _ = search(make_job(problem, penalty))
    return law.with_coefficients(best.coefficients[0].tolist()), float(best.objective[0])


@pytest.mark.parametrize("law", [
    ONE,
    BendingPowerLaw(e=0.1, b=0.02, d=1e7, c=0.5),
    SaturatingPowerLaw(e_inf=0.1, span=0.85, alpha=0.4, d=3e6, c=0.6),
    BUMP,
    Sigmoid(b=0.25, a=0.6, d=3e6, s=0.9, over="tokens"),
    Gompertz(b=0.1, a=0.8, d=3e6, s=0.5, over="compute"),
], ids=lambda law: law.form)
@pytest.mark.parametrize("unit", [1.0, 1e15])
def test_without_noise_a_curve_gives_its_coefficients_in_any_unit(law: Law, unit: float) -> None:
    place = "d_1" if law.form == "bnsl1" else "d"
    moved = {place: law.coefficients[place] * unit}
    for prefactor, exponent in (("b", "c_0"), ("A", "alpha")):  # task unit at x = 1
        if {prefactor, exponent} <= set(law.names()):
            moved[prefactor] = law.coefficients[prefactor] * unit ** law.coefficients[exponent]
    truth = law.with_coefficients({**law.coefficients, **moved})
    found = refit(truth, table(truth, 40, low=1e4 * unit, high=1e9 * unit), loss="log_squares")
    for name, value in truth.coefficients.items():
        assert found.law.coefficients[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.parametrize("law", [TWO, THREE], ids=lambda law: law.form)
def test_without_noise_several_breaks_are_found_again(law: Law) -> None:
    runs = table(law, 40)
    found, _ = optimum(f"{law.form}:{law.inputs[0]}", runs)
    assert found.at(runs.quantities) == pytest.approx(law.at(runs.quantities), rel=1e-6)


def test_fifteen_coefficients_of_four_breaks_are_found_from_nearby() -> None:
    runs, over = table(FOUR, 60), FOUR.inputs[0]
    problem = Problem(FOUR, {over: runs[over]}, runs["task_loss"])
    truth = np.array([list(FOUR.coefficients.values())])
    start = truth * (1.0 + 0.03 * np.random.default_rng(0).standard_normal(truth.shape))
    found = problem.solve(start, None, objective("log_squares")).coefficients
    np.testing.assert_allclose(found, truth, rtol=1e-5)


def test_a_noisy_curve_is_continued_over_its_bend_as_well_as_noise_allows() -> None:
    """The forecast's errors, in units of the standard deviation that the information matrix promises."""
    noise, ahead = 0.01, np.array([1e8])
    misses = []
    for seed in range(8):
        runs = table(ONE, 100, noise=noise, seed=seed, low=1e5, high=3e7)
        found, _ = optimum("bnsl1:examples", runs)
        misses.append(np.log(found.at({"examples": ahead}) / ONE.at({"examples": ahead}))[0])
    c = np.array(list(ONE.coefficients.values()))
    J = Problem(ONE, {"examples": runs["examples"]}, runs["task_loss"]).gradients(c)
    g = Problem(ONE, {"examples": ahead}, np.ones(1)).gradients(c)[:, 0]
    spread = noise * np.sqrt(g @ np.linalg.solve(J @ J.T, g))
    assert 0.005 < spread < 0.1
    assert np.mean(np.square(misses)) / spread**2 < 3.27  # chi squared of 8, exceeded once in a thousand


def test_a_peak_is_found_in_noise() -> None:
    found = refit(BUMP, table(BUMP, 30, noise=0.02)).law
    assert isinstance(found, DoubleDescent)
    assert np.log(found.d / BUMP.d) == pytest.approx(0.0, abs=0.2)
    assert abs(found.B / BUMP.B - 1) < 0.15


def test_one_break_more_never_fits_worse() -> None:
    runs = table(TWO, 24, noise=0.02)
    none, one, two = (optimum(f"{name}:examples", runs)[1] for name in ("m2", "bnsl1", "bnsl2"))
    assert two < one < none


@pytest.mark.parametrize("k", range(5, 35, 6))
def test_a_kink_between_any_two_runs_is_found(k: int) -> None:
    x = np.geomspace(1e4, 1e8, 40)
    sharp = BrokenPowerLaw1(a=0.05, b=30.0, c_0=0.3, c_1=-0.08, d_1=float(np.sqrt(x[k] * x[k + 1])), f_1=1e-3,
                            over="examples")
    y = sharp(examples=x) * np.exp(0.003 * np.random.default_rng(k).standard_normal(40))
    runs = RunTable.of(examples=x, task_loss=y)
    at_truth = 0.5 * np.sum(np.log(sharp(examples=x) / y) ** 2)
    assert optimum("bnsl1:examples", runs)[1] <= at_truth


def test_too_few_runs_for_the_bends_are_refused_with_the_number_needed() -> None:
    with pytest.raises(RunsError, match="9 coefficients to fit and the table 10 runs; give at least 11, better 27"):
        fit("bnsl2:examples", table(ONE, 10))
    x = np.repeat(np.geomspace(1e4, 1e9, 6), 5)
    with pytest.raises(RunsError, match="the table 30 runs, at 6 distinct examples; give at least 7"):
        fit("bnsl1:examples", RunTable.of(examples=x, task_loss=ONE.at({"examples": x})))


def test_a_start_along_the_data_needs_a_form_over_one_quantity() -> None:
    @dataclass(frozen=True)
    class TwoInputs(Law):
        form: ClassVar[str] = "two_inputs_and_a_place"
        d: Annotated[float, Limit(0.0, math.inf, (0.0, 1.0), "place")]

        def __call__(self, params: Any, tokens: Any) -> Any:
            return params / (tokens + self.d)

    del Law.registry["two_inputs_and_a_place"]  # of no use to the tests that walk the registry
    with pytest.raises(LawError, match="the search for d is to start along the data, but the form takes params, tok"):
        TwoInputs(d=1.0).limits_on({"params": np.ones(2), "tokens": np.ones(2)})


def test_searches_of_many_coefficients_start_at_the_fit_of_the_simpler_form() -> None:
    runs = table(ONE, 30, noise=0.01)
    problem = Problem(form("bnsl2:examples"), {"examples": runs["examples"]}, runs["task_loss"])
    penalty = objective("log_squares")
    _, simpler = optimum("bnsl1:examples", runs)
    values = penalty.value(problem.residuals(extended(problem, penalty))).sum(axis=1)
    assert len(values) == len(NEW_PLACES) * len(NEW_WIDTHS)
    assert values == pytest.approx(simpler, rel=1e-6)


def test_slow_starts_are_not_crowded_out_by_repetitions_of_one_optimum() -> None:
    order = _various(np.array([1.0] * 20 + [1.1, 1.2, 1.2, 1.3]))
    assert list(order[:8]) == [0, 20, 21, 23, 1, 2, 3, 4]
    assert sorted(order) == list(range(24))


@pytest.mark.parametrize("curve", ["IC|bird_5|BiT/50/1", "IC|inet_25|MiX/L/16", "NMT|log_perplexity|Dec-only",
                                   "LM|val_loss|1.34e+08"])
def test_public_curves_are_predicted_as_well_as_by_the_reference_fits(curve: str) -> None:
    with open(shared("learning-curve-benchmark/reference_rmsle.csv"), newline="") as file:
        reference = next(row for row in csv.DictReader(file) if row["curve"] == curve)
    with gzip.open(shared("learning-curve-benchmark/curves.csv.gz"), "rt", newline="") as file:
        points = sorted({(float(r["x"]), float(r["loss"]), r["split"]) for r in csv.DictReader(file)
                         if r["curve"] == curve})
    parts = {split: np.array([p[:2] for p in points if p[2] == split]).T for split in ("train", "test")}
    runs = RunTable.of(examples=parts["train"][0], task_loss=parts["train"][1])
    for name in ("m1", "m2", "bnsl1"):
        law, _ = optimum(f"{name}:examples", runs)
        miss = np.log(law.at({"examples": parts["test"][0]}) / parts["test"][1])
        assert np.sqrt(np.mean(miss**2)) <= 1.05 * float(reference[f"rmsle_{name}"]), name


@pytest.mark.parametrize("experiment", ["cifar10-mcnn-p20-sgd-rep2", "cifar10-mcnn-noaug-sgd"])
def test_double_descent_finds_the_peak_of_public_curves_and_a_power_law_is_rejected(experiment: str) -> None:
    with open(shared("double-descent/curves.csv"), newline="") as file:
        points = sorted((float(r["x"]), float(r["y"])) for r in csv.DictReader(file)
                        if (r["experiment"], r["metric"]) == (experiment, "test_error"))
    x, y = np.array(points).T
    runs = RunTable.of(width=x, task_loss=y)
    bump, left = optimum("double_descent:width", runs)
    assert isinstance(bump, DoubleDescent)
    past_the_first_fall = x > 4 * x.min()
    peak = x[past_the_first_fall][np.argmax(y[past_the_first_fall])]
    assert abs(np.log(bump.d / peak)) < 0.25
    assert left < optimum("m2:width", runs)[1] / 9  # a third of the residual

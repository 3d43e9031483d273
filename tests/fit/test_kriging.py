"""The forecast along a curve: a law and its departure, weighed by evidence, right with and without misfit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lawful.errors import RunsError
from lawful.fit import Fit, fit, forecast
from lawful.fit.choice.curve import is_curve
from lawful.fit.choice.discrepancy import LENGTH, RATIOS, Discrepancy
from lawful.fit.choice.kriged import FLOOR_SHARE, Kriged
from lawful.fit.choice.kriging import Kriging, krige
from lawful.fit.choice.points import MOST_POINTS, pooled
from lawful.fit.choice.selection import select
from lawful.laws import form
from lawful.runs import RunTable

M2 = form("m2:examples").with_coefficients([0.2, 40.0, 0.3])
M4 = form("m4:examples").with_coefficients([0.2, 0.75, 0.5, 2e7, 0.7])
END = 1e8
BEYOND = np.array([1.3e8, 2e8, 4e8])


def simulated(seed, ratio=0.0, noise=0.004, count=50, law=M2):
    """A curve with a departure ``ratio`` noises large, and what it gives beyond its end without noise."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.geomspace(1e5, END, count), BEYOND])
    t = np.log(x)
    K = (ratio * noise) ** 2 * np.exp(-np.abs(t[:, None] - t) / LENGTH) + 1e-16 * np.eye(len(t))
    curve = np.log(law.at({"examples": x})) + np.linalg.cholesky(K) @ rng.standard_normal(len(t))
    seen = np.exp(curve[:count] + noise * rng.standard_normal(count))
    return RunTable.of(examples=x[:count], task_loss=seen), np.exp(curve[count:])


# --------------------------------------------------------------------------------------------- the points

def test_a_short_curve_keeps_its_points_and_repeated_places_are_one():
    x, y = np.array([3.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 8.0, 4.0])
    points = pooled(x, y)
    assert np.exp(points.x) == pytest.approx([1, 2, 3])
    assert np.exp(points.y) == pytest.approx([4, 4, 1])  # the geometric mean of 2 and 8
    assert points.runs.tolist() == [2, 1, 1]
    assert points.scatter == pytest.approx(2 * np.log(2) ** 2)


def test_a_long_curve_is_pooled_and_its_scatter_is_the_noise():
    rng = np.random.default_rng(0)
    x = np.linspace(1e5, 1e7, 5000)
    points = pooled(x, 3.0 * x**-0.3 * np.exp(0.01 * rng.standard_normal(5000)))
    assert len(points.x) <= MOST_POINTS
    assert points.runs.sum() == 5000
    assert np.sqrt(points.scatter / (5000 - len(points.x))) == pytest.approx(0.01, rel=0.05)
    assert points.y == pytest.approx(np.log(3.0) - 0.3 * points.x, abs=0.02)


# ---------------------------------------------------------------------------------------- the departure

def test_residuals_are_carried_on_and_fade():
    points = pooled(np.geomspace(1.0, 100.0, 20), np.ones(20))
    part = Discrepancy(points, 10.0)
    weights, left = part.carried(np.log(np.array([100.0, 150.0, 1e9])))
    carried = weights @ np.full(20, 0.05)
    assert carried[0] == pytest.approx(0.05, rel=0.02)
    assert carried[0] > carried[1] > carried[2] == pytest.approx(0.0, abs=1e-3)
    assert left[0] < left[1] < left[2] == pytest.approx(100.0, rel=1e-3)


def test_whitened_residuals_have_the_covariance_that_is_meant():
    points = pooled(np.geomspace(1.0, 100.0, 8), np.ones(8))
    part = Discrepancy(points, 3.0)
    K = 9.0 * np.exp(-np.abs(points.x[:, None] - points.x) / LENGTH) + np.eye(8)
    assert part.whitener @ K @ part.whitener.T == pytest.approx(np.eye(8), abs=1e-10)
    assert part.log_determinant == pytest.approx(np.linalg.slogdet(K)[1])


def test_a_departure_is_measured_in_the_noise_of_a_point():
    x = np.geomspace(1.0, 100.0, 8)
    alone, many = pooled(x, np.ones(8)), pooled(np.tile(x, 25), np.ones(200))
    far = np.log([1e9])
    assert Discrepancy(many, 3.0).carried(far)[1] == pytest.approx(Discrepancy(alone, 3.0).carried(far)[1] / 25)


# ------------------------------------------------------------------------------------------- one form

def test_the_mode_without_departure_is_the_least_squares_fit():
    runs, _ = simulated(0)
    (mode,) = (kriged := Kriged(form("m2:examples"), pooled(runs["examples"], runs["task_loss"]))).modes([0.0])
    plain = fit("m2:examples", runs, loss="log_squares", bootstrap=0).law
    assert kriged.law(mode).at({"examples": BEYOND}) == pytest.approx(plain.at({"examples": BEYOND}), rel=2e-3)


def test_priors_come_from_the_limits_and_a_floor_from_the_last_point():
    runs, _ = simulated(0)
    kriged = Kriged(form("m2:examples"), pooled(runs["examples"], runs["task_loss"]))
    floor, scale, exponent = range(3)
    assert np.exp(kriged.mean[floor]) == pytest.approx(FLOOR_SHARE * runs["task_loss"][-1])
    assert np.isinf(kriged.spread[scale])
    assert np.exp(kriged.mean[exponent]) == pytest.approx(np.sqrt(0.02 * 1.6))


def test_draws_centre_on_the_mode_and_their_noise_on_that_of_the_runs():
    runs, _ = simulated(1, noise=0.01, count=60)
    kriged = Kriged(form("m1:examples"), pooled(runs["examples"], runs["task_loss"]))
    (mode,) = kriged.modes([3.0])
    draws, noise = kriged.draws(mode, 4000, np.random.default_rng(0))
    best = list(kriged.law(mode).coefficients.values())
    assert np.median(draws, axis=0) == pytest.approx(best, rel=0.05)
    assert noise.shape == (4000,)


# ------------------------------------------------------------------------------------- the forecast

@pytest.mark.parametrize(("law", "least", "most"), [(M2, -0.004, 0.004), (M4, 0.1, 0.5)])
def test_under_misfit_the_forecast_beats_the_plain_law_and_without_it_equals_it(law, least, most):
    """What is gained over a floored power law, in mean RMSLE of six curves: nothing of its own, much of a plateau."""
    gained = []
    for seed in range(6):
        runs, truth = simulated(seed, law=law)
        plain = fit("m2:examples", runs, loss="log_squares", bootstrap=0).law.at({"examples": BEYOND})
        judged = krige(pooled(runs["examples"], runs["task_loss"]), [form("m2:examples")], 600, 0)
        ours = judged.forecast.expected({"examples": BEYOND})
        error, plain_error = (np.sqrt(np.mean(np.log(value / truth) ** 2)) for value in (ours, plain))
        gained.append(plain_error - error)
    assert least < np.mean(gained) < most


@pytest.mark.parametrize("ratio", [3.0, 10.0])
def test_intervals_hold_a_new_run_about_as_often_as_they_say(ratio):
    """Twenty curves, three questions each to four times their end: 90 % hold at least 85 of 100."""
    inside = []
    for seed in range(20):
        runs, truth = simulated(100 + seed, ratio)
        judged = krige(pooled(runs["examples"], runs["task_loss"]), [form("m2:examples"), form("m3:examples")], 600, 0)
        low, high = np.percentile(judged.forecast.new_runs({"examples": BEYOND}), [5, 95], axis=0)
        new = truth * np.exp(0.004 * np.random.default_rng(seed).standard_normal(len(truth)))
        inside.append((low <= new) & (new <= high))
    assert np.mean(inside) >= 0.85


def test_the_median_is_of_the_draws_and_a_new_run_is_wider():
    runs, _ = simulated(3, 3.0)
    chosen = select(runs, ["m2:examples", "m3:examples"], bootstrap=100)
    combined = chosen.fit.combination
    assert isinstance(combined, Kriging)
    at = {"examples": BEYOND}
    assert combined.expected(at) == pytest.approx(np.median(combined.outputs(at), axis=0))
    near = {"examples": np.array([1.01 * END])}  # where the departure is known, and noise is what is left
    of_curve, of_run = (np.ptp(np.percentile(draws, [5, 95])) for draws in (combined.outputs(near),
                                                                          combined.new_runs(near)))
    assert of_curve < of_run
    assert sum(combined.weights.values()) == pytest.approx(1.0)
    assert {member.ratio for member in combined.members} <= set(RATIOS)
    assert len(chosen.fit.draws) == 100


def test_a_saved_fit_forecasts_the_same():
    runs, _ = simulated(4, 3.0)
    chosen = select(runs, ["m2:examples", "m4:examples"], bootstrap=50)
    again = Fit.from_dict(json.loads(json.dumps(chosen.fit.to_dict())))
    at = {"examples": 2e8}
    assert forecast(again, at) == chosen.forecast(at)
    assert "combined" in {w.code for w in forecast(again, at).warnings}
    assert again.new_runs({"examples": BEYOND}) == pytest.approx(chosen.fit.new_runs({"examples": BEYOND}))


# --------------------------------------------------------------------------- what it is for, and not

def test_options_that_speak_of_one_law_leave_the_choice_to_rolling_origins():
    runs, _ = simulated(5)
    laws = [form("m2:examples"), form("m1:examples")]
    assert is_curve(runs, laws, {"loss": "log_squares", "bootstrap": 0})
    assert not is_curve(runs, laws, {"fixed": {"c": 0.2}})
    assert not is_curve(runs, laws, {"weights": np.ones(len(runs))})
    assert not is_curve(runs, laws, {"loss": "student_t"})
    assert not is_curve(runs, [form("chinchilla")], {})
    chosen = select(runs, ["m2:examples", "m1:examples"], bootstrap=0, weights=np.ones(len(runs)))
    assert chosen.rows[0].error is not None


def test_a_form_with_too_few_points_is_left_out_with_the_reason():
    runs = RunTable.of(examples=np.geomspace(1e5, 1e7, 5), task_loss=np.array([0.9, 0.7, 0.55, 0.45, 0.38]))
    chosen = select(runs, ["m1:examples", "m4:examples"], bootstrap=0)
    assert chosen.rows[0].form == "task_power_law:examples"
    assert "give at least 6" in chosen.rows[1].reason
    with pytest.raises(RunsError, match="carry no form"):
        select(runs.take(np.arange(2)), ["m2:examples", "m4:examples"], bootstrap=0)


@pytest.mark.parametrize("shape", ["peak", "dip", "rise", "spike", "flat"])
def test_curves_of_any_shape_get_a_finite_forecast(shape):
    x = np.geomspace(1e5, 1e8, 24)
    t = np.linspace(0.0, 1.0, 24)
    y = {"peak": 0.8 - 0.5 * t + 0.3 * np.exp(-(((t - 0.4) / 0.1) ** 2)), "dip": 0.5 - 0.3 * np.sin(np.pi * t),
         "rise": 0.2 + 0.5 * t, "spike": np.where(np.arange(24) == 11, 30.0, 0.9 - 0.5 * t),
         "flat": 0.7 + 1e-4 * np.cos(9 * t)}[shape]
    chosen = select(RunTable.of(examples=x, task_loss=y), bootstrap=50)
    asked = chosen.forecast({"examples": 2e8})
    assert asked.new_run[0] < asked.value < asked.new_run[1]
    assert 0.05 * y.min() < asked.value < 20 * y.max()

"""Scores against closed forms, by their definitions, and by what makes them proper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import cauchy, kstest, norm

from lawful.errors import InputError
from lawful.validate import scores

POINTS = np.array([-3.0, -0.7, 0.0, 0.4, 2.2])


def gaussian(count: int, mean: float = 0.0, std: float = 1.0, points: int = len(POINTS)) -> np.ndarray:
    """The quantiles of a Gaussian in the middle of equal shares: a sample without luck."""
    return np.tile(norm.ppf((np.arange(count) + 0.5) / count, mean, std)[:, None], (1, points))


def gaussian_crps(y: np.ndarray, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Gneiting & Raftery 2007, equation 5, with the sign turned."""
    z = (y - mean) / std
    return std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))


@given(mean=st.floats(-5, 5), std=st.floats(0.05, 20))
@settings(max_examples=20, deadline=None)
def test_the_crps_of_a_gaussian(mean, std):
    found = scores.crps(gaussian(4000, mean, std), POINTS)
    assert found == pytest.approx(gaussian_crps(POINTS, mean, std), abs=2e-3 * std)


def test_the_crps_of_a_uniform():
    """On [0, 1] the score of y is y**3 / 3 + (1 - y)**3 / 3, the integral of (F - 1[x >= y])**2."""
    y = np.array([0.0, 0.25, 0.5, 1.0])
    draws = np.tile(((np.arange(2000) + 0.5) / 2000)[:, None], (1, 4))
    assert scores.crps(draws, y) == pytest.approx(y**3 / 3 + (1 - y) ** 3 / 3, abs=1e-3)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.floats(-100, 100))
@settings(max_examples=50, deadline=None)
def test_the_crps_is_its_definition_over_all_pairs(sample, y):
    x = np.array(sample)
    pairs = [abs(a - b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]
    by_hand = np.abs(x - y).mean() - 0.5 * np.mean(pairs)
    assert scores.crps(x[:, None], [y])[0] == pytest.approx(by_hand, abs=1e-9)


def test_the_crps_does_not_depend_on_the_number_of_draws():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(20_000)
    few, many = (scores.crps(rng.standard_normal((m, len(y))), y).mean() for m in (3, 60))
    assert few == pytest.approx(1 / math.sqrt(math.pi), abs=0.02)  # E CRPS of the truth: E|X - X'| / 2
    assert many == pytest.approx(1 / math.sqrt(math.pi), abs=0.01)


def test_one_draw_has_the_absolute_error():
    assert scores.crps([[2.0, -1.0]], [5.0, -1.0]).tolist() == [3.0, 0.0]


def test_twice_the_integral_of_the_pinball_loss_is_the_crps():
    tau = (np.arange(4000) + 0.5) / 4000
    losses = scores.pinball(np.tile(norm.ppf(tau)[:, None], (1, len(POINTS))), POINTS, tau)
    assert losses.shape == (4000, len(POINTS))
    assert 2 * losses.mean(axis=0) == pytest.approx(gaussian_crps(POINTS), abs=2e-3)


def test_the_pinball_loss_by_hand():
    assert scores.pinball([1.0, 1.0], [3.0, 0.0], 0.9).tolist() == pytest.approx([1.8, 0.1])


def test_an_interval_scores_as_its_two_quantiles_do():
    """2/alpha times the sum of the pinball losses at alpha/2 and 1 - alpha/2."""
    low, high = np.full(len(POINTS), -1.0), np.full(len(POINTS), 1.5)
    for level in (0.5, 0.9, 0.99):
        alpha = 1 - level
        losses = scores.pinball(np.stack([low, high]), POINTS, [alpha / 2, 1 - alpha / 2])
        assert scores.interval_score(low, high, POINTS, level) == pytest.approx(2 / alpha * losses.sum(axis=0))
    assert scores.interval_score([0.0], [2.0], [3.0], 0.9)[0] == pytest.approx(2 + 20 * 1)


def test_the_log_score_nears_minus_the_log_density():
    y = np.array([-2.0, -0.5, 0.0, 1.0, 2.0])
    found = scores.log_score(gaussian(4000, 3.0, 0.2), 3.0 + 0.2 * y)
    assert found == pytest.approx(-norm.logpdf(y) + math.log(0.2), abs=0.05)


def test_far_outside_all_draws_the_log_score_is_the_floor():
    """Weight 1 / (m + 1) of a Cauchy density about the median: finite, and growing with the log of the distance."""
    draws = gaussian(199, points=3)
    far = np.array([20.0, 2e3, 2e30])
    found = scores.log_score(draws, far)
    low, high = np.quantile(draws[:, 0], [0.25, 0.75])
    floor = math.log(200) - cauchy.logpdf(far, scale=(high - low) / 1.349)
    assert found == pytest.approx(floor, rel=2e-2)
    assert np.isfinite(scores.log_score(np.full((50, 2), 1.5), [1.5, 9.0])).all()


def test_the_density_behind_the_log_score_is_one():
    grid = np.linspace(-3000.0, 3000.0, 600_001)
    draws = np.random.default_rng(3).standard_normal(30)
    density = np.concatenate([np.exp(-scores.log_score(np.tile(draws[:, None], (1, len(part))), part))
                              for part in np.array_split(grid, 60)])
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("score", [scores.crps, scores.log_score])
def test_the_truth_scores_best(score):
    rng = np.random.default_rng(1)
    y = rng.standard_normal(4000)
    truth = score(rng.standard_normal((100, len(y))), y).mean()
    for wrong in (0.5 * rng.standard_normal((100, len(y))), 2.0 * rng.standard_normal((100, len(y))),
                  0.5 + rng.standard_normal((100, len(y)))):
        assert score(wrong, y).mean() > truth + 0.01


@pytest.mark.parametrize("score", [scores.crps, scores.log_score])
def test_a_change_of_unit_changes_the_score_as_it_should(score):
    draws, y = np.random.default_rng(2).standard_normal((40, len(POINTS))), POINTS
    plain, scaled = score(draws, y), score(7.0 * draws, 7.0 * y)
    assert scaled == pytest.approx(7.0 * plain if score is scores.crps else plain + math.log(7.0))


def test_the_pit_is_uniform_where_the_forecast_is_right():
    rng = np.random.default_rng(4)
    y = rng.standard_normal(5000)
    assert kstest(scores.pit(rng.standard_normal((9, len(y))), y), "uniform").pvalue > 0.01
    counts = rng.poisson(2.0, 5000).astype(float)  # ties everywhere
    assert kstest(scores.pit(rng.poisson(2.0, (9, 5000)), counts), "uniform").pvalue > 0.01
    assert kstest(scores.pit(0.3 * rng.standard_normal((9, len(y))), y), "uniform").pvalue < 1e-6


def test_the_pit_by_hand():
    place = scores.pit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [1.5, 9.0])
    assert 2 / 4 <= place[0] <= 3 / 4
    assert 3 / 4 <= place[1] <= 1


def test_coverage_counts_the_ends_and_not_what_is_no_number():
    assert scores.coverage([0, 0, 0, math.nan], [1, 1, 1, 1], [0, 1, 2, 0.5]) == 0.5


def test_errors_of_single_values_by_hand():
    assert scores.rmsle([math.e, 1.0], [1.0, 1.0]) == pytest.approx(math.sqrt(0.5))
    assert scores.are([1.1, -1.0], [1.0, -2.0]) == pytest.approx(0.3)
    assert scores.r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1.0
    assert scores.r2([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]) == 0.0


def test_a_prediction_that_failed_is_the_worst_and_is_not_dropped():
    assert scores.rmsle([math.nan, 1.0], [1.0, 1.0]) == math.inf
    assert scores.rmsle([-0.1, 1.0], [1.0, 1.0]) == math.inf
    assert scores.are([math.nan, 1.0], [1.0, 1.0]) == math.inf
    assert scores.r2([math.nan, 1.0], [1.0, 2.0]) == -math.inf
    assert math.isnan(scores.r2([1.0, 1.0], [2.0, 2.0]))


@pytest.mark.parametrize("score", [scores.crps, scores.log_score, scores.pit])
def test_draws_that_are_no_number_are_left_out_of_their_point(score):
    rng = np.random.default_rng(5)
    draws = rng.standard_normal((20, 3))
    holed = np.vstack([draws, np.full((4, 3), np.nan), np.full((1, 3), np.inf)])
    holed[:, 2] = np.nan
    found = score(holed, [0.1, 0.2, 0.3])
    assert found[:2] == pytest.approx(score(draws, [0.1, 0.2, 0.3])[:2])
    assert math.isnan(found[2])


@pytest.mark.parametrize(("call", "says"), [
    (lambda: scores.crps(np.zeros((5, 3)), [1.0, 2.0]), "draws must have shape"),
    (lambda: scores.crps(np.zeros(5), [1.0]), "draws must have shape"),
    (lambda: scores.pit(np.zeros((5, 1)), [math.nan]), "finite"),
    (lambda: scores.crps(np.zeros((5, 0)), []), "a point or more"),
    (lambda: scores.pinball([1.0], [1.0], 1.0), "tau"),
    (lambda: scores.pinball([[1.0], [2.0]], [1.0], 0.5), "quantiles must have shape"),
    (lambda: scores.interval_score([0.0], [1.0], [0.5], 90), "level"),
    (lambda: scores.interval_score([2.0], [1.0], [0.5], 0.9), "low <= high"),
    (lambda: scores.rmsle([1.0], [0.0]), "positive"),
    (lambda: scores.are([1.0], [0.0]), "other than 0"),
    (lambda: scores.r2([1.0, 2.0], [1.0]), "shape of observed"),
])
def test_what_cannot_be_scored_is_refused_with_what_came(call, says):
    with pytest.raises(InputError, match=says):
        call()

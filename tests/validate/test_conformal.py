"""Conformal adjustment: the quantile by hand, coverage where the assumption holds, refusals where nothing is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import FailedToAnswer, InputError
from lawful.fit import fit, forecast
from lawful.validate import Backtest, Calibration, backtest, conformal
from lawful.validate.conformal import fewest, quantile
from lawful.validate.cuts import Cut, Prediction
from lawful.validate.horizons import QUANTILES

AT = {"params": 3e9, "tokens": 2.2e11}   # 6 N D = 4e21: 0.6 decades beyond 1e21


def made(scores: np.ndarray, horizons: np.ndarray, half: float = 0.02) -> Calibration:
    """A calibration of a back-test whose errors are ``scores`` half widths of its 90 % interval."""
    ends = tuple(float(math.exp(half * (q - 0.5) / 0.45)) for q in QUANTILES)
    found = tuple(Prediction(i, 1e20, float(h), math.exp(float(s) * half), 1.0, math.exp(-half), math.exp(half), ends)
                  for i, (s, h) in enumerate(zip(scores, horizons, strict=True)))
    return conformal(Backtest("chinchilla", 0.9, (Cut(20, 1e19, found, {}, "chinchilla", 1e19),), top=1e21))


@pytest.fixture(scope="module")
def answer():
    return forecast(fit("chinchilla", simulate(), bootstrap=40), AT)


def test_the_quantile_is_the_one_that_split_conformal_prediction_takes():
    scores = np.arange(1.0, 10.0)
    assert quantile(scores, 0.9) == 9.0      # the 9th of 9: ceil(10 * 0.9)
    assert quantile(scores, 0.5) == 5.0
    assert quantile(scores[:8], 0.9) == math.inf
    assert (fewest(0.9), fewest(0.95), fewest(0.5)) == (9, 19, 1)


def test_scores_are_errors_in_half_widths():
    calibration = made(np.array([0.5, -2.0, 1.0]), np.array([0.5, 0.5, 0.5]))
    assert calibration.scores[0.9] == pytest.approx([0.5, 2.0, 1.0])
    assert calibration.scores[0.5] == pytest.approx([0.9, 3.6, 1.8])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_exchangeable_scores_give_at_least_the_level(level):
    """The theorem itself: of n + 1 exchangeable scores the last lies under the factor with the level, and no more than
    1 / (n + 1) above it. The true widths are wrong by a factor of 3 here."""
    rng = np.random.default_rng(0)
    n, held = 39, []
    for _ in range(400):
        errors = 3.0 * np.abs(rng.standard_normal(n + 1))
        calibration = made(errors[:n], np.full(n, 0.5))
        held.append(errors[n] <= calibration.factor(0.5, level) * _half(level))
    share, doubt = np.mean(held), 3.3 * math.sqrt(level * (1 - level) / 400)
    assert level - doubt <= share <= level + 1 / (n + 1) + doubt


def _half(level: float) -> float:
    """The half width of an interval at ``level``, in those of 90 %: the made-up forecasts are uniform."""
    return level / 0.9


def test_only_scores_near_the_horizon_count():
    calibration = made(np.repeat([1.0, 5.0], 20), np.repeat([0.5, 2.0], 20))
    assert calibration.factor(0.5, 0.9) == pytest.approx(1.0)
    assert calibration.factor(1.9, 0.9) == pytest.approx(5.0)
    assert calibration.factor(2.5, 0.9) == math.inf  # further than any that was tested


def test_inside_and_just_beyond_the_runs_an_interval_is_never_narrowed():
    narrow = made(np.full(20, 0.3), np.full(20, 0.5))
    assert narrow.factor(0.0, 0.9) == 1.0
    assert narrow.factor(0.1, 0.9) == 1.0
    assert narrow.factor(0.5, 0.9) == pytest.approx(0.3)
    assert made(np.full(20, 3.0), np.full(20, 0.5)).factor(0.1, 0.9) == pytest.approx(3.0)


def test_a_forecast_is_adjusted_about_its_value_and_says_so(answer):
    calibration = made(np.full(30, 2.0), np.full(30, 0.6))
    assert calibration.beyond(AT) == pytest.approx(math.log10(6 * AT["params"] * AT["tokens"] / 1e21))
    adjusted = calibration.adjust(answer)
    low, high = answer.new_run
    half = 0.5 * math.log(high / low)
    assert adjusted.new_run == pytest.approx((answer.value * math.exp(-2 * half), answer.value * math.exp(2 * half)))
    assert adjusted.basis["new_run"] == "conformal"
    assert adjusted.basis["law"] == answer.basis["law"]
    assert (adjusted.low, adjusted.high) == (answer.low, answer.high)
    assert adjusted.warnings[-1].code == "conformal"
    assert "2.00 times" in adjusted.warnings[-1].message


def test_too_few_scores_give_an_infinite_interval_in_words(answer):
    adjusted = made(np.full(8, 1.0), np.full(8, 0.6)).adjust(answer)
    assert adjusted.new_run == (0.0, math.inf)
    assert adjusted.warnings[-1].code == "conformal_too_few"
    assert "takes 9" in adjusted.warnings[-1].message


def test_inside_the_runs_the_interval_stays():
    inside = forecast(fit("chinchilla", simulate(), bootstrap=20), {"params": 1e9, "tokens": 2e10})
    adjusted = made(np.full(30, 2.0), np.full(30, 0.6)).adjust(inside)
    assert adjusted.new_run == inside.new_run
    assert adjusted.basis == inside.basis
    assert adjusted.warnings[-1].code == "conformal_inside"


def test_of_a_whole_back_test_every_prediction_counts_once():
    tested = backtest(simulate(), "chinchilla", bootstrap=30)
    calibration = conformal(tested)
    assert len(calibration.horizon) == len(tested.predictions)
    assert set(calibration.scores) == {0.5, 0.8, 0.9, 0.95}
    assert calibration.top == pytest.approx(1e21)
    assert np.isfinite(calibration.factor(0.6, 0.9))


def test_another_level_of_the_back_test_is_kept_beside():
    tested = backtest(simulate(), "chinchilla", bootstrap=30, level=0.85, below=[1.0])
    assert set(conformal(tested).scores) == {0.5, 0.8, 0.85, 0.9, 0.95}


def test_what_cannot_be_adjusted_is_refused(answer):
    calibration = made(np.full(30, 2.0), np.full(30, 0.6))
    with pytest.raises(InputError, match="not at 99 %"):
        calibration.factor(0.6, 0.99)
    with pytest.raises(FailedToAnswer, match="no interval to adjust"):
        calibration.adjust(replace(answer, new_run=None))
    with pytest.raises(InputError, match="along tokens"):
        replace(calibration, along="tokens").beyond({"params": 1e9})
    flat = Backtest("chinchilla", 0.9, (Cut(20, 1e19, (), {}, "chinchilla"),))
    with pytest.raises(InputError, match="along released"):
        conformal(replace(flat, along="released", unit="years"))
    with pytest.raises(InputError, match="leaves out family"):
        conformal(replace(flat, left_out="family"))
    with pytest.raises(InputError, match="--bootstrap 0"):
        conformal(backtest(simulate(), "chinchilla", bootstrap=0, below=[1.0]))

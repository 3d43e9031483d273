"""The numbers behind a selection, each against a value worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.fit.choice.scores import Forecasts, akaike, stack, told_apart

CUT = np.array([0, 0, 0, 0, 1, 1])
STRETCH = np.array([0, 0, 0, 1, 1, 1])


def forecasts(*errors: list[float]) -> Forecasts:
    return Forecasts(np.array(errors), CUT, STRETCH)


def test_each_cut_counts_the_same_and_each_stretch_within_it():
    weights = forecasts([0.0] * 6).weights
    assert weights == pytest.approx([1 / 12, 1 / 12, 1 / 12, 1 / 4, 1 / 4, 1 / 4])
    assert weights.sum() == pytest.approx(1.0)


def test_the_score_is_the_weighted_mean_absolute_error():
    assert forecasts([0.3, -0.3, 0.3, 0.1, -0.2, 0.4]).score == pytest.approx([0.075 + 0.025 + 0.05 + 0.1])


def test_a_form_that_fails_at_a_cut_is_charged_the_worst_answer_there_and_counted():
    nan = math.nan
    found = forecasts([nan, nan, nan, nan, 0.1, 0.1], [0.2, 0.2, 0.2, -0.4, 0.3, 0.3], [0.1] * 6)
    assert found.failed.tolist() == [1, 0, 0]
    assert found.sizes[0] == pytest.approx([0.2, 0.2, 0.2, 0.4, 0.1, 0.1])


def test_a_gross_outlier_among_the_runs_moves_the_forms_alike():
    """The run at place 3 is off by 5: the difference of the forms stays that of their forecasts."""
    clean = forecasts([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2, 0.2, 0.2])
    spoilt = forecasts([0.1, 0.1, 0.1, 5.1, 0.1, 0.1], [0.2, 0.2, 0.2, 5.2, 0.2, 0.2])
    assert spoilt.difference(1, 0)[0] == pytest.approx(clean.difference(1, 0)[0])


def test_the_standard_error_takes_forecasts_that_hang_together_as_one():
    """By hand: differences of 0.1 at the first cut and 0.3 at the second have mean 0.2; the two cuts' shares deviate
    by -0.05 and +0.05, so that s = sqrt(2 / 1 * 0.005) = 0.1; over the stretches, of weights 1/4 and 3/4 and sums of
    deviations -0.025 and +0.025, it is 0.05.
    """
    found = forecasts([0.1, 0.1, 0.1, 0.1, 0.3, 0.3], [0.0] * 6)
    assert found.difference(0, 1) == pytest.approx((0.2, 0.1, 2))


def test_one_cut_and_one_stretch_tell_nothing_apart():
    one = Forecasts(np.array([[0.5, 0.5], [0.0, 0.0]]), np.zeros(2, dtype=int), np.zeros(2, dtype=int))
    mean, std, clusters = one.difference(0, 1)
    assert (mean, std, clusters) == (0.5, math.inf, 1)
    assert not told_apart(mean, std, clusters, 0.9)


@pytest.mark.parametrize(("mean", "apart"), [(2.1, True), (-2.1, True), (1.9, False)])
def test_telling_apart_follows_student_t(mean, apart):
    """The 95 % quantile of Student's t with 5 degrees of freedom is 2.015."""
    assert told_apart(mean, 1.0, 6, 0.9) is apart


def test_akaike_by_hand():
    """n = 8, mean |r| = 0.5, one coefficient and the width: 16 log 0.5 + 4 + 12 / 5."""
    assert akaike(np.array([0.25, -0.75] * 4), 1) == pytest.approx(16 * math.log(0.5) + 4 + 12 / 5)
    assert akaike(np.ones(3), 1) == math.inf


def test_the_stack_is_the_best_mixture_drawn_towards_equal_weights():
    """Errors of +2 and -1 cancel at weights 1/3 and 2/3; two forms and two cuts draw half-way to 1/2."""
    found = forecasts([2.0] * 6, [-1.0] * 6, [5.0] * 6)
    assert stack(found, [0, 1]) == pytest.approx([(1 / 3 + 1 / 2) / 2, (2 / 3 + 1 / 2) / 2], abs=1e-6)
    assert stack(found, [0, 2]) == pytest.approx([0.75, 0.25], abs=1e-6)
    assert stack(found, [2]) == pytest.approx([1.0])

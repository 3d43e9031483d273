"""Scores by distance, and the back-test as data and back."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import InputError
from lawful.results import to_plain
from lawful.validate import Backtest, backtest
from lawful.validate.baselines import last_points, last_value
from lawful.validate.cuts import Prediction
from lawful.validate.horizons import LEVELS, QUANTILES, by_horizon, pit_histogram


@pytest.fixture(scope="module")
def tested() -> Backtest:
    return backtest(simulate(), "chinchilla", bootstrap=60)


def prediction(horizon: float, observed: float = 1.0, width: float = 0.1, row: int = 1) -> Prediction:
    ends = [np.exp(width * (q - 0.5)) for q in QUANTILES]
    return Prediction(row, 1e20, horizon, observed, 1.0, np.exp(-0.45 * width), np.exp(0.45 * width), tuple(ends), 0.5,
                      0.01, -1.0)


def test_every_prediction_is_in_one_bin(tested):
    rows = tested.horizons
    assert sum(h.n for h in rows) == len(tested.predictions)
    assert all(a.high <= b.low for a, b in pairwise(rows))
    assert all(h.runs <= h.n and h.cuts <= len(tested.cuts) for h in rows)


def test_bins_by_hand():
    found = by_horizon([([prediction(0.0), prediction(0.5, 1.02)], 0), ([prediction(0.51, 2.0)], 1),
                        ([prediction(5.0)], 1)], 0.9, "decades")
    assert [(h.low, h.high, h.n, h.cuts) for h in found] == [
        (0.0, 0.0, 1, 1), (0.25, 0.5, 2, 2), (2.0, float("inf"), 1, 1)]  # 0.51 is a budget's own spread beyond 0.5
    middle = found[1]
    assert middle.rmse_log == pytest.approx(np.sqrt((np.log(1.02) ** 2 + np.log(2) ** 2) / 2))
    assert middle.bias_log == pytest.approx((np.log(1.02) + np.log(2)) / 2)
    assert middle.coverage == {0.5: 0.5, 0.8: 0.5, 0.9: 0.5, 0.95: 0.5}
    assert middle.widths == pytest.approx({level: 0.1 * level for level in LEVELS})
    assert middle.width == pytest.approx(0.09)


def test_coverage_and_width_grow_with_the_level(tested):
    for h in tested.horizons:
        held, wide = [h.coverage[x] for x in LEVELS], [h.widths[x] for x in LEVELS]
        assert held == sorted(held)
        assert wide == sorted(wide)
        assert h.covered == h.coverage[tested.level]
        assert h.width == pytest.approx(h.widths[tested.level])


def test_the_pit_histogram_counts_every_prediction(tested):
    histogram = pit_histogram(tested.predictions)
    assert sum(histogram["counts"]) == len(tested.predictions)
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1


def test_a_back_test_survives_its_json(tested):
    data = json.loads(json.dumps(to_plain(tested)))
    again = Backtest.from_dict(data)
    assert to_plain(again) == data
    assert again.coverage == tested.coverage


def test_without_resamples_there_are_errors_and_no_scores():
    data = json.loads(json.dumps(to_plain(backtest(simulate(), "chinchilla", bootstrap=0))))
    assert data["summary"]["rmse_log"] > 0
    assert data["summary"]["crps"] is None
    assert data["summary"]["coverage"] is None
    assert data["horizons"][0]["coverage"] == {"0.5": None, "0.8": None, "0.9": None, "0.95": None}
    assert to_plain(Backtest.from_dict(data)) == data


@pytest.mark.parametrize(("data", "says"), [
    ({"schema": "lawful.fit/1"}, "not a saved back-test: schema is 'lawful.fit/1'"),
    ([], "not a saved back-test: schema is 'list'"),
    ({"schema": "lawful.backtest/1", "form": "chinchilla"}, "cannot be read: KeyError"),
])
def test_what_is_no_back_test_is_refused(data, says):
    with pytest.raises(InputError, match=says):
        Backtest.from_dict(data)


def test_a_prediction_that_is_no_number_is_an_infinite_error(tested):
    broken = replace(tested.predictions[0], predicted=float("nan"))
    assert broken.error == float("inf")
    assert replace(tested, cuts=(replace(tested.cuts[0], predictions=(broken,)),)).rmse_log == float("inf")


def test_the_naive_line_goes_through_the_last_points_of_the_frontier():
    scale = np.array([1e1, 1e2, 1e3, 1e4, 1.01e4, 1e4])
    loss = np.array([9.0, 8.0, 4.0, 2.0, 3.0, 2.5])
    assert last_points(scale, loss, np.array([1e5]), "loss") == pytest.approx([1.0])   # 8, 4, 2: halved a decade
    assert last_points(scale, 1 / loss, np.array([1e5]), "accuracy") == pytest.approx([1.0])
    assert np.isnan(last_points(np.array([1.0, 1.0]), np.array([2.0, 3.0]), np.array([5.0]), "loss")).all()


def test_the_best_value_so_far_knows_which_way_is_better():
    assert last_value(np.array([3.0, 2.0]), "loss") == 2.0
    assert last_value(np.array([0.3, 0.2]), "accuracy") == 0.3

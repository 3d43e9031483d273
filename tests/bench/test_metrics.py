"""What an answer is judged by, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import made

from lawful.bench.metrics import BINS, LEVELS, judge
from lawful.bench.question import Answer
from lawful.bench.series import Series, load
from lawful.bench.task import find_tasks


@pytest.fixture
def series(tmp_path: Path) -> Series:
    data = made(tmp_path)
    return load(find_tasks(data)[0], data)[0][0]


def test_errors_and_sums_add_up_by_horizon(series: Series) -> None:
    judged = judge(Answer(series.observed * 1.1), series)
    assert judged["errors"]["rmsle"] == pytest.approx(np.log(1.1))
    assert judged["errors"]["are"] == pytest.approx(0.1)
    assert judged["errors"]["mae"] == pytest.approx(0.1 * series.observed.mean())
    assert {name: part["n"] for name, part in judged["bins"].items()} == {"to 0.25": 2, "to 0.5": 2, "to 1": 4}
    assert sum(part["squares"] for part in judged["bins"].values()) == pytest.approx(8 * np.log(1.1) ** 2)
    assert all("hits" not in part for part in judged["bins"].values())


def test_horizons_end_where_they_say(series: Series) -> None:
    at = replace(series, scale=series.top * 10 ** np.array([-0.1, 0.0, 0.1, 0.25, 0.26, 0.5, 1.0, 1.01]))
    counts = {name: part["n"] for name, part in judge(Answer(series.observed), at)["bins"].items()}
    assert counts == dict(zip(BINS, (2, 2, 2, 1, 1), strict=True))


def test_draws_that_are_the_truth_hold_what_they_say(series: Series) -> None:
    """Normal draws about the truth with the width of its own noise: by arithmetic on the normal's quantiles."""
    rng = np.random.default_rng(0)
    noise, points = 0.05, 4000
    centre = np.full(points, 0.5)
    observed = centre * np.exp(noise * rng.standard_normal(points))
    many = replace(series, test=replace(series.test, quantities={"task_loss": observed, "examples": centre},
                                        rows=np.arange(points)), scale=np.full(points, series.top * 2))
    draws = centre * np.exp(noise * rng.standard_normal((400, points)))
    part = judge(Answer(centre, draws), many)["bins"]["to 0.5"]
    assert np.array(part["hits"]) / points == pytest.approx(LEVELS, abs=0.03)
    assert part["width"] / points == pytest.approx(2 * 1.645 * noise, rel=0.03)
    assert part["crps"] / points == pytest.approx(0.5642 * noise, rel=0.05)


def test_few_draws_hold_as_much_as_many(series: Series) -> None:
    """Forty draws and the outcome from one distribution: 90 % hold 90 %, where plain percentiles hold 86 %."""
    rng = np.random.default_rng(1)
    points = 4000
    observed = np.exp(rng.standard_normal(points))
    many = replace(series, test=replace(series.test, quantities={"task_loss": observed, "examples": observed},
                                        rows=np.arange(points)), scale=np.full(points, series.top * 2))
    part = judge(Answer(observed, np.exp(rng.standard_normal((40, points)))), many)["bins"]["to 0.5"]
    assert np.array(part["hits"]) / points == pytest.approx(LEVELS, abs=0.02)


def test_an_answer_without_values_has_no_score(series: Series) -> None:
    assert judge(Answer(np.full(8, np.nan)), series)["errors"] == {"rmsle": None, "are": None, "mae": None, "r2": None}
    negative = judge(Answer(-series.observed), series)["errors"]
    assert negative["rmsle"] is None
    assert negative["are"] == pytest.approx(2.0)


def test_outcomes_of_zero_and_below_are_judged_in_their_unit(series: Series) -> None:
    below = replace(series, test=replace(series.test, quantities={
        "task_loss": series.observed - 0.5, "examples": series.test["examples"]}))
    judged = judge(Answer(below.observed + 0.1, np.stack([below.observed - 0.1, below.observed + 0.1] * 20)), below)
    assert judged["errors"]["rmsle"] is None
    assert judged["errors"]["mae"] == pytest.approx(0.1)
    assert judged["bins"]["to 0.25"]["squares"] == pytest.approx(2 * 0.01)
    assert judged["bins"]["to 0.25"]["width"] == pytest.approx(2 * 0.2)
    assert judged["bins"]["to 0.25"]["hits"] == [2] * 4


def test_draws_that_miss_a_point_altogether_are_none(series: Series) -> None:
    draws = np.ones((10, 8))
    draws[:, 3] = np.nan
    assert "hits" not in judge(Answer(series.observed, draws), series)["bins"]["to 0.5"]

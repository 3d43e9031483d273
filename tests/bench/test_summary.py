"""What scores come to, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lawful.bench.metrics import Score
from lawful.bench.summary import beside, held, lines, losses, pairs, shares


def score(series: str, method: str, value: float | None, status: str = "answered", metric: str = "rmsle",
          **more: Any) -> Score:
    return Score("task", series, "all", method, status, metric, value, **more)


SCORES = [
    score("a", "auto", 0.1), score("a", "m1", 0.2), score("a", "m2", 0.1),
    score("b", "auto", 0.3), score("b", "m1", 0.2), score("b", "m2", None, "failed"),
    score("c", "auto", 0.1), score("c", "m1", 0.4), score("c", "m2", None, "timeout"),
    score("d", "auto", None, "failed"), score("d", "m1", None, "failed"), score("d", "m2", None, "failed"),
    score("a", "boosting", None, "not_run"),
]


def test_a_failure_is_charged_the_worst_of_the_others() -> None:
    found = losses(SCORES)
    assert found["task: b"] == {"auto": 0.3, "m1": 0.2, "m2": 0.3}
    assert found["task: c"]["m2"] == 0.4
    assert "task: d" not in found, "nobody answered: there is nothing to compare"
    assert "boosting" not in found["task: a"]


def test_lines_count_everything() -> None:
    by = {line.method: line for line in lines(SCORES)}
    assert (by["auto"].series, by["auto"].failed, by["auto"].median) == (4, 1, 0.1)
    assert by["auto"].mean == pytest.approx(0.5 / 3)
    assert (by["m2"].failed, by["m2"].timeouts) == (2, 1)
    assert by["m2"].mean == pytest.approx((0.1 + 0.3 + 0.4) / 3)
    assert by["boosting"].not_run == 1
    assert math.isnan(by["boosting"].median)
    assert lines(SCORES)[-1].method == "boosting"
    assert (by["auto"].best, by["m1"].best, by["m2"].best) == pytest.approx((1.5 / 3, 1 / 3, 0.5 / 3))


def test_shares_divide_ties_and_are_of_the_methods_named() -> None:
    assert shares(losses(SCORES), ["m1", "m2"]) == pytest.approx({"m1": 1.5 / 3, "m2": 1.5 / 3})
    assert math.isnan(shares(losses(SCORES), ["m1"])["m1"])


def test_pairs_say_in_what_a_method_is_not_ahead() -> None:
    m1, m2 = pairs(SCORES, "auto")
    assert (m1.rival, m1.series, m1.better, m1.ties) == ("m1", 3, 2, 0)
    assert m1.ratio == pytest.approx((0.5 * 1.5 * 0.25) ** (1 / 3))
    assert m1.ahead
    assert (m2.rival, m2.better, m2.ties) == ("m2", 1, 2)
    assert m2.ahead, "of the series that differ it is better on all, and median and mean are lower"
    other = [score("a", "auto", 0.1), score("a", "m1", 0.1)]
    assert not pairs(other, "auto")[0].ahead, "a tie is not ahead"


def test_r2_is_compared_as_one_minus_it() -> None:
    found = losses([score("a", "auto", 0.9, metric="r2"), score("a", "m1", -7.0, metric="r2")])
    assert found["task: a"] == pytest.approx({"auto": 0.1, "m1": 8.0})


def test_intervals_are_counted_by_horizon_points_and_series() -> None:
    near = {"n": 10, "hits": [5, 8, 9, 10], "width": 1.0, "crps": 0.1, "log_score": -2.0, "squares": 1.0}
    far = {"n": 2, "hits": [0, 1, 1, 1], "width": 1.0, "crps": 0.2, "log_score": -1.0, "squares": 1.0}
    found = {(one.method, one.horizon): one for one in held([
        score("a", "auto", 0.1, bins={"to 0.5": near, "to 1": far}), score("b", "auto", 0.1, bins={"to 1": far}),
        score("a", "m1", 0.1, bins={"to 0.5": {"n": 10, "squares": 1.0}}),
        score("c", "auto", None, "failed")])}
    assert set(found) == {("auto", "to 0.5"), ("auto", "to 1"), ("auto", "all")}
    every = found["auto", "all"]
    assert (every.series, every.points) == (2, 14)
    assert every.coverage == pytest.approx((5 / 14, 10 / 14, 11 / 14, 12 / 14))
    assert every.by_series[2] == pytest.approx((10 / 12 + 1 / 2) / 2)
    assert every.width == pytest.approx(3.0 / 14)
    assert found["auto", "to 1"].coverage[2] == pytest.approx(0.5)


def test_beside_a_published_score() -> None:
    reference = {"a": {"m1": 0.3}, "b": {"m1": 0.21}, "c": {"m1": 0.1}, "d": {"m1": 0.5}}
    assert beside(SCORES, reference, "m1") == (1, 1, 2), "better on a, near on b, worse on c; a failure is worse"
    assert beside(SCORES, reference, "m2") == (0, 0, 0)

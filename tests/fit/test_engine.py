"""The engine's promises beside accuracy: errors, statuses, seeds, plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.errors import InputError, LawError, RunsError, UnknownName
from lawful.fit import Fit, FitStatus, fit, forecast
from lawful.laws import law as published_law
from lawful.runs import RunTable


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", simulate(), bootstrap=200)


def test_the_same_seed_gives_the_same_draws(fitted: Fit) -> None:
    again = fit("chinchilla", simulate(), bootstrap=200)
    np.testing.assert_array_equal(again.draws, fitted.draws)
    other = fit("chinchilla", simulate(), bootstrap=200, seed=1)
    assert not np.array_equal(other.draws, fitted.draws)


def test_survives_a_round_trip_through_json(fitted: Fit) -> None:
    again = Fit.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.to_dict() == fitted.to_dict()
    assert again.law == fitted.law
    at = {"params": 1e10, "tokens": 1e12}
    assert forecast(again, at) == forecast(fitted, at)


def test_the_contract_of_the_fit(fitted: Fit) -> None:
    data = fitted.to_dict()
    assert data["schema"] == "lawful.fit/1"
    assert data["form"] == "chinchilla"
    assert data["n_runs"] == 48
    assert set(data["coefficients"]["E"]) == {"value", "std", "low", "high"}
    assert set(data["derived"]) == {"params_exponent", "tokens_exponent"}
    assert data["objective"]["name"] == "huber_log"
    assert data["objective"]["delta"] == 1e-3
    low, high = data["region"]["params"]
    assert low == simulate()["params"].min()
    assert high == simulate()["params"].max()


def test_text_shows_the_digits_of_the_data(fitted: Fit) -> None:
    text = repr(fitted)
    for name, i in fitted.intervals.items():
        assert f"{name}" in text
        assert f"{i.value:.6g}" in text
        assert f"[{i.low:.5g}, {i.high:.5g}]" in text


def test_a_fixed_coefficient_stays(fitted: Fit) -> None:
    held = fit("chinchilla", simulate(), bootstrap=50, fixed={"E": 1.82})
    assert held.law.coefficients["E"] == 1.82
    assert np.all(held.draws[:, 0] == 1.82)
    assert held.intervals["alpha"].std < fitted.intervals["alpha"].std


def test_a_floor_that_is_not_there_is_at_its_bound() -> None:
    compute = np.geomspace(1e18, 1e22, 30)
    found = fit("power_law_floor", RunTable.of(compute=compute, loss=(3e27 / compute) ** 0.09), bootstrap=0)
    assert found.status is FitStatus.AT_BOUND
    (warning,) = [w for w in found.warnings if w.code == "at_bound"]
    assert warning.message.startswith("E ran to the edge")


def test_one_fixed_ratio_is_not_called_identified() -> None:
    params = np.geomspace(1e7, 1e10, 20)
    law = type(TRUTH)(E=1.8, A=400.0, alpha=0.35, B=2000.0, beta=0.35)
    table = RunTable.of(params=params, tokens=20 * params, loss=law(params, 20 * params))
    found = fit("chinchilla", table, bootstrap=0)
    assert found.status in (FitStatus.AT_BOUND, FitStatus.NOT_IDENTIFIED)
    assert found.search.condition > 1e12


def test_bad_input_is_refused_by_name() -> None:
    design = isoflop_design()
    loss = TRUTH.at(design)
    with pytest.raises(RunsError, match="5 coefficients to fit and the table 3 runs"):
        fit("chinchilla", simulate(**{k: v[:3] for k, v in design.items()}))
    with pytest.raises(RunsError, match="params is 1e\\+08 in every run"):
        fit("chinchilla", RunTable.of(params=np.full(48, 1e8), tokens=design["tokens"], loss=loss))
    with pytest.raises(RunsError, match="loss is 3 in every run"):
        fit("chinchilla", RunTable.of(**design, loss=np.full(48, 3.0)))
    with pytest.raises(RunsError, match="no column for loss"):
        fit("chinchilla", RunTable.of(**design))
    with pytest.raises(UnknownName, match="nearest: chinchilla"):
        fit("chinchila", simulate())
    with pytest.raises(LawError, match="no coefficient Q"):
        fit("chinchilla", simulate(), fixed={"Q": 1.0})
    for options in ({"level": 1.5}, {"bootstrap": -1}, {"delta": 0.0}, {"loss": "absolute"}):
        with pytest.raises(InputError):
            fit("chinchilla", simulate(), **options)  # type: ignore[arg-type]


def test_a_gross_outlier_moves_the_huber_fit_little() -> None:
    clean = simulate()
    loss = clean["loss"].copy()
    loss[7] *= 1.5
    dirty = RunTable.of(params=clean["params"], tokens=clean["tokens"], loss=loss)
    huber, squares = (fit("chinchilla", dirty, bootstrap=0, loss=name).law for name in ("huber_log", "log_squares"))
    reference = fit("chinchilla", clean, bootstrap=0).law
    shift = {name: abs(law.coefficients["alpha"] - reference.coefficients["alpha"])
             for name, law in (("huber", huber), ("squares", squares))}
    assert shift["huber"] < 0.2 * shift["squares"]


class TestForecast:
    def test_value_interval_and_reach(self, fitted: Fit) -> None:
        at = {"params": fitted.region.spans["params"][1] * 10, "tokens": 1e11}
        answer = forecast(fitted, at)
        assert answer.value == pytest.approx(fitted.law(**at))
        assert answer.low is not None
        assert answer.high is not None
        assert answer.low < answer.value < answer.high
        assert answer.new_run is not None
        assert answer.new_run[1] - answer.new_run[0] > answer.high - answer.low
        assert answer.reach["params"] == pytest.approx(1.0)
        assert answer.reach["tokens"] == 0.0
        contract = {"schema", "output", "unit", "value", "low", "high", "level", "reach", "warnings"}
        assert contract <= set(answer.to_dict())

    def test_a_wider_level_is_wider(self, fitted: Fit) -> None:
        at = {"params": 1e10, "tokens": 1e12}
        narrow, wide = forecast(fitted, at, 0.5), forecast(fitted, at, 0.95)
        assert narrow.low is not None
        assert wide.low is not None
        assert wide.low < narrow.low

    def test_far_questions_say_how_far(self, fitted: Fit) -> None:
        answer = forecast(fitted, {"params": 1e13, "tokens": 1e15})
        (warning,) = [w for w in answer.warnings if w.code == "far_extrapolation"]
        assert "params by" in warning.message
        assert "tokens by" in warning.message

    def test_a_published_law_says_that_it_has_no_interval_and_where_it_failed(self) -> None:
        entry = published_law("hoffmann2022_approach3")
        answer = forecast(entry, {"params": 70e9, "tokens": 1.4e12})
        assert (answer.low, answer.high) == (None, None)
        codes = [w.code for w in answer.warnings]
        assert "no_interval" in codes
        assert codes.count("known_failure") == len(entry.failures)

    def test_refuses_what_the_law_does_not_take(self, fitted: Fit) -> None:
        with pytest.raises(LawError, match="missing tokens"):
            forecast(fitted, {"params": 1e9})
        with pytest.raises(LawError, match="does not take width"):
            forecast(fitted, {"params": 1e9, "tokens": 1e10, "width": 64})
        with pytest.raises(InputError, match="tokens must be positive"):
            forecast(fitted, {"params": 1e9, "tokens": 0.0})


def test_allocation_interval_holds_the_point_and_the_truth(fitted: Fit) -> None:
    best, intervals = fitted.allocate(1e22)
    assert intervals["params"].low < best.params < intervals["params"].high
    assert best.params * best.tokens * 6 == pytest.approx(1e22)
    truth = TRUTH.allocate(1e22)  # one table in ten misses a 90 % interval: four standard deviations, one in 10,000
    assert abs(truth.output - best.output) < 4 * intervals["loss"].std
    assert abs(np.log(truth.params / best.params)) < 4 * intervals["params"].std / best.params

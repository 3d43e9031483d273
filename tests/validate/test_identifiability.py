"""What the runs determine: profiles against known cases, combinations against draws, the next run against algebra."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.errors import LawError, RunsError
from lawful.fit import fit
from lawful.results import to_plain
from lawful.runs import RunTable
from lawful.validate.designs import collinear
from lawful.validate.identifiability import identify, trace
from lawful.validate.identified import Identifiability, identifiability_findings
from lawful.validate.next_run import Target, next_runs


@pytest.fixture(scope="module")
def sound() -> Identifiability:
    return identify(simulate())


@pytest.fixture(scope="module")
def ladder() -> Identifiability:
    params = np.geomspace(1e7, 1e10, 20)
    return identify(simulate(params=params, tokens=20 * params))


def test_a_straight_line_has_the_interval_of_least_squares() -> None:
    """loss = a + b x with known noise: the profile interval is estimate and quantile of the normal."""
    x = np.linspace(1.0, 2.0, 40)
    y = 3.0 - 0.5 * x + 0.01 * np.random.default_rng(0).standard_normal(40)
    from lawful.laws.formula import formula

    law = formula("a + b*x", output="y", inputs=["x"], positive=False, columns=["x"],
                  limits={"a": "-inf:inf", "b": "-inf:inf"})
    runs = RunTable.of(x=x, y=y)
    X = np.stack([np.ones(40), x], axis=1)
    c, rest, *_ = np.linalg.lstsq(X, y, rcond=None)
    std = np.sqrt(rest[0] / 38 * np.diag(np.linalg.inv(X.T @ X)))
    found = identify(runs, law, loss="squares")
    for coefficient, value, error in zip(found.coefficients, c, std, strict=True):
        assert coefficient.value == pytest.approx(value, rel=1e-6)
        assert coefficient.low == pytest.approx(value - 1.645 * error, abs=0.02 * error)
        assert coefficient.high == pytest.approx(value + 1.645 * error, abs=0.02 * error)


def test_profiles_agree_with_the_bootstrap_where_the_runs_determine_all(sound: Identifiability) -> None:
    drawn = fit("chinchilla", simulate(), bootstrap=500).intervals
    for c in sound.coefficients:
        assert c.verdict == "determined"
        assert c.low is not None
        assert c.high is not None
        i = drawn[c.name]
        assert np.log(c.high / c.low) == pytest.approx(np.log(i.high / i.low), rel=0.35)
        assert c.low < i.value < c.high


def test_a_combination_is_as_tight_among_draws_as_it_says(sound: Identifiability) -> None:
    draws = fit("chinchilla", simulate(), bootstrap=500)
    pairs = {(c.first, c.second): c for c in sound.combinations}
    c = pairs["log A", "alpha"]
    log_a, alpha = np.log(draws.draws[:, 1]), draws.draws[:, 2]
    assert np.std(log_a + c.slope * alpha) == pytest.approx(c.std, rel=0.5)
    assert np.std(log_a) > 10 * np.std(log_a + c.slope * alpha)
    assert -c.slope == pytest.approx(np.log(np.median(simulate()["params"])), rel=0.25), "the size of the term there"


def test_a_ladder_leaves_exponents_open_and_forecasts_along_it_determined(ladder: Identifiability) -> None:
    assert [d.code for d in ladder.designs] == ["fixed_ratio"]
    assert {c.name for c in ladder.coefficients if c.verdict == "open"} >= {"A", "alpha", "B", "beta"}
    assert "fixed tokens per parameter" in ladder.verdict
    std = {f.where: f.std for f in ladder.forecasts}
    assert std["amid the runs"] < 0.005
    assert std["a decade of scale beyond the runs, along the design"] < 0.02
    assert std["0.5 decades aside of there"] > 1
    codes = [f.code for f in identifiability_findings(ladder)]
    assert codes == ["collinear", "not_identified"]


def test_the_run_for_a_ladder_leaves_it(ladder: Identifiability) -> None:
    for run in ladder.next_runs:
        assert run.after < run.before
        assert run.cost <= run.most * (1 + 1e-9)
    off = [abs(np.log10(run.at["tokens"] / run.at["params"] / 20)) for run in ladder.next_runs]
    assert max(off) > 0.8, "and no further than a decade"
    assert ladder.next_runs[-1].after < 1e-2 * ladder.next_runs[0].before


def test_the_next_run_is_the_best_by_adding_each_to_the_information() -> None:
    rng = np.random.default_rng(0)
    made, offered = rng.standard_normal((3, 12)), rng.standard_normal((3, 30))
    aim = np.array([0.0, 1.0, 0.0])
    quantities = {"x": np.linspace(1, 2, 12)}, {"x": np.linspace(1, 2, 30)}
    covariance = 0.04 * np.linalg.inv(made @ made.T)
    (run,) = next_runs(*quantities, offered, covariance, 0.04, Target("t", aim, np.inf))
    each = [0.2 * np.sqrt(aim @ np.linalg.inv(made @ made.T + np.outer(g, g)) @ aim) for g in offered.T]
    assert run.after <= 1.02 * min(each)
    assert run.after == pytest.approx(each[int(np.searchsorted(quantities[1]["x"], run.at["x"] - 1e-9))])


def test_the_question_asked_is_the_target_and_the_cost_is_kept() -> None:
    found = identify(simulate(), at={"params": 7e9, "tokens": 1.4e11}, most=1e19)
    assert found.forecasts[-1].where == "as asked"
    (run,) = found.next_runs
    assert run.target == "the forecast asked for"
    assert run.before == pytest.approx(found.forecasts[-1].std)
    assert run.cost <= 1e19
    assert not identify(simulate(), most=1.0).next_runs, "nothing can be had for one FLOP"
    with pytest.raises(LawError, match="tokens"):
        identify(simulate(), at={"params": 7e9})


def test_what_cannot_be_fitted_is_refused_by_name() -> None:
    tokens = np.geomspace(1e9, 1e11, 12)
    with pytest.raises(RunsError, match="params is 1e"):
        identify(simulate(params=np.full(12, 1e8), tokens=tokens))


def test_a_trace_is_nothing_at_the_estimate_and_meets_the_interval_at_its_level(sound: Identifiability) -> None:
    (c,) = (c for c in sound.coefficients if c.name == "alpha")
    assert c.low is not None
    assert c.high is not None
    risen = trace(simulate(), "chinchilla", "alpha", np.array([c.low, c.value, c.high]))
    assert risen == pytest.approx([2.706, 0.0, 2.706], abs=0.15)
    with pytest.raises(LawError, match="no coefficient gamma"):
        trace(simulate(), "chinchilla", "gamma", np.array([0.3]))


def test_designs_by_name() -> None:
    params = np.geomspace(1e7, 1e10, 20)
    cases = {"fixed_ratio": 20 * params, "one_budget": 1e20 / params, "one_line": 1e3 * params**0.74}
    for code, tokens in cases.items():
        assert [d.code for d in collinear({"params": params, "tokens": tokens})] == [code]
    assert [d.code for d in collinear({"params": np.resize([1e8, 1e9], 20), "tokens": params})] == ["two_level"]
    assert not collinear(isoflop_design())
    assert not collinear({"compute": params})


def test_other_forms_and_plain_data() -> None:
    runs = simulate()
    for form in ("kaplan", "power_law_floor:compute"):
        found = identify(runs, form)
        data = to_plain(found)
        assert json.loads(json.dumps(data)) == data
        assert data["schema"] == "lawful.identifiability/1"
        assert found.next_runs[0].unit == "FLOP"
    held = identify(runs, "chinchilla", fixed={"E": TRUTH.E})
    assert "E" not in {c.name for c in held.coefficients}
    again = identify(runs, fit("chinchilla", runs, bootstrap=0))
    assert again.coefficients == identify(runs).coefficients


def test_a_long_table_is_known_as_well_as_its_length_says() -> None:
    runs = simulate(**isoflop_design(20, 150))
    drawn = fit("chinchilla", runs, bootstrap=100)
    for c in identify(runs, drawn).coefficients:
        i = drawn.intervals[c.name]
        assert c.low is not None
        assert c.high is not None
        assert np.log(c.high / c.low) == pytest.approx(np.log(i.high / i.low), rel=0.4)

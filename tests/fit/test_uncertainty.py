"""Every method of drawing about an estimate, against cases whose answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.errors import InputError, UnknownName
from lawful.fit import Fit, fit, forecast, posterior
from lawful.fit.information import information
from lawful.fit.objective import objective
from lawful.fit.posterior import effective_size, split_r_hat
from lawful.fit.problem import Problem
from lawful.fit.uncertainty import OTHERS, RESAMPLING
from lawful.results import to_plain
from lawful.runs import RunTable

METHODS = (*RESAMPLING, *OTHERS)


@pytest.fixture(autouse=True)
def _short_chains(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Chains of a few hundred steps, but where the test is about their mixing."""
    if "mixed" not in request.node.name:
        monkeypatch.setattr(posterior, "STEPS", 500)
        monkeypatch.setattr(posterior, "BURN", 150)

SMALL = 1e-4  # noise at which the law is linear over its own doubt


@pytest.fixture(scope="module")
def runs() -> RunTable:
    return simulate(noise=SMALL, **isoflop_design(budgets=8, sizes=10))


@pytest.mark.parametrize("method", METHODS)
def test_least_squares_where_the_law_is_linear_has_its_standard_errors(runs: RunTable, method: str) -> None:
    """sigma^2 (J'J)^-1, sigma from the residuals: what any method must come to."""
    found = fit("chinchilla", runs, loss="log_squares", bootstrap=600, uncertainty=method)
    c = np.array(list(found.law.coefficients.values()))
    problem = Problem(found.law, {name: runs[name] for name in TRUTH.inputs}, runs["loss"])
    J = problem.gradients(c)
    sigma2 = (found.residuals**2).sum() / (len(runs) - 5)
    errors = np.sqrt(sigma2 * np.diag(np.linalg.inv(J @ J.T)))
    for (name, interval), error in zip(found.intervals.items(), errors, strict=True):
        assert interval.std == pytest.approx(error, rel=0.25), name
        assert interval.high - interval.low == pytest.approx(2 * 1.645 * error, rel=0.25), name
    far = forecast(found, {"params": 1e10, "tokens": 2e11})
    at = Problem(found.law, {"params": np.array([1e10]), "tokens": np.array([2e11])}, np.ones(1)).gradients(c)[:, 0]
    expected = far.value * np.sqrt(sigma2 * at @ np.linalg.inv(J @ J.T) @ at)
    assert far.high is not None
    assert far.low is not None
    assert far.high - far.low == pytest.approx(2 * 1.645 * expected, rel=0.25)


@pytest.mark.parametrize("method", METHODS)
def test_the_draws_are_those_of_their_seed_and_the_method_is_saved(runs: RunTable, method: str) -> None:
    once, again, other = (fit("chinchilla", runs, bootstrap=40, uncertainty=method, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(once.draws, again.draws)
    assert not np.array_equal(once.draws, other.draws)
    assert once.draws.shape == (40, 5)
    assert once.law == other.law
    saved = Fit.from_dict(json.loads(json.dumps(to_plain(once))))
    assert saved.uncertainty["method"] == method
    assert fit("chinchilla", runs, bootstrap=0, uncertainty=method).draws.shape == (0, 5)


def test_the_covariance_of_a_huber_estimate_is_that_of_its_resamples() -> None:
    runs = simulate(noise=0.004, **isoflop_design(budgets=10, sizes=30))
    found = fit("chinchilla", runs, bootstrap=400)
    problem = Problem(found.law, {name: runs[name] for name in TRUTH.inputs}, runs["loss"])
    c = np.array(list(found.law.coefficients.values()))
    errors = np.sqrt(np.diag(information(problem, c, objective()).covariance))
    drawn = problem.space.free(found.draws).std(axis=0)
    np.testing.assert_allclose(drawn, errors, rtol=0.25)


def test_a_profile_is_as_skewed_as_the_objective_and_open_where_it_never_rises() -> None:
    """A floor that may as well be nothing: on the log scale its interval has a low end far away."""
    compute = np.geomspace(1e18, 1e20, 24)
    noise = np.exp(0.01 * np.random.default_rng(1).standard_normal(24))
    runs = RunTable.of(compute=compute, loss=60.0 / compute**0.07 * noise)
    found = fit("power_law_floor:compute", runs, loss="log_squares", uncertainty="profile", bootstrap=400)
    floor = found.intervals["E"]
    top = runs["loss"].min()
    assert floor.low < 0.2 * top
    assert floor.high < top
    assert floor.value / floor.low > 1.5 * floor.high / floor.value


def test_a_jackknife_leaves_out_clusters_and_parts_of_a_long_table() -> None:
    design = isoflop_design(budgets=10, sizes=6)
    budget = np.repeat(np.arange(10), 6)
    luck = 0.01 * np.random.default_rng(0).standard_normal(10)[budget]
    runs = RunTable.from_columns({**design, "loss": TRUTH.at(design) * np.exp(luck), "budget": budget})
    by_run, by_budget = (fit("chinchilla", runs, uncertainty="jackknife", cluster=cluster, bootstrap=300,
                             loss="log_squares") for cluster in (None, "budget"))
    assert by_run.uncertainty["left_out"] == 60
    assert by_budget.uncertainty["left_out"] == 10
    assert by_budget.intervals["alpha"].std > 1.2 * by_run.intervals["alpha"].std
    many = simulate(noise=0.01, **{name: np.repeat(values, 20) for name, values in isoflop_design().items()})
    assert fit("chinchilla", many, uncertainty="jackknife", bootstrap=10).uncertainty["left_out"] == 200


def test_the_posterior_says_how_well_it_mixed() -> None:
    found = fit("power_law_floor:compute", RunTable.of(compute=np.geomspace(1e18, 1e22, 40), loss=(
        1.8 + 4e3 / np.geomspace(1e18, 1e22, 40)**0.19) * np.exp(0.004 * np.random.default_rng(0).standard_normal(40))),
        uncertainty="posterior", loss="log_squares", bootstrap=500)
    assert set(found.uncertainty["r_hat"]) == {"E", "A", "alpha"}
    assert max(found.uncertainty["r_hat"].values()) < 1.01
    assert min(found.uncertainty["ess"].values()) > 400
    assert "not_mixed" not in [w.code for w in found.warnings]


def test_r_hat_and_effective_size_of_chains_that_are_known() -> None:
    rng = np.random.default_rng(0)
    independent = rng.standard_normal((4, 1000, 8, 2))
    assert split_r_hat(independent[:, :, 0]) == pytest.approx(1.0, abs=0.01)
    apart = independent[:, :, 0] + np.arange(4)[:, None, None]
    assert np.all(split_r_hat(apart) > 1.3)
    assert effective_size(independent) == pytest.approx(32_000, rel=0.1)
    slow = np.zeros((4, 4000, 8, 1))
    for step in range(1, 4000):  # an AR(1) chain of correlation 0.9: its time is (1 + 0.9) / (1 - 0.9) = 19
        slow[:, step] = 0.9 * slow[:, step - 1] + rng.standard_normal((4, 8, 1))
    assert effective_size(slow) == pytest.approx(4 * 4000 * 8 / 19, rel=0.15)


def test_methods_that_cannot_be_are_refused(runs: RunTable) -> None:
    with pytest.raises(UnknownName, match="unknown method 'jacknife' in --uncertainty; nearest: jackknife"):
        fit("chinchilla", runs, uncertainty="jacknife")
    with pytest.raises(InputError, match="posterior knows no clusters; with --cluster give bootstrap, studentised"):
        fit("chinchilla", runs, uncertainty="posterior", cluster="params")

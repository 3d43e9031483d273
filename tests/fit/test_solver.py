"""The solver against finite differences, scipy and itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.fit import fit
from lawful.fit.objective import objective
from lawful.fit.problem import Problem
from lawful.fit.space import Space
from lawful.fit.starts import Lattice
from lawful.laws.base import Limit
from lawful.laws.formula import formula
from lawful.runs import RunTable


@pytest.fixture(scope="module")
def problem() -> Problem:
    runs = simulate()
    return Problem(TRUTH, {name: runs[name] for name in TRUTH.inputs}, runs["loss"])


@pytest.mark.parametrize("name", ["huber_log", "log_squares"])
def test_gradient_and_hessian_are_those_of_the_objective(problem: Problem, name: str) -> None:
    penalty = objective(name, 0.05)
    weights = np.random.default_rng(0).integers(0, 4, (1, 48)).astype(float)
    u = problem.space.free(np.array([[1.7, 300.0, 0.33, 1500.0, 0.35]]))

    def at(v: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient, *_ = problem.derivatives(v, weights, penalty)
        return value[0], gradient[0]

    _, gradient, hessian = problem.derivatives(u, weights, penalty)
    scale = problem.scale(u, weights, penalty)
    step = 1e-5
    for j in range(5):
        ahead, behind = u.copy(), u.copy()
        ahead[0, j] += step
        behind[0, j] -= step
        (f1, g1), (f0, g0) = at(ahead), at(behind)
        assert gradient[0, j] == pytest.approx((f1 - f0) / (2 * step), rel=1e-5, abs=1e-9)
        np.testing.assert_allclose(hessian[0, j], (g1 - g0) / (2 * step), rtol=2e-4, atol=1e-6)
    assert np.all(scale > 0)


def test_the_linear_coefficients_are_found_from_the_form(problem: Problem) -> None:
    assert problem.linear == ("E", "A", "B")


def test_agrees_with_scipy_least_squares(problem: Problem) -> None:
    from scipy.optimize import least_squares

    penalty = objective("log_squares")
    ours = problem.descend(Lattice.of(problem).best(None, 4)[0], None, penalty)
    theirs = least_squares(lambda c: problem.residuals(c.reshape(1, -1))[0], ours.coefficients[0] * 1.02,
                           x_scale=ours.coefficients[0], xtol=1e-14, ftol=1e-15, gtol=1e-14)
    assert ours.objective[0] <= theirs.cost * (1 + 1e-9)
    np.testing.assert_allclose(ours.coefficients[0], theirs.x, rtol=1e-4)


def test_a_batch_is_its_rows(problem: Problem) -> None:
    rng = np.random.default_rng(1)
    weights = rng.multinomial(48, np.full(48, 1 / 48), size=7).astype(float)
    starts = np.repeat(np.array([[1.8, 500.0, 0.35, 2000.0, 0.36]]), 7, axis=0)
    together = problem.descend(starts, weights, objective())
    for i in range(7):
        alone = problem.descend(starts[i : i + 1], weights[i : i + 1], objective())
        assert alone.objective[0] == pytest.approx(together.objective[i], rel=1e-9)


def test_lattice_projection_solves_the_linear_part(problem: Problem) -> None:
    """At the true exponents the projected E, A and B are the weighted least-squares ones."""
    lattice = Lattice.of(problem)
    best = lattice.best(None, 1)[0, 0]
    basis = np.stack([np.ones(48), problem.quantities["params"] ** -best[2], problem.quantities["tokens"] ** -best[4]])
    relative = (basis / problem.observed).T
    expected, *_ = np.linalg.lstsq(relative, np.ones(48), rcond=None)
    if (expected > 0).all():
        np.testing.assert_allclose([best[0], best[1], best[3]], expected, rtol=1e-3)
    misfit = ((relative @ [best[0], best[1], best[3]] - 1) ** 2).sum()
    assert misfit < 1.3 * ((relative @ np.abs(expected) - 1) ** 2).sum() + 1e-3


@pytest.mark.parametrize("limit", [Limit(0.0, math.inf, (1, 2)), Limit(-math.inf, math.inf, (1, 2)),
                                   Limit(0.5, 3.0, (1, 2))])
def test_the_change_of_variable_inverts_and_differentiates(limit: Limit) -> None:
    space = Space((limit,))
    c = np.array([[0.7], [1.3], [2.9]])
    u = space.free(c)
    np.testing.assert_allclose(space.coefficients(u), c, rtol=1e-9)
    _, first, second = space.open(u)
    h = 1e-5
    up, down = space.coefficients(u + h), space.coefficients(u - h)
    np.testing.assert_allclose(first, (up - down) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(second, (up - 2 * c + down) / h**2, rtol=1e-3, atol=1e-4)


def test_an_input_of_zero_raised_to_a_fitted_power_stalls_no_search() -> None:
    """0**B has slope 0 in B; arithmetic makes it 0 times minus infinity."""
    hours = np.arange(30.0)
    law = formula("accuracy = A - (A - R) / (1 + (hours / M)**B)", inputs=["hours"])
    runs = RunTable.of(hours=hours, accuracy=0.8 - 0.7 / (1 + (hours / 8) ** 3))
    found = fit(law, runs, loss="squares", bootstrap=0).law.coefficients
    assert found == pytest.approx({"A": 0.8, "R": 0.1, "M": 8.0, "B": 3.0}, rel=1e-6)

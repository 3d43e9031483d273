"""A local polynomial about its minimum: exact where the truth is one, robust, and refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.fit.sweeps.minima import basis, gradient, hessian, local_minimum, monomials_of

GRID = np.array(np.meshgrid(np.arange(9) * 0.4, np.arange(8) * 0.5)).reshape(2, -1).T
H = np.array([[0.020, -0.004], [-0.004, 0.014]])
AT = np.array([1.55, 1.80])


def bowl(x: np.ndarray, skew: float = 0.0) -> np.ndarray:
    z = x - AT
    return 0.7 + 0.5 * np.einsum("ri,ij,rj->r", z, H, z) + skew * z[:, 0] ** 3


@pytest.mark.parametrize(("dimensions", "order", "count"), [(1, 2, 3), (1, 3, 4), (2, 1, 5), (2, 2, 6), (2, 3, 10),
                                                            (3, 1, 7), (3, 2, 10), (3, 3, 20)])
def test_a_bowl_has_as_many_coefficients_as_monomials(dimensions: int, order: int, count: int) -> None:
    monomials = monomials_of(dimensions, order)
    assert len(monomials) == count
    assert len({tuple(row) for row in monomials.tolist()}) == count


def test_derivatives_agree_with_differences() -> None:
    monomials, rng = monomials_of(3, 3), np.random.default_rng(0)
    c, x, h = rng.standard_normal(len(monomials)), rng.standard_normal(3), 1e-5
    steps = h * np.eye(3)
    slope = [(basis(x + e, monomials) - basis(x - e, monomials)) @ c / (2 * h) for e in steps]
    bend = [(gradient(x + e, monomials) - gradient(x - e, monomials)) @ c / (2 * h) for e in steps]
    assert gradient(x, monomials) @ c == pytest.approx(slope, abs=1e-8)
    assert hessian(x, monomials, c) == pytest.approx(np.array(bend), abs=1e-8)


@pytest.mark.parametrize(("order", "skew"), [(2, 0.0), (3, 0.0), (3, 0.002)])
def test_an_exact_bowl_is_found_exactly(order: int, skew: float) -> None:
    found = local_minimum(GRID, bowl(GRID, skew), 0.05, order)
    assert found is not None
    assert found.position == pytest.approx(AT, abs=1e-8)
    assert found.value == pytest.approx(0.7, abs=1e-10)
    assert found.curvature == pytest.approx(H, abs=1e-8)
    away = np.array([0.3, -0.2])
    assert found.above(away) == pytest.approx(bowl((AT + away)[None], skew)[0] - 0.7, abs=1e-9)


def test_a_parabola_misses_a_skewed_minimum_to_the_gentle_side() -> None:
    cubic, parabola = (local_minimum(GRID, bowl(GRID, 0.002), 0.05, order) for order in (3, 2))
    assert cubic is not None
    assert parabola is not None
    assert cubic.position is not None
    assert parabola.position is not None
    assert parabola.position[0] < AT[0] - 0.02 < cubic.position[0]


def test_gross_outliers_do_not_move_it() -> None:
    rng = np.random.default_rng(1)
    y = bowl(GRID) + 0.001 * rng.standard_normal(len(GRID))
    clean = local_minimum(GRID, y, 0.05, 3)
    spoilt = y.copy()
    spoilt[rng.choice(len(y), 7, replace=False)] += rng.uniform(0.01, 2.0, 7)
    found = local_minimum(GRID, spoilt, 0.05, 3)
    assert clean is not None
    assert found is not None
    std = clean.noise * np.sqrt(np.diag(clean.unit_covariance))
    assert np.abs(found.position - clean.position).max() < 2 * std.max()
    assert found.noise < 0.002, "the noise is that of the others"


def test_standard_errors_are_those_of_repetition() -> None:
    rng = np.random.default_rng(2)
    found = [local_minimum(GRID, bowl(GRID) + 0.001 * rng.standard_normal(len(GRID)), 0.05, 3) for _ in range(80)]
    seen = np.std([[*m.position, m.value] for m in found], axis=0)
    said = np.median([m.noise * np.sqrt(np.diag(m.unit_covariance)) for m in found], axis=0)
    assert said / seen == pytest.approx(np.ones(3), abs=0.25)  # a deviation of 80 is known to 8 %
    assert np.median([m.noise for m in found]) == pytest.approx(0.001, rel=0.1)
    drawn = found[0].draws(4000, found[0].noise, 60.0, seed=0)
    own = found[0].noise * np.sqrt(np.diag(found[0].unit_covariance))
    assert np.nanstd(drawn, axis=0) == pytest.approx(own, rel=0.25)


def test_runs_on_a_line_determine_no_bowl() -> None:
    line = np.column_stack([np.arange(12) * 0.3, np.arange(12) * 0.3])
    assert local_minimum(line, bowl(line), 1.0, 2) is None
    assert local_minimum(line, bowl(line), 1.0, 1) is None


def test_a_saddle_has_no_position() -> None:
    z = GRID - AT
    found = local_minimum(GRID, 0.7 + 0.01 * z[:, 0] ** 2 - 0.01 * z[:, 1] ** 2, 1.0, 2)
    assert found is not None
    assert found.position is None

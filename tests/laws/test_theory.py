"""Broken power laws, M4 solved in closed form, and the exponents that theory ties together."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.laws.language import AdditiveLoss
from lawful.laws.registry import law
from lawful.laws.theory import (
    BrokenPowerLaw1,
    BrokenPowerLaw2,
    ManifoldExponent,
    ManifoldLoss,
    QuantaLoss,
    SaturatingPowerLaw,
    TaskFloorLaw,
)

ADDITION = law("caballero2022_bnsl:addition").law
X = np.geomspace(1e2, 1e9, 50)


def test_a_broken_power_law_is_one_smooth_product_and_not_two_pieces():
    a, b, c_0, c_1, d, f = ADDITION.coefficients.values()
    x = np.geomspace(1.0, 4095.0, 100)
    assert ADDITION(examples=x) == pytest.approx(a + b * x**-c_0 * (1 + (x / d) ** (1 / f)) ** (-c_1 * f))
    assert (np.diff(ADDITION(examples=x)) < 0).all()
    at_break = a + b * d**-c_0 * 2 ** (-c_1 * f)
    assert ADDITION(examples=d) == pytest.approx(at_break)


def test_the_slope_is_minus_c0_before_the_break_and_minus_c0_plus_c1_behind_it():
    one = BrokenPowerLaw1(a=1e-12, b=2.0, c_0=0.2, c_1=0.5, d_1=1e6, f_1=0.3, over="tokens")
    for x, slope in ((1e2, -0.2), (1e10, -0.7)):
        low, high = one(tokens=x / 1.1), one(tokens=x * 1.1)
        assert np.log(high / low) / np.log(1.21) == pytest.approx(slope, abs=1e-6)


def test_a_sharp_break_far_away_stays_finite():
    one = BrokenPowerLaw1(a=1e-9, b=1.0, c_0=0.1, c_1=0.2, d_1=1.0, f_1=1e-3)
    assert one(compute=1e20) == pytest.approx(1e-9 + 1e20**-0.3)


def test_two_breaks_without_a_second_change_are_one_and_none_is_a_floored_power_law():
    one = BrokenPowerLaw1(a=0.3, b=9.0, c_0=0.2, c_1=0.3, d_1=1e5, f_1=0.4, over="examples")
    two = BrokenPowerLaw2(a=0.3, b=9.0, c_0=0.2, c_1=0.3, d_1=1e5, f_1=0.4, c_2=0.0, step=50.0, f_2=0.7,
                          over="examples")
    assert two(examples=X) == pytest.approx(one(examples=X))
    assert two.d_2 == 5e6
    none = BrokenPowerLaw1(a=0.3, b=9.0, c_0=0.2, c_1=0.0, d_1=1e5, f_1=0.4, over="examples")
    assert none(examples=X) == pytest.approx(TaskFloorLaw(c=0.3, a=9.0, b=0.2, over="examples")(examples=X))


def test_a_broken_power_law_may_turn():
    turning = BrokenPowerLaw1(a=0.1, b=2.0, c_0=0.2, c_1=-0.5, d_1=1e5, f_1=0.3, over="examples")(examples=X)
    assert np.argmin(turning) not in (0, len(X) - 1)


@pytest.mark.parametrize(("cls", "breaks"), [(BrokenPowerLaw1, 1), (BrokenPowerLaw2, 2)])
def test_the_formula_reads_as_printed(cls, breaks):
    shown = cls(**dict.fromkeys(cls.names(), 1.5), over="params").formula()
    assert shown.startswith("task_loss = a + b / params**c_0 * (1 + (params / d_1)**(1 / f_1))**(-c_1 * f_1)")
    assert shown.count("(1 + (params") == breaks


@pytest.mark.parametrize(("alpha", "apart"), [
    (0.25, 2e-4), (0.5, 1e-6), (1.0, 1e-12), (2.0, 1e-6), (4.0, 2e-4), (10.0, 1e-2)])
def test_m4_solves_its_implicit_law(alpha, apart):
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.85, alpha=alpha, beta=100.0, c=0.5)
    x = np.geomspace(1e0, 1e9, 200)
    e = m4(examples=x)
    inside = (e - 0.1 > 1e-5) & (m4.e_0 - e > 1e-5)
    left = (e - m4.e_inf) / (m4.e_0 - e) ** alpha
    assert inside.sum() > 50
    assert left[inside] == pytest.approx((100.0 / x**0.5)[inside], rel=apart)
    assert (np.diff(e) <= 0).all()


def test_m4_leaves_a_plateau_and_ends_in_a_floored_power_law():
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.85, alpha=1.5, beta=100.0, c=0.5)
    assert m4(examples=1e-8) == pytest.approx(m4.e_0, abs=1e-4)
    x = np.geomspace(1e12, 1e14, 5)
    assert m4(examples=x) - 0.1 == pytest.approx(100.0 * 0.85**1.5 / x**0.5, rel=1e-3)


def test_m4_with_alpha_one_is_a_hyperbola():
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.9, alpha=1.0, beta=100.0, c=0.5)
    f = 100.0 / X**0.5
    assert m4(examples=X) == pytest.approx((0.1 + f) / (1 + f))


def test_the_manifold_gives_the_exponent_of_its_loss():
    d = 20.0
    loss = ManifoldLoss(L_inf=1.0, A=3.0, d=d, over="params", m=4.0)
    power = TaskFloorLaw(c=1.0, a=3.0, b=ManifoldExponent(m=4.0)(intrinsic_dim=d), over="params")
    assert loss(params=X) == pytest.approx(power(params=X))


def test_quanta_are_chinchilla_with_its_exponents_tied():
    quanta = QuantaLoss(E=1.8, A=400.0, alpha=0.3478, B=900.0)
    assert quanta.beta == pytest.approx(0.2581, abs=5e-5)   # Besiroglu's refit finds 0.366: the tie is rejected
    free = AdditiveLoss(E=1.8, A=400.0, alpha=0.3478, B=900.0, beta=quanta.beta)
    assert quanta(params=1e9, tokens=2e10) == free(params=1e9, tokens=2e10)
    assert quanta.optimal_params(1e20) == pytest.approx(free.optimal_params(1e20))
    assert quanta.optimal_params(1e20) == pytest.approx(quanta.numeric_optimal_params(1e20), rel=1e-5)
    assert quanta.allocation_exponents() == pytest.approx(free.allocation_exponents())

"""Curves that bend: what their formulas say at their ends, in between, and about each other."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.laws import form, law
from lawful.laws.broken import (
    BendingPowerLaw,
    BrokenPowerLaw1,
    BrokenPowerLaw2,
    BrokenPowerLaw3,
    BrokenPowerLaw4,
    DoubleDescent,
    Gompertz,
    SaturatingPowerLaw,
    Sigmoid,
)
from lawful.laws.downstream import ComputeAccuracy
from lawful.laws.theory import TaskFloorLaw, TaskPowerLaw

ADDITION = law("caballero2022_bnsl:addition").law
BROKEN = (BrokenPowerLaw1, BrokenPowerLaw2, BrokenPowerLaw3, BrokenPowerLaw4)
X = np.geomspace(1e2, 1e9, 50)

FOUR = BrokenPowerLaw4(a=0.2, b=3.0, c_0=0.05, c_1=0.4, d_1=1e4, f_1=0.3, c_2=-0.6, step_2=10.0, f_2=0.2, c_3=0.9,
                       step_3=8.0, f_3=0.4, c_4=-0.3, step_4=20.0, f_4=0.3, over="examples")


def test_a_broken_power_law_is_one_smooth_product_and_not_two_pieces():
    a, b, c_0, c_1, d, f = ADDITION.coefficients.values()
    x = np.geomspace(1.0, 4095.0, 100)
    assert ADDITION(examples=x) == pytest.approx(a + b * x**-c_0 * (1 + (x / d) ** (1 / f)) ** (-c_1 * f))
    assert (np.diff(ADDITION(examples=x)) < 0).all()
    at_break = a + b * d**-c_0 * 2 ** (-c_1 * f)
    assert ADDITION(examples=d) == pytest.approx(at_break)


def test_four_breaks_are_the_printed_product_and_lie_where_the_steps_lead():
    c, places = FOUR.coefficients, (1e4, 1e5, 8e5, 1.6e7)
    assert FOUR.places == pytest.approx(places)
    product = np.ones_like(X)
    for i, d in enumerate(places, start=1):
        product *= (1 + (X / d) ** (1 / c[f"f_{i}"])) ** (-c[f"c_{i}"] * c[f"f_{i}"])
    assert FOUR(examples=X) == pytest.approx(0.2 + 3.0 * X**-0.05 * product)


def test_the_slope_is_minus_c0_before_the_break_and_minus_c0_plus_c1_behind_it():
    one = BrokenPowerLaw1(a=1e-12, b=2.0, c_0=0.2, c_1=0.5, d_1=1e6, f_1=0.3, over="tokens")
    for x, slope in ((1e2, -0.2), (1e10, -0.7)):
        low, high = one(tokens=x / 1.1), one(tokens=x * 1.1)
        assert np.log(high / low) / np.log(1.21) == pytest.approx(slope, abs=1e-6)


def test_a_sharp_break_far_away_stays_finite():
    one = BrokenPowerLaw1(a=1e-9, b=1.0, c_0=0.1, c_1=0.2, d_1=1.0, f_1=1e-3)
    assert one(compute=1e20) == pytest.approx(1e-9 + 1e20**-0.3)


def test_a_break_without_a_change_is_none():
    one = BrokenPowerLaw1(a=0.3, b=9.0, c_0=0.2, c_1=0.3, d_1=1e5, f_1=0.4, over="examples")
    two = BrokenPowerLaw2(a=0.3, b=9.0, c_0=0.2, c_1=0.3, d_1=1e5, f_1=0.4, c_2=0.0, step_2=50.0, f_2=0.7,
                          over="examples")
    assert two(examples=X) == pytest.approx(one(examples=X))
    assert two.places == (1e5, 5e6)
    none = BrokenPowerLaw1(a=0.3, b=9.0, c_0=0.2, c_1=0.0, d_1=1e5, f_1=0.4, over="examples")
    assert none(examples=X) == pytest.approx(TaskFloorLaw(c=0.3, a=9.0, b=0.2, over="examples")(examples=X))


@pytest.mark.parametrize("breaks", [2, 3, 4])
def test_one_break_more_can_stand_anywhere_without_changing_the_curve(breaks):
    simpler = BROKEN[breaks - 2]
    known = simpler(**{name: FOUR.coefficients[name] for name in simpler.names()}, over="examples")
    more = form(f"bnsl{breaks}:examples").extending(known, X)
    assert {type(each) for each in more} == {BROKEN[breaks - 1]}
    spread = {place for each in more for place in each.places}
    assert min(spread) < 3e2
    assert max(spread) > 3e8
    for each in more:
        assert each(examples=X) == pytest.approx(known(examples=X))


def test_a_first_break_can_stand_anywhere_in_a_power_law_with_a_floor():
    floor = TaskFloorLaw(c=0.3, a=9.0, b=0.2, over="examples")
    for each in form("bnsl1:examples").extending(floor, X):
        assert each(examples=X) == pytest.approx(floor(examples=X))


def test_a_broken_power_law_may_turn():
    turning = BrokenPowerLaw1(a=0.1, b=2.0, c_0=0.2, c_1=-0.5, d_1=1e5, f_1=0.3, over="examples")(examples=X)
    assert np.argmin(turning) not in (0, len(X) - 1)


@pytest.mark.parametrize("breaks", [1, 2, 3, 4])
def test_the_formula_reads_as_printed(breaks):
    shown = form(f"bnsl{breaks}:params").formula()
    assert shown.startswith("task_loss = a + b / params**c_0 * (1 + (params / d_1)**(1 / f_1))**(-c_1 * f_1)")
    assert shown.count("(1 + (params") == breaks
    assert breaks < 3 or "(1 + (params / (d_1 * step_2 * step_3))**(1 / f_3))**(-c_3 * f_3)" in shown


@pytest.mark.parametrize(("name", "fewest"), [("bnsl1", 7), ("bnsl2", 11), ("bnsl3", 15), ("bnsl4", 19), ("m2", 3),
                                              ("m4", 6), ("double_descent", 7)])
def test_a_bend_needs_a_run_to_contradict_it(name, fewest):
    law_ = form(name)
    assert law_.fewest_runs(len(law_.names())) == fewest


def test_the_estimators_of_the_benchmark_go_by_their_names():
    assert [type(form(f"m{i}")) for i in range(1, 5)] == [TaskPowerLaw, TaskFloorLaw, BendingPowerLaw,
                                                          SaturatingPowerLaw]


def test_m3_is_m2_below_its_bend_and_flat_above_it():
    m3 = BendingPowerLaw(e=0.1, b=0.05, d=1e6, c=0.5)
    assert (m3.gamma, m3.beta) == pytest.approx((1e-6, 50.0))
    m2 = TaskFloorLaw(c=0.1, a=50.0, b=0.5, over="examples")
    assert m3(examples=1e2) == pytest.approx(m2(examples=1e2), rel=1e-4)
    assert m3(examples=1e12) == pytest.approx(0.1 + 0.05, rel=1e-5)
    assert m3(examples=1e5) == pytest.approx(0.1 + 50.0 * (1e-5 + 1e-6) ** 0.5)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0])
def test_m4_solves_its_implicit_law(alpha):
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.85, alpha=alpha, d=1e4, c=0.5)
    x = np.geomspace(1e0, 1e9, 200)
    e = m4(examples=x)
    assert (np.diff(e) <= 0).all()
    inside = (e - 0.1 > 1e-4) & (m4.e_0 - e > 1e-4)  # nearer to an end the difference itself loses digits
    e, x = e[inside], x[inside]
    assert len(e) > 30
    assert (e - m4.e_inf) / (m4.e_0 - e) ** alpha == pytest.approx(m4.beta / x**0.5, rel=1e-10)


def test_m4_leaves_a_plateau_and_ends_in_a_floored_power_law():
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.85, alpha=1.5, d=1e4, c=0.5)
    assert m4(examples=1e-8) == pytest.approx(m4.e_0, abs=1e-4)
    x = np.geomspace(1e12, 1e14, 5)
    assert m4(examples=x) - 0.1 == pytest.approx(m4.beta * 0.85**1.5 / x**0.5, rel=1e-3)


def test_m4_with_alpha_one_is_a_hyperbola():
    m4 = SaturatingPowerLaw(e_inf=0.1, span=0.9, alpha=1.0, d=1e4, c=0.5)
    assert m4.beta == pytest.approx(100.0)
    f = 100.0 / X**0.5
    assert m4(examples=X) == pytest.approx((0.1 + f) / (1 + f))


def test_double_descent_falls_rises_to_its_peak_and_falls_again():
    law_ = DoubleDescent(E=0.2, A=5.0, alpha=0.3, B=0.3, d=1e5, w=0.8, over="params")
    y = law_(params=X)
    turns = X[1:-1][np.diff(np.sign(np.diff(y))) != 0]
    assert len(turns) == 2
    assert turns[0] < turns[1] < 1.2e5
    smooth = TaskFloorLaw(c=0.2, a=5.0, b=0.3, over="params")
    assert law_(params=1e5) == pytest.approx(smooth(params=1e5) + 0.3)
    assert law_(params=1e9) == pytest.approx(smooth(params=1e9))


def test_sigmoids_have_both_asymptotes_and_meet_where_they_say():
    logistic, late = (cls(b=0.25, a=0.6, d=1e21, s=0.8, over="compute") for cls in (Sigmoid, Gompertz))
    for law_ in (logistic, late):
        assert law_(compute=1e5) == pytest.approx(0.25)
        assert law_(compute=1e40) == pytest.approx(0.85)
    assert logistic(compute=1e21) == pytest.approx(0.25 + 0.3)
    assert late(compute=1e21) == pytest.approx(0.25 + 0.6 / np.e)
    c = np.geomspace(1e17, 1e25, 9)
    assert logistic(compute=c) == pytest.approx(ComputeAccuracy(b=0.25, a=0.6, C_half=1e21, s=0.8)(compute=c))

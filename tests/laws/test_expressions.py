"""Formulas as data: derivatives, simplification and text all follow from the one call."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lawful.laws import form, forms
from lawful.laws.expressions import (
    Tape,
    _in_order,
    constant,
    differentiate,
    evaluate,
    exp,
    expm1,
    log,
    maximum,
    minimum,
    sigmoid,
    softplus,
    symbol,
    unbend,
)
from lawful.quantities import QUANTITIES

X, Y, Z = symbol("x"), symbol("y"), symbol("z")

FORMS = [name for name, cls in forms().items() if cls.__module__ in ("lawful.laws.language", "lawful.laws.power")]
"""Forms whose coefficients may be drawn anywhere they start; tests/catalogue walks the others about their numbers."""

SPANS = {"count": (1e5, 1e12), "tokens": (1e7, 1e13), "FLOP": (1e15, 1e25), "nats/token": (0.5, 8.0),
         "steps": (1e2, 1e7), "fraction": (0.01, 0.99)}


def value_of(expression, **at):
    """One number; every symbol is free, so that nothing is computed ahead."""
    return float(Tape([expression], {})({name: np.float64(value) for name, value in at.items()})[0])


def draw(law, rng, batch, runs):
    """Coefficients (batch, 1) in the spans where a search starts, and quantities (run,) of usual sizes."""
    coefficients = {}
    for name, limit in law.limits().items():
        low, high = limit.start
        unit = rng.random((batch, 1))
        coefficients[name] = np.exp(np.log(low) + unit * np.log(high / low)) if low > 0 else low + unit * (high - low)
    spans = {name: SPANS.get(QUANTITIES[name].unit, (1.0, 1e4)) for name in law.inputs}
    quantities = {name: np.exp(rng.uniform(np.log(low), np.log(high), runs)) for name, (low, high) in spans.items()}
    return coefficients, quantities


def slope(function, at, name, step=2e-5):
    """The derivative of ``function`` by five points, an error of order step**4."""
    def moved(by):
        return function({**at, name: at[name] * (1 + by * step)})

    return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step * at[name])


@pytest.mark.parametrize("name", FORMS)
def test_derivatives_are_those_of_the_call(name):
    """First derivatives against differences of the law as called, second against those of the first."""
    law = form(name)
    coefficients, quantities = draw(law, np.random.default_rng(7), batch=300, runs=4)
    formula = law.expression()
    assert formula.symbols() == {*coefficients, *quantities}

    def call(at):
        return law.with_coefficients({n: at[n] for n in coefficients})(**{n: at[n] for n in quantities})

    at = {**coefficients, **quantities}
    with np.errstate(all="ignore"):
        level = np.asarray(call(at))
        calm = np.ones(level.shape, dtype=bool)
        for part in Tape(_in_order([formula]), {})(at):  # beyond 1e150 a square no longer fits a float64
            calm &= (np.abs(part) > 1e-100) & (np.abs(part) < 1e100)
        assert calm.mean() > 0.2, "enough of the start region gives usual values"
        tape = Tape([formula], quantities)
        assert tape(coefficients)[0][calm] == pytest.approx(level[calm], rel=1e-10)
        for first in at:
            gradient = differentiate(formula, first)
            run = Tape([gradient], {})
            exact = np.broadcast_to(run(at)[0], level.shape)
            slack = 1e-7 * np.abs(level / at[first])
            near(exact, slope(call, at, first), slack, calm)
            batched = Tape([gradient], quantities)(coefficients)[0]
            assert np.broadcast_to(batched, level.shape)[calm] == pytest.approx(exact[calm], rel=1e-9)
            for second in at:
                curvature = np.broadcast_to(Tape([differentiate(gradient, second)], {})(at)[0], level.shape)
                numeric = slope(lambda moved, run=run: np.broadcast_to(run(moved)[0], level.shape), at, second)
                near(curvature, numeric, 1e-7 * np.abs(exact / at[second]) + slack / np.abs(at[second]), calm)
                other = differentiate(differentiate(formula, second), first)
                mirrored = np.broadcast_to(Tape([other], {})(at)[0], level.shape)
                near(curvature, mirrored, 1e-3 * slack / np.abs(at[second]), calm)


def near(exact, numeric, slack, where):
    bad = where & np.isfinite(numeric) & ~(np.abs(exact - numeric) <= 1e-5 * np.abs(exact) + slack)
    assert not bad.any(), (exact[bad][:3], numeric[bad][:3])


FORMULAS = {
    "chinchilla": "loss = E + A / params**alpha + B / tokens**beta",
    "kaplan": "loss = ((N_c / params)**(alpha_N / alpha_D) + D_c / tokens)**alpha_D",
    "optimal_params": "params = k * compute**a",
    "kaplan_steps": "loss = (N_c / params)**alpha_N + (S_c / steps)**alpha_S",
    "critical_batch": "batch_tokens = B_star / loss**(1 / alpha_B)",
    "power_law": "loss = (x_c / compute)**alpha",
    "power_law_floor": "loss = E + A / compute**alpha",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_text_is_the_formula_of_the_paper(name):
    assert name in FORMULAS, "type the paper's formula here for every new form"
    assert form(name).formula() == FORMULAS[name]


def test_the_text_names_the_quantity_it_is_over():
    assert form("power_law:tokens").formula() == "loss = (x_c / tokens)**alpha"
    assert form("power_law_floor:params").formula() == "loss = E + A / params**alpha"


# ------------------------------------------------------------------------------ random expressions

VALUES = {"x": 0.7, "y": 1.9, "z": 3.1}
FUNCTIONS = {"exp": math.exp, "log": math.log, "minimum": min, "maximum": max}
SYMBOLS = {"x": X, "y": Y, "z": Z}
ABOVE_ZERO = (operator.add, operator.mul, operator.truediv)


def both(operation, *pairs):
    """``operation`` on expressions and on plain floats side by side; None where floats overflow."""
    try:
        number = operation(*(p[1] for p in pairs))
    except (OverflowError, ZeroDivisionError):
        number = math.inf
    return operation(*(p[0] for p in pairs)), number


def apply(name):
    symbolic = {"exp": exp, "log": log, "minimum": minimum, "maximum": maximum}[name]

    def operation(*args):
        return (FUNCTIONS[name] if isinstance(args[0], float) else symbolic)(*args)

    return operation


constants = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0]).map(lambda v: (constant(v), v))
leaves = st.sampled_from(list(SYMBOLS)).map(lambda n: (SYMBOLS[n], VALUES[n])) | constants
exponents = (leaves | st.sampled_from([-2.0, -1.0, 0.0]).map(lambda v: (constant(v), v))
             | leaves.map(lambda a: both(operator.neg, a)))
positive = st.recursive(leaves, lambda inner: (
    st.tuples(st.sampled_from(ABOVE_ZERO), inner, inner).map(lambda t: both(t[0], t[1], t[2]))
    | st.tuples(inner, exponents).map(lambda t: both(operator.pow, *t))
    | st.tuples(st.sampled_from(["minimum", "maximum"]), inner, inner).map(lambda t: both(apply(t[0]), t[1], t[2]))
    | exponents.map(lambda a: both(apply("exp"), a))
), max_leaves=8)
real = st.recursive(positive | positive.map(lambda a: both(apply("log"), a)), lambda inner: (
    st.tuples(st.sampled_from([operator.add, operator.sub, operator.mul]), inner, inner).map(
        lambda t: both(t[0], t[1], t[2]))
    | inner.map(lambda a: both(operator.neg, a))
    | st.tuples(inner, positive).map(lambda t: both(operator.truediv, *t))
), max_leaves=6)


@settings(max_examples=150, deadline=None)
@given(real)
def test_simplification_compilation_and_text_keep_the_value(pair):
    expression, expected = pair
    assume(math.isfinite(expected) and 1e-12 < abs(expected) < 1e12)
    assert value_of(expression, **VALUES) == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert float(Tape([expression], VALUES)({})[0]) == pytest.approx(expected, rel=1e-7, abs=1e-7), "all ahead"
    written = eval(str(expression), {"__builtins__": {}, **FUNCTIONS}, VALUES)
    assert written == pytest.approx(expected, rel=1e-3, abs=1e-3), str(expression)


@settings(max_examples=100, deadline=None)
@given(positive, st.sampled_from("xyz"))
def test_the_derivative_of_any_expression_is_its_slope(pair, name):
    expression, level = pair
    assume(1e-3 < level < 1e3)
    numeric = slope(lambda at: value_of(expression, **at), VALUES, name)
    left, right = (value_of(expression, **{**VALUES, name: VALUES[name] * f}) for f in (1 - 2e-4, 1 + 2e-4))
    assume(abs(left + right - 2 * level) < 1e-5 * level)  # no corner of a minimum or maximum right here
    assert value_of(differentiate(expression, name), **VALUES) == pytest.approx(numeric, rel=1e-4, abs=1e-6 * level)


# ------------------------------------------------------------------------------------ one by one

@pytest.mark.parametrize(("expression", "text"), [
    (X + 0.0, "x"), (0.0 + X, "x"), (X * 1.0, "x"), (X * 0.0, "0"), (X**1.0, "x"), (X**0.0, "1"), (X - 0, "x"),
    (X / 1, "x"), (2 * (3 * X), "6 * x"), (-1.0 * (-X), "x"), ((X**Y) ** 2.0, "x**(2 * y)"), (constant(2) * 3 + 1, "7"),
    (X - Y, "x - y"), (X - (Y - Z), "x - (y - z)"), ((X - Y) - Z, "x - y - z"), (X - (Y + Z), "x - (y + z)"),
    (1 / X, "1 / x"), (X / (Y * Z), "x / (y * z)"), (X / Y / Z, "x / y / z"), (X * (Y + 1.0), "x * (y + 1)"),
    (2 / X**Y, "2 / x**y"), (X**-Y, "1 / x**y"), (X**-2.0, "1 / x**2"), (X ** (Y / Z), "x**(y / z)"),
    ((X + Y) ** Z, "(x + y)**z"), ((X**Y) ** Z, "(x**y)**z"), (-X, "-x"), ((-X) ** 2.0, "(-x)**2"), (2.0**X, "2**x"),
    (exp(-X) * log(Y), "exp(-x) * log(y)"), (minimum(X, 2.0), "minimum(x, 2)"),
    (maximum(X + Y, Z), "maximum(x + y, z)"),
    (3 - X, "3 - x"), (0.5 - 2 * X, "0.5 - 2 * x"),
])
def test_short_formulas_read_as_one_would_write_them(expression, text):
    assert str(expression) == text


def test_equal_formulas_are_equal_and_hash_alike():
    assert X + Y * 2 == X + 2 * Y
    assert hash(X + Y * 2) == hash(X + 2 * Y)
    assert X + Y != Y + Z
    assert X != "x"
    assert len({X / Y, X / Y, Y / X}) == 2


def test_symbols_are_those_that_matter():
    assert (X * 0.0 + Y**Z).symbols() == {"y", "z"}
    assert constant(3).symbols() == frozenset()


@pytest.mark.parametrize(("x", "y", "by_x", "by_y"), [(1.0, 2.0, 0.0, 3.0), (5.0, 2.0, 2.0, 0.0)])
def test_a_maximum_follows_the_larger_and_a_minimum_the_smaller(x, y, by_x, by_y):
    top = maximum(2 * X, 3 * Y)
    assert value_of(top, x=x, y=y) == max(2 * x, 3 * y)
    assert value_of(differentiate(top, "x") + 0 * Y, x=x, y=y) == by_x
    assert value_of(differentiate(top, "y"), x=x, y=y) == by_y
    bottom = minimum(2 * X, 3 * Y)
    assert value_of(bottom, x=x, y=y) == min(2 * x, 3 * y)
    assert value_of(differentiate(bottom, "x"), x=x, y=y) == 2.0 - by_x
    assert value_of(differentiate(bottom, "y"), x=x, y=y) == 3.0 - by_y


@pytest.mark.parametrize("corner", [minimum(X, Y) + minimum(X, Y), minimum(X, Y) + maximum(X, 0.5 * Y)])
def test_the_slopes_of_two_corners_add_up(corner):
    assert value_of(differentiate(corner, "x"), x=1.5, y=2.0) == 2.0


def test_at_a_corner_the_slope_is_one_of_the_two_sides():
    assert value_of(differentiate(minimum(2 * X, 3 * Y), "x"), x=3.0, y=2.0) in (0.0, 2.0)


def test_a_corner_has_no_curvature():
    assert differentiate(differentiate(minimum(2 * X, 3 * Y), "x"), "x") == constant(0.0)


def test_functions_take_numbers_and_arrays_as_well():
    values = np.array([0.5, 2.0])
    assert exp(2.0) == math.exp(2.0)
    assert list(log(values)) == [math.log(0.5), math.log(2.0)]
    assert list(minimum(values, 1.0)) == [0.5, 1.0]
    assert list(maximum(1.0, values)) == [1.0, 2.0]
    assert minimum(1, 2) == 1


def test_numpy_numbers_make_expressions_too():
    assert np.float64(2.0) * X == 2.0 * X
    assert np.float64(2.0) / X == 2.0 / X
    assert np.float64(2.0) ** X == 2.0**X
    assert np.float64(2.0) - X == 2.0 - X


def test_a_tape_works_on_batches_and_computes_what_is_fixed_once():
    runs = np.array([1.0, 2.0, 4.0])
    free = {"a": np.array([[0.5], [2.0]]), "b": np.array([[1.0], [3.0]])}
    calls = []

    class Counted(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *args, **kwargs):
            calls.append(ufunc.__name__)
            args = [np.asarray(a) if isinstance(a, Counted) else a for a in args]
            return getattr(ufunc, method)(*args, **kwargs)

    a, b, d = symbol("a"), symbol("b"), symbol("d")
    tape = Tape([b / d**a, log(d), constant(3.0), a], {"d": runs})
    power, logarithm, three, same = tape(free)
    assert power == pytest.approx(free["b"] / runs ** free["a"])
    assert list(logarithm) == list(np.log(runs))
    assert three == 3.0
    assert same is free["a"]
    assert power.shape == (2, 3)
    tape(free)
    tape._steps = [(counting(f, calls), args, slot) for f, args, slot in tape._steps]
    tape(free)
    assert "log" not in calls, "the logarithm of a fixed quantity is taken once, ahead"


def counting(function, calls):
    def counted(*args):
        calls.append(function.__name__)
        return function(*args)

    return counted


def test_a_tape_takes_whole_numbers():
    assert Tape([1 / X], {})({"x": 2})[0] == 0.5


def test_a_sigmoid_overflows_nowhere_and_keeps_its_digits_in_both_tails():
    x = np.array([-1000.0, -700.0, -40.0, 0.0, 40.0, 1000.0])
    assert sigmoid(x) == pytest.approx([0.0, math.exp(-700), math.exp(-40), 0.5, 1.0, 1.0], rel=1e-14)
    assert sigmoid(-2.0) + sigmoid(2.0) == pytest.approx(1.0, rel=1e-15)
    assert value_of(differentiate(sigmoid(X), "x"), x=40.0) == pytest.approx(math.exp(-40), rel=1e-14)
    assert value_of(differentiate(sigmoid(3 * X), "x"), x=0.0) == 0.75


def test_expm1_keeps_its_digits_where_exp_minus_1_has_none():
    assert value_of(expm1(X), x=1e-20) == 1e-20
    assert value_of(differentiate(expm1(2 * X), "x"), x=0.5) == pytest.approx(2 * math.e, rel=1e-15)
    assert value_of(expm1(X), x=-50.0) == -1.0


@pytest.mark.parametrize("power", [2.0, 3.0, 5.0, 8.0, -2.0, -3.0])
def test_a_small_whole_power_has_a_value_and_a_slope_for_a_base_of_any_sign(power):
    assert value_of(X**power, x=-1.5) == pytest.approx((-1.5) ** power, rel=1e-14)
    assert value_of(differentiate((X + Y) ** power, "y"), x=-2.0, y=0.5) == pytest.approx(
        power * (-1.5) ** (power - 1), rel=1e-14)
    if power > 0:
        assert value_of(differentiate((X + Y) ** power, "y"), x=-2.0, y=2.0) == 0.0


def test_a_root_of_a_square_is_never_negative():
    assert value_of((X**2.0) ** 0.5, x=-3.0) == pytest.approx(3.0, rel=1e-14)


def test_an_expression_is_evaluated_at_floats_arrays_and_other_expressions():
    body = minimum(X**2.0, exp(Y)) / (1 + sigmoid(Y)) - maximum(log(X), 3.0)
    assert evaluate(body, {"x": 2.0, "y": 0.0}) == pytest.approx(min(4.0, 1.0) / 1.5 - 3.0)
    assert evaluate(body, {"x": np.array([2.0, 0.5]), "y": 0.0}) == pytest.approx([1 / 1.5 - 3.0, 0.25 / 1.5 - 3.0])
    assert evaluate(body, {"x": X, "y": Y}) is body
    assert evaluate(X * Y, {"x": 2.0, "y": Z}) == 2.0 * Z


def test_a_product_falls_into_its_factors_and_an_expression_into_its_nodes():
    assert (2.0 * X * (Y + Z)).factors() == [constant(2.0), X, Y + Z]
    assert (X + Y).factors() == [X + Y]
    assert (X * Y + X).walk() == [X, Y, X * Y, X * Y + X]


def test_a_term_without_a_value_in_some_run_is_no_warning():
    tape = Tape([log(X) + Y], {"x": np.array([0.0, 1.0])})
    assert list(tape({"y": 1.0})[0]) == [-math.inf, 1.0]


def test_softplus_overflows_nowhere_and_bends_from_nought_to_its_argument():
    x = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0])
    assert softplus(x) == pytest.approx([0.0, math.exp(-40), math.log(2), 40.0, 1000.0], rel=1e-14)
    assert value_of(differentiate(softplus(3 * X), "x"), x=0.0) == pytest.approx(1.5)


@pytest.mark.parametrize("k", [-0.99, -0.5, 0.0, 1.0, 19.0])
def test_a_bent_line_is_straightened_exactly_and_so_are_its_slopes(k):
    t = np.linspace(-60.0, 60.0, 25)
    z = unbend(t, k)
    assert z + k * softplus(z) == pytest.approx(t, rel=1e-13, abs=1e-13)
    for name, (left, right) in {"x": ((t - 1e-5, k), (t + 1e-5, k)), "y": ((t, k - 1e-5), (t, k + 1e-5))}.items():
        formula = differentiate(unbend(X, Y), name)
        slope = [value_of(formula, x=each, y=k) for each in t]
        assert slope == pytest.approx((unbend(*right) - unbend(*left)) / 2e-5, rel=1e-4, abs=1e-6)


def test_a_bent_line_is_straightened_as_a_symbol_too():
    assert evaluate(unbend(X, Y) + softplus(X), {"x": 2.0, "y": 0.5}) == unbend(2.0, 0.5) + softplus(2.0)

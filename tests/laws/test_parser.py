"""The parser of formulas: arithmetic and nothing else, each refusal with its column."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lawful.errors import InputError
from lawful.laws.expressions import evaluate
from lawful.laws.parser import DEEPEST, FUNCTIONS, LONGEST, MOST_OPERATIONS, parse

AT = {"x": 0.7, "y": 1.9, "z.web": 3.1}


def value(text: str, **more: float) -> float:
    return float(evaluate(parse(text).expression, {**AT, **more}))


@pytest.mark.parametrize(("text", "expected"), [
    ("1 + 2*3", 7.0), ("(1 + 2)*3", 9.0), ("8/4/2", 1.0), ("8 - 4 - 2", 2.0), ("2**3**2", 512.0), ("2^3^2", 512.0),
    ("-2**2", -4.0), ("(-2)**2", 4.0), ("2**-1", 0.5), ("2*-3", -6.0), ("--2", 2.0), ("+2 - -2", 4.0), ("1e-3", 0.001),
    ("2.5E+2", 250.0), (".5", 0.5), ("5.", 5.0), ("exp(0)", 1.0), ("log(exp(2))", 2.0), ("sqrt(9)", 3.0),
    ("sigmoid(0)", 0.5), ("min(3, 1, 2)", 1.0), ("max(3, 1, 2)", 3.0), ("minimum(3, 1)", 1.0), ("maximum(3, 1)", 3.0),
    ("x * y", 0.7 * 1.9), ("z.web/x", 3.1 / 0.7), ("  x\t+ 1 ", 1.7), ("-x**2", -0.49), ("1 - x - y", 1 - 0.7 - 1.9),
    ("x**2**y", 0.7 ** (2**1.9)), ("-x/y*2", -0.7 / 1.9 * 2),
])
def test_means_what_it_means_on_paper(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-14)


def test_names_come_with_their_columns_and_the_output_with_its_name() -> None:
    parsed = parse("loss = E + A*params**-E")
    assert parsed.output == "loss"
    assert parsed.names == {"E": 8, "A": 12, "params": 14}
    assert parse("E + A").output is None


@pytest.mark.parametrize(("text", "column", "says"), [
    ("x @ y", 3, "'@' is not part of a formula"),
    ("x; y", 2, "';'"),
    ("__import__('os')", 12, "is not part of a formula"),
    ("λ*x", 1, "'λ'"),
    ("x[0]", 2, "'['"),
    ("x < y", 3, "'<'"),
    ("'x'", 1, "is not part of a formula"),
    ("x +", 4, "the formula ends after '+'"),
    ("x **", 5, "the formula ends after '**'"),
    ("(x + y", 1, "never closed"),
    ("2*(x + exp(y)", 3, "never closed"),
    ("x + y)", 6, "closes nothing"),
    ("2 x", 3, "'x' follows '2' without an operator"),
    ("70B*x", 3, "'B' follows '70' without an operator"),
    ("x y", 3, "without an operator"),
    ("lambda x", 8, "without an operator"),
    ("*x", 1, "'*' cannot stand here"),
    ("x +* y", 4, "'*' cannot stand here"),
    ("(x)(y)", 4, "'(' cannot stand here"),
    ("()", 2, "cannot stand here"),
    ("(x, y)", 3, "',' cannot stand here"),
    ("a = b = x", 7, "'=' stands once"),
    ("x + 1 = y", 7, "'=' stands once"),
    ("= x", 1, "'=' stands once"),
    ("exp + x", 1, "exp is a function"),
    ("exp(x, y)", 1, "exp takes one argument, got 2"),
    ("min(x)", 1, "min takes two arguments or more, got 1"),
    ("abs(x)", 1, "unknown function 'abs'"),
    ("x + sigmod(y)", 5, "nearest: sigmoid"),
    ("eval(x)", 1, "unknown function 'eval'"),
    ("x + 1e999", 5, "1e999 is not a finite number"),
    ("1/0 + x", 2, "'/' of these numbers has no finite value"),
    ("x + (-8)**0.5", 9, "has no finite value"),
    ("x*10**400", 5, "has no finite value"),
    ("log(0)*x", 1, "has no finite value"),
    ("exp(1000)*x", 1, "has no finite value"),
])
def test_anything_else_is_refused_with_its_column(text: str, column: int, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"formula, column {column}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the text is empty"):
        parse(text)


@pytest.mark.parametrize(("text", "says"), [
    ("(" * 100_000, "characters; at most"),
    ("x" * (LONGEST + 1), "characters; at most"),
    ("(" * (DEEPEST + 1) + "x" + ")" * (DEEPEST + 1), f"more than {DEEPEST} parentheses"),
    ("-" * (DEEPEST + 1) + "x", "within one another"),
    ("x" + "**x" * (DEEPEST + 1), "within one another"),
    ("+".join(["x"] * (MOST_OPERATIONS + 2)), f"more than {MOST_OPERATIONS} operations"),
])
def test_what_is_too_long_or_too_deep_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse(text)


def test_the_longest_and_deepest_formula_is_still_read_and_written() -> None:
    deep = "(" * (DEEPEST - 1) + "x" + ")" * (DEEPEST - 1)
    assert value(deep) == 0.7
    long = parse("+".join(["x"] * (MOST_OPERATIONS + 1))).expression
    assert str(long).count("x") == MOST_OPERATIONS + 1
    assert value(str(long)) == pytest.approx(0.7 * (MOST_OPERATIONS + 1))


# ------------------------------------------------------------------------------ random expressions

def _unary(sign: str, inner: tuple[str, float]) -> tuple[str, float]:
    return f"{sign}({inner[0]})", -inner[1] if sign == "-" else inner[1]


def _binary(sign: str, a: tuple[str, float], b: tuple[str, float]) -> tuple[str, float]:
    try:
        number = {"+": lambda: a[1] + b[1], "-": lambda: a[1] - b[1], "*": lambda: a[1] * b[1],
                  "/": lambda: a[1] / b[1], "**": lambda: abs(a[1]) ** b[1]}[sign]()
    except (ArithmeticError, ValueError):
        number = math.nan
    left = f"max({a[0]}, -({a[0]}))" if sign == "**" else f"({a[0]})"
    return f"{left} {sign} ({b[0]})", number


def _call(name: str, a: tuple[str, float], b: tuple[str, float]) -> tuple[str, float]:
    try:
        if FUNCTIONS[name][1] == 1:
            return f"{name}({a[0]})", {"exp": math.exp, "expm1": math.expm1, "log": math.log, "sqrt": math.sqrt,
                                       "sigmoid": lambda t: 1 / (1 + math.exp(-t))}[name](a[1])
    except (ArithmeticError, ValueError):
        return f"{name}({a[0]})", math.nan
    return f"{name}({a[0]}, {b[0]})", (min if name.startswith("min") else max)(a[1], b[1])


leaves = st.sampled_from([*AT.items(), ("2", 2.0), ("0.25", 0.25), ("3e0", 3.0)])
texts = st.recursive(leaves, lambda inner: (
    st.builds(_unary, st.sampled_from("+-"), inner)
    | st.builds(_binary, st.sampled_from(["+", "-", "*", "/", "**"]), inner, inner)
    | st.builds(_call, st.sampled_from(list(FUNCTIONS)), inner, inner)), max_leaves=8)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_a_formula_has_the_value_of_its_parts_and_so_has_the_text_that_we_write_of_it(pair: tuple[str, float]) -> None:
    text, expected = pair
    assume(math.isfinite(expected) and 1e-9 < abs(expected) < 1e9)
    assume(len(text) < LONGEST)
    try:
        expression = parse(text).expression
    except InputError:  # a part made of numbers alone has no finite value: 1 / (2 - 2)
        assume(False)
    again = parse(str(expression)).expression
    with np.errstate(over="ignore"):  # a part may overflow where the whole is finite: exp(-exp(10 * 80))
        values = [float(evaluate(one, AT)) for one in (expression, again)]
    assert values[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert values[1] == pytest.approx(expected, rel=1e-3, abs=1e-3), str(expression)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="xyE0123456789.+-*/^()=, eabs_@\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except InputError:
        return
    assert parsed.expression.symbols() <= parsed.names.keys()

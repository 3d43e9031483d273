"""Laws typed as formulas: they are laws everywhere, and what is no law is refused by name."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.errors import FailedToAnswer, InputError, LawError, RunsError
from lawful.fit import Fit, fit, forecast
from lawful.laws.base import Law, Limit
from lawful.laws.expressions import symbol
from lawful.laws.formula import formula, parse_limit
from lawful.results import to_plain
from lawful.runs import RunTable

CHINCHILLA = "loss = E + A*params**-alpha + B*tokens**-beta"
TRUE = dict(TRUTH.coefficients)
AT = {"params": 1e9, "tokens": 2e10}


class TestIsALaw:
    """What holds for every law holds for a typed one; the additive law is at hand to compare with."""

    law = formula(CHINCHILLA).with_coefficients(TRUE)

    def test_its_parts(self) -> None:
        assert self.law.inputs == ("params", "tokens")
        assert self.law.names() == ("E", "A", "alpha", "B", "beta")
        assert self.law.output.name == "loss"
        assert self.law.formula() == TRUTH.formula()
        assert self.law.expression() is TRUTH.expression()
        assert self.law.limits() == TRUTH.limits()

    def test_its_values(self) -> None:
        assert self.law(**AT) == pytest.approx(TRUTH(**AT), rel=1e-15)
        assert self.law(1e9, 2e10) == self.law(tokens=2e10, params=1e9) == self.law.at({**AT, "compute": 1.0})
        design = isoflop_design()
        assert self.law(**design) == pytest.approx(TRUTH(**design), rel=1e-15)
        columns = self.law.with_coefficients({**TRUE, "alpha": np.array([[0.3], [0.4]])})
        assert columns(**design).shape == (2, len(design["params"]))

    def test_its_split_of_compute(self) -> None:
        mine, theirs = self.law.allocate(1e22), TRUTH.allocate(1e22)
        assert mine.params == pytest.approx(theirs.params, rel=1e-6)
        assert not formula("score = a*params**-b*tokens**-c", positive=True).splits_compute, "is less of it better?"
        assert not formula("accuracy = a*params**-b*tokens**-c").splits_compute
        assert not formula("hours = a*params**b*tokens**c").splits_compute, "the least time is that of no run"

    @pytest.mark.parametrize("call", [lambda law: law(1e9), lambda law: law(1e9, 1e9, 1e9),
                                      lambda law: law(params=1e9, width=3), lambda law: law(1e9, params=1e9)])
    def test_it_takes_its_inputs_and_nothing_else(self, call: Any) -> None:
        with pytest.raises(LawError, match="the formula takes params, tokens"):
            call(self.law)

    def test_it_is_made_again_from_its_data_and_by_pickle(self) -> None:
        data = json.loads(json.dumps(to_plain(self.law)))
        assert Law.from_dict(data) == self.law
        assert pickle.loads(pickle.dumps(self.law)) == self.law
        assert hash(Law.from_dict(data)) == hash(self.law)

    def test_it_is_not_entered_among_the_forms(self) -> None:
        assert all(cls.__name__ != type(self.law).__name__ for cls in Law.registry.values())
        assert formula(CHINCHILLA) == formula(CHINCHILLA)
        assert formula(CHINCHILLA) != formula(CHINCHILLA.replace("beta", "gamma"))


def test_a_fit_is_that_of_the_same_form_written_as_a_class() -> None:
    runs = simulate()
    typed, written = (fit(form, runs, bootstrap=20) for form in (formula(CHINCHILLA), "chinchilla"))
    assert list(typed.law.coefficients.values()) == pytest.approx(list(written.law.coefficients.values()), rel=1e-9)
    assert typed.draws == pytest.approx(written.draws, rel=1e-6)
    assert forecast(typed, AT).value == pytest.approx(forecast(written, AT).value, rel=1e-9)


def test_a_saved_fit_is_read_in_a_fresh_process() -> None:
    fitted = fit(formula(CHINCHILLA, limits={"alpha": (0.0, 2.0), "E": (-math.inf, math.inf)}), simulate(),
                 bootstrap=10)
    probe = ("import json, sys; from lawful.fit import Fit; fit = Fit.from_dict(json.load(sys.stdin));"
             "print(repr([float(fit(params=1e9, tokens=2e10)), str(fit.law.limits()), fit.draws.shape]))")
    done = subprocess.run([sys.executable, "-c", probe], input=json.dumps(to_plain(fitted)), capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == repr([float(fitted(**AT)), str(fitted.law.limits()), (10, 5)])
    assert Fit.from_dict(json.loads(json.dumps(to_plain(fitted)))).law == fitted.law


@pytest.mark.parametrize(("text", "truth"), [
    ("E + A*exp(-(params/P)**gamma)", {"E": 2.0, "A": 3.0, "P": 1e8, "gamma": 0.3}),
    ("E + (A/params**alpha + B/tokens**beta)**kappa",
     {"E": 1.7, "A": 300.0, "alpha": 0.5, "B": 2000.0, "beta": 0.6, "kappa": 0.7}),
    ("E + (x_c/compute)**alpha", {"E": 1.5, "x_c": 3e15, "alpha": 0.2}),
    ("E + A*max(params, P)**-alpha", {"E": 1.5, "A": 90.0, "P": 4e7, "alpha": 0.25}),
    ("E + A*sigmoid((m - log(compute)) / s)", {"E": 1.0, "A": 4.0, "m": 45.0, "s": 1.7}),
])
def test_truth_in_truth_out(text: str, truth: dict[str, float]) -> None:
    law = formula(text).with_coefficients(truth)
    design = isoflop_design()
    design["compute"] = 6.0 * design["params"] * design["tokens"]
    fitted = fit(formula(text), RunTable.of(**design, loss=law.at(design)), loss="log_squares",
                 bootstrap=0)
    assert fitted.law.coefficients == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize(("text", "scales"), [
    ("a - b*exp(-k*my_x)", {"k": -1}),
    ("a + b*exp(-(my_x - m)**2/s**2)", {"m": 1, "s": 1}),
    ("a + b*sigmoid((my_x - m)/s)", {"m": 1, "s": 1}),
    ("a + b*(1 + my_x/c)**-d", {"c": 1}),
    ("a + b*sigmoid(k*(log(my_x) - log(c)))", {"c": 1}),
])
def test_the_unit_of_an_input_does_not_matter(text: str, scales: dict[str, int], unit: float) -> None:
    plain = {"a": 3.0, "b": 1.5, "k": 0.7, "m": 4.0, "s": 1.2, "c": 2.0, "d": 0.8}
    law = formula(text, output="my_y", inputs=["my_x"])
    truth = {name: plain[name] * unit ** scales.get(name, 0) for name in law.names()}
    x = unit * np.linspace(0.2, 9.0, 40)
    runs = RunTable.of(my_x=x, my_y=law.with_coefficients(truth)(my_x=x))
    assert fit(law, runs, loss="squares", bootstrap=0).law.coefficients == pytest.approx(truth, rel=1e-6)


# -------------------------------------------------------------------------------------- inputs and outputs

def own_runs(n: int = 30) -> RunTable:
    x = np.linspace(-2.0, 3.0, n)
    return RunTable.from_columns({"my_x": x, "my_y": [f"{v:.17g}" for v in 1.0 - 2.0 * x + 0.5 * x**2],
                                  "tag": ["a"] * n})


def test_columns_of_any_name_and_sign_are_inputs_and_outputs() -> None:
    law = formula("my_y = a + b*my_x + c*my_x**2", inputs=["my_x"], positive=False, limits={"b": "-inf:inf"})
    fitted = fit(law, own_runs(), loss="log_squares", bootstrap=20)
    assert fitted.law.coefficients == pytest.approx({"a": 1.0, "b": -2.0, "c": 0.5}, rel=1e-6)
    answer = forecast(fitted, {"my_x": -3.0})
    assert answer.value == pytest.approx(1 + 6 + 4.5, rel=1e-6)
    assert answer.reach["my_x"] == pytest.approx(math.log10(1 + 1 / 5)), "one in five of the span beyond it"
    assert (answer.output.name, answer.output.unit) == ("my_y", "")
    with pytest.raises(InputError, match="finite"):
        forecast(fitted, {"my_x": math.nan})
    with pytest.raises(LawError, match="takes my_x: missing my_x"):
        forecast(fitted, {"tokens": 3.0})
    with pytest.raises(InputError, match="unknown quantity 'my_z'"):
        forecast(fitted, {"my_z": 3.0})


def test_an_output_of_ones_own_is_positive_unless_it_is_said_not_to_be() -> None:
    with pytest.raises(RunsError, match="must be positive to be fitted on its logarithm"):
        fit(formula("my_y = a + b*my_x", inputs=["my_x"]), RunTable.of(my_x=[1.0, 2, 3], my_y=[1.0, 0, 3]), bootstrap=0)
    assert formula("capability = a + b*log(compute)").output.positive is False, "as the glossary says"
    assert formula("loss = a + b*log(compute)", positive=False).output.positive is False


def test_columns_of_a_table_are_inputs_where_they_occur() -> None:
    law = formula("E + A*my_x**-alpha", columns=["my_x", "my_y", "tag"])
    assert law.inputs == ("my_x",)
    assert formula("E + A*mixture.web**-a*loss.c4", output="loss").inputs == ("mixture.web", "loss.c4")
    assert formula("E + my_x*params", inputs=[], columns=["my_x"]).names() == ("E", "my_x"), "inputs win over columns"


# ---------------------------------------------------------------------------------------------- limits

STEPS = {"steps": np.array([2.0, 20.0, 50.0]), "my_x": np.array([-1.0, 0.0, 4.0])}


@pytest.mark.parametrize(("text", "name", "low", "start"), [
    ("E + A*steps**-alpha", "E", 0, (1e-2, 1e8)),
    ("E + A*steps**-alpha", "alpha", 0, (0.02, 1.6)),
    ("E + (A/steps)**(a/b)", "b", 0, (0.02, 1.6)),
    ("(x_c/steps)**alpha", "x_c", 0, (2e-4, 5e5)),
    ("(1 + steps/x_c)**-alpha", "x_c", 0, (2e-4, 5e5)),
    ("(1 + k*steps**2)**-alpha", "k", 0, (1e-4 / 2500, 1e4 / 4)),
    ("E*(1 - exp(-k*steps))", "k", 0, (1e-3 / 50, 30 / 2)),
    ("E*exp(m - steps**a)", "m", -math.inf, (-10.0, 10.0)),
    ("E*sigmoid((log(steps) - m)/s)", "m", -math.inf, (math.log(2), math.log(50))),
    ("E*sigmoid(log(steps) + m)", "m", -math.inf, (-math.log(50), -math.log(2))),
    ("E*exp(-(my_x - m)**2/s**2)", "m", -math.inf, (-1.0, 4.0)),
    ("E*exp(b/(steps + m))", "m", 0, (0.02, 5000.0)),
    ("E*(steps + D)**-beta", "D", 0, (0.02, 5000.0)),
    ("E*max(steps - D, 1)**-beta", "D", 0, (2.0, 50.0)),
    ("E*(my_x - D)**2", "D", 0, (1.0, 4.0)),
    ("E*exp(-k*my_x)", "k", 0, (1e-3 / 4, 30.0)),
])
def test_limits_follow_from_how_a_coefficient_enters_and_starts_from_the_runs(
        text: str, name: str, low: float, start: tuple[float, float]) -> None:
    law = formula(text, inputs=[n for n in STEPS if n in text])
    assert law.limits()[name].low == low
    assert law.limits_on(STEPS)[name].low == low
    assert law.limits_on(STEPS)[name].start == pytest.approx(start)


def test_limits_that_are_given_leave_to_the_runs_what_they_do_not_say() -> None:
    def start(limit: str) -> tuple[float, float]:
        return formula("E*exp(-k*steps)", limits={"k": limit}).limits_on(STEPS)["k"].start

    assert start("0:2") == formula("E*exp(-k*steps)", limits={"k": "0:2"}).limits()["k"].start, "all of it"
    assert start("-inf:inf") == pytest.approx((-30 / 50, 30 / 50))
    assert start("1:") == pytest.approx((1.0, 15.0))
    assert start("100:")[0] > 100.0, "beyond what the runs say"


def test_inputs_that_say_nothing_leave_a_search_where_it_was() -> None:
    law = formula("E*exp(-k*log(steps))")
    for steps in (1.0, 0.0, -1.0):
        assert law.limits_on({"steps": np.full(3, steps)}) == law.limits()


@pytest.mark.parametrize(("given", "low", "high"), [
    ((0.0, 2.0), 0.0, 2.0), ("0:2", 0.0, 2.0), ((None, 2.0), 0.0, 2.0), (":2", 0.0, 2.0), ("0.5:", 0.5, math.inf),
    ("-inf:inf", -math.inf, math.inf), ("-3:3", -3.0, 3.0), ("3:4", 3.0, 4.0), ((5, None), 5.0, math.inf),
    ("-5:", -5.0, math.inf), ("-inf:-2", -math.inf, -2.0), ("700:800", 700.0, 800.0),
])
def test_limits_may_be_given(given: Any, low: float, high: float) -> None:
    for text in ("E + A*params**-alpha", "E + alpha*params**-b"):
        law = formula(text, limits={"alpha": given})
        limit = law.limits()["alpha"]
        assert (limit.low, limit.high) == (low, high)
        assert low < limit.start[0] < limit.start[1] < high, "the search begins inside"
        assert low < law.coefficients["alpha"] < high


def test_a_coefficient_stays_within_its_limits() -> None:
    fitted = fit(formula(CHINCHILLA, limits={"alpha": "0.4:0.5"}), simulate(), bootstrap=30)
    assert 0.4 < fitted.law.coefficients["alpha"] < 0.5
    assert ((fitted.draws[:, 2] > 0.4) & (fitted.draws[:, 2] < 0.5)).all()
    with pytest.raises(LawError, match=r"alpha must lie in \(0.4, 0.5\), got 0.6"):
        fitted.law.with_coefficients({**fitted.law.coefficients, "alpha": 0.6})


def test_a_limit_makes_a_coefficient_of_any_name() -> None:
    assert formula("params*growth", limits={"growth": "0:"}).names() == ("growth",)
    assert formula("E + width*params**-a", limits={"width": "0:"}).inputs == ("params",)


@pytest.mark.parametrize(("text", "ends"), [("0:2", (0.0, 2.0)), (":", (None, None)), ("1e-3:", (1e-3, None)),
                                            ("-inf:inf", (-math.inf, math.inf)), (" 1k : 2M ", (1e3, 2e6))])
def test_a_limit_is_a_range(text: str, ends: tuple[float | None, float | None]) -> None:
    assert parse_limit(text, "alpha") == ends


# ------------------------------------------------------------------------------------- what is refused

@pytest.mark.parametrize(("text", "options", "says"), [
    ("E + A*parms**-alpha", {}, "column 7: unknown name 'parms'; nearest: params"),
    ("E + A*my_xx**-alpha", {"columns": ["my_x"]}, "unknown name 'my_xx'; nearest: my_x"),
    ("E + A*n_params**-alpha", {}, "column 7: n_params is called params here"),
    ("a*b + c", {}, "it has no input, for a, b, c would be coefficients"),
    ("3*params", {}, "it has no coefficient"),
    ("E + loss*params", {}, "column 5: loss is the output"),
    ("loss = E*params", {"output": "error"}, "the text gives loss, and the output asked for is error"),
    ("E*params", {"inputs": ["my_x"]}, "my_x does not occur in it; its names are E, params"),
    ("E*params", {"limits": {"F": (0, 1)}}, "F does not occur in it"),
    ("E*my_x", {"inputs": ["my_x"], "limits": {"my_x": (0, 1)}}, "my_x is named as an input and has a limit"),
    ("E*params + 0*k", {}, "column 14: k cancels out"),
    ("E*my.x*params", {}, "column 3: my.x is neither"),
    ("E*params**-lambda", {}, "column 12: a coefficient cannot be called 'lambda'"),
    ("limits*params", {}, "column 1: a coefficient cannot be called 'limits'"),
    ("__class__*params", {}, "column 1: a coefficient cannot be called '__class__'"),
    ("E*params", {"limits": {"E": (2, 1)}}, "limit of E: nothing lies between 2 and 1"),
    ("E*params", {"limits": {"E": (-1, None), "F": (0, 1)}}, "F does not occur"),
    ("E*params", {"limits": {"E": "-5:-5"}}, "nothing lies between"),
    ("E*params", {"limits": {"E": (math.nan, 1)}}, "nan"),
    ("E*params", {"limits": {"E": "2"}}, "limit of E: '2' is no range"),
    ("E*params", {"limits": {"E": "a:b"}}, "limit of E: 'a' is not a number"),
    ("E*params +", {}, "column 11: the formula ends"),
])
def test_what_is_no_law_is_refused_by_name(text: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        formula(text, **options)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", [
    "alpha", "beta", "gamma", "delta", "kappa", "sigma", "theta", "lam", "floor", "slope", "E_inf", "loss_floor",
    "params0", "N_c", "D_c", "tau", "scale", "shift", "A", "b1", "irreducible", "limit",
])
def test_usual_names_of_coefficients_are_no_slips(name: str) -> None:
    assert formula(f"{name}*params").names() == (name,)


@pytest.mark.parametrize("settings", [
    {}, {"text": "E*params"}, {"text": 3, "output": "loss", "positive": True, "inputs": ["params"], "limits": {}},
    {"text": "E*", "output": "loss", "positive": True, "inputs": ["params"], "limits": {}},
    {"text": "E*params", "output": "loss", "positive": True, "inputs": 3, "limits": {}},
    {"text": "E*params", "output": "loss", "positive": True, "inputs": ["params"], "limits": {"E": 3}},
    {"text": "E*params", "output": "loss", "positive": True, "inputs": ["params"], "limits": []}, None, 3,
])
def test_saved_settings_that_make_no_law_are_refused(settings: Any) -> None:
    with pytest.raises(InputError):
        Law.from_dict({"form": "formula", "settings": settings, "coefficients": {"E": 1.0}})


# ------------------------------------------------------------------------- what has no value on the runs

@pytest.mark.parametrize(("text", "says"), [
    ("E + A*log(my_x)", r"log\(my_x\) has none where my_x is -2"),
    ("E + A/(my_x - my_x)", "1 / .* has none where my_x is -2"),
    ("E + A*my_x**-alpha", "has none where my_x is -2"),
    ("E + exp(k*exp(800 + my_x))", r"exp\(800 \+ my_x\) has none where my_x is"),
])
def test_a_term_without_a_value_is_named(text: str, says: str) -> None:
    with pytest.raises(FailedToAnswer, match=says):
        fit(formula(text, output="my_y", inputs=["my_x"], positive=False), own_runs(), bootstrap=0)


def test_a_formula_that_overflows_within_its_limits_says_which_term() -> None:
    with pytest.raises(FailedToAnswer, match=r"params\*\*alpha has none where params is"):
        fit(formula("E + params**alpha", limits={"alpha": "700:800"}), simulate(), bootstrap=0)


def test_a_formula_that_is_never_positive_says_so() -> None:
    with pytest.raises(FailedToAnswer, match=r"it is not positive where params is .* fitted on its logarithm"):
        fit(formula("-E - A*params**-alpha"), simulate(), bootstrap=0)


def test_too_many_coefficients_are_refused_with_the_number_of_runs_they_need() -> None:
    text = " + ".join(f"a{i}*params**-b{i}" for i in range(6))
    runs = simulate()
    with pytest.raises(RunsError, match="12 coefficients to fit and the table 11 runs; give at least 12"):
        fit(formula(text), runs.take(np.arange(11)), bootstrap=0)


def test_a_forecast_where_the_law_has_no_value_is_no_forecast() -> None:
    fitted = fit(formula("my_y = a + b/my_x", inputs=["my_x"]),
                 RunTable.of(my_x=[1.0, 2, 3, 4], my_y=[2.0, 1.5, 1.4, 1.2]), bootstrap=0)
    with pytest.raises(FailedToAnswer, match="no finite value at my_x 0"):
        forecast(fitted, {"my_x": 0.0})


def test_a_typed_law_takes_symbols_and_limits_of_classes() -> None:
    law = formula("E + A*params**-alpha")
    assert str(law(params=symbol("N"))) == "1 + 1 / N"
    assert all(isinstance(limit, Limit) for limit in law.limits().values())

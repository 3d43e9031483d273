"""Attribution: the parts sum to the change, by every rule and under every draw; against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import Law, form, law
from lawful.laws.formula import formula
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.explaining.attribution import Attribution, attribute
from lawful.plan.explaining.between import between
from lawful.plan.explaining.path import along
from lawful.plan.explaining.shapley import MOST, shapley, subsets
from lawful.plan.problem import parse_problem

HOFFMANN, REFIT = law("hoffmann2022_approach3"), law("besiroglu2024_refit")
REPEATS = law("muennighoff2023_data_constrained")
SMALL, LARGE = {"params": 1e9, "tokens": 2e10}, {"params": 7e9, "tokens": 1e12}
FEW, MANY = {**SMALL, "unique_tokens": 1e10}, {**LARGE, "unique_tokens": 5e10}


def guess(inner: Law) -> Fit:
    """A law of one's own, without draws."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, HOFFMANN.region,
               {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)


def parts(found: Attribution) -> dict[str, float]:
    """The parts as numbers."""
    return {name: part.value for name, part in found.parts.items()}


# ------------------------------------------------------------------------------------------ Shapley's rule

def test_shapleys_values_are_the_mean_gain_over_every_order():
    rng = np.random.default_rng(0)
    names = ("a", "b", "c", "d")
    members, values = subsets(names), rng.standard_normal(16)
    worth = {tuple(row): v for row, v in zip(members.tolist(), values, strict=True)}
    gains = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        inside = [False] * 4
        for player in order:
            before = worth[tuple(inside)]
            inside[player] = True
            gains[player] += (worth[tuple(inside)] - before) / len(orders)
    assert shapley(values, members) == pytest.approx(gains)
    assert not members[0].any()
    assert members[-1].all()


def test_more_factors_than_can_be_tried_are_refused_with_what_to_do():
    with pytest.raises(InputError, match="group some of"):
        subsets([f"x{i}" for i in range(MOST + 1)])


# ------------------------------------------------------------------------------------------ the parts

WAYS = [{"method": method, "coefficients": coefficients, "to": to} for method in ("shapley", "path")
        for coefficients in (False, True) for to in (None, REFIT)]


@pytest.mark.parametrize("way", WAYS)
def test_the_parts_sum_to_the_change(way):
    found = attribute(HOFFMANN, SMALL, LARGE, **way)
    other = way["to"] or HOFFMANN
    change = float(other.law(**LARGE) - HOFFMANN.law(**SMALL))
    assert found.change == pytest.approx(change, abs=1e-14)
    assert sum(parts(found).values()) == pytest.approx(change, abs=1e-12)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_an_additive_law_gives_each_factor_its_own_term(method):
    found, c = attribute(HOFFMANN, SMALL, LARGE, method=method), HOFFMANN.law
    assert parts(found) == pytest.approx({"params": c.A * (7e9**-c.alpha - 1e9**-c.alpha),
                                          "tokens": c.B * (1e12**-c.beta - 2e10**-c.beta)}, abs=1e-12)


def test_the_path_splits_a_product_of_powers_by_the_logarithms():
    """y = k x**-a z**-b along the straight way in the logarithms: each part is its share of ln y, times the change."""
    inner = formula("k * params**-a * tokens**-b").with_coefficients({"k": 400.0, "a": 0.2, "b": 0.1})
    found = attribute(guess(inner), SMALL, LARGE, method="path")
    logs = {"params": -0.2 * math.log(7.0), "tokens": -0.1 * math.log(50.0)}
    assert parts(found) == pytest.approx({n: found.change * x / sum(logs.values()) for n, x in logs.items()}, abs=1e-12)


def test_shapley_splits_a_product_of_two_as_on_paper():
    inner = formula("k * params**-a * tokens**-b").with_coefficients({"k": 400.0, "a": 0.2, "b": 0.1})
    found = attribute(guess(inner), SMALL, LARGE)
    (p, q), (r, s) = ((at["params"]**-0.2, at["tokens"]**-0.1) for at in (SMALL, LARGE))
    assert parts(found)["params"] == pytest.approx(400.0 * (r - p) * 0.5 * (q + s), rel=1e-12)


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_the_way_back_is_the_way_there_with_the_sign_turned(method):
    there = attribute(REPEATS, FEW, MANY, method=method)
    back = attribute(REPEATS, MANY, FEW, method=method)
    assert parts(back) == pytest.approx({n: -v for n, v in parts(there).items()}, abs=1e-9)


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_the_order_of_the_factors_does_not_matter(method):
    one = attribute(REPEATS, FEW, MANY, method=method)
    other = attribute(REPEATS, dict(reversed(FEW.items())), dict(reversed(MANY.items())), method=method)
    assert parts(one) == pytest.approx(parts(other), abs=1e-12)


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_factors_that_do_the_same_get_the_same_and_one_that_does_nothing_gets_nothing(method):
    text = "E + k / (width * depth)**a + z * heads"
    inner = formula(text, limits={"z": (-1.0, 1.0)}).with_coefficients({"E": 1.0, "k": 9.0, "a": 0.3, "z": 0.0})
    found = parts(attribute(guess(inner), {"width": 10.0, "depth": 10.0, "heads": 1.0},
                            {"width": 80.0, "depth": 80.0, "heads": 8.0}, method=method))
    assert found["width"] == pytest.approx(found["depth"], abs=1e-12)
    assert found["heads"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_a_kinked_law_sums_too(method):
    found = attribute(REPEATS, FEW, MANY, method=method)      # smaller of tokens and unique tokens, and of two sizes
    assert sum(parts(found).values()) == pytest.approx(found.change, abs=1e-9)


def test_a_group_moves_as_one():
    alone = attribute(REPEATS, FEW, MANY, method="path")
    grouped = attribute(REPEATS, FEW, MANY, method="path", groups={"data": ("tokens", "unique_tokens")})
    assert parts(grouped)["data"] == pytest.approx(parts(alone)["tokens"] + parts(alone)["unique_tokens"], abs=1e-12)
    c, both = REPEATS.law, attribute(REPEATS, FEW, MANY, groups={"data": ("tokens", "unique_tokens")})
    data, small = ({n: v for n, v in MANY.items() if n != "params"}, {n: v for n, v in FEW.items() if n != "params"})
    by_hand = 0.5 * (c(params=1e9, **data) - c(params=1e9, **small) + c(params=7e9, **data) - c(params=7e9, **small))
    assert parts(both)["data"] == pytest.approx(float(by_hand), abs=1e-12)


def test_another_form_is_one_factor():
    found = attribute(HOFFMANN, SMALL, MANY, to=REPEATS)      # what only one end gives stays as it is there
    assert list(found.parts) == ["params", "tokens", "law"]
    assert sum(parts(found).values()) == pytest.approx(found.change, abs=1e-12)


# ------------------------------------------------------------------------------------------ draws

@pytest.fixture(scope="module")
def fits() -> tuple[Fit, Fit]:
    """Two fits: the same truth but for its floor."""
    return (fit("chinchilla", simulate(), bootstrap=200),
            fit("chinchilla", simulate(seed=1, law=replace(TRUTH, E=TRUTH.E - 0.1)), bootstrap=200))


@pytest.mark.parametrize("method", ["shapley", "path"])
def test_every_draw_sums_to_its_own_change(fits, method):
    a, b = fits
    found = attribute(a, SMALL, LARGE, method=method)
    own = a.outputs(LARGE)[:, 0] - a.outputs(SMALL)[:, 0]
    assert found.draws.shape == (200, 2)
    assert found.draws.sum(axis=1) == pytest.approx(own, abs=1e-10)
    low, high = np.percentile(found.draws[:, 0], [5, 95])
    assert (found.parts["params"].low, found.parts["params"].high) == pytest.approx((low, high))
    paired = attribute(a, SMALL, LARGE, to=b, method=method, paired=True)
    own = b.outputs(LARGE)[:, 0] - a.outputs(SMALL)[:, 0]
    assert paired.draws.sum(axis=1) == pytest.approx(own, abs=1e-10)


def test_a_better_floor_is_found_to_be_the_laws(fits):
    found = attribute(fits[0], SMALL, LARGE, to=fits[1])
    assert found.parts["law"].value == pytest.approx(-0.1, abs=0.02)      # two fits' noise beyond their runs
    assert found.parts["law"].high < 0.0


def test_a_law_without_draws_stands_still_beside_one_with(fits):
    found = attribute(fits[0], SMALL, LARGE, to=REFIT)
    assert found.draws.sum(axis=1) == pytest.approx(float(REFIT.law(**LARGE)) - fits[0].outputs(SMALL)[:, 0], abs=1e-10)
    assert math.isnan(attribute(HOFFMANN, SMALL, LARGE).parts["params"].low)


# ------------------------------------------------------------------------------------------ what cannot be

@pytest.mark.parametrize(("asked", "error", "says"), [
    ({"after": SMALL}, InputError, "nothing changes"),
    ({"method": "banzhaf"}, UnknownName, "unknown method 'banzhaf'"),
    ({"groups": {"data": ("epochs",)}}, UnknownName, "unknown factor 'epochs' in the group data"),
    ({"groups": {"a": ("tokens",), "b": ("tokens",)}}, InputError, "in two groups: a and b"),
    ({"groups": {"params": ("tokens",)}}, InputError, "call the group something else"),
    ({"to": REPEATS, "after": MANY, "coefficients": True}, InputError, "two laws of one form"),
    ({"to": REPEATS, "after": MANY, "method": "path"}, InputError, "no path leads"),
    ({"to": law("gadre2024_downstream:c4_17task"), "after": {"loss": 2.5}}, LawError, "gives? loss and error"),
    ({"after": {"params": 1e9}}, LawError, "missing tokens"),
])
def test_what_cannot_be_split_is_said(asked, error, says):
    with pytest.raises(error, match=says):
        attribute(HOFFMANN, SMALL, **{"after": LARGE, **asked})


def test_a_jump_cannot_be_split_by_path():
    with pytest.raises(FailedToAnswer, match=r"jumps at 0\.3"):
        along(lambda t: (np.where(t < 0.3, 1.0, 2.0)[None, :], np.zeros((1, 1, len(t)))))


def test_shares_that_sum_to_more_than_one_on_the_way_are_warned_of():
    inner = replace(form("data_mixing_three"), first="code", second="text", c=2.0, k=1.0, t_1=-0.7, t_2=-0.4)
    ends = ({"mixture.code": 0.8, "mixture.text": 0.1}, {"mixture.code": 0.1, "mixture.text": 0.8})
    codes = {method: [w.code for w in attribute(guess(inner), *ends, method=method).warnings]
             for method in ("shapley", "path")}
    assert "off_simplex" in codes["shapley"]
    assert "off_simplex" not in codes["path"]


# ------------------------------------------------------------------------------------------ two decisions

FREE = ("params=1e6:1e14", "tokens=1e8:1e17")


def test_the_bill_of_two_decisions_is_split_over_what_was_decided_and_what_it_costs():
    cheap, dear = (decide(parse_problem(HOFFMANN, FREE, [f"train_flop<={flop}"], rates=Rates(
        "h100", serve_tokens=served))) for flop, served in ((1e22, 1e11), (4e22, 2e12)))
    found = between(cheap, dear, "usd")
    assert list(found.parts) == ["params", "tokens", "rates"]
    assert found.output.unit == "US dollars"
    assert found.change == pytest.approx(dear.metrics["usd"] - cheap.metrics["usd"])
    assert sum(parts(found).values()) == pytest.approx(found.change, rel=1e-12)
    # what is served costs 2 N a token: Shapley gives the rates the mean of both sizes times the difference
    hour = cheap.metrics["serve_usd"] / cheap.metrics["serve_flop"]
    served = 2.0 * hour * 0.5 * (cheap.decision["params"] + dear.decision["params"]) * (2e12 - 1e11)
    assert parts(found)["rates"] == pytest.approx(served, rel=1e-9)


def test_two_decisions_under_two_laws_differ_by_the_laws_too(fits):
    a, b = (decide(parse_problem(one, FREE, ["train_flop<=1e22"])) for one in fits)
    found = between(a, b)
    assert list(found.parts) == ["params", "tokens", "law"]
    assert sum(parts(found).values()) == pytest.approx(b.metrics["loss"] - a.metrics["loss"], abs=1e-12)
    assert found.parts["law"].high < 0.0 < found.parts["law"].std
    assert abs(found.parts["params"].value + found.parts["tokens"].value) < 0.001     # both are near their optimum
    grouped = between(a, b, groups={"size": ("params", "tokens")})
    assert parts(grouped)["size"] == pytest.approx(parts(found)["params"] + parts(found)["tokens"], abs=1e-3)


def test_one_fit_read_twice_is_one_law(fits):
    own = fits[0]
    again = Fit.from_dict(own.to_dict())
    a, b = (decide(parse_problem(one, FREE, [f"train_flop<={flop}"])) for one, flop in ((own, 1e21), (again, 1e22)))
    assert a.problem.law is not b.problem.law
    assert list(between(a, b, "total_flop").parts) == ["params", "tokens"]


def test_an_error_after_a_loss_is_split_too():
    then = [law("gadre2024_downstream:c4_17task")]
    a, b = (decide(parse_problem(law("gadre2024_overtraining:c4"), FREE, [f"train_flop<={flop}"], then=then))
            for flop in (1e20, 1e21))
    found = between(a, b)
    assert found.output.name == "error"
    assert sum(parts(found).values()) == pytest.approx(b.metrics["error"] - a.metrics["error"], abs=1e-12)


def test_decisions_that_cannot_be_held_against_one_another_are_refused():
    made = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e22"]))
    other = decide(parse_problem(REPEATS, (*FREE, "unique_tokens=1e10"), ["train_flop<=1e22"]))
    with pytest.raises(InputError, match="decide different quantities"):
        between(made, other)
    with pytest.raises(InputError, match="nothing differs"):
        between(made, made)
    with pytest.raises(UnknownName, match="unknown metric 'usd'"):
        between(made, made, "usd")

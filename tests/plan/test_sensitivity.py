"""Sensitivity: against closed forms, differences of every published law, and decisions made again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import LawError
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import Law, form, law
from lawful.laws.formula import formula
from lawful.laws.registry import published
from lawful.laws.terms import terms_of
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, decide, frontier
from lawful.plan.explaining.elasticities import elasticities
from lawful.plan.explaining.optimality import coefficients_of
from lawful.plan.explaining.variance import variance_shares
from lawful.plan.problem import Problem, parse_problem
from lawful.plan.variables import is_positive

HOFFMANN = law("hoffmann2022_approach3")
FREE = ("params=1e6:1e14", "tokens=1e8:1e17")


# ------------------------------------------------------------------------------------ a law at a point

def test_elasticities_of_chinchillas_law_are_those_on_paper():
    c, at = HOFFMANN.law, {"params": 70e9, "tokens": 1.4e12}
    found = elasticities(HOFFMANN, at)
    loss, by_size, by_data = c(**at), c.A * 70e9**-c.alpha, c.B * 1.4e12**-c.beta
    expected = {"params": -c.alpha * by_size, "tokens": -c.beta * by_data, "E": c.E, "A": by_size, "B": by_data,
                "alpha": -c.alpha * math.log(70e9) * by_size, "beta": -c.beta * math.log(1.4e12) * by_data}
    got = {name: i.value for name, i in {**found.quantities, **found.coefficients}.items()}
    assert got == pytest.approx({name: value / loss for name, value in expected.items()}, rel=1e-12)


# The check of the multi-power law stands where its schedule drops the rate, those of pools of data at the end of a
# pass: kinks, with a slope to either side.
OFF_THE_KINK = {"luo2025_multi_power_law": {"steps": 11_000.0},
                "goyal2024_qqt": {"pairs": 1.28e8, "epochs": 1.5}}


@pytest.mark.parametrize("key", published())
def test_every_published_law_has_the_slopes_that_differences_find(key):
    entry, h = published()[key], 1e-5
    found = elasticities(entry, OFF_THE_KINK.get(key.partition(":")[0], entry.checks[0].at))
    inner, at = entry.law, found.at
    unit = found.value if inner.output.positive else 1.0
    for name in inner.inputs:
        up, down = (float(inner.at({**at, name: at[name] * math.exp(s)})) for s in (h, -h))
        assert found.quantities[name].value == pytest.approx((up - down) / (2 * h * unit), rel=1e-4, abs=1e-6)
    for name, value in inner.coefficients.items():
        up, down = (float(inner.with_coefficients({**inner.coefficients, name: np.array(value * math.exp(s))}).at(at))
                    for s in (h, -h))
        assert found.coefficients[name].value == pytest.approx((up - down) / (2 * h * unit), rel=1e-4, abs=1e-6)


def test_intervals_of_elasticities_are_those_of_the_draws():
    fitted = fit("chinchilla", simulate(), bootstrap=200)
    found = elasticities(fitted, {"params": 1e9, "tokens": 2e10})
    drawn = [elasticities(replace(fitted, law=fitted.law.with_coefficients(row.tolist()), draws=np.zeros((0, 5))),
                          found.at).quantities["params"].value for row in fitted.draws]
    low, high = np.percentile(drawn, [5, 95])
    assert (found.quantities["params"].low, found.quantities["params"].high) == pytest.approx((low, high), rel=1e-9)


def test_a_point_that_the_law_does_not_take_is_refused():
    with pytest.raises(LawError, match="missing tokens"):
        elasticities(HOFFMANN, {"params": 1e9})


# ------------------------------------------------------------------------------------ a decision

def guess(inner: Law) -> Fit:
    """A law of one's own, without draws."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, HOFFMANN.region,
               {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)


def made_again(problem: Problem, name: str, step: float) -> Decision:
    """The decision with the coefficient or the bound called ``name`` moved by ``step``."""
    for c in problem.constraints:
        if str(c) == name:
            bound = c.bound * math.exp(step) if is_positive(c.metric) else c.bound + step
            return decide(replace(problem, constraints=tuple(replace(c, bound=bound) if o is c else o
                                                             for o in problem.constraints)))
    for place, entry in enumerate(problem.laws):
        own = name.rpartition(".")[2] if place else name
        if own in entry.law.names() and (not place or name == f"{entry.law.output.name}.{own}"):
            inner = entry.law
            at, values = inner.names().index(own), coefficients_of(inner)
            moved = values.moved(step * np.eye(len(inner.names()))[at][None, :])[0]
            other = guess(inner.with_coefficients(moved.tolist()))
            return decide(replace(problem, law=other) if place == 0 else replace(problem, then=tuple(
                other if o is entry else o for o in problem.then)))
    raise AssertionError(name)


CASES = {
    "a budget": lambda: parse_problem(HOFFMANN, FREE, ["train_flop<=5.76e23"]),
    "the cheapest that reaches a loss": lambda: parse_problem(
        HOFFMANN, FREE, ["loss<=2.1"], "total_flop", Rates(serve_tokens=2e12)),
    "two bounds of two": lambda: parse_problem(
        HOFFMANN, FREE, ["usd<=50e3", "memory_bytes<=2e9"], rates=Rates("h100", serve_tokens=1e12)),
    "a bound on served compute": lambda: parse_problem(
        HOFFMANN, FREE, ["total_flop<=1e23"], rates=Rates(serve_tokens=1e13)),
    "repeats": lambda: parse_problem(
        law("muennighoff2023_data_constrained"), ("params=1e8:1e11", "unique_tokens=25e9", "epochs=1:100"),
        ["train_flop<=9.3e21"]),
    "an error after a loss": lambda: parse_problem(
        law("gadre2024_overtraining:c4"), FREE, ["train_flop<=1e21", "tokens_per_param>=60"],
        then=[law("gadre2024_downstream:c4_17task")]),
    "an equality": lambda: parse_problem(HOFFMANN, FREE, ["train_flop<=1e22", "tokens_per_param==100"]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_decision_moves_as_it_does_when_it_is_made_again(case):
    problem, h = CASES[case](), 2e-3
    found = decide(problem).sensitivity
    assert not found.warnings
    assert found.bounds or not problem.constraints
    for name, moves in {**found.coefficients, **found.bounds}.items():
        up, down = (made_again(problem, name, s).metrics for s in (h, -h))
        again = {target: math.log(up[target] / down[target]) / (2 * h) for target in moves}
        assert again == pytest.approx(moves, rel=2e-3, abs=2e-3), name


def test_the_optimum_moves_with_compute_and_coefficients_as_the_closed_form_says():
    c, made = HOFFMANN.law, decide(CASES["a budget"]())
    total, (bound,) = c.alpha + c.beta, made.sensitivity.bounds.values()
    assert bound["params"] == pytest.approx(c.beta / total, rel=1e-6)        # Hoffmann et al. 2022, equation 4
    assert bound["tokens"] == pytest.approx(c.alpha / total, rel=1e-6)
    moves = made.sensitivity.coefficients
    assert moves["A"]["params"] == pytest.approx(1 / total, rel=1e-6)
    assert moves["B"]["params"] == pytest.approx(-1 / total, rel=1e-6)
    assert moves["E"]["params"] == 0.0
    # by the envelope theorem the loss moves as if the decision stayed
    stayed = elasticities(HOFFMANN, made.forecast.at)
    assert {n: m["loss"] for n, m in moves.items()} == pytest.approx(
        {n: i.value for n, i in stayed.coefficients.items()}, rel=2e-5)


def test_a_price_is_the_move_of_the_goal_with_its_bound():
    made = decide(CASES["two bounds of two"]())
    assert set(made.prices) == set(made.sensitivity.bounds)
    for bound, price in made.prices.items():
        assert price == pytest.approx(-made.sensitivity.bounds[bound]["loss"], rel=0.02)  # of a step of one per cent


def test_the_outcomes_elasticities_at_the_decision_are_the_laws_own():
    fitted = fit("chinchilla", simulate(), bootstrap=200)
    made = decide(parse_problem(fitted, FREE, ["train_flop<=1e22"]))
    alone = elasticities(fitted, made.forecast.at)
    for name, found in made.sensitivity.quantities.items():
        expected = alone.quantities[name]
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected.value, expected.low, expected.high), rel=1e-5)


def test_shares_of_a_mixture_move_and_still_sum_to_one():
    inner = form("data_mixing_three")
    inner = replace(inner, first="code", second="text", c=2.0, k=1.0, t_1=-0.7, t_2=-0.4)
    problem = parse_problem(guess(inner), ["mixture.code=0:1", "mixture.text=0:1"], ["mixture.code<=0.6"])
    found = decide(problem).sensitivity
    (bound,) = found.bounds.values()
    assert bound["mixture.text"] == pytest.approx(-1.0, abs=1e-6)     # what code gains, text loses
    up, down = (made_again(problem, "mixture.code <= 0.6", s).metrics["loss"] for s in (1e-3, -1e-3))
    assert bound["loss"] == pytest.approx(math.log(up / down) / 2e-3, rel=1e-3)


def test_along_a_frontier_a_limit_on_another_goal_has_its_price_too():
    front = frontier(parse_problem(HOFFMANN, FREE, ["train_flop<=1e22"], "loss,memory_bytes"))
    middle = front.plans[len(front.plans) // 2]
    (limit,) = (c for c in middle.limits if c.metric == "memory_bytes")
    moves = middle.sensitivity.bounds[str(limit)]
    less = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e22", f"memory_bytes<={limit.bound * 0.999!r}"]))
    assert moves["loss"] == pytest.approx(
        math.log(less.metrics["loss"] / middle.metrics["loss"]) / math.log(0.999), rel=2e-3)
    assert moves["params"] == pytest.approx(1.0, rel=1e-6)


def test_choices_stay_and_what_is_all_held_does_not_move():
    made = decide(parse_problem(HOFFMANN, ("params=7e9", "tokens=1e12,2e12"), []))
    found = made.sensitivity
    assert set(found.coefficients["A"]) == {"loss"}
    assert found.coefficients["A"]["loss"] == pytest.approx(
        elasticities(HOFFMANN, made.forecast.at).coefficients["A"].value, rel=1e-6)


def test_an_optimum_on_a_kink_is_not_followed_nor_one_that_its_constraints_do_not_determine():
    bent = guess(formula("E + maximum(A * params / 1e9, (1e9 / params)**alpha)").with_coefficients(
        {"E": 1.0, "A": 1.0, "alpha": 2.0}))
    twice = parse_problem(HOFFMANN, FREE, ["train_flop<=1e22", "total_flop<=1e22"])
    for problem, code in ((parse_problem(bent, ["params=1e6:1e12"]), "no_smooth_optimum"), (twice, "not_determined")):
        found = decide(problem).sensitivity
        assert [w.code for w in found.warnings] == [code]
        assert all(math.isnan(move) for moves in found.coefficients.values() for move in moves.values())
        assert found.variance == {}


# ------------------------------------------------------------------------------------ whose doubt it is

def explained(samples: np.ndarray, y: np.ndarray, known: list[int]) -> float:
    """The share of the variance of ``y`` that a regression on the known columns explains: brute force."""
    if not known:
        return 0.0
    X = samples[:, known] - samples[:, known].mean(axis=0)
    centred = y - y.mean()
    fitted = X @ np.linalg.lstsq(X, centred, rcond=None)[0]
    return float(fitted @ fitted / (centred @ centred))


@pytest.mark.parametrize("groups", [{"a": ["a"], "b": ["b"], "c": ["c"]}, {"a, b": ["a", "b"], "c": ["c"]}])
def test_shares_of_variance_are_those_of_every_order_of_learning_the_coefficients(groups):
    from itertools import permutations

    rng = np.random.default_rng(1)
    names = ["a", "b", "c"]
    samples = rng.standard_normal((4000, 3)) @ np.array([[1.0, 0.9, 0.0], [0.0, 0.4, 0.3], [0.0, 0.0, 2.0]])
    g = np.array([1.0, -1.2, 0.3])
    y = samples @ g
    found = variance_shares(g, np.cov(samples.T), names, groups)
    gains = {group: [] for group in groups}
    for order in permutations(groups):
        known: list[int] = []
        for group in order:
            more = [*known, *(names.index(n) for n in groups[group])]
            gains[group].append(explained(samples, y, more) - explained(samples, y, known))
            known = more
    for group, members in groups.items():
        inside = [names.index(n) for n in members]
        assert found[group].shapley == pytest.approx(np.mean(gains[group]), abs=1e-9)
        assert found[group].alone == pytest.approx(explained(samples, y, inside), abs=1e-9)
        assert found[group].covariance == pytest.approx(
            np.cov(samples[:, inside] @ g[inside], y)[0, 1] / np.var(y, ddof=1), abs=1e-9)
    assert sum(s.shapley for s in found.values()) == pytest.approx(1.0)
    assert sum(s.covariance for s in found.values()) == pytest.approx(1.0)


def test_without_doubt_there_is_no_share_and_one_that_is_known_has_none():
    names, groups = ["a", "b"], {"a": ["a"], "b": ["b"]}
    assert variance_shares(np.ones(2), np.zeros((2, 2)), names, groups) == {}
    found = variance_shares(np.ones(2), np.diag([0.0, 1.0]), names, groups)
    assert (found["a"].shapley, found["b"].shapley) == pytest.approx((0.0, 1.0))


def test_the_doubt_about_a_decision_is_that_of_its_draws_made_again():
    fitted = fit("chinchilla", simulate(), bootstrap=1000)
    made = decide(parse_problem(fitted, FREE, ["train_flop<=1e22"]))
    doubt = made.sensitivity.variance["params"]
    optima = np.log([float(fitted.law.with_coefficients(row.tolist()).allocate(1e22).params) for row in fitted.draws])
    assert doubt.linear == pytest.approx(optima.std(ddof=1), rel=0.1)
    assert doubt.std == pytest.approx(optima.std(ddof=1), rel=0.35)      # 48 draws: a tenth, and its ends a third
    # which coefficients' doubt it is, by regression of the true optima on the draws' logarithms
    steps = np.log(fitted.draws / np.array(list(fitted.law.coefficients.values())))
    places = {"E": [0], "A, alpha": [1, 2], "B, beta": [3, 4]}
    for term, columns in places.items():
        assert doubt.terms[term].alone == pytest.approx(explained(steps, optima, columns), abs=0.06)
    assert sum(s.shapley for s in doubt.terms.values()) == pytest.approx(1.0)
    assert doubt.terms["E"].alone < 0.05          # the floor says nothing of where the optimum lies
    assert made.sensitivity.variance["loss"].terms["E"].alone > 0.5      # and most about what it gives


@pytest.mark.parametrize(("name", "terms"), [
    ("chinchilla", [("E",), ("A", "alpha"), ("B", "beta")]),
    ("shape_loss", [("E",), ("A", "alpha"), ("B", "beta"), ("C", "gamma"), ("F", "delta")]),
    ("power_law", [("x_c", "alpha")]),
    ("gathered_loss", [("E",), ("A", "alpha", "B", "beta", "gamma")]),
])
def test_coefficients_are_read_term_by_term(name, terms):
    assert terms_of(form(name)) == terms

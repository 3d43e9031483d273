"""Decisions under constraints: against brute force, closed forms and published decisions; the impossible is said."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.fit import Fit, FitStatus
from lawful.laws import form, law
from lawful.laws.language import AdditiveLoss
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.frontier import frontier
from lawful.plan.problem import Constraint, Problem, Variable, parse_problem
from lawful.plan.solving.newton import FEASIBLE
from lawful.plan.solving.solver import lattice, minimise

HOFFMANN = law("hoffmann2022_approach3")
FREE = ("params=1e6:1e14", "tokens=1e8:1e17")
STUDY = os.environ.get("LAWFUL_STUDIES") == "full"


def random_problem(rng: np.random.Generator) -> Problem:
    """Params and tokens under one to three constraints, of a law drawn near the published ones."""
    alpha, beta = rng.uniform(0.25, 0.5, 2)
    inner = AdditiveLoss(E=rng.uniform(1.4, 2.2), A=0.35 * 1e9**alpha, alpha=alpha, B=0.35 * 2e10**beta, beta=beta)
    guess = Fit(inner, np.zeros((0, 5)), FitStatus.CONVERGED, HOFFMANN.region, {"name": "none", "value": 0.0},
                np.zeros(0), 0.0, 0)
    compute = 10 ** rng.uniform(20, 25)
    served = 10 ** rng.uniform(10, 13) if rng.random() < 0.5 else 0.0
    limits = [f"total_flop<={compute!r}"]
    if rng.random() < 0.4:
        limits.append(f"memory_bytes<={10 ** rng.uniform(9, 11)!r}")
    if rng.random() < 0.4:
        limits.append(f"tokens_per_param>={10 ** rng.uniform(0.5, 2.5)!r}")
    return parse_problem(guess, ("params=1e7:1e13", "tokens=1e8:1e15"), limits, rates=Rates(serve_tokens=served))


def brute_force(problem: Problem, side: int = 1200) -> float:
    """The least goal among the feasible points of a dense grid, the tokens put on every boundary as well."""
    params = np.geomspace(1e7, 1e13, side * 8)
    tokens = np.geomspace(1e8, 1e15, side)
    budget = problem.constraints[0].bound
    edge = (budget - 2.0 * params * problem.rates.serve_tokens) / (6.0 * params)
    ok = (edge >= 1e8) & (edge <= 1e15)
    candidates = [(params[ok], edge[ok] * (1 - 1e-12)), tuple(map(np.ravel, np.meshgrid(params[::8], tokens)))]
    best = np.inf
    for p, d in candidates:
        metrics = problem.metrics({"params": p, "tokens": d})
        feasible = (problem.excess(metrics, len(p)) <= FEASIBLE).all(axis=0)
        if feasible.any():
            best = min(best, float(metrics["loss"][feasible].min()))
    return best


@pytest.mark.parametrize("seed", range(200 if STUDY else 25))
def test_no_grid_finds_a_better_decision_and_no_constraint_is_broken(seed):
    problem = random_problem(np.random.default_rng(seed))
    best = brute_force(problem)
    if not np.isfinite(best):
        with pytest.raises(FailedToAnswer, match="no decision keeps"):
            decide(problem)
        return
    made = decide(problem)
    assert made.metrics["loss"] <= best * (1 + 1e-4)
    assert (problem.excess({n: np.array(v) for n, v in made.metrics.items()}) <= 1e-6).all()


def test_the_closed_form_split_is_found():
    made = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=5.76e23"]))
    best = HOFFMANN.law.allocate(5.76e23)
    assert made.decision["params"] == pytest.approx(best.params, rel=1e-4)
    assert made.metrics["loss"] == pytest.approx(best.output, rel=1e-9)
    assert made.binding == ("train_flop <= 5.76e+23",)


# Sardana et al. 2023 (arXiv:2401.00448), the first-order condition of their equation 2: the elasticities of the loss in
# params and in tokens are as 1 + D_inference / (3 D_training) to 1.
@pytest.mark.parametrize("served", [1e10, 2e12, 1e14])
def test_what_is_served_moves_the_optimum_as_sardana_derived(served):
    made = decide(parse_problem(HOFFMANN, FREE, ["loss<=2.1"], "total_flop", Rates(serve_tokens=served)))
    c, (N, D) = HOFFMANN.law, made.decision.values()
    elasticities = c.alpha * c.A * N**-c.alpha, c.beta * c.B * D**-c.beta
    assert elasticities[0] / elasticities[1] == pytest.approx(1 + served / (3 * D), rel=1e-3)
    assert made.metrics["loss"] == pytest.approx(2.1, rel=1e-6)


# Muennighoff et al. 2023 (arXiv:2305.16264), section 6: for 25B unique tokens and 9.3e21 FLOP, the law of repetition
# trains a smaller model for more epochs than Chinchilla's 8.7B on 178B tokens (7.1 epochs): 6.34B for 9.7.
def test_repeated_data_ask_for_fewer_params_and_more_epochs_as_muennighoff_found():
    entry = law("muennighoff2023_data_constrained")
    made = decide(parse_problem(entry, ("params=1e8:1e11", "unique_tokens=25e9", "epochs=1:100"),
                                ["train_flop<=9.3e21"]))
    assert made.decision["params"] == pytest.approx(6.34e9, rel=0.1)
    assert made.decision["epochs"] == pytest.approx(9.7, rel=0.1)


def test_choices_are_tried_and_the_best_is_taken():
    few = parse_problem(HOFFMANN, ("params=1e9,7e9,7e10", "tokens=1e9:1e15"), ["train_flop<=1e23"])
    made = decide(few)
    losses = {p: float(HOFFMANN.law(params=p, tokens=1e23 / 6 / p)) for p in (1e9, 7e9, 7e10)}
    assert made.decision["params"] == min(losses, key=losses.get)
    assert made.metrics["loss"] == pytest.approx(min(losses.values()), rel=1e-9)


def test_prices_are_what_one_per_cent_more_gains():
    made = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e22"]))
    before, after = (float(HOFFMANN.law.allocate(c).output) for c in (1e22, 1.01e22))
    assert made.prices["train_flop <= 1e+22"] == pytest.approx(100 * (1 - after / before), rel=1e-3)


# --------------------------------------------------------------------------------------- frontiers

def test_no_plan_of_a_frontier_is_beaten_by_another_and_ends_are_the_best_of_each():
    problem = parse_problem(HOFFMANN, FREE, ["usd<=1e6", "tokens_per_param<=1000"], "loss,memory_bytes",
                            Rates("h100", serve_tokens=1e12))
    front = frontier(problem)
    goals = np.array([[p.metrics["loss"], p.metrics["memory_bytes"]] for p in front.plans])
    assert len(goals) > 10
    for i, one in enumerate(goals):
        others = np.delete(goals, i, axis=0)
        assert not ((others <= one * (1 - 1e-9)).all(axis=1)).any()
    alone = decide(parse_problem(HOFFMANN, FREE, ["usd<=1e6", "tokens_per_param<=1000"], "loss",
                                 Rates("h100", serve_tokens=1e12)))
    assert goals[:, 0].min() == pytest.approx(alone.metrics["loss"], rel=1e-6)
    assert (np.diff(goals[:, 0]) > 0).all()
    assert (np.diff(goals[:, 1]) < 0).all()


def test_more_is_better_of_an_accuracy():
    rising = form("sigmoid:compute").with_coefficients({"b": 0.25, "a": 0.6, "d": 1e21, "s": 0.5})
    guess = Fit(rising, np.zeros((0, len(rising.names()))), FitStatus.CONVERGED, HOFFMANN.region,
                {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)
    made = decide(parse_problem(guess, ["compute=1e18:1e24"], ["train_flop<=1e21"]))
    assert rising(compute=1e24) > rising(compute=1e18)
    assert made.decision["compute"] == pytest.approx(1e21, rel=1e-6), "the most that is allowed, not the least"


# --------------------------------------------------------------------------------------- what cannot be

def test_the_constraint_that_cannot_be_kept_is_named_with_the_nearest_bound():
    with pytest.raises(FailedToAnswer, match=r"no decision keeps train_flop <= 1e\+20 beside loss <= 1.9: the nearest"):
        decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e20", "loss<=1.9"]))
    with pytest.raises(FailedToAnswer, match=r"loss <= 1.5: the nearest that could be kept is loss <= 1\.70"):
        decide(parse_problem(HOFFMANN, FREE, ["loss<=1.5"]))


@pytest.mark.parametrize(("vary", "subject", "error", "says"), [
    (["params=1e9"], [], LawError, "nothing says tokens"),
    (["params=1e12:1e9", "tokens=1e9"], [], InputError, "runs from low to high"),
    (["params=1e9", "params=1e10", "tokens=1e9"], [], InputError, "params: decided twice"),
    (["params", "tokens=1e9"], [], InputError, "write NAME=LOW:HIGH"),
    (["parms=1e9", "tokens=1e9"], [], UnknownName, "nearest: .*params"),
    (["params=1e9", "tokens=-1e9"], [], InputError, "must be positive"),
    (list(FREE), ["usd<=1e6"], UnknownName, "it needs a device"),
    (list(FREE), ["loss<2"], InputError, "METRIC<=BOUND"),
    (list(FREE), ["loss<=0"], InputError, "must be positive"),
    ([*FREE, "unique_tokens=1e9", "epochs=3"], [], InputError, "one too many"),
])
def test_a_problem_that_is_none_is_refused(vary, subject, error, says):
    with pytest.raises(error, match=says):
        decide(parse_problem(HOFFMANN, vary, subject))


def test_a_constraint_has_a_sense():
    with pytest.raises(InputError, match="<= or >="):
        Constraint("loss", "<", 2.0)
    with pytest.raises(UnknownName, match="device"):
        Rates("h1000")
    assert Variable.parse("post_bits=4,8,16").choices == (4.0, 8.0, 16.0)
    assert not Variable.parse("epochs=4").free


# --------------------------------------------------------------------------------------- the solver

def test_the_solver_meets_a_bound_that_its_start_breaks():
    found = minimise(lambda x, _: (((x - 0.3) ** 2).sum(axis=2), (1.0 - x.sum(axis=2))[None]),
                     np.zeros((1, 2)), np.ones((1, 2)), np.zeros(1, dtype=bool))
    assert found.feasible.all()
    assert found.x[0] == pytest.approx([0.5, 0.5], abs=1e-5)


def test_the_lattice_leaves_no_large_hole():
    points = lattice(1024, 3)
    assert ((points >= 0) & (points < 1)).all()
    corners = np.stack(np.meshgrid(*[np.linspace(0.1, 0.9, 5)] * 3), -1).reshape(-1, 3)
    assert max(np.linalg.norm(points - c, axis=1).min() for c in corners) < 0.12


def test_what_cannot_be_even_alone_says_what_can_alone_and_beside_the_rest():
    """Alone the loss comes down to E at the far end of the spans; within the budget it stays above the optimum's."""
    best = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e21"])).metrics["loss"]
    with pytest.raises(FailedToAnswer) as said:
        decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e21", "loss<=1.5"]))
    assert re.search(rf"no decision keeps loss <= 1\.5: the nearest .* is loss <= 1\.70\d*, and {best:.6g} beside "
                     r"train_flop <= 1e\+21", str(said.value))


def test_a_bound_that_is_worth_nothing_is_worth_zero():
    made = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e21", "loss>=3"]))
    assert made.metrics["loss"] == pytest.approx(3.0)
    assert made.prices["loss >= 3"] == pytest.approx(1.0, rel=1e-6)
    assert made.prices.get("train_flop <= 1e+21", 0.0) == 0.0


@pytest.mark.parametrize("goal", ["loss", "loss,params"])
def test_a_quantity_that_moves_nothing_asked_is_refused(goal):
    for vary in ("samples=1:100", "samples=1,10"):
        problem = parse_problem(HOFFMANN, [*FREE, vary], ["train_flop<=1e21"], goal)
        with pytest.raises(InputError, match="samples: nothing that is asked depends on it"):
            (frontier if "," in goal else decide)(problem)
    served = parse_problem(HOFFMANN, [*FREE, "samples=1,10"], ["total_flop<=1e21"], rates=Rates(serve_tokens=1e10))
    assert decide(served).decision["samples"] == 1.0, "it moves the cost of serving, so that it is not idle"
    assert decide(parse_problem(HOFFMANN, [*FREE, "samples=7"], ["train_flop<=1e21"])).decision["samples"] == 7.0

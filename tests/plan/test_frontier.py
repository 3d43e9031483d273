"""Frontiers: no plan beaten by another or by a search, each the best there is, spread evenly, ties marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import FailedToAnswer, InputError
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import law
from lawful.laws.base import Region
from lawful.laws.composed import compose_by_name
from lawful.laws.language import AdditiveLoss
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.frontier import Frontier, frontier
from lawful.plan.problem import Constraint, Problem, parse_problem
from lawful.plan.solving.newton import FEASIBLE
from lawful.plan.solving.points import POINTS
from lawful.plan.solving.program import Program
from lawful.plan.solving.solver import lattice

HOFFMANN = law("hoffmann2022_approach3")
FITTED = fit("chinchilla", simulate(), bootstrap=200)


def of_two(fitted: object = HOFFMANN, goals: str = "loss,memory_bytes") -> Problem:
    """Loss against the memory of serving."""
    return parse_problem(fitted, ("params=1e6:1e14", "tokens=1e8:1e17"), ["usd<=1e6", "tokens_per_param<=1000"], goals,
                         Rates("h100", serve_tokens=1e12))


def of_choices() -> Problem:
    """Loss against total params, where experts are a choice."""
    return parse_problem(law("ludziejewski2025_joint_moe"), ("params=1e7:1e12", "tokens=1e8:1e14", "experts=1,2,8,32"),
                         ["train_flop<=1e21"], "loss,total_params")


def of_three() -> Problem:
    """Loss, money and memory over six variables: size, tokens, data, and the bits of weights, activations and cache."""
    return parse_problem(
        compose_by_name("hoffmann2022_approach3+repetition+precision"),
        ("params=1e8:1e12", "tokens=1e9:1e14", "unique_tokens=1e9:1e12", "weight_bits=3:16", "activation_bits=3:16",
         "kv_bits=3:16"), ["usd<=1e7", "usd>=1e3"], "loss,usd,memory_bytes", Rates("h100", serve_tokens=1e12))


PROBLEMS = {"two": of_two, "of a fit": lambda: of_two(FITTED), "choices": of_choices, "three": of_three}
FOUND: dict[str, tuple[Problem, Frontier]] = {}


@pytest.fixture(params=PROBLEMS)
def solved(request: pytest.FixtureRequest) -> tuple[Problem, Frontier]:
    """Each problem with its frontier, solved once."""
    if request.param not in FOUND:
        problem = PROBLEMS[request.param]()
        FOUND[request.param] = problem, frontier(problem)
    return FOUND[request.param]


def goals_of(problem: Problem, front: Frontier) -> np.ndarray:
    """The goals of the plans on the scale they are solved on, ``(plan, goal)``."""
    return np.array([[float(problem.goal({g: np.array(p.metrics[g])}, g)) for g in problem.minimise]
                     for p in front.plans])


def test_no_plan_is_dominated_and_none_breaks_a_constraint(solved):
    problem, front = solved
    goals = goals_of(problem, front)
    assert 10 < len(goals) <= POINTS[len(problem.minimise)]
    for i, one in enumerate(goals):
        others = np.delete(goals, i, axis=0)
        assert not (others <= one + 1e-9).all(axis=1).any()
    for plan in front.plans:
        assert (problem.excess({n: np.array(v) for n, v in plan.metrics.items()}) <= 1e-6).all()


def test_a_dense_search_finds_nothing_that_dominates_a_plan(solved):
    problem, front = solved
    goals = goals_of(problem, front)
    program = Program(problem)
    unit = lattice(200_000 // len(program.combinations), len(program.free))
    for held, low, high in zip(program.combinations, *program.limits, strict=True):
        points = low + (high - low) * unit
        metrics = program.metrics(points[None], held[None])
        found = np.stack([np.broadcast_to(problem.goal(metrics, g), (1, len(points)))[0] for g in problem.minimise], 1)
        kept = found[(problem.excess(metrics, (1, len(points)))[:, 0] <= FEASIBLE).all(axis=0)]
        assert len(kept) or len(program.combinations) > 1
        for one in goals:
            assert not (kept <= one - 1e-4).all(axis=1).any()


def test_each_plan_is_what_is_decided_under_its_own_limits(solved):
    problem, front = solved
    first = problem.minimise[0]
    for plan in front.plans[:: max(1, len(front.plans) // 4)]:
        loosened = tuple(Constraint(c.metric, c.sense, c.bound * (1 + 1e-9)) for c in plan.limits)
        alone = decide(replace(problem, minimise=(first,), constraints=(*problem.constraints, *loosened)), draws=0)
        assert plan.metrics[first] == pytest.approx(alone.metrics[first], rel=1e-5)


def test_the_ends_are_the_best_of_each_goal(solved):
    problem, front = solved
    for goal in problem.minimise:
        alone = decide(replace(problem, minimise=(goal,)), draws=0)
        assert min(p.metrics[goal] for p in front.plans) == pytest.approx(alone.metrics[goal], rel=1e-5)


def test_plans_of_two_goals_lie_at_even_distances():
    problem = of_two()
    goals = goals_of(problem, frontier(problem))
    steps = np.linalg.norm(np.diff(goals, axis=0) / np.ptp(goals, axis=0), axis=1)
    assert len(goals) == POINTS[2]
    assert steps.max() / steps.min() < 1.2


def test_plans_of_three_goals_leave_each_other_room(solved):
    problem, front = solved
    goals = goals_of(problem, front)
    scaled = goals / np.ptp(goals, axis=0)
    gap = np.abs(scaled[:, None] - scaled[None]).max(axis=2) + np.eye(len(goals))
    nearest = gap.min(axis=1)
    assert nearest.max() / np.median(nearest) < 4.0


def test_choices_alone_have_a_frontier_too():
    choices = [1e8, 1e9, 7e9, 7e10, 4e11]
    problem = parse_problem(HOFFMANN, (f"params={','.join(map(str, choices))}", "tokens=1e12"), [], "loss,params")
    front = frontier(problem)
    assert sorted(p.decision["params"] for p in front.plans) == choices
    within = replace(problem, constraints=(Constraint("params", "<=", 1e10),))
    assert sorted(p.decision["params"] for p in frontier(within).plans) == choices[:3]


# --------------------------------------------------------------------------------------- ties

def doubtful(share: float, draws: int = 400) -> Fit:
    """A law of which E is much in doubt, and the worth of tokens by ``share``; and nothing else."""
    inner = AdditiveLoss(E=1.8, A=400.0, alpha=0.34, B=400.0, beta=0.28)
    rng = np.random.default_rng(0)
    rows = np.tile(np.array(list(inner.coefficients.values())), (draws, 1))
    rows[:, 0] *= np.exp(0.1 * rng.standard_normal(draws))
    rows[:, 3] *= np.exp(share * rng.standard_normal(draws))
    return Fit(inner, rows, FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0}, np.zeros(1), 0.0, 1)


def test_a_doubt_that_all_plans_share_makes_no_ties():
    front = frontier(of_two(doubtful(0.0)))
    widths = [p.forecast.high - p.forecast.low for p in front.plans]
    steps = np.diff([p.metrics["loss"] for p in front.plans])
    assert min(widths) > steps.min(), "the intervals overlap"
    assert front.ties == ((),) * len(front.plans), "and yet every draw agrees"


def test_ties_are_the_plans_on_whose_order_the_draws_disagree():
    """Params against tokens at one compute: which loss is less is the doubt about B, worked out by hand."""
    fitted = doubtful(0.3)
    problem = parse_problem(fitted, ("params=1e8:1e12", "tokens=1e8:1e15"), ["train_flop==1e23"], "loss,params")
    front = frontier(problem)
    sample = fitted.sample
    losses = np.stack([sample(params=p.decision["params"], tokens=p.decision["tokens"])[:, 0] for p in front.plans], 1)
    for i in range(len(front.plans)):
        for j in range(len(front.plans)):
            ends = np.percentile(losses[:, i] - losses[:, j], [5, 95])
            if i != j and np.abs(ends).min() > 1e-4:
                assert (j in front.ties[i]) == (ends[0] < 0 < ends[1])
    tied = [bool(t) for t in front.ties]
    assert any(tied)
    assert not all(tied)
    assert all(i in front.ties[j] for i, mine in enumerate(front.ties) for j in mine)
    assert front.to_dict()["ties"] == [list(t) for t in front.ties]


def test_a_published_law_says_nothing_of_ties():
    assert frontier(of_two()).ties == ()
    assert frontier(of_two(FITTED, "usd,memory_bytes")).ties == ()


# --------------------------------------------------------------------------------------- what cannot be

def test_a_frontier_needs_two_goals_and_a_decision():
    with pytest.raises(InputError, match="needs two goals or more, got loss"):
        frontier(of_two(goals="loss"))
    impossible = replace(of_two(), constraints=(Constraint("usd", "<=", 1e6), Constraint("loss", "<=", 1.5)))
    with pytest.raises(FailedToAnswer, match=r"keeps loss <= 1.5"):
        frontier(impossible)


def test_warnings_of_a_frontier_say_once_what_is_of_all_and_of_how_many_the_rest():
    front = frontier(of_two())
    assert all(any(w.code == "far_extrapolation" for w in made.warnings) for made in front.plans[-2:])
    said = {w.code: w.message for w in front.warnings}
    assert said["no_interval"] == "a published law without draws: no interval can be given"
    reached = sum(any(w.code == "far_extrapolation" for w in made.warnings) for made in front.plans)
    assert 0 < reached < len(front.plans)
    assert said["far_extrapolation"].startswith(f"of {reached} of {len(front.plans)} plans, here plan ")
    assert len(front.warnings) == len({(w.code, w.message) for w in front.warnings})


def test_a_goal_is_named_once():
    with pytest.raises(InputError, match="params: a goal twice"):
        replace(of_two(), minimise=("loss", "params", "params"))

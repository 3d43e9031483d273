"""The solver against a search that needs no derivatives, on random problems of two to six variables, kinks included."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from lawful.errors import FailedToAnswer
from lawful.fit import Fit, FitStatus
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.laws.formula import formula
from lawful.laws.language import AdditiveLoss
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.problem import Problem, parse_problem
from lawful.plan.solving.newton import FEASIBLE
from lawful.plan.solving.program import Program
from lawful.plan.solving.solver import SAMPLE

STUDY = os.environ.get("LAWFUL_STUDIES") == "full"


def guess(inner: Law) -> Fit:
    """A law with coefficients of one's own, without draws."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


# --------------------------------------------------------------------------------------- random problems

def additive(rng: np.random.Generator) -> Problem:
    """Params and tokens under one to three constraints, of a law drawn near the published ones."""
    alpha, beta = rng.uniform(0.25, 0.5, 2)
    inner = AdditiveLoss(E=rng.uniform(1.4, 2.2), A=0.35 * 1e9**alpha, alpha=alpha, B=0.35 * 2e10**beta, beta=beta)
    limits = [f"total_flop<={10 ** rng.uniform(20, 25)!r}"]
    if rng.random() < 0.4:
        limits.append(f"memory_bytes<={10 ** rng.uniform(9, 11)!r}")
    if rng.random() < 0.4:
        limits.append(f"tokens_per_param>={10 ** rng.uniform(0.5, 2.5)!r}")
    served = 10 ** rng.uniform(10, 13) if rng.random() < 0.5 else 0.0
    return parse_problem(guess(inner), ("params=1e7:1e13", "tokens=1e8:1e15"), limits, rates=Rates(serve_tokens=served))


def cheapest(rng: np.random.Generator) -> Problem:
    """The cheapest model that reaches a loss."""
    served = 10 ** rng.uniform(10, 13)
    return parse_problem(law("besiroglu2024_refit"), ("params=1e7:1e13", "tokens=1e8:1e15"),
                         [f"loss<={rng.uniform(1.95, 3.0)!r}"], "total_flop", Rates(serve_tokens=served))


def precision(rng: np.random.Generator) -> Problem:
    """Five variables: size, tokens and the bits of weights, activations and cached keys, under memory and compute."""
    return parse_problem(law("kumar2024_precision_training"),
                         ("params=1e6:1e12", "tokens=1e8:1e14", "weight_bits=1:16", "activation_bits=1:16",
                          f"kv_bits=1:{rng.uniform(4, 16):.2f}"),
                         [f"train_flop<={10 ** rng.uniform(19, 23)!r}", f"memory_bytes<={10 ** rng.uniform(8, 10)!r}"])


def repeated(rng: np.random.Generator) -> Problem:
    """Params and epochs of limited data: the law has kinks where data begin to repeat and params to exceed them."""
    limits = [f"train_flop<={10 ** rng.uniform(19, 24)!r}"]
    if rng.random() < 0.5:
        limits.append(f"memory_bytes<={10 ** rng.uniform(9, 11)!r}")
    return parse_problem(law("muennighoff2023_data_constrained"),
                         ("params=1e7:1e12", f"unique_tokens=1e8:{10 ** rng.uniform(9, 11)!r}", "epochs=1:100"), limits)


def routed(rng: np.random.Generator) -> Problem:
    """Params, tokens and a choice of experts."""
    limits = [f"train_flop<={10 ** rng.uniform(19, 23)!r}", f"memory_bytes<={10 ** rng.uniform(8.5, 11)!r}"]
    return parse_problem(law("ludziejewski2025_joint_moe"),
                         ("params=1e7:1e12", "tokens=1e8:1e14", "experts=1,2,4,8,16,32"), limits)


def mixed(rng: np.random.Generator) -> Problem:
    """Six variables: size, tokens and four shares that sum to 1, each domain with slope and weight of its own."""
    domains = ("web", "code", "books", "maths")
    terms = " + ".join(f"{rng.uniform(0.05, 0.5):.4f}*exp(-{rng.uniform(1, 9):.4f}*mixture.{d})" for d in domains)
    inner = formula(f"loss = E + A/params**alpha + B/tokens**beta + {terms}").with_coefficients(
        {"E": 1.5, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28})
    return parse_problem(guess(inner), ("params=1e7:1e12", "tokens=1e8:1e14", *(f"mixture.{d}=0:1" for d in domains)),
                         [f"train_flop<={10 ** rng.uniform(19, 23)!r}", f"mixture.web<={rng.uniform(0.1, 0.9):.3f}"])


FAMILIES = (additive, cheapest, precision, repeated, routed, mixed)


def brute_force(problem: Problem, rounds: int = 12) -> float:
    """The least goal among 100 times as many points as the planner looks at, in boxes that shrink about the best.

    One share of a mixture has what the others leave, so that points can keep the sum.
    """
    program = Program(problem)
    rng = np.random.default_rng(0)
    best = np.inf
    left = [j for j, v in enumerate(program.free) if v.name in problem.shares][-1:]
    for held, low, high in zip(program.combinations, *program.limits, strict=True):
        centre, width, mine = 0.5 * (low + high), high - low, np.inf
        for _ in range(rounds):
            points = np.clip(centre + width * rng.uniform(-0.5, 0.5, (100 * SAMPLE // 6, len(low))), low, high)
            points[0] = centre
            if left:
                shares = program.point(points)
                rest = 1.0 - sum(shares[n] for n in problem.shares if n != program.free[left[0]].name)
                points[:, left[0]] = np.arcsinh(rest)
            value, gaps = program.function(held[None])(points[None], np.zeros(1, dtype=int))
            ok = (np.where(program.equal[:, None], np.abs(gaps[:, 0]), gaps[:, 0]) <= FEASIBLE).all(axis=0)
            ok &= ((points >= low - 1e-12) & (points <= high + 1e-12)).all(axis=1) & np.isfinite(value[0])
            if ok.any():
                i = int(np.argmin(np.where(ok, value[0], np.inf)))
                if value[0, i] < mine:
                    mine, centre = float(value[0, i]), points[i]
                    width = 0.6 * width
                else:
                    width = 0.4 * width
        best = min(best, mine)
    return best


@pytest.mark.parametrize("seed", range(34 if STUDY else 4))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_no_search_finds_a_better_decision_and_no_constraint_is_broken(family: Callable[..., Problem], seed: int):
    problem = family(np.random.default_rng([seed, FAMILIES.index(family)]))
    best = brute_force(problem)
    try:
        made = decide(problem)
    except FailedToAnswer:
        assert not np.isfinite(best), "a decision was there"
        return
    metrics = {n: np.array(v) for n, v in made.metrics.items()}
    assert float(problem.goal(metrics, problem.minimise[0])) <= best + 1e-4
    assert (problem.excess(metrics) <= 1e-6).all()
    for v in problem.variables:
        assert v.low * (1 - 1e-12) <= made.decision[v.name] <= v.high * (1 + 1e-12)


def test_a_cost_that_jumps_where_a_format_ends_is_no_trap():
    """An H100 multiplies twice as fast in 8 bits: the best is at the jump, which derivatives do not see."""
    problem = parse_problem(law("kumar2024_precision_training"),
                            ("params=1e8:1e12", "tokens=1e9:1e15", "weight_bits=3:16", "activation_bits=3:16",
                             "kv_bits=8"), ["usd<=1e5"], rates=Rates("h100"))
    made = decide(problem)
    grid = [made.metrics["loss"]]
    for bits in ([w, a] for w in (4, 7, 8, 9, 12, 16) for a in (4, 7, 8, 9, 12, 16)):
        held = [f"{name}_bits={b}" for name, b in zip(("weight", "activation"), bits, strict=True)]
        grid.append(decide(parse_problem(problem.law, ("params=1e8:1e12", "tokens=1e9:1e15", *held, "kv_bits=8"),
                                         ["usd<=1e5"], rates=Rates("h100"))).metrics["loss"])
    assert grid[0] <= min(grid[1:]) * (1 + 1e-9)
    assert made.decision["weight_bits"] == pytest.approx(8.0, abs=1e-6)
    assert made.decision["activation_bits"] == pytest.approx(8.0, abs=1e-6)


def test_of_many_combinations_the_best_is_taken_and_the_hopeless_are_left():
    """216 combinations, most of which no size of model keeps in memory: the best is the best of each by itself."""
    entry = law("ludziejewski2025_joint_moe")
    rest = ("params=1e9:1e12", "tokens=1e8:1e14"), ["train_flop<=1e21", "memory_bytes<=1e9", "serve_flop<=1e30"]
    choices = {"experts": (1, 2, 4, 8, 16, 32), "post_bits": (2, 3, 4, 6, 8, 16), "samples": (1, 2, 4, 8, 16, 32)}
    rates = Rates(serve_tokens=1e10)
    every = [f"{name}={','.join(map(str, values))}" for name, values in choices.items()]
    made = decide(parse_problem(entry, (*rest[0], *every), rest[1], rates=rates))
    alone = []
    for experts in choices["experts"]:
        vary = (*rest[0], f"experts={experts}", "post_bits=2", "samples=1")
        with suppress(FailedToAnswer):
            alone.append(decide(parse_problem(entry, vary, rest[1], rates=rates)).metrics["loss"])
    assert 1 < len(alone) < 6
    assert made.metrics["loss"] == pytest.approx(min(alone), rel=1e-9)
    assert made.decision["post_bits"] == 2

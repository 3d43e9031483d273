"""The optima of a fit's draws: against closed forms, and against SLSQP asked about every draw by itself."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import simulate
from lawful.cost import Budget
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.plan import plan
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.problem import Problem, parse_problem
from lawful.plan.solving.newton import FEASIBLE
from lawful.plan.solving.program import Program, draws_of
from lawful.plan.solving.solver import slsqp
from lawful.plan.solving.spread import optima

FREE = ("params=1e6:1e14", "tokens=1e8:1e17")
FITTED = fit("chinchilla", simulate(), bootstrap=200)


def scattered(inner: Law, draws: int, share: float) -> Fit:
    """A fit whose coefficients are scattered by ``share`` about those of ``inner``."""
    values = np.array(list(inner.coefficients.values()))
    noise = np.exp(share * np.random.default_rng(0).standard_normal((draws, len(values))))
    return Fit(inner, values * noise, FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0}, np.zeros(1), 0.0,
               1)


def test_intervals_are_those_of_the_closed_form_plan():
    mine = decide(parse_problem(FITTED, FREE, ["train_flop<=1e22"]))
    theirs = plan(FITTED, Budget(compute=1e22))
    assert mine.decision["params"] == pytest.approx(theirs.decision["params"], rel=1e-5)
    assert mine.spread.solved == 200
    for name in ("params", "tokens"):
        for end in ("low", "high", "std"):
            assert getattr(mine.intervals[name], end) == pytest.approx(getattr(theirs.intervals[name], end), rel=1e-4)


def least_params() -> float:
    """The params that half of the draws want fewer of, and half more, at 1e22 FLOP."""
    return float(np.median(FITTED.sample.allocate(1e22).params))


PRECISE = law("kumar2024_precision_training").law
REPEATED = law("muennighoff2023_data_constrained").law
MOE = law("ludziejewski2025_joint_moe").law
PROBLEMS = {
    "one bound": lambda: parse_problem(FITTED, FREE, ["train_flop<=1e22"]),
    "a bound that binds for half": lambda: parse_problem(FITTED, FREE, ["train_flop<=1e22",
                                                                     f"memory_bytes<={2 * least_params()!r}"]),
    "cheapest": lambda: parse_problem(FITTED, FREE, ["loss<=2.2"], "total_flop", Rates(serve_tokens=1e12)),
    "an equality": lambda: parse_problem(FITTED, FREE, ["train_flop<=1e22", "tokens_per_param==40"]),
    "at an end": lambda: parse_problem(FITTED, (f"params=1e6:{least_params()!r}", "tokens=1e8:1e17"),
                                       ["train_flop<=1e22"]),
    "five variables": lambda: parse_problem(scattered(PRECISE, 100, 0.02), (
        "params=1e6:1e12", "tokens=1e8:1e14", "weight_bits=1:16", "activation_bits=1:16", "kv_bits=1:8"),
        ["train_flop<=1e21", "memory_bytes<=1e9"]),
    "kinks": lambda: parse_problem(scattered(REPEATED, 100, 0.05), (
        "params=1e7:1e12", "unique_tokens=1e8:1e10", "epochs=1:100"), ["train_flop<=1e21"]),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_draw_is_solved_as_slsqp_solves_it_alone(name):
    problem: Problem = PROBLEMS[name]()
    program = Program(problem)
    (low,), (high,) = program.limits
    found = program.minimise()
    drawn = draws_of(problem, 100)
    made = optima(program, found, np.zeros(1, dtype=int), drawn)
    assert made.solved.mean() >= 0.99
    assert (made.excess[:, made.solved] <= FEASIBLE).all()
    function = program.function(np.repeat(program.combinations, 100, axis=0), drawn)
    for i in np.flatnonzero(made.solved)[::4]:
        alone = slsqp(function, int(i), found.x[0], low, high, program.equal)
        assert made.value[i] <= alone.value[0] + 1e-6
        if alone.feasible[0] and alone.value[0] < made.value[i] + 1e-9:
            assert made.x[i] == pytest.approx(alone.x[0], abs=2e-3)


def test_a_bound_that_binds_for_half_of_the_draws_is_seen_to():
    problem = PROBLEMS["a bound that binds for half"]()
    program = Program(problem)
    found = program.minimise()
    made = optima(program, found, np.zeros(1, dtype=int), draws_of(problem))
    wanted = np.minimum(FITTED.sample.allocate(1e22).params[:, 0], least_params())
    assert program.point(made.x)["params"] == pytest.approx(wanted, rel=1e-4)
    assert 0.4 < (np.abs(made.excess[1]) < 1e-6).mean() < 0.6


def test_draws_without_an_answer_are_counted_and_left_out():
    floor = FITTED.sample(params=1e11, tokens=1e13)[:, 0]
    bound = float(np.quantile(floor, 0.7))
    made = decide(parse_problem(FITTED, ("params=1e9:1e11", "tokens=1e10:1e13"), [f"loss<={bound!r}"], "train_flop"))
    assert made.spread.infeasible == (floor > bound * (1 + FEASIBLE)).sum()
    assert made.spread.solved == 200 - made.spread.infeasible
    assert made.spread.unsolved == 0
    assert f"under {made.spread.infeasible} of 200 draws" in " ".join(w.message for w in made.warnings)


def test_what_the_draws_prefer_to_choose_is_what_the_law_gives_each():
    choices = np.array([5e9, 1e10, 2e10, 4e10])
    compute = float(np.median([FITTED.law.allocate(c).params for c in (1e23,)]) / 1.4e10) * 1e23
    fitted = scattered(FITTED.law, 400, 0.03)
    made = decide(parse_problem(fitted, ("params=5e9,1e10,2e10,4e10", "tokens=1e8:1e17"), [f"train_flop<={compute!r}"]))
    losses = fitted.sample(params=choices, tokens=compute / 6 / choices)
    shares = np.bincount(losses.argmin(axis=1), minlength=4) / 400
    assert len(made.spread.prefer) > 1
    for choice, share in zip(("5B", "10B", "20B", "40B"), shares, strict=True):
        assert made.spread.prefer.get(f"params {choice}", 0.0) == pytest.approx(share, abs=1e-9)
    assert any(w.code == "choice_uncertain" for w in made.warnings)
    assert made.to_dict()["draws"]["prefer"] == made.spread.prefer


def test_so_many_draws_are_asked_as_wanted():
    problem = PROBLEMS["one bound"]()
    assert decide(problem, draws=50).spread.solved == 50
    assert decide(problem, draws=0).intervals == {}
    other = law("gadre2024_downstream")
    assert len(draws_of(parse_problem(FITTED, FREE, ["train_flop<=1e22"], then=(other,)), 50)) == 2


def test_the_draws_of_two_fits_are_paired_at_random():
    twice = parse_problem(FITTED, FREE, then=())
    object.__setattr__(twice, "then", (FITTED,))
    first, second = draws_of(twice)
    assert first is not None
    assert second is not None
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.25
    assert sorted(first[:, 0]) == sorted(second[:, 0])


def test_how_surely_a_target_is_kept_is_said_where_draws_break_it():
    """Only the floor is in doubt, so that the loss of every draw is the decision's with another floor."""
    inner = law("besiroglu2024_refit").law
    floors = inner.E * np.exp(0.01 * np.random.default_rng(1).standard_normal(500))
    draws = np.tile(np.array(list(inner.coefficients.values())), (500, 1))
    draws[:, inner.names().index("E")] = floors
    doubted = Fit(inner, draws, FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0}, np.zeros(1), 0.0, 1)

    def said(subject: str, goal: str) -> list[str]:
        made = decide(parse_problem(doubted, FREE, [subject], goal))
        return [w.message for w in made.warnings if w.code == "target_uncertain"]

    kept, wide = 100 * (floors <= inner.E).mean(), 2.3 + np.quantile(floors, 0.95) - inner.E
    (message,) = said("loss<=2.3", "train_flop")
    assert f"loss <= 2.3 is kept under {kept:.0f} % of the draws" in message
    assert f"95 % of them keep loss <= {wide:.5g}" in message
    assert said("train_flop<=1e22", "loss") == [], "a budget is kept under every draw"

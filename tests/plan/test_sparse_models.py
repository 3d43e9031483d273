"""Question 6: what a way is worth against closed forms, brute force, and what papers find; what is refused is said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lawful.cost import Budget
from lawful.errors import FailedToAnswer, InputError, UnknownName
from lawful.fit import Fit, FitStatus
from lawful.laws import form, law
from lawful.laws.base import Law
from lawful.laws.language import AdditiveLoss
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.gains.variants import (
    best_share,
    experts,
    held,
    idle_experts,
    problem_of,
    pruned,
    sparse_weights,
    taught,
)
from lawful.plan.gains.weighing import Way, weigh, weigh_all, worth_in_params
from lawful.plan.problem import Constraint, Variable
from lawful.plan.questions.gained import option_of
from lawful.plan.questions.sparsity import Asked, recommend
from lawful.plan.questions.topic import Situation
from lawful.plan.spending import budget_limits

FREE = Rates()
DENSE = AdditiveLoss(E=1.7, A=400.0, alpha=0.34, B=400.0, beta=0.28)


def known(inner: Law, draws: np.ndarray | None = None) -> Fit:
    """A fit that is certain, or one with these draws."""
    drawn = np.zeros((0, len(inner.names()))) if draws is None else draws
    return Fit(inner, drawn, FitStatus.CONVERGED, law("hoffmann2022_approach3").region,
               {"name": "none", "value": 0.0}, np.zeros(8 if len(drawn) else 0), 0.0, 0)


def flop(most: float) -> tuple[Constraint, ...]:
    return (Constraint("train_flop", "<=", most),)


# --------------------------------------------------------------------------------------- what a way is worth

# With params worth m times as many, A / (m N)**alpha, the loss at C is that of the plain law at m C: by hand.
@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_params_that_are_worth_more_are_worth_as_much_more_compute(times: float) -> None:
    better = replace(DENSE, A=DENSE.A / times**DENSE.alpha)
    gain = weigh(Way("better", problem_of(known(better), flop(1e21), FREE), problem_of(known(DENSE), flop(1e21), FREE)))
    assert gain.factor == pytest.approx(times, rel=1e-3)
    assert worth_in_params(gain) == pytest.approx(times * gain.made.decision["params"], rel=1e-3)
    assert gain.difference == pytest.approx(float(DENSE.allocate(times * 1e21).output - DENSE.allocate(1e21).output))


def test_a_plain_model_that_must_fit_may_never_reach_it() -> None:
    better = replace(DENSE, A=DENSE.A / 100**DENSE.alpha)
    small = (*flop(1e24), Constraint("memory_bytes", "<=", 2e8))
    gain = weigh(Way("better", problem_of(known(better), small, FREE), problem_of(known(DENSE), small, FREE)))
    floor = float(DENSE(params=1e8, tokens=1e30))
    assert gain.made.metrics["loss"] < floor
    assert math.isinf(gain.factor)
    assert "no plain model within the limits reaches it" in gain.answer
    assert option_of(gain).gives["times_budget"] == math.inf


def test_spending_is_counted_in_what_is_limited() -> None:
    better = replace(DENSE, A=DENSE.A / 2**DENSE.alpha)
    priced = Rates("h100")
    limits = (Constraint("usd", "<=", 1e5),)
    gain = weigh(Way("better", problem_of(known(better), limits, priced), problem_of(known(DENSE), limits, priced)))
    assert gain.way.currency == "usd"
    assert gain.factor == pytest.approx(2.0, rel=1e-3)
    assert "times the usd" in gain.answer


def test_draws_that_both_share_give_the_difference_an_interval() -> None:
    joint = law("ludziejewski2025_joint_moe").law
    rng = np.random.default_rng(2)
    own = known(joint, np.array(list(joint.coefficients.values())) * rng.normal(1.0, 1e-3, (60, 11)))
    gain = weigh(experts(flop(1e20), FREE, [8.0], own))
    assert gain.interval is not None
    assert gain.interval.low < gain.difference < gain.interval.high
    alone = (gain.made.forecast.high or 0.0) - (gain.made.forecast.low or 0.0)
    assert gain.interval.high - gain.interval.low < alone, "what both share cancels"
    assert option_of(gain).intervals["difference"] is gain.interval


def test_the_greatest_gain_comes_first_and_what_cannot_be_is_said() -> None:
    ways = [Way(str(times), problem_of(known(replace(DENSE, A=DENSE.A / times**DENSE.alpha)), flop(1e20), FREE),
                problem_of(known(DENSE), flop(1e20), FREE)) for times in (1.5, 3.0, 0.7)]
    impossible = replace(ways[0], name="tiny", problem=problem_of(
        known(DENSE), (*flop(1e20), Constraint("loss", "<=", 1.75)), FREE))
    gains, refused = weigh_all([*ways, impossible])
    assert [gain.way.name for gain in gains] == ["3.0", "1.5", "0.7"]
    assert len(refused) == 1
    assert refused[0].startswith("tiny: no decision keeps")


# ------------------------------------------------------------------------------------------------ the ways

def in_all(active: float, count: int) -> float:
    """All params of Ludziejewski et al. 2025, equations 9 and 10, by bisection on the width."""
    low, high = 1.0, 1e6
    for _ in range(200):
        width = math.sqrt(low * high)
        low, high = (width, high) if 2 * width * 50257 + 13 * width**3 / 64 < active else (low, width)
    return active + 9 * (count - 1) * low**3 / 64


@pytest.mark.parametrize(("compute", "memory"), [(1e21, 8e9), (1e22, 20e9), (1e22, 80e9)])
def test_no_experts_on_a_grid_are_better_in_memory(compute: float, memory: float) -> None:
    limits = (*flop(compute), Constraint("memory_bytes", "<=", memory))
    made = decide(experts(limits, FREE, (1, 2, 4, 8, 16, 32)).problem)
    joint, best = law("ludziejewski2025_joint_moe").law, math.inf
    for count in (1, 2, 4, 8, 16, 32):
        active = np.geomspace(1e8, 2e10, 3000)
        fits = np.array([2 * in_all(n, count) <= memory for n in active[::30]])
        most = active[::30][fits].max(initial=0.0)
        active = active[active <= most]
        if len(active):
            best = min(best, float(joint(params=active, tokens=compute / 6 / active, experts=count).min()))
    assert made.metrics["loss"] <= best * (1 + 1e-4)
    assert made.metrics["memory_bytes"] <= memory * (1 + 1e-6)
    assert made.metrics["memory_bytes"] == pytest.approx(
        2 * in_all(made.decision["params"], int(made.decision["experts"])), rel=1e-6)


def test_zeros_cost_training_and_no_memory() -> None:
    made = decide(sparse_weights(flop(1e20), FREE, [0.75]).problem)
    N, D = made.decision["params"], made.decision["tokens"]
    assert made.metrics["train_flop"] == pytest.approx(6 * N / 0.25 * D)
    assert made.metrics["memory_bytes"] == pytest.approx(2 * N)


# Frantar et al. 2023 (arXiv:2309.08520), section 3.2: the closed form, derived again, against the planner.
@pytest.mark.parametrize(("params", "compute"), [(1e7, 1e18), (1e7, 1e20), (1e8, 1e21), (1e8, 1e15)])
def test_the_best_share_of_zeros_is_that_of_the_closed_form(params: float, compute: float) -> None:
    sparse = law("frantar2023_sparse:t5_c4")
    made = decide(problem_of(sparse, (Constraint("train_flop", "==", compute),), FREE, held("params", params),
                             Variable("sparsity", 0.0, 0.99)))
    assert made.decision["sparsity"] == pytest.approx(best_share(sparse, params, compute), abs=1e-4)


# All weights are paid for in training: with half of them zero as many FLOP train half as many non-zero ones. For T5
# they are worth ((16.8 + 45) / (16.8 0.5**0.722 + 45))**(1 / 0.245) = 1.59 dense ones (Frantar et al. 2023, table 1).
def test_zeros_lose_where_compute_limits_and_pay_where_memory_does() -> None:
    assert weigh(sparse_weights(flop(1e20), FREE, [0.5])).factor == pytest.approx(1.59 / 2, abs=0.005)
    assert weigh(sparse_weights((*flop(1e22), Constraint("memory_bytes", "<=", 1e9)), FREE, [0.5])).factor > 1.5


def test_idle_experts_have_no_runs_to_lie_near() -> None:
    gain = weigh(idle_experts(flop(1e20), FREE))
    assert gain.reach is None
    assert "the runs behind its law are not known" in option_of(gain).note


# Busbridge et al. 2025 (arXiv:2502.08606), section 5.3: a teacher that must be trained never pays for one student, and
# one that exists does up to some budget.
@pytest.mark.parametrize("compute", [1e21, 1e22, 1e23])
def test_a_teacher_trained_for_one_student_never_pays(compute: float) -> None:
    assert weigh(taught(flop(compute), FREE)).factor < 1


def test_a_teacher_that_exists_pays_a_student_of_few_tokens_and_not_one_of_many() -> None:
    def factor(compute: float) -> float:
        student = (*flop(compute), Constraint("params", "<=", 1e9), Constraint("params", ">=", 0.99e9))
        return weigh(taught(student, Rates(teacher="stored"), (3e9, 3e11))).factor

    assert factor(1e21) > 1.2
    assert factor(1e24) < 1.0


def test_what_of_the_teacher_is_paid_for() -> None:
    spent = {teacher: decide(taught(flop(1e21), Rates(teacher=teacher), (7e9, 1e12)).problem).metrics
             for teacher in ("stored", "runs")}
    assert spent["stored"]["teacher_flop"] == 0
    assert spent["runs"]["teacher_flop"] == pytest.approx(2 * 7e9 * spent["runs"]["tokens"])
    paid = decide(taught(flop(1e21), FREE).problem).metrics
    assert paid["teacher_flop"] == pytest.approx(
        paid["teacher_params"] * (2 * paid["tokens"] + 6 * paid["teacher_tokens"]), rel=1e-9)


P2 = form("prune_recover").with_coefficients(
    {"gamma": -0.5, "delta": 0.05, "N_C": 3.0, "alpha": 0.1, "D_C": 3000.0, "beta": 0.4, "E": 0.05})


def test_pruning_pays_for_what_is_left() -> None:
    way = pruned(known(P2), known(DENSE), flop(1e20), FREE, 8e9, 2.0, (0.25, 0.5))
    made = decide(way.problem)
    share, tokens = made.decision["sparsity"], made.decision["finetune_tokens"]
    assert made.metrics["train_flop"] == pytest.approx(6 * 8e9 * (1 - share) * tokens)
    assert made.metrics["memory_bytes"] == pytest.approx(2 * 8e9 * (1 - share))
    grid = {s: float(P2(params=8e9, finetune_tokens=1e20 / (6 * 8e9 * (1 - s)), sparsity=s, initial_loss=2.0))
            for s in (0.25, 0.5)}
    assert made.metrics["loss"] == pytest.approx(min(grid.values()), rel=1e-6)
    assert weigh(way).factor > 1, "a model that is there already is cheaper than one from scratch"
    few = pruned(known(P2), known(DENSE), (*flop(1e20), Constraint("tokens", "<=", 1e9)), FREE, 8e9, 2.0, (0.25,))
    assert decide(few.problem).decision["finetune_tokens"] == pytest.approx(1e9, rel=1e-6)


# ------------------------------------------------------------------------------------------ the question

def situation(compute: float = 1e22, own: Fit | None = None) -> Situation:
    return Situation(own, Budget(compute=compute))


def test_with_room_for_experts_they_are_recommended_and_weighed_against_the_rest() -> None:
    made = recommend(situation(), Asked(memory_bytes=80e9))
    assert made.options[0].name == "mixture of experts"
    assert "a plain model needs" in made.answer
    assert made.laws[0] == "ludziejewski2025_joint_moe"
    names = [option.name for option in made.options]
    assert {"dense", "sparse weights", "fine-grained mixture of experts", "student of a teacher trained for it"} <= {
        *names}
    assert not any("loss" in option.gives for option in made.options), "losses of different laws stand in no one column"
    assert "incomparable" in {caveat.code for caveat in made.limits}
    assert "known_failure" in {caveat.code for caveat in made.limits}
    assert any("fit joint_moe" in text for text in made.measure_first)
    assert any("params that a token passes through" in text for text in made.assumptions)


def test_in_little_memory_a_dense_model_is() -> None:
    made = recommend(situation(1e22), Asked(memory_bytes=2e9, ways=("experts", "sparse_weights")))
    assert made.options[0].name == "dense"
    assert "Train a dense model" in made.answer


def test_what_lies_far_beyond_its_runs_is_listed_and_not_recommended() -> None:
    made = recommend(situation(1e24), Asked(ways=("fine_grained",)))
    assert made.options[0].name == "dense"
    assert made.options[1].gives["times_budget"] > 10
    assert "decades beyond its runs" in made.options[1].note
    assert "too far beyond its runs" in made.answer


def test_ones_own_law_of_experts_is_asked() -> None:
    joint = law("ludziejewski2025_joint_moe").law
    own = known(joint)
    made = recommend(situation(1e20, own), Asked(ways=("experts",)))
    assert made.laws[0].startswith("joint_moe fitted to")
    assert not any("fit joint_moe" in text for text in made.measure_first)
    given = recommend(situation(1e20), Asked(ways=("experts",), moe_law=own))
    assert given.options[0].decision == pytest.approx(made.options[0].decision)


def test_pruning_is_weighed_with_ones_own_fits_alone() -> None:
    asked = Asked(ways=("pruned",), pruning_law=known(P2), pruned_params=8e9, pruned_loss=2.0)
    made = recommend(situation(1e20, known(DENSE)), asked)
    assert made.options[0].name == "pruned and trained on"
    with pytest.raises(InputError, match="no coefficients of the P2 law are confirmed"):
        recommend(situation(1e20), asked)


@pytest.mark.parametrize(("asked", "message"), [
    (Asked(ways=("expert",)), "unknown way 'expert'"),
    (Asked(teacher_params=7e9), "teacher_params and teacher_tokens go together"),
])
def test_a_slip_is_said(asked: Asked, message: str) -> None:
    with pytest.raises((InputError, UnknownName), match=message):
        recommend(situation(), asked)


def test_without_a_budget_or_a_model_that_fits_there_is_no_answer() -> None:
    with pytest.raises(InputError, match="no budget is given"):
        recommend(Situation(), Asked())
    with pytest.raises(FailedToAnswer, match="no decision keeps"):
        recommend(situation(1e21), Asked(memory_bytes=1e4))


def test_a_budget_of_any_kind_is_a_limit() -> None:
    for budget, text in ((Budget(compute=1e21), "train_flop <= 1e+21"),
                         (Budget(usd=5e4, device="h100"), "usd <= 50000"),
                         (Budget(days=3, devices=8, device="h100"), "wall_days <= 3"),
                         (Budget(kwh=1e4, device="h100"), "energy_kwh <= 10000"),
                         (Budget(gpu_hours=100, device="h100"), "gpu_hours <= 100")):
        assert [str(limit) for limit in budget_limits(budget)] == [text]
    assert budget_limits(None) == ()

"""Equalities, shares that sum to 1 and quantities that may be 0: against closed forms; what contradicts is named."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit, FitStatus
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.laws.data import DataMixing3
from lawful.laws.formula import formula
from lawful.laws.moe import MoeSparsityLoss
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.frontier import frontier
from lawful.plan.problem import parse_problem
from lawful.plan.variables import Constraint, Variable, back, is_positive, onto

HOFFMANN = law("hoffmann2022_approach3")
FREE = ("params=1e6:1e14", "tokens=1e8:1e17")


def guess(inner: Law) -> Fit:
    """A law with coefficients of one's own, without draws."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


# --------------------------------------------------------------------------------------- equalities

def test_twenty_tokens_per_param_leave_one_model_per_budget():
    made = decide(parse_problem(HOFFMANN, FREE, ["train_flop<=1e23", "tokens_per_param==20"]))
    assert made.decision["params"] == pytest.approx((1e23 / 6 / 20) ** 0.5, rel=1e-5)
    assert made.decision["tokens"] == pytest.approx(20 * made.decision["params"], rel=1e-6)
    assert made.binding == ("train_flop <= 1e+23", "tokens_per_param == 20")


def test_a_loss_met_exactly_costs_what_one_met_at_most_does():
    least = [decide(parse_problem(HOFFMANN, FREE, [f"loss{sense}2.1"], "total_flop", Rates(serve_tokens=1e12)))
             for sense in ("<=", "==")]
    assert least[0].metrics["total_flop"] == pytest.approx(least[1].metrics["total_flop"], rel=1e-6)
    assert least[1].metrics["loss"] == pytest.approx(2.1, rel=1e-6)


def test_the_price_of_an_equality_is_what_raising_it_gains():
    subject = ["train_flop<=1e22", "tokens_per_param=={}"]
    low, high = (parse_problem(HOFFMANN, FREE, [subject[0], subject[1].format(r)]) for r in (2, 2000))
    for problem, ratio in ((low, 2.0), (high, 2000.0)):
        def loss(r: float) -> float:
            params = (1e22 / 6 / r) ** 0.5
            return float(HOFFMANN.law(params=params, tokens=r * params))
        price = decide(problem).prices[f"tokens_per_param == {ratio:g}"]
        assert price == pytest.approx(100 * (1 - loss(1.01 * ratio) / loss(ratio)), rel=1e-3)
    assert decide(low).prices["tokens_per_param == 2"] > 0 > decide(high).prices["tokens_per_param == 2000"]


@pytest.mark.parametrize(("subject", "says"), [
    (["tokens_per_param==20", "tokens_per_param==30"],
     r"keeps tokens_per_param == 20 beside tokens_per_param == 30: the nearest .* is tokens_per_param == 30$"),
    (["train_flop<=1e20", "params==1e9", "tokens==1e12"],
     r"keeps train_flop <= 1e\+20 beside params == 1e\+09 and tokens == 1e\+12: the nearest .* <= 6e\+21$"),
    (["loss==1.6"], r"no decision keeps loss == 1.6: the nearest that could be kept is loss == 1\.70"),
])
def test_contradictions_are_named(subject, says):
    with pytest.raises(FailedToAnswer, match=says):
        decide(parse_problem(HOFFMANN, FREE, subject))


# --------------------------------------------------------------------------------------- shares

SLOPES, SCALES = np.array([3.0, 5.0, 9.0]), np.array([0.4, 0.3, 0.2])
DOMAINS = ("web", "code", "books")


def three_domains(scales: np.ndarray) -> Fit:
    """The sum of three domains' losses, each ``k exp(-t r)`` in its own share."""
    terms = " + ".join(f"{k}*exp(-{t}*mixture.{d})" for k, t, d in zip(scales, SLOPES, DOMAINS, strict=True))
    return guess(formula(f"loss = E + {terms}").with_coefficients({"E": 1.5}))


def shares_by_hand(scales: np.ndarray) -> np.ndarray:
    """Where every domain that is used gains as much from a little more: r = (ln(k t) - v) / t, none below 0."""
    def used(v: float) -> np.ndarray:
        return np.maximum((np.log(scales * SLOPES) - v) / SLOPES, 0.0)
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if used(middle).sum() > 1 else (low, middle)
    return used(low)


@pytest.mark.parametrize("scales", [SCALES, SCALES * np.array([1.0, 1.0, 1e-3])], ids=["all", "one unused"])
def test_shares_sum_to_one_and_are_the_closed_form(scales):
    made = decide(parse_problem(three_domains(scales), [f"mixture.{d}=0:1" for d in DOMAINS]))
    shares = np.array(list(made.decision.values()))
    assert shares.sum() == pytest.approx(1.0, abs=1e-6)
    assert shares == pytest.approx(shares_by_hand(scales), abs=1e-4)
    assert (shares >= 0).all()
    assert "web, code, books are the whole mixture: their shares sum to 1." in made.assumptions


def test_a_held_share_leaves_the_others_the_rest():
    made = decide(parse_problem(three_domains(SCALES), ["mixture.web=0.5", "mixture.code=0:1", "mixture.books=0:1"]))
    assert made.decision["mixture.code"] + made.decision["mixture.books"] == pytest.approx(0.5, abs=1e-6)
    bounded = decide(parse_problem(three_domains(SCALES), [f"mixture.{d}=0:1" for d in DOMAINS],
                                   ["mixture.books<=0.05"]))
    assert bounded.decision["mixture.books"] == pytest.approx(0.05, abs=1e-6)


def test_a_law_that_leaves_one_domain_the_rest_is_not_made_to_use_none_of_it():
    inner = DataMixing3(c=1.5, k=0.2, t_1=2.0, t_2=-1.0, first="web", second="code")   # the third beats the first
    made = decide(parse_problem(guess(inner), ["mixture.web=0.1:1", "mixture.code=0:0.6"]))
    assert made.decision["mixture.web"] == pytest.approx(0.1, abs=1e-6)
    assert made.decision["mixture.code"] == pytest.approx(0.6, abs=1e-6)
    assert any(text.startswith("What web, code leave of the mixture") for text in made.assumptions)
    named = decide(parse_problem(guess(inner), ["mixture.web=0.1:1", "mixture.code=0:0.6", "mixture.books=0:0.2"]))
    assert named.decision["mixture.books"] == pytest.approx(0.2, abs=1e-6)
    assert sum(named.decision.values()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("vary", "subject", "error", "says"), [
    (["mixture.web=0.7:1", "mixture.code=0.6:1", "mixture.books=0:1"], [], InputError, "sum to 1, .* 1.3 at least"),
    (["mixture.web=0:0.2", "mixture.code=0:0.2", "mixture.books=0:0.2"], [], InputError, "and 0.6 at most"),
    (["mixture.web=0:2", "mixture.code=0:1", "mixture.books=0:1"], [], InputError, "between 0 and 1, got 2"),
    ([f"mixture.{d}=0:1" for d in DOMAINS], ["mixture.web>=0.7", "mixture.code>=0.5"], FailedToAnswer,
     "keeps mixture.web >= 0.7 beside mixture.code >= 0.5, the shares of web, code, books making up 1: .* >= 0.5$"),
    (["mixture.web=0:1", "mixture.code=0:1"], [], LawError, "nothing says mixture.books"),
])
def test_shares_that_cannot_be_are_refused(vary, subject, error, says):
    with pytest.raises(error, match=says):
        decide(parse_problem(three_domains(SCALES), vary, subject))


# --------------------------------------------------------------------------------------- quantities that may be 0

def test_a_sparsity_may_be_nought_and_its_optimum_is_the_closed_form():
    inner = law("abnar2025_moe_sparsity").law
    assert isinstance(inner, MoeSparsityLoss)
    made = decide(parse_problem(guess(inner), ["params=1e9", "tokens=1e11", "sparsity=0:0.99"]))
    # where the two terms in 1 - S balance: c lam (1 - S)**(-lam - 1) = -d delta (1 - S)**(-delta - 1) / N**gamma
    kept = (-inner.d * inner.delta / (inner.c * inner.lam * 1e9**inner.gamma)) ** (1 / (inner.delta - inner.lam))
    losses = {s: float(inner(params=1e9, tokens=1e11, sparsity=s)) for s in np.linspace(0, 0.99, 2001)}
    assert made.metrics["loss"] <= min(losses.values()) * (1 + 1e-9)
    inside = min(max(1 - kept, 0.0), 0.99)
    best = min((0.0, inside, 0.99), key=lambda s: float(inner(params=1e9, tokens=1e11, sparsity=s)))
    assert made.decision["sparsity"] == pytest.approx(best, abs=1e-4)


def test_no_decision_is_made_where_the_law_has_no_value():
    inner = formula("loss = E + A*(params - 1e9)**-alpha").with_coefficients({"E": 1.5, "A": 3e4, "alpha": 0.5})
    made = decide(parse_problem(guess(inner), ["params=1e8:1e12", "tokens=1e9"], ["loss<=2"], "params"))
    assert made.decision["params"] == pytest.approx(1e9 + 6e4**2, rel=1e-5), "below 1e9 the loss is no number"
    rooted = formula("loss = E + (params - 1e9)**alpha").with_coefficients({"E": 1.5, "alpha": 0.5})
    with pytest.raises(FailedToAnswer, match="formula has no finite value at any decision within the limits"):
        decide(parse_problem(guess(rooted), ["params=1e7:1e8", "tokens=1e9"]))


def test_what_may_be_nought_is_solved_where_nought_is_a_number():
    assert not is_positive("sparsity")
    assert not is_positive("mixture.web")
    assert is_positive("usd")
    assert is_positive("loss")
    for name, value in (("sparsity", 0.0), ("reward", -3.0), ("params", 7e9)):
        assert back(name, onto(name, value)) == pytest.approx(value)
    assert Variable.parse("sparsity=0:0.9").low == 0.0
    with pytest.raises(InputError, match="must be positive"):
        Variable.parse("params=0:1e9")
    assert Constraint.parse("mixture.web>=0").gap(0.2) < 0


def test_a_rating_below_nought_is_a_goal_and_has_a_frontier():
    inner = formula("reward = b*log(params) - a").with_coefficients({"a": 20.0, "b": 1.0})
    problem = parse_problem(guess(inner), ["params=1e6:1e15", "tokens=1e9"], ["train_flop<=6e20"], "reward,params")
    assert decide(problem).metrics["reward"] == pytest.approx(-20.0 + np.log(1e11), abs=1e-6)
    front = frontier(problem)
    goals = np.array([[-p.metrics["reward"], p.metrics["params"]] for p in front.plans])
    assert len(goals) > 5
    assert goals[0, 0] < 0 < goals[-1, 0]
    assert (np.diff(goals[:, 0]) > 0).all()
    assert (np.diff(goals[:, 1]) < 0).all()

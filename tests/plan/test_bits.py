"""Question 7: bits of training and after it against closed forms; decisions under memory; what is refused is said."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lawful.cost import Budget
from lawful.errors import InputError, LawError
from lawful.fit import Fit, FitStatus
from lawful.laws import law
from lawful.laws.language import AdditiveLoss
from lawful.laws.precision import PostTrainingDamage
from lawful.plan.advice import advise
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.gains.bits import best_bits, critical_tokens, in_bits, quantised_to, rounded_to, trained_in
from lawful.plan.gains.variants import held, problem_of
from lawful.plan.gains.weighing import weigh
from lawful.plan.problem import Constraint, Problem
from lawful.plan.questions.precision import Asked, recommend
from lawful.plan.questions.topic import Situation
from lawful.results import to_plain

TRAINED, DAMAGE = law("kumar2024_precision_training"), law("kumar2024_ptq")
BITS = ("weight_bits", "activation_bits", "kv_bits")


def share(bits: float) -> float:
    """N_eff / N with all three in so many bits: Kumar et al. 2024, appendix K, Table 2."""
    return math.prod(1 - math.exp(n - bits / gamma)
                     for gamma, n in ((2.6745, 0.3037), (2.2102, 1.4072), (0.9578, 2.4185)))


def problem(compute: float, *limits: Constraint, params: float | None = None, metric: str = "bit_flop") -> Problem:
    settled = () if params is None else (held("params", params),)
    return problem_of(TRAINED, (Constraint(metric, "<=", compute), *limits), Rates(), *settled,
                      *(held(name, 16.0) for name in BITS))


def certain(inner: AdditiveLoss | PostTrainingDamage) -> Fit:
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, TRAINED.region,
               {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)


# ------------------------------------------------------------------------------------------ bits of training

# Kumar et al. 2024 (arXiv:2411.04330), section 4.3.2: with N, D and P free the best P does not depend on the compute.
def test_the_best_bits_of_training_are_the_same_at_any_compute() -> None:
    by_hand = max(range(4, 17), key=lambda bits: share(bits) / bits)
    for compute in (1e18, 1e21, 1e25):
        assert best_bits(problem(compute), [float(b) for b in range(4, 17)])[0].decision["weight_bits"] == by_hand


# The same, equation 6 with alpha = beta: N* N D = C 16 / (6 P) has its optimum at N f(P) = D (A / B)**(1 / alpha).
@pytest.mark.parametrize("bits", [4.0, 8.0, 16.0])
def test_the_size_at_a_precision_is_that_of_the_closed_form(bits: float) -> None:
    made = decide(in_bits(problem(1e21), bits))
    product = 1e21 * 16 / (6 * bits)
    ratio = (4299.0 / 18060.0) ** (1 / 0.4965)
    assert made.decision["params"] == pytest.approx(math.sqrt(product * ratio / share(bits)), rel=1e-3)
    assert made.metrics["bit_flop"] == pytest.approx(1e21, rel=1e-6)


def test_lower_precision_asks_for_larger_models_before_more_data() -> None:
    """Section 4.3.1, at one compute: params grow by more than tokens as bits fall from 16 to 4."""
    full, few = (decide(in_bits(problem(1e21), bits)).decision for bits in (16.0, 4.0))
    assert few["params"] / full["params"] > few["tokens"] / full["tokens"]


def test_a_settled_size_asks_for_more_bits_as_compute_grows() -> None:
    """Section 4.3.3: P* grows as log C where N is fixed; the slope tends to beta gamma ln 10 bits a decade."""
    found = [best_bits(problem(compute, params=8e9), [b / 2 for b in range(8, 41)])[0].decision["weight_bits"]
             for compute in (1e23, 1e24, 1e25)]
    slopes = np.diff(found)
    assert (slopes > 0).all()
    assert slopes == pytest.approx(0.4965 * 2.6745 * math.log(10), rel=0.35)   # the slowest gamma; D falls as 1 / P too


def test_a_law_without_bits_is_refused() -> None:
    with pytest.raises(LawError, match="takes no bits of training"):
        in_bits(problem_of(law("besiroglu2024_refit"), (), Rates()), 8.0)


def test_on_a_device_few_bits_save_what_its_peaks_say() -> None:
    def params(bits: float) -> float:
        cost = problem_of(TRAINED, (Constraint("gpu_hours", "<=", 1000.0),), Rates("h100"),
                          *(held(name, bits) for name in BITS))
        made = decide(cost)
        return made.metrics["train_flop"]

    assert params(8.0) / params(16.0) == pytest.approx(2.0, rel=1e-3)   # the data sheet's fp8 over bf16
    assert params(6.0) == pytest.approx(params(8.0), rel=1e-3), "nothing multiplies in 6 bits: it runs as 8"


# ------------------------------------------------------------------------------------------- after training

# Kumar et al. 2024, equation 13.
@pytest.mark.parametrize("params", [3e7, 1e9, 7e10])
@pytest.mark.parametrize("bits", [3.0, 4.0, 5.0])
def test_the_tokens_that_rounding_bears_are_those_of_the_closed_form(params: float, bits: float) -> None:
    alpha, B, C_T, gamma_D, gamma_N, gamma = 0.4965, 18060.0, 0.0598, 0.5068, 0.3439, 0.5907
    closed = (alpha * B * params**gamma_N * math.exp(bits / gamma) / (gamma_D * C_T)) ** (1 / (gamma_D + alpha))
    assert critical_tokens(TRAINED, DAMAGE, params, bits) == pytest.approx(closed, rel=1e-3)


def test_at_many_bits_no_training_is_too_long() -> None:
    assert critical_tokens(TRAINED, DAMAGE, 1e9, 16.0) is None


def test_longer_training_past_them_makes_the_rounded_model_worse_and_no_other() -> None:
    critical = critical_tokens(TRAINED, DAMAGE, 1e9, 4.0)
    assert critical is not None

    def loss(tokens: float, *bits: float) -> float:
        trained = float(TRAINED(params=1e9, tokens=tokens, weight_bits=16, activation_bits=16, kv_bits=16))
        return trained + sum(float(DAMAGE(params=1e9, tokens=tokens, post_bits=b)) for b in bits)

    assert loss(critical, 4.0) < min(loss(critical / 2, 4.0), loss(critical * 2, 4.0))
    assert loss(critical * 2) < loss(critical)


def test_rounding_is_added_to_the_loss_and_takes_the_bytes_of_its_bits() -> None:
    limits = (Constraint("memory_bytes", "<=", 1e9),)
    gain = weigh(rounded_to(4.0, DAMAGE, problem(1e21, *limits, metric="train_flop")))
    at = {name: gain.made.decision[name] for name in ("params", "tokens")}
    trained = float(TRAINED(**at, weight_bits=16, activation_bits=16, kv_bits=16))
    assert gain.made.metrics["loss"] == pytest.approx(trained + float(DAMAGE(**at, post_bits=4.0)), rel=1e-12)
    assert gain.made.metrics["memory_bytes"] == pytest.approx(at["params"] / 2)
    assert gain.plain.decision["params"] == pytest.approx(5e8, rel=1e-6)
    assert gain.difference < 0, "in so few bytes four times the params are worth more than what rounding adds"


def test_quantisation_aware_training_adds_what_its_law_says() -> None:
    aware, base = law("chen2025_qat:W4A16"), law("chen2025_qat:bf16")
    gain = weigh(quantised_to(4.0, aware, problem_of(base, (Constraint("train_flop", "<=", 1e20),), Rates()), 64.0))
    at = {name: gain.made.decision[name] for name in ("params", "tokens")}
    added = float(aware(**at, group_size=64.0))
    assert gain.made.metrics["loss"] == pytest.approx(float(base(**at)) + added, rel=1e-12)
    assert gain.factor < 1, "without a limit of memory fewer bits only lose"


def test_training_in_few_bits_serves_in_them() -> None:
    gain = weigh(trained_in(8.0, problem(1e21)))
    assert gain.made.metrics["memory_bytes"] == pytest.approx(gain.made.decision["params"])
    assert gain.way.currency == "bit_flop"
    assert gain.factor > 1


# ---------------------------------------------------------------------------------------------- the question

def situation(compute: float = 1e21, own: Fit | None = None) -> Situation:
    return Situation(own, Budget(compute=compute))


def test_in_little_memory_a_larger_model_in_few_bits_is_recommended() -> None:
    made = recommend(situation(), Asked(memory_bytes=1e9))
    first, losses = made.options[0], {option.name: option.gives["loss"] for option in made.options}
    assert first.name == "rounded to 4 bits after training"
    kumar = [name for name in losses if "aware" not in name]   # of one law: these losses compare
    assert losses[first.name] == min(losses[name] for name in kumar)
    assert first.decision["params"] == pytest.approx(2e9, rel=1e-6)
    assert "in 3 bits beyond" in made.answer
    assert "composed" in {caveat.code for caveat in made.limits}
    assert "unconfirmed" in {caveat.code for caveat in made.limits}
    assert any("ouyang2024_qid" in text for text in made.assumptions)


def test_without_a_limit_of_memory_eight_bits_of_training_pay_and_rounding_does_not() -> None:
    made = recommend(situation(), Asked())
    assert made.options[0].name == "trained in 8 bits"
    rounded = [o.gives["times_budget"] for o in made.options if o.name.startswith("rounded")]
    assert max(rounded) <= 1 + 1e-6
    assert any("6/16" in text for text in made.assumptions)
    assert any("floating-point" in text for text in made.measure_first)


def test_a_settled_model_keeps_the_fewest_bits_that_add_little() -> None:
    asked = Asked(params=8e9, tokens=15e12, memory_bytes=16e9)
    made = recommend(situation(7.3e23), asked)
    assert made.options[0].name == "rounded to 8 bits after training"
    added = {o.name: o.gives["loss"] - o.gives.get("plain_loss", o.gives["loss"]) for o in made.options}
    at = {"params": 8e9, "tokens": 15e12}
    assert added["rounded to 4 bits after training"] == pytest.approx(float(DAMAGE(**at, post_bits=4.0)), rel=1e-9)
    loose = recommend(situation(7.3e23), Asked(params=8e9, tokens=15e12, most_added=0.05))
    assert loose.options[0].name == "quantisation-aware training for 4 bits"
    strict = recommend(situation(7.3e23), Asked(params=8e9, tokens=15e12, most_added=1e-9))
    assert strict.options[0].name == "16 bits throughout"


def test_ones_own_loss_and_ones_own_quantiser_are_asked() -> None:
    own = certain(AdditiveLoss(E=1.8, A=420.0, alpha=0.34, B=410.0, beta=0.28))
    better = certain(PostTrainingDamage(C_T=0.00598, gamma_D=0.5068, gamma_N=0.3439, gamma_post=0.5907))
    limits = Asked(memory_bytes=1e9, damage_law=better, train_bits=())
    made = recommend(situation(1e21, own), limits)
    rounded = next(o for o in made.options if o.name == "rounded to 3 bits after training")
    at = {name: rounded.decision[name] for name in ("params", "tokens")}
    assert rounded.gives["loss"] == pytest.approx(
        float(own.law(**at)) + float(better.law(**at, post_bits=3.0)), rel=1e-9)
    others = recommend(situation(1e21, own), Asked(memory_bytes=1e9, train_bits=()))
    theirs = next(o for o in others.options if o.name == rounded.name)
    assert rounded.gives["times_budget"] > theirs.gives["times_budget"], "a tenth of the damage"
    best = [o for o in made.options if o.name.startswith("rounded")]
    assert made.options[0].gives["loss"] == min(o.gives["loss"] for o in best)


def test_with_ones_own_loss_only_what_rests_on_it_is_recommended() -> None:
    """Training in few bits is another law's loss, however much it saves there."""
    own = certain(AdditiveLoss(E=1.8, A=420.0, alpha=0.34, B=410.0, beta=0.28))
    made = recommend(situation(1e21, own), Asked())
    assert made.options[0].name == "16 bits throughout"
    assert next(o for o in made.options if o.name == "trained in 8 bits").gives["times_budget"] > 1


def test_a_section_of_a_file_is_answered_as_data() -> None:
    asked = {"budget": "1e21", "precision": {"memory_bytes": "1e9", "post_bits": [4, "3"], "train_bits": []},
             "sparsity": {"memory_bytes": "4e9", "ways": ["experts"], "experts": ["8", 16]}}
    answers = json.loads(json.dumps(to_plain(advise(asked, law)), allow_nan=False))["answers"]
    assert [answer["question"] for answer in answers] == [6, 7]
    options = answers[1]["options"]
    assert [option["name"] for option in options[:2]] == ["rounded to 4 bits after training", "16 bits throughout"]
    assert options[0]["gives"]["times_budget"] is None, "infinite: JSON has no such number"
    assert answers[0]["options"][1]["decision"]["experts"] in (8, 16)


def test_without_a_budget_there_is_no_answer() -> None:
    with pytest.raises(InputError, match="no budget is given"):
        recommend(Situation(), Asked())

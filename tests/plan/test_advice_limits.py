"""What is recommended keeps the budget that was given, whatever else is asked; what cannot is said with what would."""

from __future__ import annotations

import pytest

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.laws import law
from lawful.plan.advice import advise

BESIROGLU, ONE_PASS = law("besiroglu2024_refit").law, 1e12


def first(situation, topic="size"):
    """The recommendation of one question: what was decided and what that gives, and the answer."""
    made = advise(situation, law)
    answer, = (a for a in made.answers if a.topic.name == topic)
    option = answer.recommendation.options[0]
    return {**option.decision, **option.gives}, answer.recommendation


# A loss of 2.3 for 100T tokens served costs 674,700 dollars at the least: found by hand over sizes, at 3.99 dollars an
# hour of 9.894e14 FLOP/s, of which training reaches 0.4 and serving 0.2.
def cheapest_bill(loss, served):
    best = float("inf")
    for params in (10 ** (8 + i / 1000) for i in range(3000)):
        left = loss - BESIROGLU.E - BESIROGLU.A / params**BESIROGLU.alpha
        if left > 0:
            tokens = (BESIROGLU.B / left) ** (1 / BESIROGLU.beta)
            flop = 6 * params * tokens / 0.4 + 2 * params * served / 0.2
            best = min(best, flop / (3600 * 9.894e14) * 3.99)
    return best


def test_a_target_is_reached_within_the_money_or_said_to_cost_more():
    asked = {"serving": {"tokens": "100T"}, "size": {"target_loss": 2.3}}
    price = cheapest_bill(2.3, 100e12)
    with pytest.raises(FailedToAnswer, match=r"keeps usd <= 50000 beside loss <= 2\.3: the nearest") as said:
        first({"budget": {"usd": "50k", "device": "h100"}, **asked})
    assert float(str(said.value).split()[-1]) == pytest.approx(price, rel=1e-5)
    found, _ = first({"budget": {"usd": 1.01 * price, "device": "h100"}, **asked})
    assert found["usd"] == pytest.approx(price, rel=1e-5)
    assert found["loss"] == pytest.approx(2.3, rel=1e-6)


def test_a_target_takes_no_more_training_than_the_budget_whatever_serving_would_save():
    free, _ = first({"budget": "1e24", "serving": {"tokens": "100T"}, "size": {"target_loss": 2.2}})
    assert free["train_flop"] > 4e21, "without a limit a smaller model is trained for longer"
    found, made = first({"budget": "4e21", "serving": {"tokens": "100T"}, "size": {"target_loss": 2.2}})
    assert made.options[0].name == "as good, cheapest to train and serve"
    assert found["train_flop"] == pytest.approx(4e21, rel=1e-6)
    assert found["loss"] == pytest.approx(2.2, rel=1e-6)


@pytest.mark.parametrize("serving", [{}, {"serving": {"tokens": ONE_PASS}}])
def test_a_target_is_reached_on_the_data_there_are(serving):
    fresh, _ = first({"size": {"target_loss": 2.2}, **serving})
    found, made = first({"size": {"target_loss": 2.2, "unique_tokens": "20B"}, **serving})
    assert found["loss"] == pytest.approx(2.2, rel=1e-6)
    assert found["train_flop"] > fresh["train_flop"], "repeats are worth less"
    assert "passes over the 20B there are" in made.answer
    least = next(o for o in made.options if o.name == "compute-optimal").gives["train_flop"]
    with pytest.raises(FailedToAnswer, match=r"train_flop <= .* beside loss <= 2\.2"):
        first({"budget": f"{0.99 * least}", **serving, "size": {"target_loss": 2.2, "unique_tokens": "20B"}})
    with pytest.raises(FailedToAnswer, match=r"no decision keeps loss <= 2\.2: the nearest that could be kept is loss"):
        first({"size": {"target_loss": 2.2, "unique_tokens": "2B"}})


def test_the_smallest_model_and_its_serving_keep_the_money():
    asked = {"serving": {"tokens": "1T"}, "downscaling": {"target_loss": 2.3}}
    enough, _ = first({"budget": {"usd": "50k", "device": "h100"}, **asked}, "downscaling")
    assert enough["usd"] <= 50e3 * (1 + 1e-6)
    price = cheapest_bill(2.3, 1e12)
    with pytest.raises(FailedToAnswer, match=r"loss <= 2\.3 beside usd <= .* and tokens_per_param <= 1000"):
        first({"budget": {"usd": 0.99 * price, "device": "h100"}, **asked}, "downscaling")
    close, _ = first({"budget": {"usd": 1.01 * price, "device": "h100"}, **asked}, "downscaling")
    assert close["usd"] <= 1.01 * price * (1 + 1e-6)


def test_without_a_target_the_smallest_is_as_good_as_half_the_bill_buys():
    money, served = {"usd": "50k", "device": "h100"}, {"tokens": "1T"}
    found, _ = first({"budget": money, "serving": served, "downscaling": {}}, "downscaling")
    half, _ = first({"budget": {**money, "usd": "25k"}, "serving": served, "size": {}})
    assert found["loss"] == pytest.approx(half["loss"], rel=1e-6)
    assert found["usd"] <= 50e3 * (1 + 1e-6)
    assert found["params"] < half["params"]


def test_where_all_of_a_budget_is_spent_on_training_the_answer_says_so():
    situation = {"budget": {"usd": "50k", "device": "h100"}, "serving": {"tokens": "1T"}, "size": {},
                 "architecture": {}, "data": {"unique_tokens": "25B"}}
    said = {a.topic.name: any("spent on training here" in one for one in a.recommendation.assumptions)
            for a in advise(situation, law).answers}
    assert said == {"size": False, "architecture": True, "data": True}


def test_training_in_few_bits_says_what_of_the_budget_it_counts_as():
    found, made = first({"budget": "1e22", "precision": {}}, "precision")
    assert found["bit_flop"] == pytest.approx(1e22, rel=1e-6)
    assert found["train_flop"] == pytest.approx(2e22, rel=1e-6)
    assert "Its 2e+22 FLOP in few bits count as 1e+22 of the budget." in made.answer


# The data that each way needs for a loss of 1 on en_de follow from its law alone: the price is their FLOP.
def test_a_target_of_tuning_is_reached_at_the_least_price():
    found, made = first({"tuning": {"params": ["1B", "7B"], "target": 1.0, "tasks": ["en_de"]}}, "tuning")
    assert made.options[0].gives["train_flop"] == min(o.gives["train_flop"] for o in made.options)
    assert found["loss"] == pytest.approx(1.0, rel=1e-6)
    assert "it reaches 1 at 1 times the price of the cheapest at most, and is the cheapest in 1" in made.answer


def test_a_law_that_suits_one_question_only_leaves_the_others_their_answers():
    situation = {"law": "muennighoff2023_data_constrained", "budget": "1e22", "size": {},
                 "data": {"unique_tokens": "25B"}}
    size, data = advise(situation, law).answers
    assert size.recommendation is None
    assert "size is asked of a law of loss from params and tokens" in size.unanswered
    assert data.recommendation is not None
    del situation["data"]
    with pytest.raises(LawError, match="size is asked of a law of loss from params and tokens"):
        advise(situation, law)


@pytest.mark.parametrize(("section", "says"), [
    ({"size": {"extra_compute": -0.2}}, r"\[size\] extra_compute: must not be negative, got -0.2"),
    ({"size": {"tokens_per_param": [100, -5]}}, r"\[size\] tokens_per_param\[1\]: must not be negative, got -5"),
    ({"budget": {"usd": 5, "device": 3}, "size": {}}, r"\[budget\] device: expected a name or a TOML file"),
    ({"downscaling": {"target_error": 60}}, r"\[downscaling\] target_error: a share between 0 and 1, got 60"),
    ({"downscaling": {"members": []}}, r"\[downscaling\] members: give at least one"),
    ({"modalities": {"modalities": ["text", "code"], "weights": {"text": 1}}}, "weights: code has none"),
    ({"modalities": {"modalities": ["text", "code"], "weights": {"text": 0, "code": 0}}}, "weights: text has none"),
])
def test_a_value_that_makes_no_sense_is_named(section, says):
    with pytest.raises(InputError, match=says):
        advise({"budget": "1e22", **section}, law)


@pytest.mark.parametrize("key", ["hoffmann2022_approach1", "chen2025_qat:W4A16", "brown2024_coverage",
                                 "frantar2023_sparse:t5_c4", "mcleish2025_gemstones:shape"])
@pytest.mark.parametrize("topic", ["size", "sparsity", "downscaling", "precision"])
def test_a_law_that_a_question_cannot_take_is_named_with_what_it_takes(key, topic):
    with pytest.raises(LawError, match=f"{topic} is asked of a law of (loss from )?params and tokens"):
        advise({"law": key, "budget": "1e21", topic: {}}, law)


def test_where_no_share_is_critical_none_is_given():
    with pytest.raises(FailedToAnswer, match=r"gives a share of -.* it does not hold so far from its runs"):
        advise({"data": {"continued": {"params": "7B", "tokens": 1000}}}, law)


def test_data_that_compute_cannot_use_have_no_price_in_compute():
    _, made = first({"budget": {"usd": "1T", "device": "h100"}, "data": {"unique_tokens": 1}}, "data")
    assert "more compute would gain nothing without more distinct tokens." in made.answer
    assert "US dollars" not in made.answer


# lora on en_zh: the law is asked at the data that the FLOP train on, 4 x 7e9 x 512 for an example.
def test_a_target_that_the_flop_do_not_reach_says_what_they_reach():
    with pytest.raises(FailedToAnswer) as said:
        advise({"budget": "1e19", "tuning": {"params": ["7B"], "target": 0.5, "tasks": ["en_zh"]}}, law)
    best = min(float(law(f"zhang2024_finetuning:en_zh_{method}").law.at({"params": 7e9, "examples": 1e19 / flop}))
               for method, flop in (("lora", 4 * 7e9 * 512), ("prompt", 4 * 7e9 * 612), ("full", 6 * 7e9 * 512)))
    assert "no way of tuning reaches 0.5 with 1e+19 FLOP" in str(said.value)
    assert f"comes to {best:.4g} with" in str(said.value)


@pytest.mark.parametrize(("section", "says"), [
    ({"precision": {"damage_law": "besiroglu2024_refit"}}, r"damage_law: .* give a law of the added_loss by post_bits"),
    ({"sparsity": {"moe_law": "besiroglu2024_refit"}}, r"moe_law: besiroglu2024_refit knows no experts"),
    ({"sparsity": {"moe_law": "brown2024_coverage"}}, r"moe_law is asked of a law of params and tokens"),
    ({"downscaling": {"target_error": 0.5, "score_law": "besiroglu2024_refit"}}, r"score_law: .* of an error"),
])
def test_a_law_of_another_kind_is_no_law_of_damage_experts_or_scores(section, says):
    with pytest.raises(LawError, match=says):
        advise({"budget": "1e22", **section}, law)

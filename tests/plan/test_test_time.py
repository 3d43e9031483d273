"""Question 4 answered: models and samples by price, classes of queries, verifiers that err, training over a life."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lawful.cost.hardware import hardware
from lawful.cost.serving import serve
from lawful.cost.shapes.models import model as known_shape
from lawful.errors import FailedToAnswer, InputError, UnknownName
from lawful.fit import fit
from lawful.laws import law
from lawful.plan import advice
from lawful.plan.advice import read_situation
from lawful.plan.questions import test_time as question
from lawful.plan.questions.topic import Situation
from lawful.plan.sampling.answering import Model, Query, latency, most_within, prices
from lawful.plan.sampling.choosing import choose
from lawful.plan.sampling.coverage import Difficulty, Problems, fit_difficulty
from lawful.plan.sampling.verifiers import Verifier, voted
from lawful.plan.sections import field_texts, read_section, told_fields
from lawful.results import to_plain
from lawful.runs import RunTable

SMALL = {"name": "small", "difficulty": [0.3, 20.0], "params": "1B"}
LARGE = {"name": "large", "difficulty": [0.5, 3.0], "params": "14B"}
BUDGET = {"usd": "1k", "device": "h100"}


def answer(section, **situation):
    asked = read_section(question.Asked, section, "[test_time]", law)
    return question.recommend(read_situation(situation, law), asked)


def test_the_cheapest_model_for_a_target_comes_first_with_its_samples_and_prices():
    made = answer({"models": [SMALL, LARGE], "target": 0.5, "tokens": 500})
    curves = {"small": (Difficulty(0.3, 20.0), 1e9), "large": (Difficulty(0.5, 3.0), 1.4e10)}
    prices_of = {}
    for name, (curve, params) in curves.items():
        k = next(k for k in range(1, 10_000) if curve(float(k)) >= 0.5)
        prices_of[name] = (2 * params * 500 * k, k)
    best = min(prices_of, key=prices_of.get)
    first, second = made.options
    assert first.name == f"{best}, {prices_of[best][1]} samples"
    assert first.gives["flop_per_query"] == pytest.approx(prices_of[best][0])
    assert first.gives["flop_per_query"] < second.gives["flop_per_query"]
    assert first.decision == {"samples": prices_of[best][1], "params": curves[best][1]}
    assert best in made.answer
    assert "exact_verifier" in {c.code for c in made.limits}
    assert made.measure_first
    assert any("2 FLOP a parameter" in a for a in made.assumptions)


def test_a_budget_takes_the_model_that_covers_most():
    made = answer({"models": [SMALL, LARGE], "per_query": "2e14"})
    covered = [o.gives["coverage"] for o in made.options]
    assert covered == sorted(covered, reverse=True)
    assert all(o.gives["flop_per_query"] <= 2e14 for o in made.options)
    # Wu et al. 2024 (arXiv:2408.00724): log10 C = 1.19 log10 N + 2.03
    assert f"{10 ** ((np.log10(2e14) - 2.03) / 1.19) / 1e9:.1f}B params" in made.answer


def test_with_a_device_prices_are_dollars_and_training_is_paid_over_the_life():
    section = {"models": [{**SMALL, "train_tokens": "20B"}, {**LARGE, "train_tokens": "280B"}], "target": 0.7}
    few, many = (answer({**section, "queries": queries}, budget=BUDGET) for queries in (1, "1e12"))
    # at 70 % the large model is the cheaper to ask (about 30 samples against 1,000) and the dearer to train
    assert few.options[0].name.startswith("small")
    assert many.options[0].name.startswith("large")
    assert "large from" in few.answer
    device = hardware("h100")
    usd_per_flop = device.usd_per_hour / 3600 / (0.2 * device.peak_flop_per_second)
    large = next(o for o in many.options if o.name.startswith("large"))
    assert large.gives["usd_per_query"] == pytest.approx(
        large.decision["samples"] * 2 * 1.4e10 * 1000 * usd_per_flop, rel=1e-9)
    training = 6 * 1.4e10 * 2.8e11 * usd_per_flop * 0.2 / 0.4
    assert large.gives["usd_over_life"] == pytest.approx(training + 1e12 * large.gives["usd_per_query"], rel=1e-9)
    assert "over_budget" in {c.code for c in many.limits}
    one_query = answer({"models": [SMALL], "target": 0.7, "queries": 1}, budget=BUDGET)
    assert "over_budget" not in {c.code for c in one_query.limits}


def test_a_shape_gives_prices_and_latency_by_the_roofline():
    rates = read_situation({"budget": BUDGET}, law).rates
    m = Model("llama", difficulty=(0.5, 3.0), shape="llama-3-8b")
    query = Query(tokens=200, prompt=1000)
    sampler = prices([m], query, rates).samplers[0]
    one = serve(known_shape("llama-3-8b"), "h100", batch=32, prompt=1000, output=200)
    assert sampler.per_query + sampler.per_sample == pytest.approx(one.usd_per_million_tokens * 200 / 1e6)
    usd_per_second = one.usd_per_million_tokens * one.tokens_per_second / 1e6
    assert sampler.per_query == pytest.approx(usd_per_second * one.ttft_s / 32)
    at_once = latency(m, 16, query, rates)
    together = serve(known_shape("llama-3-8b"), "h100", prompt=1000, output=200, samples=16)
    assert at_once == pytest.approx(together.request_s)
    assert at_once < 16 * latency(m, 1, query, rates)
    assert latency(m, 100_000, query, rates) is None        # the caches do not fit
    large = prices([Model("large", difficulty=(0.5, 3.0), shape="llama-3-70b")], query, rates)
    assert any("on 2 devices" in said for said in large.assumptions)       # 141 GB of weights, 80 a device
    made = answer({"models": [{"name": "llama", "difficulty": [0.5, 3.0], "shape": "llama-3-8b"}], "target": 0.5,
                   "tokens": 200, "prompt": 1000}, budget=BUDGET)
    assert made.options[0].gives["latency_s"] > 0


def test_no_more_samples_are_taken_than_are_written_in_time():
    rates = read_situation({"budget": BUDGET}, law).rates
    quick = Model("quick", difficulty=(0.2, 20.0), shape="llama-3-8b")
    query = Query(tokens=200, prompt=1000)
    for seconds in (2.0, 3.0):
        k = most_within(quick, seconds, query, rates)
        assert latency(quick, k, query, rates) <= seconds
        after = latency(quick, k + 1, query, rates)
        assert after is None or after > seconds
    assert most_within(quick, 0.01, query, rates) == 0
    section = {"models": [{"name": "quick", "difficulty": [0.2, 20.0], "shape": "llama-3-8b"},
                          {"name": "large", "difficulty": [0.6, 1.5], "shape": "llama-3-70b"}],
               "per_query": 1.0, "tokens": 200, "prompt": 1000}
    free, hurried = (answer({**section, **extra}, budget=BUDGET) for extra in ({}, {"max_latency_s": 3.0}))
    assert hurried.options[0].decision["samples"] < free.options[0].decision["samples"]
    assert [o.name.split(",")[0] for o in hurried.options] == ["quick"]      # one sample of 70B alone takes longer
    assert hurried.options[0].gives["latency_s"] <= 3.0
    with pytest.raises(FailedToAnswer, match=r"no model writes 200 tokens within 0\.01 s"):
        answer({**section, "max_latency_s": 0.01}, budget=BUDGET)
    with pytest.raises(InputError, match="small: how long a query takes follows from a shape and a device"):
        answer({"models": [SMALL], "target": 0.5, "max_latency_s": 1.0})


def test_counts_bring_an_interval_and_say_where_the_samples_end():
    correct = [0, 0, 1, 3, 10, 30, 60, 90, 2, 0] * 8
    counted = {"name": "mine", "correct": correct, "drawn": 100, "params": "7B"}
    near = answer({"models": [counted], "target": 0.5})
    spread = near.options[0].intervals["coverage"]
    assert spread.low < near.options[0].gives["coverage"] < spread.high
    far = answer({"models": [counted], "target": 0.85})
    k = far.options[0].decision["samples"]
    assert k > 100
    assert fit_difficulty([100] * 80, correct)(k) >= 0.85
    assert "beyond_samples" in {c.code for c in far.limits}
    beyond = far.options[0].intervals["coverage"]
    assert beyond.low < far.options[0].gives["coverage"] < beyond.high


def test_a_fitted_law_brings_the_interval_of_its_draws():
    k = np.array([1.0, 3, 10, 30, 100, 300] * 3)
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(len(k)))
    fitted = fit("coverage", RunTable.of(samples=k, coverage=np.exp(-2.0 * k**-0.3) * noise), bootstrap=100)
    mine = Model("mine", coverage=fitted, params=1e9)
    made = question.recommend(Situation(), question.Asked(models=(mine,), target=0.6))
    spread = made.options[0].intervals["coverage"]
    assert spread.low < 0.6 < spread.high + 0.02
    assert made.options[0].decision["samples"] == pytest.approx((2.0 / -np.log(0.6)) ** (1 / 0.3), rel=0.1)
    assert made.laws == (f"coverage fitted to {fitted.source}",)


def test_a_law_of_the_catalogue_says_its_failures():
    made = answer({"models": [{"name": "deepseek", "coverage": "brown2024_coverage:swe_bench_lite",
                               "usd_per_sample": 0.0072, "most": 250}], "target": 0.3})
    assert made.laws == ("brown2024_coverage:swe_bench_lite",)
    assert any("2502.17578" in c.message for c in made.limits)


# ----------------------------------------------------------------------------------------------- verifiers and votes

def test_a_verifier_that_errs_makes_few_samples_best():
    made = answer({"models": [SMALL], "per_query": "1e16", "verifier": "imperfect", "false_positive": 0.02,
                   "wrong_costs": 1.0})
    problems, verifier = Difficulty(0.3, 20.0).problems, Verifier(1.0, 0.02)
    k = int(made.options[0].decision["samples"])
    worth = verifier.right(problems, np.arange(1, 2001.0)) - verifier.wrong(problems, np.arange(1, 2001.0))
    assert k == 1 + int(np.argmax(worth))
    assert made.options[0].gives["right"] < made.options[0].gives["ceiling"] < made.options[0].gives["coverage"] + 1
    assert "No number of samples" in made.answer


def test_a_vote_is_best_at_the_number_that_all_tried_numbers_say():
    rates = [0.8] * 6 + [0.4] * 4
    mine = {"name": "mine", "rates": rates, "params": "1B"}
    made = answer({"models": [mine], "per_query": "1e15", "verifier": "vote"})
    k = np.arange(1.0, 500.0, 2.0)
    best = k[np.argmax(voted(Problems.of(rates), k))]
    assert made.options[0].decision["samples"] == best
    assert "binary_vote" in {c.code for c in made.limits}


def test_an_unreachable_share_of_right_answers_is_said_with_the_best():
    with pytest.raises(FailedToAnswer, match=r"up to 2,000 answers 0\.9 rightly: the best is small"):
        answer({"models": [SMALL], "target": 0.9, "verifier": "imperfect", "false_positive": 0.1})
    with pytest.raises(FailedToAnswer, match="pays for no sample of any model"):
        answer({"models": [SMALL], "per_query": 1.0, "verifier": "vote"})


# ----------------------------------------------------------------------------------------------------------- classes

EASY = [{**SMALL, "difficulty": [4, 2]}, {**LARGE, "difficulty": [9, 1]}]
HARD = [{**SMALL, "difficulty": [0.1, 50]}, {**LARGE, "difficulty": [0.4, 6]}]
CLASSES = [{"name": "easy", "share": 0.6, "models": EASY}, {"name": "hard", "share": 0.4, "models": HARD}]


def test_classes_share_the_budget_and_beat_one_way_for_all():
    made = answer({"classes": CLASSES, "per_query": "1e14"})
    assert made.answer.startswith("Spread the samples: ")
    together, alike = made.options
    assert together.gives["coverage"] > alike.gives["coverage"]
    assert together.gives["flop_per_query"] == pytest.approx(1e14)
    assert alike.gives["flop_per_query"] <= 1e14 * (1 + 1e-9)
    assert set(together.decision) == {"samples.easy", "samples.hard"}
    assert "class_known" in {c.code for c in made.limits}
    reached = answer({"classes": CLASSES, "target": together.gives["coverage"]})
    assert reached.options[0].gives["flop_per_query"] == pytest.approx(1e14, rel=1e-6)


def test_one_way_for_all_is_the_best_of_its_kind():
    alike = answer({"classes": CLASSES, "per_query": "1e14"}).options[1]
    every = {}
    for i, (name, params) in enumerate((("small", 1e9), ("large", 1.4e10))):
        k = int(1e14 / (2000 * params))
        curves = [Difficulty(*c["models"][i]["difficulty"]) for c in CLASSES]
        every[name] = 0.6 * curves[0](k) + 0.4 * curves[1](k)
    assert alike.gives["coverage"] == pytest.approx(max(every.values()))
    assert alike.name.startswith(max(every, key=every.get))


# --------------------------------------------------------------------------------------------------------- bad input

@pytest.mark.parametrize(("section", "says"), [
    ({"models": [SMALL]}, "give target, a share of the queries, or per_query"),
    ({"models": [SMALL], "target": 0.5, "per_query": 1.0}, "give target"),
    ({"target": 0.5}, "give models, or classes of queries"),
    ({"models": [SMALL], "target": 0.5, "verifier": "oracle"}, "known are exact, imperfect, vote, got 'oracle'"),
    ({"models": [{"name": "m", "params": "1B"}], "target": 0.5}, "say how well it answers in one way.*got none"),
    ({"models": [{**SMALL, "rates": [0.1]}], "target": 0.5}, "got difficulty and rates"),
    ({"models": [{"name": "m", "rates": [0.1]}], "target": 0.05}, "nothing says what a sample costs"),
    ({"models": [SMALL, {**LARGE, "usd_per_sample": 0.1}], "target": 0.5},
     "small: other models have prices in dollars"),
    ({"models": [{**SMALL, "difficulty": [1, 2, 3]}], "target": 0.5}, r"difficulty is \[a, b\], got 3"),
    ({"models": [{"name": "m", "usd_per_sample": 1, "rates": [0.1], "train_tokens": "1B"}], "target": 0.05},
     "train_tokens needs params"),
    ({"models": [{**SMALL, "usd_per_sample": 1, "train_tokens": "1B"}], "target": 0.05},
     "train_tokens needs a device with a price"),
    ({"models": [{"name": "m", "coverage": "besiroglu2024_refit", "params": "1B"}], "target": 0.5},
     "coverage is a law of coverage over samples, got loss over params, tokens"),
    ({"models": [{"name": "m", "coverage": "brown2024_coverage:swe_bench_lite", "params": "1B"}], "per_query": 1e15,
      "verifier": "vote"}, "a vote makes of samples follows from success rates"),
    ({"classes": CLASSES, "target": 0.5, "verifier": "vote"}, "for an exact verifier only"),
    ({"classes": CLASSES, "target": 0.5, "max_latency_s": 1.0}, "weighed for queries of one kind"),
    ({"models": [SMALL, SMALL], "target": 0.5}, "two have one name"),
])
def test_what_is_not_said_or_said_twice_is_named(section, says):
    with pytest.raises(InputError, match=says):
        answer(section)


def test_one_model_may_be_told_line_by_line():
    told = {f.name: f for f in told_fields(question.Asked)}
    assert {"coverage", "correct", "drawn", "params", "usd_per_sample", "target", "per_query"} <= told.keys()
    one = answer({"coverage": "brown2024_coverage:swe_bench_lite", "usd_per_sample": 0.0072, "target": 0.4})
    curve = law("brown2024_coverage:swe_bench_lite")
    (option,) = one.options
    k = option.decision["samples"]
    assert curve(samples=k) >= 0.4 > curve(samples=k - 1)
    assert option.gives["usd_per_query"] == pytest.approx(0.0072 * k)


def test_advice_answers_both_questions_of_one_file():
    made = advice.advise({"budget": BUDGET, "test_time": {"models": [SMALL, LARGE], "target": 0.5},
                          "tuning": {"params": ["1B"], "examples": "20k"}}, law)
    said = json.loads(json.dumps(to_plain(made.to_dict())))
    assert [a["question"] for a in said["answers"]] == [4, 5]
    assert all(a["answer"] and a["options"] and a["laws"] and a["limits"] and a["measure_first"] and a["guidance"]
               for a in said["answers"])


def test_a_slip_in_a_model_is_named():
    with pytest.raises(UnknownName, match=r"in \[test_time\] models\[0\]; nearest: params"):
        answer({"models": [{"name": "m", "param": 1}]})


def test_every_key_says_what_it_means_and_the_guidance_has_its_sources():
    for cls in (question.Asked, question.Class, Model):
        assert set(field_texts(cls)) == set(cls.__dataclass_fields__)
    guidance = question.TOPIC.guidance
    assert len(guidance) >= 6
    assert {g.source for g in guidance} >= {"arXiv:2502.12051", "arXiv:2407.21787", "arXiv:2408.03314"}


def test_the_choice_of_a_model_is_that_of_its_curve():
    m = Model("m", difficulty=(0.3, 12.0), params=1e9)
    sampler = prices([m], Query(100.0), Situation().rates).samplers[0]
    assert choose(sampler, 7).coverage == pytest.approx(float(Difficulty(0.3, 12.0)(7.0)))

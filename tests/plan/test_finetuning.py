"""Question 5: ways of tuning by data, budget and memory; the printed laws of Zhang et al.; which model to tune."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from conftest import shared
from lawful.cost.shapes import model as known_shape
from lawful.cost.shapes.adapters import tuning_flop
from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import law
from lawful.laws.base import Region
from lawful.laws.transfer import MultiplicativeFinetuning, RectifiedLoss
from lawful.plan.advice import read_situation
from lawful.plan.decide import decide
from lawful.plan.problem import parse_problem
from lawful.plan.questions import tuning as question
from lawful.plan.questions.topic import Situation
from lawful.plan.sections import field_texts, read_section
from lawful.plan.tuning.model_choice import Ranked, rank_models, selection_score
from lawful.plan.tuning.ways import Purse, Way, crossings, half_unit, printed_spread, weigh, worth
from lawful.runs import RunTable

TASKS, METHODS = ("en_de", "en_zh", "mlsum"), ("full", "prompt", "lora")


def guess(form) -> Fit:
    """A law with made-up coefficients as a fit without draws."""
    return Fit(form, np.zeros((0, len(form.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


def way(name, E, A, beta, **options) -> Way:
    return Way(name, guess(MultiplicativeFinetuning(E=E, A=A, alpha=0.1, beta=beta, data="examples")),
               {"params": 1e9}, **options)


FULL, LORA = way("full", 1.0, 200.0, 0.3), way("lora", 1.3, 30.0, 0.15)


# -------------------------------------------------------------------------------------------------- crossings, targets

def test_ways_are_equal_where_they_cross_and_one_is_better_on_either_side():
    (cross,) = crossings(FULL, LORA)
    assert float(FULL.outcome(cross)) == pytest.approx(float(LORA.outcome(cross)), rel=1e-9)
    assert float(FULL.outcome(cross / 2)) > float(LORA.outcome(cross / 2))
    assert float(FULL.outcome(cross * 2)) < float(LORA.outcome(cross * 2))


# Zhang et al. 2024, equation 3: with one floor for both, D_f = (A_1 / A_2)**(1 / (beta_1 - beta_2))
#                                     X**((alpha_2 - alpha_1) / (beta_1 - beta_2)).
def test_with_one_floor_the_crossing_is_the_closed_form():
    one = Way("one", guess(MultiplicativeFinetuning(E=1.0, A=900.0, alpha=0.3, beta=0.2)), {"params": 2e9})
    other = Way("other", guess(MultiplicativeFinetuning(E=1.0, A=60.0, alpha=0.25, beta=0.08)), {"params": 2e9})
    H, gamma = (900 / 60) ** (1 / (0.2 - 0.08)), (0.25 - 0.3) / (0.2 - 0.08)
    assert crossings(one, other) == [pytest.approx(H * 2e9**gamma)]


def test_a_way_that_catches_up_and_stops_first_crosses_twice():
    early = Way("early", guess(RectifiedLoss(E=1.0, B=3.0, D_l=1.0, beta=0.3, over="examples")))
    late = Way("late", guess(RectifiedLoss(E=1.02, B=90.0, D_l=10.0, beta=0.8, over="examples")))
    found = crossings(early, late)
    assert len(found) == 2
    for x in found:
        assert float(early.outcome(x)) == pytest.approx(float(late.outcome(x)), rel=1e-9)
    with pytest.raises(InputError, match="counts examples and two finetune_tokens"):
        crossings(early, Way("two", guess(RectifiedLoss(E=1.0, B=3.0, D_l=1.0, beta=0.3))))


def test_the_data_for_a_target_are_the_least_that_reach_it():
    need = FULL.needed(1.5)
    assert float(FULL.outcome(need)) == pytest.approx(1.5, rel=1e-9)
    assert FULL.needed(0.99) is None
    assert FULL.needed(1e6) == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_a_budget_is_spent_as_a_grid_of_all_amounts_says(seed):
    rng = np.random.default_rng(seed)
    ways = [way(str(i), rng.uniform(0.8, 1.5), 10 ** rng.uniform(1, 3), rng.uniform(0.05, 0.4),
                flop_per_unit=10 ** rng.uniform(12, 15)) for i in range(3)]
    purse = Purse(10 ** rng.uniform(2, 5) * (rng.random() < 0.8), float(rng.choice([0.0, 0.01, 1.0])),
                  usd_per_flop=float(rng.choice([0.0, 1e-17])))
    usd = 10 ** rng.uniform(0, 4)
    grid = np.geomspace(1e-2, 1e9, 4001)

    def best():
        for w in ways:
            most = purse.most if purse.usd_per_unit else purse.owned
            allowed = [d for d in (*grid, purse.owned) if 0 < d <= most and purse.price(w, d) <= usd]
            if allowed:
                yield float(w.outcome(max(allowed))), w.name

    every = list(best())
    if not every:
        with pytest.raises(FailedToAnswer, match="no data to tune on"):
            weigh(ways, purse, usd=usd)
        return
    found = weigh(ways, purse, usd=usd)
    assert found[0].outcome <= min(every)[0] + 1e-12
    assert found[0].outcome == pytest.approx(min(every)[0], rel=2e-3)     # a step of the grid is 0.6 % of data
    for t in found:
        assert t.usd <= usd * (1 + 1e-9)
        assert t.usd == pytest.approx(purse.price(t.way, t.data))


def test_a_target_is_reached_at_the_least_price():
    purse = Purse(1e3, 0.5, usd_per_flop=1e-16)
    dear, cheap = way("dear", 1.0, 200.0, 0.3, flop_per_unit=1e15), way("cheap", 1.3, 30.0, 0.15, flop_per_unit=1e14)
    found = weigh([dear, cheap], purse, target=1.6)
    assert [t.usd for t in found] == sorted(t.usd for t in found)
    for t in found:
        assert t.outcome == pytest.approx(1.6)
        assert t.usd == pytest.approx(0.5 * max(0.0, t.data - 1e3) + 1e-16 * t.way.flop_per_unit * t.data)
    with pytest.raises(FailedToAnswer, match=r"no way of tuning reaches 0\.9: dear comes to"):
        weigh([dear, cheap], purse, target=0.9)
    with pytest.raises(FailedToAnswer, match="for 1 dollars"):
        weigh([dear, cheap], purse, target=1.3, usd=1.0)


def test_no_more_is_trained_than_the_flop_allow():
    dear = way("dear", 1.0, 200.0, 0.3, flop_per_unit=1e15)
    (found,) = weigh([dear], Purse(1e5), flop=1e18)
    assert found.data == pytest.approx(1e3)
    assert found.flop == pytest.approx(1e18)
    with pytest.raises(FailedToAnswer, match=r"reaches 1\.2 with 1e\+18 FLOP"):
        weigh([dear], Purse(1e5), flop=1e18, target=1.2)
    made = answer({"ways": [{"name": "mine", "law": "zhang2024_finetuning:en_de_full", "params": "1B"}],
                   "examples": "1M", "tokens_per_example": 100}, budget="6e16")
    assert made.options[0].decision["examples"] == pytest.approx(6e16 / (6 * 1e9 * 100))


# The same decision by the planner: the tokens of fine-tuning are a quantity like any other, and LoRA's cost 4 FLOP a
# parameter instead of 6.
def test_the_planner_decides_fine_tuning_as_well():
    tuned = guess(MultiplicativeFinetuning(E=1.0, A=200.0, alpha=0.2, beta=0.15))
    for extra, share in (([], 6.0), (["lora_rank=16"], 4.0)):
        made = decide(parse_problem(tuned, ["params=1e9,7e9", "finetune_tokens=1e5:1e12", *extra],
                                    ["finetune_flop<=1e18"]))
        tokens = {p: 1e18 / (share * p) for p in (1e9, 7e9)}
        losses = {p: float(tuned.law(params=p, finetune_tokens=d)) for p, d in tokens.items()}
        best = min(losses, key=losses.get)
        assert made.decision["params"] == best
        assert made.decision["finetune_tokens"] == pytest.approx(tokens[best], rel=1e-5)
        mine = weigh([Way(str(p), tuned, {"params": p}, share * p) for p in (1e9, 7e9)], Purse(1e12), flop=1e18)
        assert mine[0].outcome == pytest.approx(made.metrics["loss"], rel=1e-6)


def test_what_does_not_fit_is_left_out():
    small, big = way("small", 1.5, 30.0, 0.1, memory_bytes=1e10), way("big", 1.0, 30.0, 0.3, memory_bytes=1e12)
    assert [t.way.name for t in weigh([small, big], Purse(1e4), memory=8e10)] == ["small"]
    with pytest.raises(FailedToAnswer, match=r"fits into 1e\+09 bytes: the least takes 1e\+10"):
        weigh([small, big], Purse(1e4), memory=1e9)


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: Way("w", law("zhang2024_finetuning:en_de_lora")), LawError, "nothing says params"),
    (lambda: Way("w", law("besiroglu2024_refit"), {"params": 1, "tokens": 1}), LawError, "a law of fine-tuning takes"),
    (lambda: Purse(owned=10, most=5), InputError, "at most 5 of data is less than the 10"),
    (lambda: Purse(owned=-1), InputError, "owned"),
    (lambda: worth(law("besiroglu2024_refit"), 1e9, 1e6), LawError, "a law of transferred data"),
])
def test_what_cannot_be_weighed_is_said(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---------------------------------------------------------------------------------- the printed laws of Zhang et al.

def entry(task, method, of=""):
    return law(f"zhang2024_finetuning:{task}_{method}{of}")


@pytest.mark.parametrize(("value", "half"), [(0.52, 0.005), (1.2e5, 5e3), (0.4, 0.005), (23.0, 0.5), (0.00051, 5e-6),
                                             (0.062, 5e-4), (1.0, 0.05), (0.0345, 5e-5)])
def test_a_printed_number_is_half_a_unit_of_its_last_digit_uncertain(value, half):
    assert half_unit(value) == pytest.approx(half)


# The two laws of one task and method, over model size and over pre-training, describe one and the same model at 1B
# params and the last checkpoint (283B tokens for the English-German models, 206B for the English-Chinese): table 1.
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_the_laws_of_one_table_agree_at_the_model_that_they_share(task, method):
    tokens = 2.06e11 if task == "en_zh" else 2.83e11
    by_size = printed_spread(entry(task, method), {"params": 1e9, "examples": 1e5})
    by_data = printed_spread(entry(task, method, "_pretraining"), {"pretrain_tokens": tokens, "examples": 1e5})
    assert max(by_size.low, by_data.low) <= min(by_size.high, by_data.high)


# Zhang et al. 2024, table 5: H and gamma of equation 3, by task, over model size and over pre-training data.
TABLE_5 = {
    ("en_de", "full", "prompt", ""): ("3.7e14", "-1.2"), ("en_de", "full", "lora", ""): ("2e24", "-2.4"),
    ("en_de", "prompt", "lora", ""): ("1.6e-9", "1.5"), ("en_zh", "full", "prompt", ""): ("6.1e4", "-0.12"),
    ("en_zh", "full", "lora", ""): ("1.6e6", "-0.3"), ("en_zh", "prompt", "lora", ""): ("1.8e-11", "1.9"),
    ("mlsum", "full", "prompt", ""): ("3.6e18", "-2.1"), ("mlsum", "full", "lora", ""): ("1.2e17", "-1.8"),
    ("mlsum", "prompt", "lora", ""): ("0.00045", "2.3"),
    ("en_de", "full", "prompt", "_pretraining"): ("3.7e3", "-0.0015"),
    ("en_de", "full", "lora", "_pretraining"): ("6.9e8", "-0.5"),
    ("en_de", "prompt", "lora", "_pretraining"): ("7.7e-10", "1.2"),
    ("en_zh", "full", "prompt", "_pretraining"): ("5", "0.26"),
    ("en_zh", "full", "lora", "_pretraining"): ("2.7e2", "0.093"),
    ("en_zh", "prompt", "lora", "_pretraining"): ("8.6e-19", "2.1"),
    ("mlsum", "full", "prompt", "_pretraining"): ("3.7e6", "-0.63"),
    ("mlsum", "full", "lora", "_pretraining"): ("1e7", "-0.63"),
    ("mlsum", "prompt", "lora", "_pretraining"): ("1.6e2", "-0.63"),
}


# What the digits of table 4 leave open holds 32 of the 36 figures. The other four are those of LoRA on MLSum over model
# size: by table 4 H is 2.3e19 (8.6e18 to 6.3e19) against full tuning and gamma -2.28, and against prompts gamma lies
# between -5 and 0; one of the two tables has a slip there.
def test_table_5_follows_from_table_4_but_for_lora_on_mlsum():
    outside = set()
    for (task, one, other, of), (H, gamma) in TABLE_5.items():
        spans = [span(entry(task, m, of).law.coefficients) for m in (one, other)]
        gammas = [(a2 - a1) / (b1 - b2) for a1 in spans[0]["alpha"] for a2 in spans[1]["alpha"]
                  for b1 in spans[0]["beta"] for b2 in spans[1]["beta"]]
        heights = [math.log(A1 / A2) / (b1 - b2) for A1 in spans[0]["A"] for A2 in spans[1]["A"]
                   for b1 in spans[0]["beta"] for b2 in spans[1]["beta"]]
        if not (min(gammas) - half_unit(float(gamma)) <= float(gamma) <= max(gammas) + half_unit(float(gamma))):
            outside.add((task, one, other, of, "gamma"))
        room = half_unit(float(H)) / float(H)
        if not (min(heights) - room <= math.log(float(H)) <= max(heights) + room):
            outside.add((task, one, other, of, "H"))
    assert outside == {("mlsum", one, "lora", "", what) for one in ("full", "prompt") for what in ("H", "gamma")}


def span(coefficients):
    return {n: (v - half_unit(v), v + half_unit(v)) for n, v in coefficients.items()}


# Section 5: "When only few thousands of finetuning examples are available, PET should be considered first ... For
# million-scale datasets, FMT would be good." So for English-Chinese at 1B params; full tuning of MLSum is ahead at all
# sizes by the printed coefficients, and for English-German LoRA never falls behind: its floor is the lower.
@pytest.mark.parametrize(("task", "expected"), [("en_de", []), ("en_zh", [2.1e5]), ("mlsum", [])])
def test_where_full_tuning_overtakes_lora_at_one_billion(task, expected):
    ways = [Way(m, entry(task, m), {"params": 1e9}) for m in ("full", "lora")]
    assert crossings(*ways, span=(1e3, 1e9)) == [pytest.approx(x, rel=0.03) for x in expected]


# --------------------------------------------------------------------------------------------- worth of pre-training

# Hernandez et al. 2021, table 1: k 1.9e4, alpha 0.18, beta 0.38.
def test_pre_training_is_worth_what_the_law_says():
    found = worth(law("hernandez2021_transfer:text_to_python"), 4e7, 3e5)
    assert found.transferred == pytest.approx(1.9e4 * 3e5**0.18 * 4e7**0.38)
    assert found.effective == found.transferred + 3e5
    assert found.multiplier == pytest.approx(found.effective / 3e5)


# ------------------------------------------------------------------------------------------------ which model to tune

def test_a_straight_line_is_carried_on_and_the_flat_beginning_left_out():
    x = 100.0 * 2.0 ** np.arange(10)
    bent = np.where(x < 1600, 3.0, 3.0 * (x / 1600) ** -0.25)
    found = rank_models({"bent": (x, bent), "flat": (x, np.full(10, 2.5))}, 1e6)
    assert [r.model for r in found] == ["bent", "flat"]
    assert found[0].loss == pytest.approx(3.0 * (1e6 / 1600) ** -0.25, rel=1e-9)
    assert found[0].used == 6       # 1,600 and above
    assert found[1].loss == pytest.approx(2.5)


def flan():
    with open(shared("rectified-finetuning/curves.csv"), newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if float(r["D_sft"]) > 0]
    curves = {}
    for r in rows:
        curves.setdefault(r["model"], {})[float(r["D_sft"])] = float(r["loss"])
    return curves


# Lin et al. 2024 (arXiv:2402.02314) with 1/8 of FLAN: their algorithm's forecasts correlate with the truth by 90.9 %.
# Ours by 90.4 %, from the same idea with its own thresholds; the rectified law through all points gives 89.3 %.
def test_the_forecasts_from_an_eighth_of_the_data_rank_models_as_the_paper_says():
    curves, full = flan(), 1_638_400.0
    truth = {m: c[full] for m, c in curves.items()}
    few = {m: tuple(zip(*[p for p in sorted(c.items()) if p[0] <= full / 8], strict=True)) for m, c in curves.items()}
    found = selection_score(rank_models(few, full), truth)
    assert found["correlation"] == pytest.approx(0.909, abs=0.01)
    assert found["relative"] > 0.93
    last = [Ranked(m, c[1][-1], None, 1) for m, c in few.items()]
    assert selection_score(sorted(last, key=lambda r: r.loss), truth)["correlation"] < 0.65


@pytest.mark.parametrize(("curve", "says"), [
    (([1, 2], [1, 1]), "3 amounts of data or more"), (([1, 2, 2], [1, 1, 1]), "each once"),
    (([0, 1, 2], [3, 2, 1]), "leave the loss before tuning out")])
def test_curves_that_say_nothing_are_refused(curve, says):
    with pytest.raises(InputError, match=says):
        rank_models({"m": curve}, 1e3)
    with pytest.raises(UnknownName, match="way to carry a curve on 'power'"):
        rank_models({"m": ([1, 2, 3], [3, 2, 1])}, 1e3, "power")


def test_the_rectified_law_may_carry_a_curve_on():
    x = 100.0 * 2.0 ** np.arange(10)
    truth = RectifiedLoss(E=0.8, B=400.0, D_l=300.0, beta=0.6)
    (found,) = rank_models({"m": (x, truth(x))}, 1e6, "rectified")
    assert found.loss == pytest.approx(float(truth(1e6)), rel=1e-3)
    assert found.used == 10


# -------------------------------------------------------------------------------------------------------- the answer

def answer(section, **situation):
    asked = read_section(question.Asked, section, "[tuning]", law)
    return question.recommend(read_situation(situation, law), asked)


def test_published_tasks_stand_in_and_the_answer_says_that_they_are_others():
    made = answer({"params": ["1B", "8B"], "examples": "1M"})
    regret = {}
    for task in TASKS:
        losses = {(m, p): float(entry(task, m)(params=p, examples=1e6)) for m in METHODS for p in (1e9, 8e9)}
        for one, loss in losses.items():
            regret.setdefault(one, []).append(loss / min(losses.values()) - 1)
    best = min(regret, key=lambda one: np.mean(regret[one]))
    assert made.options[0].name.startswith(f"{best[0]}, {best[1] / 1e9:.0f}B params")
    assert "not your task" in made.answer
    assert len(made.options) == 18
    assert all(o.intervals["loss"].low < o.gives["loss"] < o.intervals["loss"].high for o in made.options)
    assert "known_failure" in {c.code for c in made.limits}


def test_ties_by_the_printed_digits_are_said():
    made = answer({"params": ["1B"], "examples": "1M", "tasks": ["en_de"]})
    tie = next(c for c in made.limits if c.code == "tie")
    assert "lora" in tie.message
    assert "full" in tie.message
    assert "printed digits" in tie.message


def test_own_laws_are_weighed_by_money_and_memory():
    rng = np.random.default_rng(0)
    size = 1000.0 * 2.0 ** np.arange(8)

    def fitted(E, B, beta):
        noise = np.exp(0.002 * rng.standard_normal(8))
        return fit("rectified", RunTable.of(finetune_tokens=size, loss=(E + B / (500 + size**beta)) * noise),
                   bootstrap=60)

    full, lora = fitted(0.9, 900.0, 0.7), fitted(1.0, 500.0, 0.7)
    ways = (question.Tuning("all weights", full, "full", shape="llama-3-8b"),
            question.Tuning("rank 16", lora, "lora", shape="llama-3-8b"))
    asked = question.Asked(ways=ways, examples=2e5, tokens_per_example=500.0)
    there = question.recommend(read_situation({"budget": {"usd": 100, "device": "h100"}}, law), asked)
    assert [o.name for o in there.options] == ["rank 16"]
    assert "all weights does not fit" in there.answer
    assert there.options[0].gives["memory_bytes"] < 80e9
    assert there.options[0].gives["train_flop"] == pytest.approx(      # 2e5 tokens are 400 examples of 500
        400 * tuning_flop(known_shape("llama-3-8b"), "lora", 500))
    both = question.recommend(Situation(), asked)
    assert len(both.options) == 2
    spread = both.options[0].intervals["loss"]
    assert spread.low < both.options[0].gives["loss"] < spread.high


def test_data_may_be_collected_for_money():
    ways = [{"name": "mine", "law": "zhang2024_finetuning:en_de_lora", "method": "lora", "params": "1B"}]
    made = answer({"ways": ways, "examples": "1k", "usd_per_example": 0.5}, budget={"usd": "10k", "device": "h100"})
    (option,) = made.options
    assert option.decision["examples"] > 1e3
    assert option.gives["usd"] == pytest.approx(1e4, rel=1e-9)
    flop = 4 * 1e9 * 512 * option.decision["examples"]
    assert option.gives["train_flop"] == pytest.approx(flop)
    training = 1e4 - 0.5 * (option.decision["examples"] - 1e3)
    assert 0 < training < 0.05 * 1e4


def test_the_worth_of_pre_training_is_said():
    made = answer({"params": ["1B"], "examples": "10k", "characters": "5M"})
    found = worth(law("hernandez2021_transfer:text_to_python"), 1e9, 5e6)
    assert f"{found.multiplier:.3g} times" in made.answer


@pytest.mark.parametrize(("section", "error", "says"), [
    ({}, InputError, "give ways, each with the law of your own runs, or params"),
    ({"params": ["1B"], "examples": 10, "tasks": ["en_fr"]}, UnknownName, "published task 'en_fr'"),
    ({"params": ["1B"], "examples": 10, "tasks": []}, InputError, "tasks: give one or more"),
    ({"params": ["1B"]}, FailedToAnswer, "no data to tune on"),
    ({"ways": [{"name": "m", "law": "zhang2024_finetuning:en_de_lora", "method": "adapter", "params": 1e9}],
      "examples": 10}, UnknownName, "way of tuning 'adapter' in m"),
    ({"ways": [{"name": "m", "law": "zhang2024_finetuning:en_de_lora", "params": 1e9},
               {"name": "n", "law": "hernandez2021_transfer:text_to_python", "params": 1e9}], "examples": 10},
     InputError, "count examples and finetune_characters"),
])
def test_what_is_missing_or_wrong_is_named(section, error, says):
    with pytest.raises(error, match=says):
        answer(section)


def test_every_key_says_what_it_means_and_the_guidance_has_its_sources():
    for cls in (question.Asked, question.Tuning):
        assert set(field_texts(cls)) == set(cls.__dataclass_fields__)
    assert {g.source for g in question.TOPIC.guidance} >= {"arXiv:2402.17193", "arXiv:2402.02314", "arXiv:2102.01293"}

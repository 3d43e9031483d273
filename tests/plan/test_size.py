"""Question 1: the split, what serving and scarce data make of it, what other laws say, and where it is refused."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.cost import Budget
from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import law
from lawful.laws.base import Region
from lawful.plan.costs.rates import Rates
from lawful.plan.questions.size import TOPIC, Asked, recommend, weigh_sizes
from lawful.plan.questions.size_weighed import OTHERS
from lawful.plan.questions.topic import Situation
from lawful.plan.sections import read_section

BESIROGLU = law("besiroglu2024_refit")


def as_fit(inner):
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


# Sardana et al. 2023 (arXiv:2401.00448), figure 1, with their coefficients (appendix A): a model as good as the
# compute-optimal one of 13B that serves 2T tokens should have 7B params, and saves 1.7e22 FLOP, 17 %.
def test_what_serving_asks_for_is_what_sardana_found():
    theirs = law("hoffmann2022_approach3").law.with_coefficients(
        {"E": 1.69, "A": 406.4, "alpha": 0.336, "B": 410.7, "beta": 0.283})
    budget = 6 * 13e9 * 5.765e11   # the compute-optimal 13B of these coefficients
    assert theirs.allocate(budget).params == pytest.approx(13e9, rel=1e-3)
    wanted = float(theirs.allocate(budget).output)
    made = recommend(Situation(as_fit(theirs), None, Rates(serve_tokens=2e12)), Asked(target_loss=wanted))
    first, optimal = made.options[:2]
    assert first.name == "as good, cheapest to train and serve"
    assert first.decision["params"] / 1e9 == pytest.approx(7, abs=0.5)
    assert first.gives["loss"] == pytest.approx(optimal.gives["loss"], rel=1e-6)
    saved = optimal.gives["total_flop"] - first.gives["total_flop"]
    assert saved == pytest.approx(1.7e22, abs=0.05e22)
    assert round(100 * saved / optimal.gives["total_flop"]) == 17
    assert "Train 6.97B params" in made.answer
    assert "saves 17.4 % of the whole compute" in made.answer

    within = recommend(Situation(as_fit(theirs), Budget(compute=budget), Rates(serve_tokens=2e12)), Asked())
    assert within.options[0].name == "compute-optimal", "a budget of training is not overspent"
    assert within.options[1].decision["params"] == pytest.approx(first.decision["params"], rel=1e-3)
    assert "would be as good: it takes" in within.answer


def test_a_budget_of_money_pays_for_training_and_serving():
    situation = Situation(None, Budget(usd=50e3, device="h100"), Rates(serve_tokens=1e12))
    assert situation.rates.device == "h100", "the budget's device is what things cost on"
    first = recommend(situation, Asked()).options[0]
    assert first.name == "best for the budget, training and serving"
    assert first.gives["usd"] == pytest.approx(50e3, rel=1e-6)
    smaller, larger = (float(BESIROGLU.law(params=first.decision["params"] * f, tokens=(
        50e3 / first.gives["usd"] * (first.gives["train_flop"] + first.gives["serve_flop"] * 2) - 4e12 * f
        * first.decision["params"]) / (6 * f * first.decision["params"]))) for f in (0.9, 1.1))
    assert first.gives["loss"] <= min(smaller, larger), "serving at half the utilisation costs twice as much a FLOP"


def test_without_serving_the_split_is_the_closed_form():
    made = recommend(Situation(None, Budget(compute=1e22)), Asked())
    best = BESIROGLU.law.allocate(1e22)
    (first, *_rest) = made.options
    assert first.decision["params"] == pytest.approx(best.params, rel=0.01)
    assert first.gives["loss"] == pytest.approx(best.output, rel=1e-8)
    assert made.laws[0] == "besiroglu2024_refit"
    smaller = next(o for o in made.options if o.name == "as good for 20 % more compute")
    assert smaller.gives["loss"] == pytest.approx(best.output, rel=1e-9)
    assert 6 * smaller.decision["params"] * smaller.decision["tokens"] == pytest.approx(1.2e22, rel=1e-9)


def test_the_whole_bill_of_the_optimum_buys_a_better_model():
    sizes = weigh_sizes(BESIROGLU, 1e22, Rates("h100", serve_tokens=1e12))
    assert sizes.richest.metrics["usd"] == pytest.approx(sizes.optimum.metrics["usd"], rel=1e-6)
    assert sizes.richest.metrics["loss"] < sizes.optimum.metrics["loss"]
    assert sizes.cheapest.metrics["usd"] < sizes.optimum.metrics["usd"]
    assert sizes.cheapest.problem.minimise == ("usd",)


# Muennighoff et al. 2023 (arXiv:2305.16264), section 6: 25B distinct tokens and 9.3e21 FLOP are best spent on 6.34B
# params for 9.7 epochs. Their module on another base law lies near.
def test_scarce_data_are_repeated_and_the_model_is_smaller():
    made = recommend(Situation(None, Budget(compute=9.3e21)), Asked(unique_tokens=25e9))
    first = made.options[0]
    assert first.decision["params"] == pytest.approx(6.34e9, rel=0.05)
    assert first.decision["tokens"] / 25e9 == pytest.approx(9.7, rel=0.05)
    assert "passes over the 25B" in made.answer
    assert {"composed"} <= {c.code for c in made.limits}
    enough = recommend(Situation(None, Budget(compute=9.3e21)), Asked(unique_tokens=25e12))
    assert "unique_tokens" not in enough.options[0].decision


def test_scarce_data_ask_a_fit_too_and_keep_its_intervals():
    fitted = fit("chinchilla", simulate(), bootstrap=60)
    made = recommend(Situation(fitted, Budget(compute=9.3e21)), Asked(unique_tokens=25e9))
    first = made.options[0]
    assert first.decision["unique_tokens"] == 25e9
    assert first.decision["params"] == pytest.approx(6.34e9, rel=0.25), "a law drawn near Besiroglu's"
    assert first.intervals["params"].low < first.decision["params"] < first.intervals["params"].high


def test_other_laws_are_judged_by_the_first():
    sizes = weigh_sizes(BESIROGLU, 1e22)
    assert set(sizes.by_law) == set(OTHERS) - {"besiroglu2024_refit"}
    best = BESIROGLU.law.allocate(1e22).output
    made = recommend(Situation(None, Budget(compute=1e22)), Asked())
    splits = [o for o in made.options if o.name.startswith("the split of")]
    for option in splits:
        assert 6 * option.decision["params"] * option.decision["tokens"] == pytest.approx(1e22, rel=1e-6)
        expected = float(BESIROGLU.law(**option.decision)) - best
        assert option.gives["loss_increase"] == pytest.approx(expected, abs=1e-12)
        assert expected >= 0
    assert "laws_disagree" in {c.code for c in made.limits}


def test_over_training_costs_loss_at_equal_compute_and_compute_at_equal_loss():
    sizes = weigh_sizes(BESIROGLU, 1e22, ratios=(5, 100, 1000))
    assert [one.ratio for one in sizes.longer] == [100, 1000], "below the optimum nothing is over-trained"
    best = BESIROGLU.law.allocate(1e22).output
    for equal, poor in zip(sizes.longer, sizes.poorer, strict=True):
        assert equal.loss == pytest.approx(best, rel=1e-9)
        assert poor.loss - best == pytest.approx(poor.loss_increase, rel=1e-9)
        assert equal.compute_times > 1
        assert equal.params_times < 1


def test_a_fit_brings_its_intervals_and_asks_for_another_first_run():
    fitted = fit("chinchilla", simulate(), bootstrap=100)
    made = recommend(Situation(fitted, Budget(compute=1e22)), Asked())
    spread = made.options[0].intervals["params"]
    assert spread.low < TRUTH.allocate(1e22).params < spread.high
    assert made.options[0].note.startswith("loss 2.")
    assert "tenth of the compute" in made.measure_first[0]
    assert made.laws[0].startswith("chinchilla fitted to")


def test_a_target_needs_no_budget_and_is_refused_beyond_one():
    made = recommend(Situation(), Asked(target_loss=2.1))
    assert made.options[0].gives["loss"] == pytest.approx(2.1, rel=1e-6)
    with pytest.raises(FailedToAnswer, match=r"2\.1 takes 2\.1\d*e\+22 FLOP .* buys 1e\+21: it reaches 2\.3055"):
        recommend(Situation(None, Budget(compute=1e21)), Asked(target_loss=2.1))


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(InputError, match="no budget is given"):
        recommend(Situation(), Asked())
    with pytest.raises(LawError, match="size is asked of a law of loss from params and tokens"):
        weigh_sizes(law("kaplan2020_l_n"), 1e21)


def test_the_section_reads_the_fields_shorthand_and_the_guidance_has_sources():
    asked = read_section(Asked, {"unique_tokens": "25B", "tokens_per_param": [100, "1e3"]}, "[size]", law)
    assert asked == Asked(unique_tokens=25e9, tokens_per_param=(100.0, 1000.0))
    assert TOPIC.number == 1
    assert len(TOPIC.guidance) >= 8
    assert all(g.source.startswith("arXiv:") and g.text.endswith(".") for g in TOPIC.guidance)

"""Downscaling: the smallest model within its limits, and what ensembles must gain; against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.cost import Budget
from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit, FitStatus
from lawful.laws import form, law
from lawful.laws.base import Region
from lawful.plan.costs.rates import Rates
from lawful.plan.questions.downscaling import MEASURED, TOPIC, Asked, downscale, recommend
from lawful.plan.questions.topic import Situation
from lawful.plan.sections import read_section
from lawful.plan.sizing.ensembles import ensemble_loss, members_to_beat, pruned, split

BESIROGLU = law("besiroglu2024_refit")


# --------------------------------------------------------------------------------------------------- ensembles

def test_one_member_is_itself_and_the_limit_is_the_gain():
    assert ensemble_loss(3.0, 1, 0.2) == 3.0
    assert ensemble_loss(3.0, 2, 0.2) == pytest.approx(2.9)
    assert ensemble_loss(3.0, 1e12, 0.2) == pytest.approx(2.8)


@pytest.mark.parametrize("gain", [0.05, 0.19, 0.2, 0.21, 0.3, 1.0])
def test_the_fewest_members_are_those_of_a_count(gain):
    below = [n for n in range(1, 10_000) if ensemble_loss(3.2, n, gain) < 3.0]
    assert members_to_beat(3.0, 3.2, gain) == (below[0] if below else None)
    assert members_to_beat(3.3, 3.2, gain) == 1


# Kim et al. 2025 (arXiv:2509.14786), section 4: three models of 300M already lie below the limit of one, 3.43.
def test_three_models_beat_one_without_end_on_scarce_data_as_kim_found():
    member = 0.05 / 0.3**1.02 + 3.431
    gain = member - 3.34
    assert members_to_beat(3.431, member, gain) == 3
    assert gain == pytest.approx(MEASURED, abs=0.005)


def test_splits_of_params_cost_what_the_one_costs_and_need_the_gain_of_their_size_term():
    inner = BESIROGLU.law
    for e in split(inner, 8e9, 15e12, [2, 8]):
        assert e.serve_params == pytest.approx(8e9)
        assert e.members * 6 * e.params * e.tokens == pytest.approx(6 * 8e9 * 15e12)
        size_term = inner.A * 8e9**-inner.alpha * (e.members**inner.alpha - 1)
        assert e.gain_needed == pytest.approx(size_term / (1 - 1 / e.members), rel=1e-9)
        assert e.loss(e.gain_needed) == pytest.approx(float(inner(params=8e9, tokens=15e12)), rel=1e-12)


def test_splits_of_compute_are_each_compute_optimal_and_need_less_than_splits_of_the_params():
    inner = BESIROGLU.law
    best = inner.allocate(1e22)
    by_params, by_compute = (split(inner, best.params, best.tokens, [2, 4, 8], by) for by in ("params", "compute"))
    for narrow, apart in zip(by_params, by_compute, strict=True):
        assert apart.member_loss == pytest.approx(inner.allocate(1e22 / apart.members).output, rel=1e-9)
        assert apart.gain_needed < narrow.gain_needed, "the best member of its compute"
        assert apart.serve_params > narrow.serve_params, "but dearer to serve"


def test_pruned_members_lose_what_the_law_of_recovery_says():
    p2 = form("prune_recover").with_coefficients(
        {"gamma": -0.5, "delta": 0.1, "N_C": 10.0, "alpha": 0.2, "D_C": 100.0, "beta": 0.3, "E": 0.5})
    (four,) = pruned(p2, 8e9, 2.0, [4], 1e9)
    lost = 0.75**0.5 * 8e9**-0.1 * (10 / 8e9**0.2 + 100 / 1e9**0.3 + 0.5)
    assert four.member_loss == pytest.approx(2.0 + lost, rel=1e-12)
    assert four.gain_needed == pytest.approx(lost / 0.75, rel=1e-9)
    assert four.train_flop == pytest.approx(6 * 8e9 * 1e9), "four recoveries of a quarter of the params"
    with pytest.raises(LawError, match="such as a fit of chen2024_p2"):
        pruned(BESIROGLU.law, 8e9, 2.0, [4], 1e9)


def test_an_ensemble_has_two_members():
    with pytest.raises(InputError, match="two or more, got 1"):
        split(BESIROGLU.law, 1e9, 2e10, [1])
    with pytest.raises(LawError, match="a law of params and tokens"):
        split(law("kaplan2020_l_n").law, 1e9, 2e10, [2])


# --------------------------------------------------------------------------------------------------- the topic

def test_the_smallest_model_keeps_every_limit_and_no_smaller_one_does():
    limits = ["loss<=2.15", "train_flop<=3e22", "tokens_per_param<=2000", "tokens<=3e12"]
    made = downscale(BESIROGLU, limits).smallest.metrics
    sizes = np.geomspace(1e8, 1e11, 200_001)
    most = np.minimum.reduce([3e22 / 6 / sizes, 2000 * sizes, np.full_like(sizes, 3e12)])
    ok = BESIROGLU.law(params=sizes, tokens=most) <= 2.15
    assert made["params"] == pytest.approx(sizes[ok].min(), rel=1e-3)
    assert made["loss"] <= 2.15 * (1 + 1e-6)
    assert made["train_flop"] <= 3e22 * (1 + 1e-6)


def test_the_easiest_is_the_compute_optimal_one_and_serving_lies_between():
    made = downscale(BESIROGLU, ["loss<=2.1", "tokens_per_param<=1000"], Rates(serve_tokens=2e12))
    assert made.easiest.metrics["tokens"] / made.easiest.metrics["params"] == pytest.approx(20, rel=0.05)
    sizes = [one.metrics["params"] for one in (made.smallest, made.cheapest, made.easiest)]
    assert sizes == sorted(sizes)
    total = [one.metrics["total_flop"] for one in (made.smallest, made.cheapest, made.easiest)]
    assert min(total) == total[1]


def test_half_the_budget_buys_the_smaller_size_where_no_target_is_given():
    made = recommend(Situation(None, Budget(compute=1e22)), Asked())
    smallest, easiest = made.options[:2]
    assert smallest.name == "smallest"
    assert easiest.gives["loss"] == pytest.approx(BESIROGLU.law.allocate(5e21).output, rel=1e-6)
    assert smallest.gives["train_flop"] == pytest.approx(1e22, rel=1e-5)
    assert smallest.decision["params"] < 0.5 * easiest.decision["params"]
    assert "measure that before you build one" in made.answer
    assert "ensemble_unmeasured" in {c.code for c in made.limits}


def test_a_target_of_errors_goes_through_a_law_of_scores():
    made = recommend(Situation(), Asked(target_error=0.56))
    scores = law("gadre2024_downstream:c4_46task")
    loss = made.options[0].gives["loss"]
    assert float(scores(loss=loss)) == pytest.approx(0.56, rel=1e-6)
    assert made.laws[1] == "gadre2024_downstream:c4_46task"
    with pytest.raises(FailedToAnswer, match=r"no decision keeps error <= 0\.4"):
        recommend(Situation(), Asked(target_error=0.4))


@pytest.mark.parametrize(("gain", "says"), [(0.01, "no ensemble pays"), (0.5, "below its 2.1000")])
def test_a_measured_gain_decides(gain, says):
    made = recommend(Situation(), Asked(target_loss=2.1, ensemble_gain=gain))
    assert says in made.answer
    assert "ensemble_unmeasured" not in {c.code for c in made.limits}
    ensembles = [o for o in made.options if "models" in o.name]
    assert len(ensembles) == 6
    for option in ensembles:
        n = int(option.name.split()[0])
        assert option.gives["loss"] == pytest.approx(option.gives["member_loss"] - gain * (1 - 1 / n))


def test_a_law_of_pruning_adds_members_pruned_from_the_one():
    inner = form("prune_recover").with_coefficients(
        {"gamma": -0.5, "delta": 0.1, "N_C": 10.0, "alpha": 0.2, "D_C": 100.0, "beta": 0.3, "E": 0.5})
    p2 = Fit(inner, np.zeros((0, 7)), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0}, np.zeros(0), 0.0,
             0)
    made = recommend(Situation(), Asked(target_loss=2.1, pruning_law=p2, ensemble_gain=1.0))
    assert sum("pruned from it" in o.name for o in made.options) == 3
    assert len(made.laws) == 2


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(InputError, match="not both"):
        recommend(Situation(), Asked(target_loss=2.0, target_error=0.5))
    with pytest.raises(InputError, match="no budget is given"):
        recommend(Situation(), Asked())
    with pytest.raises(LawError, match="downscaling is asked of a law of loss from params and tokens"):
        downscale(law("kaplan2020_l_n"), ["loss<=3"])
    with pytest.raises(FailedToAnswer, match=r"no decision keeps .* memory_bytes <= 1e\+09"):
        recommend(Situation(), Asked(target_loss=2.1, max_memory=1e9))


def test_the_section_reads_the_fields_shorthand_and_the_guidance_has_sources():
    asked = read_section(Asked, {"max_memory": "8e9", "members": [2, 16], "unique_tokens": "1T"}, "[downscaling]", law)
    assert asked == Asked(max_memory=8e9, members=(2, 16), unique_tokens=1e12)
    assert math.isclose(asked.most_tokens_per_param, 1000)
    assert len(TOPIC.guidance) >= 6
    assert all(g.source.startswith("arXiv:") for g in TOPIC.guidance)

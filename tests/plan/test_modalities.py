"""Several modalities: against closed forms and brute force; published figures, where they can be had."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.cost import Budget
from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.fit import Fit, FitStatus, fit
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.laws.language import AdditiveLoss
from lawful.laws.multimodal import MixedModalLoss
from lawful.laws.multimodal_published import GMAC
from lawful.plan.explaining.attribution import attribute
from lawful.plan.modalities.joined import apart, joined, joint_law
from lawful.plan.modalities.synergy import barrier, gain
from lawful.plan.questions.modalities import TOPIC, Asked, recommend
from lawful.plan.questions.topic import Situation
from lawful.runs import RunTable

TEXT = AdditiveLoss(E=1.7, A=400.0, alpha=0.34, B=2000.0, beta=0.37)
SPEECH = AdditiveLoss(E=2.9, A=150.0, alpha=0.31, B=205.0, beta=0.24)
PAIR = MixedModalLoss(C=0.06, A=20.0, alpha=0.31, B=60.0, beta=0.32, first="text", second="speech")


def guess(inner: Law) -> Fit:
    """A law of one's own, without draws."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


LAWS = {"text": guess(TEXT), "speech": guess(SPEECH)}


def pair_runs(seed: int = 0, noise: float = 0.002) -> RunTable:
    """Runs of half and half, beside the losses of each alone at that size."""
    params, tokens = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(2e9, 2e11, 6)))
    rng = np.random.default_rng(seed)
    alone = {"loss.text": TEXT(params=params, tokens=tokens / 2),
             "loss.speech": SPEECH(params=params, tokens=tokens / 2)}
    loss = PAIR(params=params, tokens=tokens, **alone) * np.exp(noise * rng.standard_normal(len(params)))
    return RunTable.of(params=params, tokens=tokens, loss=loss, **alone)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    """The law of the pair, fitted to its runs."""
    return fit(MixedModalLoss(C=0.1, A=10.0, alpha=0.3, B=10.0, beta=0.3, first="text", second="speech"), pair_runs(),
               bootstrap=200)


# ------------------------------------------------------------------------------------------ one loss for all

def test_the_joint_loss_is_the_mean_of_those_alone_and_what_the_pair_adds():
    at = {"params": 3e9, "tokens.text": 4e10, "tokens.speech": 6e10}
    alone = 0.7 * TEXT(params=3e9, tokens=4e10) + 0.3 * SPEECH(params=3e9, tokens=6e10)
    assert joint_law(LAWS, {"text": 7.0, "speech": 3.0}).law.at(at) == pytest.approx(alone, rel=1e-12)
    mean = {"loss.text": TEXT(params=3e9, tokens=5e10), "loss.speech": SPEECH(params=3e9, tokens=5e10)}
    with_pair = joint_law(LAWS, pair=guess(PAIR))
    assert with_pair.law.at({**at, "tokens.text": 5e10, "tokens.speech": 5e10}) == pytest.approx(
        PAIR(params=3e9, tokens=1e11, **mean), rel=1e-12)


def test_draws_of_the_laws_are_those_of_the_joint_loss():
    rng = np.random.default_rng(0)
    draws = np.array(list(TEXT.coefficients.values())) * np.exp(0.01 * rng.standard_normal((50, 5)))
    text = Fit(TEXT, draws, FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)
    at = {"params": 3e9, "tokens.text": 4e10, "tokens.speech": 6e10}
    mixed = joint_law({"text": text, "speech": LAWS["speech"]}).outputs(at)[:, 0]
    own = 0.5 * text.outputs({"params": 3e9, "tokens": 4e10})[:, 0] + 0.5 * float(SPEECH(params=3e9, tokens=6e10))
    assert np.sort(mixed) == pytest.approx(np.sort(own))


@pytest.mark.parametrize(("laws", "options", "error", "says"), [
    ({"text": LAWS["text"]}, {}, InputError, "two or more"),
    ({"te xt": LAWS["text"], "speech": LAWS["speech"]}, {}, InputError, "called by words"),
    (LAWS, {"weights": {"text": 1.0}}, InputError, "weights are numbers for text, speech"),
    (LAWS, {"pair": LAWS["text"]}, LawError, "a fit of the form mixed_modal"),
    ({**LAWS, "code": LAWS["text"]}, {"pair": guess(PAIR)}, InputError, "one of two modalities"),
    ({"text": LAWS["text"], "clip": law("cherti2022_openclip:imagenet_wit")}, {}, LawError, "from params and tokens"),
])
def test_laws_that_make_no_joint_loss_are_refused(laws, options, error, says):
    with pytest.raises(error, match=says):
        joint_law(laws, **options)


# ------------------------------------------------------------------------------------------ the barrier

def test_the_cheapest_run_with_synergy_is_that_of_a_dense_search():
    found = barrier(guess(PAIR))
    N = np.geomspace(1e6, 1e13, 200_001)
    rest = PAIR.C - PAIR.A * N**-PAIR.alpha
    D = (PAIR.B / rest[rest > 0]) ** (1 / PAIR.beta)
    cost = 6.0 * N[rest > 0] * D
    best = int(np.argmin(cost))
    assert found.compute.value == pytest.approx(cost[best], rel=1e-7)
    assert found.params.value == pytest.approx(N[rest > 0][best], rel=1e-3)


@pytest.mark.parametrize("given", [{"params": 5e11}, {"tokens": 2e11}])
def test_on_the_barrier_synergy_and_competition_are_even(given):
    found = barrier(guess(PAIR), **given)
    causes = gain(guess(PAIR), found.params.value, found.tokens.value)
    assert causes["change"].value == pytest.approx(0.0, abs=1e-12)
    assert causes["synergy"].value == -PAIR.C
    assert next(iter(given.values())) in (found.params.value, found.tokens.value)


def test_without_synergy_or_with_too_little_of_something_there_is_no_barrier():
    assert barrier(guess(MixedModalLoss(C=-0.1, A=9.0, alpha=0.3, B=9.0, beta=0.3))).compute.value == math.inf
    assert barrier(guess(PAIR), params=1e6).tokens.value == math.inf      # so small that no data make it up
    with pytest.raises(InputError, match="give params or tokens, or neither"):
        barrier(guess(PAIR), params=1e9, tokens=1e9)


def test_the_barrier_of_fitted_runs_holds_the_truth(fitted):
    true, found = barrier(guess(PAIR)), barrier(fitted)
    assert found.certain is not None
    assert found.certain > 0.9
    for name in ("params", "tokens", "compute"):
        i = getattr(found, name)
        assert i.low < getattr(true, name).value < i.high


# Aghajanyan et al. 2023 (arXiv:2301.03728) put the barrier of speech and text at 28.35B params and about 45B tokens.
# The constants of the pair could not be confirmed (the catalogue has the form alone), so that the figure cannot be
# computed. What can be tested: of every law whose cheapest barrier lies there, this is the place that is found.
@pytest.mark.parametrize(("alpha", "beta"), [(0.2, 0.3), (0.4, 0.15)])
def test_a_law_with_its_barrier_at_the_published_place_is_found_there(alpha, beta):
    N, D, C = 28.35e9, 45e9, 0.1
    placed = MixedModalLoss(C=C, A=C * beta / (alpha + beta) * N**alpha, alpha=alpha,
                            B=C * alpha / (alpha + beta) * D**beta, beta=beta)
    found = barrier(guess(placed))
    assert (found.params.value, found.tokens.value) == pytest.approx((N, D), rel=1e-9)


# ------------------------------------------------------------------------------------------ dividing a budget

def test_one_models_shares_are_those_of_brute_force_and_data_are_worth_the_same_in_each():
    made, C = joined(LAWS, 1e22), 1e22
    N, share = np.meshgrid(np.geomspace(1e8, 1e12, 1500), np.linspace(0.01, 0.99, 1500))
    D = C / (6.0 * N)
    loss = 0.5 * (TEXT(params=N, tokens=share * D) + SPEECH(params=N, tokens=(1 - share) * D))
    assert made.metrics["loss"] <= float(loss.min()) * (1 + 1e-7)
    d = made.metrics
    worth = [one.B * one.beta * d[f"tokens.{m}"] ** (-one.beta - 1) for m, one in (("text", TEXT), ("speech", SPEECH))]
    assert worth[0] == pytest.approx(worth[1], rel=1e-3)
    assert d["mixture.text"] + d["mixture.speech"] == pytest.approx(1.0, abs=1e-7)


def test_data_that_run_out_bind():
    made = joined(LAWS, 1e22, available={"speech": 2e10})
    assert made.metrics["tokens.speech"] == pytest.approx(2e10, rel=1e-4)
    assert "tokens.speech <= 2e+10" in made.binding
    alone = apart(LAWS, 1e22, available={"speech": 2e10})
    assert alone["speech"].tokens == pytest.approx(2e10)
    with pytest.raises(InputError, match="tokens are given of code"):
        joined(LAWS, 1e22, available={"code": 1e9})


def test_models_of_their_own_get_compute_until_it_is_worth_the_same():
    found = apart(LAWS, 1e22, weights={"text": 2.0, "speech": 1.0})
    assert sum(a.compute for a in found.values()) == pytest.approx(1e22, rel=1e-6)
    h = 1e-4
    worth = []
    for m, (one, weight) in {"text": (TEXT, 2.0), "speech": (SPEECH, 1.0)}.items():
        c = found[m].compute
        up, down = (float(one.allocate(c * math.exp(s)).output) for s in (h, -h))
        worth.append(weight * (down - up) / (2 * h * c))
        assert found[m].loss == pytest.approx(float(one.allocate(c).output), rel=1e-9)
    assert worth[0] == pytest.approx(worth[1], rel=1e-4)
    twins = apart({"a": LAWS["text"], "b": LAWS["text"]}, 1e21)
    assert twins["a"].compute == pytest.approx(5e20, rel=1e-6)


def test_without_synergy_one_model_is_never_better_in_training():
    for compute in (1e19, 1e21, 1e23):
        own = apart(LAWS, compute)
        assert joined(LAWS, compute).metrics["loss"] >= 0.5 * sum(a.loss for a in own.values()) - 1e-9


def test_a_change_is_split_modality_by_modality():
    law_of_all = joint_law(LAWS, pair=guess(PAIR))
    small = {"params": 1e9, "tokens.text": 2e10, "tokens.speech": 2e10}
    large = {"params": 7e9, "tokens.text": 2e11, "tokens.speech": 4e10}
    found = attribute(law_of_all, small, large)
    assert list(found.parts) == ["params", "tokens.text", "tokens.speech"]
    assert sum(p.value for p in found.parts.values()) == pytest.approx(found.change, abs=1e-12)
    own = 0.5 * (TEXT(params=1e9, tokens=2e11) - TEXT(params=1e9, tokens=2e10))

    def competing(text: float, speech: float) -> float:
        return PAIR.B * (text + speech) ** -PAIR.beta

    shared = 0.5 * (competing(2e11, 2e10) - competing(2e10, 2e10) + competing(2e11, 4e10) - competing(2e10, 4e10))
    assert found.parts["tokens.text"].value == pytest.approx(own + shared, rel=1e-9)


# ------------------------------------------------------------------------------------------ the question

HERE = Situation(budget=Budget(compute=1e22))


def test_without_a_pair_each_modality_has_a_model_and_the_synergy_that_would_pay_is_said():
    made = recommend(HERE, Asked(("text", "speech"), LAWS))
    own = apart(LAWS, 1e22)
    assert [o.name for o in made.options[:2]] == ["a model of text alone", "a model of speech alone"]
    needed = joined(LAWS, 1e22).metrics["loss"] - 0.5 * sum(a.loss for a in own.values())
    assert f"more than {needed:.4f}" in made.answer
    assert "no_interplay" in [c.code for c in made.limits]
    assert "loss.text, loss.speech" in made.measure_first[0]


def test_with_a_pair_joining_pays_beyond_its_barrier_and_not_before(fitted):
    small, large = (recommend(Situation(budget=Budget(compute=c)), Asked(("text", "speech"), LAWS, fitted))
                    for c in (1e18, 1e25))
    assert small.answer.startswith("Train a model for each")
    assert large.answer.startswith("Train one model of")
    assert large.options[0].decision["mixture.text"] == 0.5
    assert large.options[0].intervals["loss"].low < large.options[0].gives["loss"]
    assert "begin to help one another" in large.answer
    assert "half_and_half" in [c.code for c in large.limits]


def test_a_pair_that_only_competes_is_said_to():
    rivals = guess(MixedModalLoss(C=-0.05, A=9.0, alpha=0.3, B=9.0, beta=0.3, first="text", second="speech"))
    assert "compete at every size" in recommend(HERE, Asked(("text", "speech"), LAWS, rivals)).answer


# Henighan et al. 2020 (arXiv:2010.14701), table 1: N_opt = (C / K0)**beta with K0 = 3.3e-13 PF-days and beta = 0.73 for
# language, 5.3e-14 and 0.64 for images of 8x8; a PF-day is 8.64e19 FLOP.
def test_without_laws_the_published_sizes_are_given_and_what_nobody_knows_is_said():
    made = recommend(Situation(budget=Budget(compute=8.64e19)), Asked(("language", "image_8x8")))
    sizes = [o.decision["params"] for o in made.options]
    assert sizes == pytest.approx([(1 / 3.3e-13) ** 0.73, (1 / 5.3e-14) ** 0.64], rel=1e-6)
    assert "no published constants say what joining them gains" in made.answer
    assert "no_pair" in [c.code for c in made.limits]


# Cherti et al. 2022 (arXiv:2212.07143) predict 81.9 % on ImageNet after 68B samples. At the 290.74 GMAC a sample that
# their table of runs has for ViT-g/14 the law gives 80.7 %: the printed figure is not that of g/14, as the data set's
# notes have it. It takes 1.8 times that compute, 528 GMAC a sample.
def test_the_error_of_contrastive_models_and_what_a_target_takes():
    made = recommend(Situation(budget=Budget(compute=68e9 * 290.74 * GMAC)), Asked(contrastive="imagenet"))
    by_data = {o.name: o.gives["error"] for o in made.options}
    assert 1 - by_data["trained on LAION"] == pytest.approx(0.807, abs=0.0005)
    asked = recommend(Situation(), Asked(contrastive="imagenet", target_error=1 - 0.819))
    needed = {o.name: o.gives["gmac_total"] for o in asked.options}["trained on LAION"] / 68e9
    assert needed / 290.74 == pytest.approx(1.8, abs=0.05)
    # the data set the exponent: WIT for classification at large compute, LAION for retrieval at any
    assert made.options[0].name == "trained on WIT"
    assert recommend(HERE, Asked(contrastive="coco_retrieval", target_error=0.3)).options[0].name == "trained on LAION"


@pytest.mark.parametrize(("asked", "error", "says"), [
    (Asked(), InputError, "give two modalities or more"),
    (Asked(("text", "text")), InputError, "give two modalities or more"),
    (Asked(("text", "speech"), {"text": LAWS["text"]}), InputError, "speech has none"),
    (Asked(("text", "speech"), {**LAWS, "code": LAWS["text"]}), UnknownName, "unknown modality 'code'"),
    (Asked(("language", "smell")), UnknownName, "unknown modality 'smell'"),
    (Asked(contrastive="cooking"), UnknownName, "unknown contrastive task 'cooking'"),
])
def test_what_cannot_be_answered_is_said(asked, error, says):
    with pytest.raises(error, match=says):
        recommend(HERE, asked)


def test_constants_that_cannot_be_as_printed_are_not_planned_with():
    printed = {m: law(f"aghajanyan2023_mixed_modal:{m}") for m in ("text", "speech")}
    with pytest.raises(FailedToAnswer, match="more than a guess"):
        recommend(HERE, Asked(("text", "speech"), printed))


def test_guidance_has_its_sources():
    assert TOPIC.number == 8
    assert {"arXiv:2301.03728", "arXiv:2502.12051"} <= {g.source for g in TOPIC.guidance}

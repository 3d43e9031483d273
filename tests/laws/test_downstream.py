"""Laws of downstream scores: identities between one step and two, and the papers' forecasts."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from conftest import shared
from lawful.laws import law
from lawful.laws.downstream import (
    CapabilityScore,
    ComputeAccuracy,
    ExactMatch,
    LadderAccuracy,
    LogLoss,
    LossAccuracy,
    LossToLoss,
)
from lawful.laws.language import AdditiveLoss


def test_llama_two_steps_are_one_logistic_curve_in_log_compute():
    step_1 = LogLoss(a=4.0, b=-0.06)
    step_2 = LossAccuracy(b=0.25, a=0.7, k=6.0, L_0=1.0)
    slope, half = 6.0 * 0.06, math.exp((1.0 - 4.0) / -0.06)
    chained = ComputeAccuracy(b=0.25, a=0.7, C_half=half, s=slope)
    for compute in (1e19, 1e22, 3.8e25):
        assert chained(compute) == pytest.approx(step_2(step_1(compute)), rel=1e-9)


def test_ladder_two_steps_are_one():
    k, half = 4.0, 1.1
    loss = AdditiveLoss(E=0.4, A=120.0, alpha=0.3, B=300.0, beta=0.28)
    step_2 = LossAccuracy(b=0.25, a=0.65, k=k, L_0=half)
    chained = LadderAccuracy(b=0.25, a=0.65, A=k * 120.0, alpha=0.3, B=k * 300.0, beta=0.28, c=k * (half - 0.4))
    for params, tokens in ((1.9e8, 3.8e9), (1.3e10, 5e12)):
        assert chained(params, tokens) == pytest.approx(step_2(loss(params, tokens)), rel=1e-9)


def test_either_sign_of_the_logistic_is_the_same_curve():
    """Bhagia et al. print a / (1 + exp(-k (L - L_0))) + b, with a < 0 and b the best accuracy."""
    ours = LossAccuracy(b=0.25, a=0.7, k=5.0, L_0=1.2)
    for loss in (0.1, 1.2, 3.0):
        assert ours(loss) == pytest.approx(-0.7 / (1 + math.exp(-5.0 * (loss - 1.2))) + 0.95)


def test_far_losses_neither_overflow_nor_lose_the_limits():
    one = LossAccuracy(b=0.25, a=0.7, k=50.0, L_0=1.2)
    assert one(np.float64(1e4)) == 0.25
    assert one(np.float64(1e-6)) == pytest.approx(0.95)


def test_the_ladder_forecasts_c4_as_the_authors_do():
    step_1 = law("bhagia2024_ladders:c4").law
    assert step_1(params=13202396160.0, tokens=5.000088518656e12) == pytest.approx(2.3444, abs=5e-5)
    error = 2.3444 / 2.4379 - 1
    assert error == pytest.approx(-0.0383, abs=1e-4), "the printed relative error"


def test_gadre_errors_of_the_held_out_7b_models():
    names = {"c4": "c4", "rpj": "redpajama", "rw": "refinedweb"}
    with open(shared("overtraining-gadre/runs.csv"), newline="") as file:
        loss = {r["dataset"]: float(r["loss_c4_val"]) for r in csv.DictReader(file) if r["model"] == "open_lm_7b"}
    with open(shared("overtraining-gadre/downstream.csv"), newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["model"] == "open_lm_7b"]
    for row in rows:
        for tasks, column in (("46task", "err_avg46"), ("17task", "err_avg17")):
            one = law(f"gadre2024_downstream:{names[row['dataset']]}_{tasks}")
            assert one(loss=loss[row["dataset"]]) == pytest.approx(float(row[column]), rel=0.06)


def test_a_smooth_loss_looks_like_a_jump_in_exact_match():
    long_answer, one_token = ExactMatch(L=20.0), ExactMatch(L=1.0)
    losses = np.array([0.5, 0.1])
    assert np.allclose(long_answer(losses), one_token(losses) ** 20)
    assert long_answer(0.5) < 1e-4 < 0.1 < long_answer(0.1)


def test_capability_linear_in_log_compute_is_logistic_in_compute():
    """Within a family S = theta log C + nu; with no guessing the two forms of Ruan et al. meet."""
    theta, nu = 0.4, -19.0
    score = CapabilityScore(h=0.8, beta=1.5, alpha=0.3)
    slope = 1.5 * theta
    half = math.exp(-(1.5 * nu + 0.3) / slope)
    for compute in (1e20, 1e23):
        logistic = 0.8 / (1 + (half / compute) ** slope)
        assert score(theta * math.log(compute) + nu) == pytest.approx(logistic)


def test_loss_to_loss_carries_one_additive_law_to_another():
    """Two laws of one shape, at equal sizes and tokens, are linked with kappa = 1 and K their ratio."""
    first = AdditiveLoss(E=2.1, A=1600.0, alpha=0.43, B=4200.0, beta=0.42)
    second = AdditiveLoss(E=0.9, A=0.7 * 1600.0, alpha=0.43, B=0.7 * 4200.0, beta=0.42)
    link = LossToLoss(K=0.7, kappa=1.0, E_0=2.1, E_1=0.9, source="fineweb")
    for params, tokens in ((1e8, 1e9), (3e9, 5e10)):
        assert link(**{"loss.fineweb": first(params, tokens)}) == pytest.approx(second(params, tokens))

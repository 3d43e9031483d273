"""Laws of learning rate, batch and weight decay: units and signs."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from lawful.fit import fit
from lawful.laws.hyperparameters import StepsForBatch, TunedChinchilla
from lawful.laws.registry import entry, law
from lawful.runs import RunTable


def test_weight_decay_is_the_timescale_solved() -> None:
    at = {"params": 1e9, "tokens": 2e10}
    decay = law("bergsma2025_power_lines")(**at, batch_tokens=1e6, learning_rate=6e-4)
    timescale = law("bergsma2025_power_lines:timescale")(**at)
    assert 1e6 / (6e-4 * decay * 2e10) == pytest.approx(timescale)


@pytest.mark.parametrize("batch", [1e3, 1e5, 1e7])
def test_steps_and_tokens_lie_on_the_hyperbola(batch: float) -> None:
    steps = StepsForBatch(S_min=2e4, B_crit=1e5)(batch_tokens=batch)
    assert (steps / 2e4 - 1) * (steps * batch / 2e9 - 1) == pytest.approx(1.0)


def test_the_sign_of_data_in_the_learning_rate_is_disputed() -> None:
    step_law = law("steplaw2025").law
    assert step_law.coefficients["q"] > 0
    assert "-0.32" in entry("bjorck2024_lr_horizon").notes


def test_best_batches_agree_where_the_units_are_read_right() -> None:
    step_law, three_term = law("steplaw2025:batch"), law("schaipp2026_three_term")
    assert three_term(tokens=1e11) == pytest.approx(step_law(tokens=1e11), rel=0.02)
    assert law("porian2024_hparams:batch")(params=1e8) / 2048 == pytest.approx(156, abs=1)


def test_two_definitions_of_the_critical_batch_agree() -> None:
    """20 % more steps at B is B = B_crit / 5 of the hyperbola."""
    zhang, bergsma = law("zhang2024_critical_batch"), law("bergsma2025_power_lines:critical_batch")
    assert bergsma(tokens=2e10) / 5 == pytest.approx(zhang(tokens=2e10), rel=0.2)


def test_mm1_learning_rate_of_the_30b_model() -> None:
    assert law("mm1_2024_lr")(params=30e9) == pytest.approx(2.2e-5, rel=0.01)


SWEPT = TunedChinchilla(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28, eta_0=8e-4, p=0.5, q=0.2, batch_0=4e5, g=0.5,
                        c_eta=0.02, c_batch=0.012, r=0.3)


def test_a_tuned_loss_is_lowest_at_the_optima_and_worked_by_hand_off_them() -> None:
    at = {"params": 3e8, "tokens": 1e11}
    best = {"learning_rate": 8e-4 * (3e8 / 1e9) ** -0.5 * (1e11 / 2e10) ** 0.2, "batch_tokens": 4e5 * 5**0.5}
    tuned = 1.69 + 406.4 / 3e8**0.34 + 410.7 / 1e11**0.28
    assert SWEPT(**at, **best) == pytest.approx(tuned)
    for name, value in best.items():
        for factor in (0.5, 0.9, 1.1, 2.0):
            assert SWEPT(**at, **{**best, name: factor * value}) > tuned
    hot = SWEPT(**at, **{**best, "learning_rate": 2 * best["learning_rate"]})
    assert hot == pytest.approx(tuned * exp(0.02 * (2 - 1 - log(2)) + 0.006 * (0.3 * log(2)) ** 2))
    cold = SWEPT(**at, **{**best, "learning_rate": best["learning_rate"] / 2})
    assert hot > cold, "too high costs more than as much too low"


def test_a_sweep_without_a_full_grid_gives_back_its_law() -> None:
    rng = np.random.default_rng(0)
    runs = {"params": rng.choice([1e8, 3e8, 1e9], 90), "tokens": rng.choice([2e9, 1e10, 5e10], 90),
            "learning_rate": 1e-3 * np.exp(rng.uniform(-2, 2, 90)),
            "batch_tokens": 4e5 * np.exp(rng.uniform(-2, 2, 90))}
    fitted = fit("tuned_chinchilla", RunTable.of(**runs, loss=SWEPT(**runs)), loss="log_squares", bootstrap=0)
    assert fitted.law.coefficients == pytest.approx(SWEPT.coefficients, rel=1e-4)


def test_a_setting_divides_no_compute() -> None:
    assert law("steplaw2025").law.inputs == ("params", "tokens")
    assert not law("steplaw2025").law.splits_compute

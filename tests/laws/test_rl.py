"""Intrinsic performance, ratings, over-optimisation and RL after pre-training."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.laws.registry import law
from lawful.laws.rl import (
    BestOfNReward,
    IntrinsicPerformance,
    LearningEfficiency,
    PolicyReward,
    SigmoidReward,
    best_of_n_kl,
)


def test_intrinsic_performance_is_compute_on_its_own_frontier():
    a, e = 0.6, 0.4
    N_c = 3.0
    E_c = (1 + a / e) ** (-1 / a) * (1 + e / a) ** (-1 / e) / N_c    # compute counted as N E
    one = IntrinsicPerformance(N_c=N_c, alpha_N=a, E_c=E_c, alpha_E=e)
    sizes = np.geomspace(1.0, 1e12, 20001)
    reached = one(params=sizes, interactions=1e12 / sizes)
    assert reached.max() == pytest.approx(1e12, rel=1e-6)
    assert one.beta == pytest.approx(1 / (1 / a + 1 / e))
    larger = one(params=sizes, interactions=1e14 / sizes)
    growth = sizes[larger.argmax()] / sizes[reached.argmax()]
    assert growth == pytest.approx(100 ** (e / (a + e)), rel=0.01)


def test_intrinsic_performance_follows_whichever_is_short():
    one = IntrinsicPerformance(N_c=3.0, alpha_N=0.6, E_c=5.0, alpha_E=0.4)
    slope = np.log(one(params=1e5, interactions=1e60) / one(params=1e4, interactions=1e60)) / np.log(10)
    assert slope == pytest.approx(0.6 / one.beta)


def test_the_optimal_alphazero_exponent_is_the_quotient_of_the_two_others():
    a_n, a_c = (law(f"neumann2022_alphazero:connect_four_{p}").law.alpha for p in ("params", "compute"))
    assert law("neumann2022_alphazero:optimal_params").law.a == pytest.approx(a_c / a_n, abs=0.01)
    assert law("neumann2022_alphazero:connect_four_params")(scale_up=1.0) == 0.0


def test_hex_has_a_plateau_an_incline_and_perfect_play():
    elo = law("jones2021_board_games:elo")
    assert elo(board_size=9.0, compute=1.0) == -270 * 9 + 570
    assert elo(board_size=9.0, compute=1e30) == 0.0
    assert elo(board_size=9.0, compute=1e16) - elo(board_size=9.0, compute=1e15) == pytest.approx(510)


def test_a_larger_board_asks_for_seven_times_the_compute():
    hexed = law("jones2021_board_games:elo").law
    perfect = [10 ** ((-hexed.m_i * s - hexed.c_i) / hexed.m_f) for s in (5, 6)]
    assert perfect[1] / perfect[0] == pytest.approx(7, abs=0.5)      # printed in the text


def test_ten_times_the_training_replaces_fifteen_times_the_search():
    search = law("jones2021_board_games:test_time")
    saved = search(compute=1e15, elo=-400.0) / search(compute=1e16, elo=-400.0)
    assert saved == pytest.approx(15, abs=1)


@pytest.mark.parametrize("reward", [BestOfNReward(alpha=0.6, beta=0.06), PolicyReward(alpha=0.5, beta=0.1)])
def test_true_reward_peaks_where_the_closed_form_says(reward):
    best = reward.best_kl()
    assert reward(kl=best) > reward(kl=best * np.array([0.8, 1.25])).max()
    d = math.sqrt(best)
    if isinstance(reward, PolicyReward):
        assert d == pytest.approx(math.exp(reward.alpha / reward.beta - 1))
        assert reward(kl=best) == pytest.approx(d * (reward.alpha - reward.beta * math.log(d)))
        assert reward(kl=math.exp(2 * reward.alpha / reward.beta)) == pytest.approx(0.0, abs=1e-9)
    else:
        assert d == pytest.approx(reward.alpha / (2 * reward.beta))
        assert reward(kl=4 * best) == pytest.approx(0.0, abs=1e-12)


def test_best_of_n_and_rl_are_two_forms():
    bon, policy = BestOfNReward(alpha=0.5, beta=0.1), PolicyReward(alpha=0.5, beta=0.1)
    assert bon(kl=9.0) != policy(kl=9.0), "the original has a logarithm for RL"
    assert bon(kl=9.0) == pytest.approx(3 * (0.5 - 0.1 * 3))
    assert policy(kl=9.0) == pytest.approx(3 * (0.5 - 0.1 * math.log(3)))


def test_the_kl_of_best_of_n():
    assert best_of_n_kl(1.0) == 0.0
    assert best_of_n_kl(2.0) == pytest.approx(math.log(2) - 0.5)
    assert best_of_n_kl(1e6) == pytest.approx(math.log(1e6) - 1, abs=1e-5)


def test_a_sigmoid_runs_from_its_start_to_its_ceiling_and_is_half_way_at_c_mid():
    curve = SigmoidReward(R_0=0.3, A=0.61, B=1.3, C_mid=2000.0)
    assert curve(device_hours=2000.0) == pytest.approx((0.3 + 0.61) / 2)
    assert curve(device_hours=1e-3) == pytest.approx(0.3, abs=1e-6)
    assert curve(device_hours=1e12) == pytest.approx(0.61, abs=1e-6)


def test_learning_efficiency_is_a_line_in_logarithms_that_steepens_up_to_k_max():
    one = LearningEfficiency(C_0=1e-2, r=1.9, K_max=0.3, N_0=1e10)

    def slope(n):
        return -math.log(one(params=n, compute=1e21) / one(params=n, compute=1e20)) / math.log(10)

    assert slope(1e10) == pytest.approx(0.15)
    assert slope(1e8) < slope(1e9) < slope(1e14) == pytest.approx(0.3, rel=1e-3)
    assert one(params=1e10, compute=1e-2 * 1e19) == pytest.approx(1.0)

"""Laws of mixtures of experts: tables of the papers, limits, and misprints avoided."""

from __future__ import annotations

import math

import pytest

from lawful.laws import registry
from lawful.laws.moe import FiveFactorMoeLoss, JointMoeLoss, RoutedLoss, ServedMoeLoss, saturating_experts

JOINT = registry.law("ludziejewski2025_joint_moe").law


def test_experts_count_from_their_start_to_their_maximum() -> None:
    assert saturating_experts(1.0, 2.0, 300.0) == pytest.approx(2.0)
    assert saturating_experts(1e9, 2.0, 300.0) == pytest.approx(300.0, rel=1e-5)


@pytest.mark.parametrize(("name", "lowest", "highest"), [("s_base", 9e11, 1.1e12), ("rl_r", 3e10, 3.4e10),
                                                         ("hash", 2e11, 2.3e11)])
def test_routing_stops_helping_at_the_cutoff(name: str, lowest: float, highest: float) -> None:
    law = registry.law(f"clark2022_routed:{name}").law
    assert isinstance(law, RoutedLoss)
    cutoff = 10 ** (-law.b / law.c)
    assert lowest < cutoff < highest
    assert law(params=cutoff / 10, experts=64) < law(params=cutoff / 10, experts=1)
    assert law(params=cutoff * 10, experts=64) > law(params=cutoff * 10, experts=1)


def test_a_small_routed_model_equals_a_large_dense_one() -> None:
    law = registry.law("clark2022_routed:s_base")
    assert law(params=5e6, experts=128) == pytest.approx(law(params=5.5e7, experts=1), rel=0.01)  # the paper: 5M ~ 55M


TABLE_4 = [(1, 30.3640, -0.1817, 53.9838, -0.1965), (2, 27.7982, -0.1780, 66.8401, -0.2065),
           (4, 24.8462, -0.1731, 87.7022, -0.2192), (8, 21.8330, -0.1676, 119.9126, -0.2338),
           (16, 19.0159, -0.1617, 167.5073, -0.2494), (32, 16.5424, -0.1557, 234.6726, -0.2652)]


@pytest.mark.parametrize(("experts", "m", "mu", "n", "nu"), TABLE_4)
def test_the_joint_law_reduces_to_table_4(experts: float, m: float, mu: float, n: float, nu: float) -> None:
    for params, tokens in ((1e8, 2e9), (1e9, 2e10), (2.7e9, 8e10)):
        reduced = m * params**mu + n * tokens**nu + 1.3637
        assert JOINT(params=params, tokens=tokens, experts=experts) == pytest.approx(reduced, abs=2e-3)


@pytest.mark.parametrize(("compute", "experts", "best", "rel"), [(1e20, 1, 1.7e9, 0.04), (1e20, 8, 990e6, 0.04),
                                                                 (1e21, 4, 4.4e9, 0.04), (1e22, 32, 12.2e9, 0.04)])
def test_compute_optimal_sizes_are_those_of_table_1(compute: float, experts: float, best: float, rel: float) -> None:
    sizes = [10 ** (8 + i / 200) for i in range(601)]
    found = min(sizes, key=lambda n: JOINT(params=n, tokens=compute / (6 * n), experts=experts))
    assert found == pytest.approx(best, rel=rel)


def test_more_experts_want_more_data_per_active_parameter() -> None:
    assert isinstance(JOINT, JointMoeLoss)
    assert JOINT.zeta < 0 < JOINT.gamma  # the signs that secondary notes flip


def test_granularity_lowers_the_capacity_term_only() -> None:
    law = registry.law("krajewski2024_fine_grained")

    def data_term(granularity: float) -> float:
        at = {"params": 1e9, "granularity": granularity}
        return float(law(tokens=1e10, **at) - law(tokens=1e12, **at))

    assert data_term(16) == pytest.approx(data_term(1))
    finest = 0.47 + 18.1 / 1e9**0.115 + 30.8 / 5e10**0.147
    assert law(params=1e9, tokens=5e10, granularity=1e30) == pytest.approx(finest)


def test_a_mixture_beats_a_dense_model_of_its_active_size() -> None:
    mixture, dense = (registry.law(f"krajewski2024_fine_grained:{n}") for n in ("moe", "dense"))
    assert mixture(params=43e9, tokens=5e10, granularity=8) < dense(params=1e9, tokens=5e10)


def test_idle_experts_trade_two_terms() -> None:
    law = registry.law("abnar2025_moe_sparsity")
    small, large = ([law(params=n, tokens=1e11, sparsity=s) for s in (0.0, 0.9)] for n in (1e8, 1e13))
    assert small[1] > small[0]
    assert large[1] < large[0]


def test_the_served_law_without_interaction_is_additive() -> None:
    law = ServedMoeLoss(a=400.0, alpha=0.34, b=0.3, beta=0.5, c=410.0, gamma=0.28, f=1.5, d=0.0)
    assert law(params=1e9, experts=8, tokens=1e11) == pytest.approx(
        400 / 1e9**0.34 + 0.3 / 8**0.5 + 410 / 1e11**0.28 + 1.5)


def test_five_factors_give_the_printed_optima() -> None:
    law = registry.law("zhao2025_comprehensive_moe").law
    assert isinstance(law, FiveFactorMoeLoss)
    assert math.sqrt(law.f / law.e) == pytest.approx(7, abs=0.5)
    assert -law.n / (2 * law.m) == pytest.approx(0.31, abs=0.006)
    at = {"params": 1e10, "active_params": 1e9, "tokens": 1e11}
    best = law(active_experts=6.78, shared_ratio=0.315, **at)
    assert all(law(active_experts=g, shared_ratio=s, **at) > best for g, s in ((4, 0.315), (12, 0.315), (6.78, 0.1)))


def test_the_allocation_of_mixtures_spends_the_budget() -> None:
    size, tokens = (registry.law(f"wan2026_holistic_moe:{n}") for n in ("flop_per_token", "tokens"))
    assert size(compute=1e20) * tokens(compute=1e20) == pytest.approx(1e20, rel=1e-3)

"""Laws of inference: the sign that the survey drops, streams as size, budgets of a query."""

from __future__ import annotations

import math

import pytest

from lawful.errors import LawError
from lawful.laws import registry
from lawful.laws.inference import CoverageLaw, CoverageTail, ParallelLoss


def test_coverage_stays_a_share() -> None:
    for name in ("swe_bench_lite", "codecontests_gemma2b"):
        law = registry.law(f"brown2024_coverage:{name}").law
        assert isinstance(law, CoverageLaw)
        assert max(law.a, law.b) < 0
        values = [law(samples=10.0**i) for i in range(9)]
        assert values == sorted(values)
        assert values[-1] < 1.0


def test_a_positive_a_is_refused() -> None:
    with pytest.raises(LawError, match="a must lie"):
        CoverageLaw(a=1.8, b=-0.2)


def test_the_two_laws_of_repeated_sampling_meet_where_most_is_solved() -> None:
    full, tail = CoverageLaw(a=-0.5, b=-0.6), CoverageTail(A=0.5, b=0.6)
    assert 1 - full(samples=1e6) == pytest.approx(1 - tail(samples=1e6), rel=1e-3)


def test_the_tail_is_the_limit_of_beta_distributed_errors() -> None:
    alpha, beta = 3.0, 0.5  # E p**k = Gamma(alpha + k) Gamma(alpha + beta) / (Gamma(alpha) Gamma(alpha + beta + k))

    def unsolved(k: float) -> float:
        return math.exp(math.lgamma(alpha + k) + math.lgamma(alpha + beta) - math.lgamma(alpha)
                        - math.lgamma(alpha + beta + k))

    assert math.log(unsolved(1e5) / unsolved(1e4)) / math.log(10) == pytest.approx(-beta, abs=1e-3)


def test_streams_act_like_size() -> None:
    for name in ("stack_v2", "pile"):
        law = registry.law(f"chen2025_parscale:{name}").law
        assert isinstance(law, ParallelLoss)
        assert law.size_gain(1) == 1.0
        assert law(params=1e9, streams=8) == pytest.approx(law(params=1e9 * law.size_gain(8), streams=1))


def test_a_query_budget_inverts_the_printed_line() -> None:
    law = registry.law("wu2024_inference_scaling")
    for params in (4.1e8, 7e9, 3.4e10):
        assert law(inference_compute=10 ** (1.19 * math.log10(params) + 2.03)) == pytest.approx(params)


def test_the_range_of_ratios_changes_the_floor() -> None:
    floors = [registry.law(f"sardana2023_inference_aware:{n}").law.coefficients["E"]
              for n in ("refit_le100_tok_per_param", "refit_le250", "refit_all")]
    assert floors == sorted(floors)


def test_guidance_answers_with_its_advice() -> None:
    with pytest.raises(LawError, match="best-of-N"):
        registry.law("snell2024_test_time")

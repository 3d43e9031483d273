"""Retrieval: Kaplan's joint form with a floor, and entries that are guidance."""

from __future__ import annotations

import pytest

from lawful.errors import LawError
from lawful.laws import registry
from lawful.laws.language import KaplanLoss
from lawful.laws.retrieval import DenseRetrievalLoss


def test_dense_retrieval_is_kaplans_joint_law_above_a_floor() -> None:
    law = DenseRetrievalLoss(A=8.8e6, alpha=0.56, B=3e3, beta=1.31, delta=0.04)
    kaplan = KaplanLoss(N_c=8.8e6, alpha_N=0.56, D_c=3e3, alpha_D=1.31)
    assert law(params=2e7, examples=1e5) - 0.04 == pytest.approx(kaplan(params=2e7, tokens=1e5))


def test_without_limit_of_data_the_size_alone_remains() -> None:
    law = DenseRetrievalLoss(A=1e4, alpha=0.56, B=1e3, beta=1.31, delta=0.04)
    assert law(params=1e7, examples=1e30) == pytest.approx(0.04 + (1e4 / 1e7) ** 0.56)


@pytest.mark.parametrize("key", ["shao2024_datastore", "borgeaud2021_retro"])
def test_findings_without_a_formula_are_guidance(key: str) -> None:
    with pytest.raises(LawError, match="guidance"):
        registry.law(key)


def test_a_form_without_coefficients_asks_for_a_fit() -> None:
    with pytest.raises(LawError, match="fit it to runs"):
        registry.law("fang2024_dense_retrieval")

"""Laws of sparse weights: grouping, the size that sparsity is worth, limits, and laws that must agree."""

from __future__ import annotations

import pytest

from lawful.laws import registry
from lawful.laws.language import AdditiveLoss
from lawful.laws.sparsity import PrunedError, PruneRecoverLoss, SparseLoss

T5 = registry.law("frantar2023_sparse:t5_c4").law
VIT = registry.law("frantar2023_sparse:vit_jft").law


def test_three_quarters_of_zeros_are_worth_twice_the_size() -> None:
    assert isinstance(T5, SparseLoss)
    assert T5.size_gain(0.75) == pytest.approx(2.16, abs=0.005)  # the paper's own figure
    assert T5.size_gain(0.0) == 1.0
    at = {"tokens": 2e10}
    assert T5(params=1e7, sparsity=0.75, **at) == pytest.approx(T5(params=1e7 * T5.size_gain(0.75), sparsity=0.0, **at))


def test_sparsity_leaves_the_data_term_alone() -> None:
    def data_term(sparsity: float) -> float:
        return float(T5(params=1e7, tokens=1e9, sparsity=sparsity) - T5(params=1e7, tokens=1e11, sparsity=sparsity))

    assert data_term(0.875) == pytest.approx(data_term(0.0))


def test_images_take_the_place_of_tokens() -> None:
    assert VIT.inputs == ("params", "images", "sparsity")
    assert VIT(1e7, 1e9, 0.5) == VIT(params=1e7, images=1e9, sparsity=0.5)
    assert not VIT.splits_compute


def test_the_generalised_law_without_sparsity_is_the_additive_law() -> None:
    hoffmann = registry.law("hoffmann2022_approach3").law
    assert isinstance(hoffmann, AdditiveLoss)
    dense = registry.law("hossain2025_generalised_sparse")
    assert dense(params=7e9, tokens=2e11, sparsity=0.0) == pytest.approx(hoffmann(params=7e9, tokens=2e11))


def test_the_generalised_law_agrees_with_the_law_it_was_fitted_to() -> None:
    pruned = registry.law("hossain2025_generalised_sparse:frantar_data")
    for params in (5e6, 2e7, 8e7):
        for sparsity in (0.0, 0.5, 0.75):
            at = {"params": params, "tokens": 2e10, "sparsity": sparsity}
            assert pruned(**at) == pytest.approx(T5(**at), rel=0.06)


def test_recovery_keeps_the_factor_of_model_size_that_the_survey_drops() -> None:
    law = PruneRecoverLoss(gamma=-1.0, delta=0.2, N_C=1e-12, alpha=0.5, D_C=1e-12, beta=0.5, E=3.0)
    gap = [law(params=n, finetune_tokens=1e9, sparsity=0.25, initial_loss=2.0) - 2.0 for n in (1e9, 1e10)]
    assert gap[0] / gap[1] == pytest.approx(10**0.2)
    heavier = law(params=1e9, finetune_tokens=1e9, sparsity=0.5, initial_loss=2.0) - 2.0
    assert heavier / gap[0] == pytest.approx(2.0)  # gamma < 0: heavier pruning leaves a larger gap


def test_pruned_error_is_the_complex_form_and_goes_from_plateau_to_plateau() -> None:
    law = PrunedError(e_up=0.9, gamma=0.6, p=0.05, phi=0.8, psi=1.1)
    m = 20**0.8 * 1.5**1.1 * 0.1
    ratio = (m - 1j * 0.05 * (0.9 / 0.1) ** (1 / 0.6)) / (m - 1j * 0.05)
    at = {"depth": 20.0, "width": 1.5, "unpruned_error": 0.1}
    assert law(density=0.1, **at) == pytest.approx(0.1 * abs(ratio) ** 0.6)
    assert law(density=1e6, **at) == pytest.approx(0.1)
    assert law(density=1e-9, **at) == pytest.approx(0.9)

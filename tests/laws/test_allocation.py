"""Laws of allocation: units, misread constants, limits, and identities between them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.laws.allocation import EqualExponentLoss, FarseerLoss, OptimalTokens, SubScalingLoss, TransitionLoss
from lawful.laws.registry import entry, form, law, published


@pytest.mark.parametrize("compute", [1e17, 1e20, 1e24])
def test_the_two_laws_of_deepseek_multiply_to_compute(compute: float) -> None:
    model, tokens = law("deepseek2024_allocation:model_scale"), law("deepseek2024_allocation:tokens")
    assert model(compute=compute) * tokens(compute=compute) == pytest.approx(compute, rel=2e-4)


def test_llama3_rounded_constants_lose_a_third_of_the_tokens() -> None:
    assert law("llama3_2024_allocation")(compute=3.8e25) == pytest.approx(16.3e12, rel=3e-3)
    assert OptimalTokens(k=0.29, b=0.53)(compute=3.8e25) == pytest.approx(10.5e12, rel=5e-3)


def test_counting_without_embeddings_turns_chinchilla_into_kaplan() -> None:
    """Pearce & Song: the best non-embedding size goes as about C**0.74 to C**0.78 over Kaplan's sizes."""
    surface, total = law("besiroglu2024_refit"), law("pearce2024_reconciling")
    sizes = np.geomspace(768, 1.5e9, 4001)
    budgets = np.geomspace(1e14, 1e21, 60)   # 6 N D without embeddings
    best = np.array([sizes[np.argmin(surface(params=total(nonembedding_params=sizes), tokens=c / 6 / sizes))]
                     for c in budgets])
    inside = (best > sizes[0]) & (best < sizes[-1])
    slope = np.polyfit(np.log(budgets[inside]), np.log(best[inside]), 1)[0]
    assert 0.72 < slope < 0.80


def test_porian_sizes_at_chinchillas_budget() -> None:
    sizes = {"kaplan_setup": 3e12, "count_head": 787e9, "short_warmup": 292e9, "cosine_matched": 183e9, "tuned": 77e9}
    for name, size in sizes.items():
        assert law(f"porian2024_allocation:{name}")(compute=5.88e23) == pytest.approx(size, rel=0.02)


def test_the_bare_id_is_the_first_set() -> None:
    assert law("porian2024_allocation").key == "porian2024_allocation:tuned"
    assert law("gadre2024_overtraining").key == "gadre2024_overtraining:c4"


@pytest.mark.parametrize("ratio", [5.0, 20.0, 640.0])
def test_equal_exponents_are_parallel_lines_in_log_compute(ratio: float) -> None:
    """Gadre et al., equation 4: L = E + (a M**eta + b M**-eta) C**-eta."""
    this = law("gadre2024_overtraining:redpajama").law
    assert isinstance(this, EqualExponentLoss)
    eta = this.alpha / 2
    a, b = this.A * 6**eta, this.B * 6**eta
    params = np.array([1e7, 1e8, 1e9])
    compute = 6 * params * ratio * params
    expected = this.E + (a * ratio**eta + b * ratio**-eta) * compute**-eta
    np.testing.assert_allclose(this(params=params, tokens=ratio * params), expected, rtol=1e-12)


def test_equal_exponents_closed_optimum_is_the_numeric_one() -> None:
    this = law("gadre2024_overtraining").law
    assert this.optimal_params(1e20) == pytest.approx(this.numeric_optimal_params(1e20), rel=1e-5)


def test_minicpm_ratio_is_read_in_billions() -> None:
    ratio = law("minicpm2024")
    assert ratio(compute=4.1e21) == pytest.approx(192, abs=0.5)
    billions = 4.1e21 / 6 / 1e18
    assert ratio(compute=4.1e21) == pytest.approx(1 / (0.01 * billions**-0.10))


def test_minicpm_batch_is_what_they_trained_with() -> None:
    assert law("minicpm2024:batch")(loss=2.5) == pytest.approx(3.93e6, rel=0.02)


def test_the_envelope_is_the_modulus_of_the_paper() -> None:
    this = law("rosenfeld2019:wikitext103").law
    assert isinstance(this, TransitionLoss)
    e = 0.5**-this.alpha + this.b * 0.25**-this.beta + this.c_inf
    expected = this.eps_0 * abs(e / (e - 1j * this.eta))
    assert this(tokens=0.5 * this.full_tokens, params=0.25 * this.full_params) == pytest.approx(expected)


def test_the_envelope_ends_at_guessing() -> None:
    text, image = law("rosenfeld2019:ptb"), law("rosenfeld2019:cifar10")
    assert text(tokens=1e-3, params=1e-3) == pytest.approx(6.10, rel=1e-4)
    assert image(images=1e-6, params=1.0) == pytest.approx(1.0, rel=1e-4)


def test_cifar10_error_of_the_full_model_is_the_known_one() -> None:
    assert law("rosenfeld2019:cifar10")(images=6e4, params=44.8e6) == pytest.approx(0.05, abs=0.005)


def test_sub_scaling_factors_stay_between_one_and_a_half_and_two() -> None:
    this = law("chen2025_sub_scaling").law
    assert isinstance(this, SubScalingLoss)
    for ratio, factor in ((1e-6, 1.5), (1e6, 2.0)):
        plain = this.lam_D / (ratio * 1e9) ** this.beta + this.lam_N / 1e9**this.alpha
        assert this(params=1e9, tokens=ratio * 1e9) - this.E == pytest.approx(factor * plain, rel=1e-5)


@pytest.mark.parametrize("params", [1e8, 1e9, 1e11])
def test_farseer_exponent_of_data_depends_on_size(params: float) -> None:
    shape = form("farseer2025")
    assert isinstance(shape, FarseerLoss)
    floor = math.exp(shape.a3 * params**shape.gamma + shape.b3)
    near, far = (float(shape(params=params, tokens=d)) - floor for d in (1e10, 1e12))
    assert math.log(near / far) / math.log(100) == pytest.approx(math.exp(shape.a1 * params**shape.alpha + shape.b1))


def test_hestness_is_the_printed_power() -> None:
    assert law("hestness2017")(tokens=3e7) == pytest.approx(11.9 * 3e7**-0.066)


def test_forms_without_constants_say_so() -> None:
    for key in ("farseer2025", "ghorbani2021_nmt", "eth2025_discrete_diffusion"):
        assert key not in published()
        assert "confirmed" in entry(key).notes

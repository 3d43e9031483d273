"""Laws of architecture: conversions of letters and units, and what a new exponent changes."""

from __future__ import annotations

import math

import pytest

from lawful.laws.architecture import AspectLoss, GatheredLoss
from lawful.laws.language import AdditiveLoss
from lawful.laws.registry import catalogue, law
from lawful.quantities import PF_DAY


@pytest.mark.parametrize(("size", "alpha", "beta", "gamma"), [
    ("7B", 25.4, 0.45, 1.56), ("13B", 19.5, 0.48, 1.45), ("34B", 17.7, 0.50, 1.41), ("70B", 17.9, 0.51, 1.35),
])
def test_context_law_in_the_letters_of_the_paper(size: str, alpha: float, beta: float, gamma: float) -> None:
    this = law(f"xiong2023_context_length:{size}")
    assert this(context=4096.0) == pytest.approx((alpha / 4096) ** beta + gamma)


def test_larger_models_gain_more_from_context() -> None:
    def gain(size: str) -> float:
        this = law(f"xiong2023_context_length:{size}")
        return float((this(context=512.0) - this(context=32768.0)) / (this(context=512.0) - this.law.coefficients["E"]))

    assert gain("70B") > gain("34B") > gain("13B") > gain("7B")


@pytest.mark.parametrize("name", ["llama", "tnl", "hgrn2", "cosformer2"])
def test_linear_models_are_read_in_pf_days(name: str) -> None:
    """A 7B model on 3e11 tokens, the largest of the study, is near its own optimum and near 2.5 nats."""
    compute = 6 * 7e9 * 3e11
    assert compute / PF_DAY == pytest.approx(146, abs=1)
    assert 5e9 < law(f"shen2024_linear_lm:{name}_params")(compute=compute) < 8e9
    assert 2.3 < law(f"shen2024_linear_lm:{name}")(compute=compute) < 2.6


@pytest.mark.parametrize(("name", "exponent"), [("loss", 0.699), ("loss_like_chinchilla", 0.612)])
def test_gemstones_prescriptions_move_with_the_choice_of_shapes(name: str, exponent: float) -> None:
    a, b = law(f"mcleish2025_gemstones:{name}").law.allocation_exponents()
    assert a == pytest.approx(exponent, abs=1e-3)
    assert a + b == pytest.approx(1.0)


def test_gathering_with_exponent_one_is_chinchilla() -> None:
    numbers = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 900.0, "beta": 0.3}
    assert GatheredLoss(**numbers, gamma=1.0)(params=1e9, tokens=1e11) == pytest.approx(
        AdditiveLoss(**numbers)(params=1e9, tokens=1e11))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7])
def test_gathering_moves_no_optimum(gamma: float) -> None:
    this = GatheredLoss(E=1.7, A=400.0, alpha=0.34, B=900.0, beta=0.3, gamma=gamma)
    assert this.optimal_params(1e20) == pytest.approx(this.numeric_optimal_params(1e20), rel=1e-4)


def test_aspect_is_a_factor_and_a_deep_model_pays_none() -> None:
    this = AspectLoss(E=1.7, A=400.0, alpha=0.34, B=400.0, beta=0.28, eps=1e-3, gamma=0.5)
    base = AdditiveLoss(E=1.7, A=400.0, alpha=0.34, B=400.0, beta=0.28)(params=1e9, tokens=1e11)
    assert this(params=1e9, tokens=1e11, width=1e-9, depth=64.0) == pytest.approx(base, rel=1e-6)
    assert this(params=1e9, tokens=1e11, width=4096.0, depth=16.0) == pytest.approx(base * (1 + 1e-3 * 16))


def test_transition_width_grows_by_a_factor_per_layer() -> None:
    this = law("levine2020_depth_width")
    assert this(depth=49.0) / this(depth=48.0) == pytest.approx(math.exp(0.0555))
    assert set(this.unconfirmed) == {"a", "b"}


def test_mobilellm_is_advice_about_entries_that_exist() -> None:
    concerns = catalogue()["mobilellm2024"].to_dict()["concerns"]
    assert concerns
    assert set(concerns) <= set(catalogue())

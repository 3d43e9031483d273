"""Saturation at both ends, the shape of a vision transformer, and diffusion transformers."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.laws.registry import law, published
from lawful.laws.vision import ShapeError


@pytest.mark.parametrize("key", [k for k in published() if k.startswith("zhai2022_vit:")])
def test_device_hours_are_core_days_times_twenty_four(key):
    entry = law(key)
    days, c, b = 30.0, entry.law.c, entry.law.b
    a, d = entry.law.a / 24.0**b, entry.law.d / 24.0
    assert entry(device_hours=days * 24.0) == pytest.approx(a * (days + d) ** -b + c)
    assert round(a, 2) == pytest.approx(a, abs=1e-9)
    assert round(d, 2) == pytest.approx(d, abs=1e-9), "printed with two decimals"


def test_vision_transformers_saturate_at_both_ends():
    entry = law("zhai2022_vit:imagenet_10shot")
    assert entry(device_hours=1e-9) == pytest.approx(0.12 + 0.63 * 0.52**-0.32)
    assert entry(device_hours=1e30) == pytest.approx(0.12, abs=1e-8)


def test_more_pretraining_data_lower_the_floor():
    small, large = (law(f"zhai2022_vit:imagenet_10shot{s}").law.c for s in ("_in21k_pretrain", ""))
    assert small > large


def test_the_best_shape_is_where_the_error_is_least_and_grows_as_compute_to_the_s():
    shape = ShapeError(alpha=30.0, a=1.0, beta=20.0, b=0.8, xi=500.0, c=0.4, eps=0.1)
    best = shape.optimal_shape(1e12)
    least, aside = shape(width=best, compute=1e12), shape(width=best * np.array([0.9, 1.1]), compute=1e12)
    assert (aside > least).all()
    assert shape.optimal_shape(1e13) / best == pytest.approx(10 ** shape.shape_exponent())
    assert shape.shape_exponent() == pytest.approx(0.4 / 1.8)


def test_the_mlp_grows_fastest_then_depth_then_width():
    for task in ("", "captioning_"):
        width, depth, mlp = (law(f"alabdulmohsin2023_sovit:{task}{d}").law.a for d in ("width", "depth", "mlp"))
        assert width < depth < mlp


def test_params_and_tokens_of_a_diffusion_transformer_are_six_nd():
    params, tokens = law("liang2024_dit:params"), law("liang2024_dit:tokens")
    for compute in (1e17, 1e21):
        assert 6 * params(compute=compute) * tokens(compute=compute) == pytest.approx(compute, rel=0.01)

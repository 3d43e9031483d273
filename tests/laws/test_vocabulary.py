"""Tao et al. 2024: units, and the optimum of approach 3 by the authors' own equation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lawful.laws import law

LOSS = law("tao2024_vocabulary:approach3")
FLOP_AT_OPTIMUM = {n: (n / math.exp(-2.4846510161625193)) ** 2 for n in (3e9, 7e9)}


def by_derivative(params: float, compute: float) -> float:
    """The best N_v as optimal_Nv_predict.py finds it: where the derivative in N_v is nil, in millions."""
    a2, A2, B, beta = 0.6707374679896795, 0.19584238398665638, 2.1241123120064955, 0.44660634152009615
    n, flop = params / 1e6, compute / 1e15

    def slope(v: float) -> float:
        tokens = flop / (6 * (n + v))
        return -a2 * A2 / v ** (a2 + 1) + beta * B / tokens ** (beta + 1) * flop / (6 * (n + v) ** 2)

    low, high = 1e-3, 1e6
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return low * 1e6


@pytest.mark.parametrize("params", [3e9, 7e9])
def test_plain_counts_give_the_authors_optimum(params):
    compute = FLOP_AT_OPTIMUM[params]
    vocab = np.geomspace(1e6, 1e10, 200001)
    loss = LOSS(params=params, vocab_params=vocab, tokens=compute / (6 * (params + vocab)))
    assert vocab[np.argmin(loss)] == pytest.approx(by_derivative(params, compute), rel=1e-3)


@pytest.mark.parametrize(("params", "width"), [(3e9, 3200), (7e9, 4096)])
def test_the_three_approaches_agree_within_a_third(params, width):
    compute = FLOP_AT_OPTIMUM[params]
    sizes = [law("tao2024_vocabulary:approach1_vocab")(compute=compute) / width,
             law("tao2024_vocabulary:approach2")(params=params) / width,
             by_derivative(params, compute) / width]
    assert max(sizes) / min(sizes) < 1.34
    assert 3e4 < min(sizes) < max(sizes) < 8e4


def test_approach_1_params_is_its_own_inverse_of_the_budget():
    for params, compute in FLOP_AT_OPTIMUM.items():
        assert law("tao2024_vocabulary:approach1_params")(compute=compute) == pytest.approx(params)


def test_the_bare_id_is_the_loss():
    assert law("tao2024_vocabulary") is LOSS
    assert LOSS(params=1e9, vocab_params=1e8, tokens=1e11) < 0

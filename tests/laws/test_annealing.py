"""Laws over a training curve: sums done step by step, along stages and along any schedule."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from lawful.laws.annealing import WARMUP, AnnealedLoss, MultiPowerLoss, stages_of
from lawful.laws.base import Law
from lawful.laws.registry import law

AUTHORS_25M = {"L0": 3.04045, "A": 0.52469, "alpha": 0.50787, "B": 363.79, "C": 2.06561, "beta": 0.58279,
               "gamma": 0.64142}


def _rates(stages: tuple[tuple[float, float], ...]) -> list[float]:
    return [rate for length, rate in stages for _ in range(int(length))]


@pytest.mark.parametrize("step", [2500, 12_000, 16_001, 24_000])
def test_multi_power_is_the_sum_over_every_step(step: int) -> None:
    m = law("luo2025_multi_power_law").law
    assert isinstance(m, MultiPowerLoss)
    rates = [0.0, *_rates(m.stages)[:step]]
    area, gain = sum(rates), 0.0
    for k, (before, rate) in enumerate(pairwise(rates), start=1):
        if before != rate:
            rest = sum(rates[k:])
            gain += (before - rate) * (1 - (1 + m.C * rate**-m.gamma * rest) ** -m.beta)
    assert m(steps=float(step)) == pytest.approx(m.L0 + m.A * area**-m.alpha - m.B * gain, rel=1e-10)


@pytest.mark.parametrize("step", [2500, 12_000, 16_001, 24_000])
def test_annealing_is_the_sum_over_every_step(step: int) -> None:
    m = AnnealedLoss(L0=2.6, A=0.43, alpha=0.55, C=0.41, lam=0.999)
    rates = _rates(m.stages)[:step]
    momentum = annealing = 0.0
    for i in range(1, step):
        rise_of_warmup = rates[i] > rates[i - 1]
        momentum = m.lam * momentum + (0.0 if rise_of_warmup else rates[i - 1] - rates[i])
        annealing += momentum
    expected = m.L0 + m.A * sum(rates) ** -m.alpha - m.C * annealing
    assert m(steps=float(step)) == pytest.approx(expected, rel=1e-10)


def test_multi_power_meets_the_authors_curve_because_the_warmup_counts() -> None:
    """Losses of the 25M model at a constant rate, from the authors' curves: 3.3473 and 3.2573 nats."""
    with_warmup = MultiPowerLoss(**AUTHORS_25M, stages=(*WARMUP, (70_000, 3e-4)))
    assert with_warmup(steps=23_936.0) == pytest.approx(3.3473, abs=0.004)
    assert with_warmup(steps=71_936.0) == pytest.approx(3.2573, abs=0.004)
    without = with_warmup(steps=23_936.0) - AUTHORS_25M["B"] * 3e-4
    assert without < 3.3473 - 0.1


def test_a_schedule_survives_json() -> None:
    m = law("luo2025_multi_power_law:100M").law
    assert Law.from_dict(json.loads(json.dumps(m.to_dict()))) == m


def test_stages_keep_the_area() -> None:
    rates = [3e-4 * (1 - i / 1000) for i in range(1000)]
    stages = stages_of(rates, 7)
    assert len(stages) <= 7
    assert sum(length * rate for length, rate in stages) == pytest.approx(sum(rates))

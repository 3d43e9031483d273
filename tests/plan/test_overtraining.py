"""Smaller and longer: against the closed forms of laws with equal exponents, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.laws import law
from lawful.plan.sizing.overtraining import as_good, compute_for, furthest, overtrain

GADRE = law("gadre2024_overtraining:redpajama").law
BESIROGLU = law("besiroglu2024_refit").law
HOFFMANN = law("hoffmann2022_approach3").law


def parallel(ratio: float) -> float:
    """Gadre et al. 2024, equation 4: L - E = (a M**eta + b M**-eta) C**-eta, so this over its least value is lost."""
    eta = GADRE.alpha / 2
    return GADRE.A * 6**eta * ratio**eta + GADRE.B * 6**eta * ratio**-eta


@pytest.mark.parametrize("ratio", [2.0, 20.0, 100.0, 640.0])
@pytest.mark.parametrize("compute", [1e20, 1e24])
def test_equal_exponents_waste_the_same_at_every_scale(ratio, compute):
    eta = GADRE.alpha / 2
    least = 2.0 * np.sqrt(GADRE.A * GADRE.B) * 6**eta
    wasted = (parallel(ratio) / least) ** (1 / eta)
    (made,) = overtrain(GADRE, compute, [ratio])
    assert made.tokens / made.params == pytest.approx(ratio)
    assert 6 * made.params * made.tokens == pytest.approx(compute)
    assert made.loss_increase == pytest.approx((parallel(ratio) - least) * compute**-eta, rel=1e-9)
    assert made.compute_times == pytest.approx(wasted, rel=1e-9)
    good = as_good(GADRE, float(GADRE.allocate(compute).output), ratio)
    assert good.compute_times == pytest.approx(wasted, rel=1e-9), "parallel lines: as much at equal loss"
    assert good.train_flop == pytest.approx(wasted * compute, rel=1e-9)


@pytest.mark.parametrize("inner", [BESIROGLU, HOFFMANN, GADRE], ids=["besiroglu", "hoffmann", "gadre"])
def test_the_furthest_is_the_smallest_model_of_a_dense_search(inner):
    best, extra = inner.allocate(1e22), 0.2
    made = furthest(inner, 1e22, extra)
    sizes = np.geomspace(best.params / 20, best.params, 400_001)
    ok = inner(params=sizes, tokens=1e22 * (1 + extra) / 6 / sizes) <= best.output
    assert made.params == pytest.approx(sizes[ok].min(), rel=2e-5)
    assert made.loss == pytest.approx(best.output, rel=1e-12)
    assert made.params_times == pytest.approx(made.params / best.params)
    assert made.ratio > best.tokens / best.params


def test_more_is_paid_for_ever_less():
    sizes = [furthest(BESIROGLU, 1e22, extra).params_times for extra in (0.05, 0.1, 0.2, 0.5, 1.0)]
    assert (np.diff(sizes) < 0).all()
    assert sizes[0] < 0.75, "the valley is flat: five per cent of the compute buy more than a quarter of the params"


def test_compute_is_found_for_a_size_and_for_a_loss():
    best = HOFFMANN.allocate(3e22)
    assert compute_for(HOFFMANN, params=best.params) == pytest.approx(3e22, rel=1e-9)
    assert compute_for(HOFFMANN, loss=best.output) == pytest.approx(3e22, rel=1e-9)


def test_what_cannot_be_is_said():
    with pytest.raises(FailedToAnswer, match=r"no compute .* gives a loss of 1\.6"):
        as_good(HOFFMANN, 1.6, 100)
    with pytest.raises(InputError, match="give a loss or params"):
        compute_for(HOFFMANN)
    with pytest.raises(InputError, match="extra"):
        furthest(HOFFMANN, 1e22, 0.0)
    with pytest.raises(InputError, match="tokens_per_param"):
        overtrain(HOFFMANN, 1e22, [-20.0])
    with pytest.raises(LawError, match="cannot divide compute"):
        overtrain(law("kaplan2020_l_n").law, 1e22, [20.0])

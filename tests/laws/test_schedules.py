"""Schedules: the rate of every step, by hand; what laws over a curve take from it; and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lawful.errors import InputError, LawError
from lawful.laws.annealing import AnnealedLoss, MultiPowerLoss
from lawful.laws.expressions import Tape, differentiate, symbol, total
from lawful.laws.schedules import Schedule, schedule

MULTI = MultiPowerLoss(L0=2.9, A=0.55, alpha=0.5, B=400.0, C=2.0, beta=0.6, gamma=0.6, stages=None)
ANNEALED = AnnealedLoss(L0=3.0, A=0.55, alpha=0.5, C=0.7, lam=0.99, stages=None)


def test_a_wsd_schedule_warms_up_holds_and_decays():
    made = Schedule.wsd(1e-3, 100, decay=0.2, final=1e-4, warmup=10)
    assert made.steps == 100
    assert made.warmup == 10
    assert list(made.rates[:10]) == pytest.approx([1e-4 * k for k in range(1, 11)])
    assert set(made.rates[10:80]) == {1e-3}
    assert made.rates[89] == pytest.approx(1e-3 * 10**-0.5), "half the decay is half the decades"
    assert made.rates[99] == pytest.approx(1e-4)
    assert made.area[100] == pytest.approx(made.rates.sum())


def test_a_linear_decay_may_end_at_zero_and_an_exponential_one_not():
    made = schedule("wsd:peak=1e-3,steps=100,decay=0.5,final=0,shape=linear")
    assert made.rates[74] == pytest.approx(0.5e-3)
    assert made.rates[99] == 0.0
    with pytest.raises(InputError, match="never reaches 0"):
        schedule("wsd:peak=1e-3,steps=100,final=0")


def test_a_cosine_is_halfway_in_the_middle():
    made = schedule("cosine:peak=1e-3,steps=1k,final=1e-4")
    assert made.rates[499] == pytest.approx(0.55e-3)
    assert made.rates[-1] == pytest.approx(1e-4)
    assert (np.diff(made.rates) <= 0).all()


def test_two_stages_change_at_once():
    made = schedule("two_stage:peak=3e-4,steps=200,second=9e-5,at=120,warmup=20")
    assert list(made.rates[[119, 120, 199]]) == pytest.approx([3e-4, 9e-5, 9e-5])


def test_a_recorded_schedule_is_the_one_it_was_recorded_from():
    truth = Schedule.cosine(3e-4, 6400, warmup=640)
    at = np.arange(64, 6401, 64)
    found = Schedule.recorded(at, truth.rates[at - 1])
    assert found.steps == 6400
    assert found.warmup == 640
    bound = 64**2 / 8 * 1.35e-4 * (np.pi / 5760) ** 2  # of a linear interpolation of that cosine
    assert found.rates == pytest.approx(truth.rates, rel=0, abs=bound)


def test_a_recorded_jump_stays_a_jump_and_an_unrecorded_warmup_is_a_ramp():
    truth = schedule("two_stage:peak=3e-4,steps=1000,second=9e-5,at=599,warmup=100")
    at = np.arange(100, 1001, 50)
    found = Schedule.recorded(at, truth.rates[at - 1])
    assert found.rates == pytest.approx(truth.rates, rel=1e-12), "the jump is at the record that first shows it"
    later = Schedule.recorded(at[2:], truth.rates[at[2:] - 1], warmup=100)
    assert later.rates == pytest.approx(truth.rates, rel=1e-12), "a warm-up that is known need not be recorded"
    assert Schedule.recorded(at[2:], truth.rates[at[2:] - 1]).warmup == 200


def _loss_step_by_step(law: MultiPowerLoss | AnnealedLoss, rates: np.ndarray, warmup: int, t: int) -> float:
    area, gain, last = float(rates[:t].sum()), 0.0, 0.0
    for k in range(t):  # the change just before step k + 1
        drop, since = last - rates[k], float(rates[k:t].sum())
        last = rates[k]
        if isinstance(law, MultiPowerLoss):
            gain += law.B * drop * (1 - (1 + law.C * rates[k] ** -law.gamma * since) ** -law.beta)
        elif k > warmup:
            gain += law.C * drop * sum(law.lam**i for i in range(t - k))
    return law.L0 + law.A * area**-law.alpha - gain


@pytest.mark.parametrize("law", [MULTI, ANNEALED], ids=lambda law: law.form)
@pytest.mark.parametrize("text", ["wsd:peak=3e-4,steps=300,decay=0.4,warmup=30", "cosine:peak=1e-3,steps=250,warmup=20",
                                  "two_stage:peak=3e-4,steps=300,second=5e-4,at=200"])
def test_a_law_along_a_schedule_is_the_sum_over_every_step(law, text):
    made = schedule(text)
    at = [made.warmup + 1, made.warmup + 57, made.steps]
    values = law.at(made.changes(at, most=10**6))
    assert values == pytest.approx([_loss_step_by_step(law, made.rates, made.warmup, t) for t in at], rel=1e-12)


@pytest.mark.parametrize("law", [MULTI, ANNEALED], ids=lambda law: law.form)
@pytest.mark.parametrize("shape", ["linear", "exponential"])
def test_gathered_changes_keep_the_loss(law, shape):
    made = Schedule.wsd(3e-4, 24_000, decay=0.5, warmup=2000, shape=shape)
    at = made.points(60)
    whole, grouped = made.changes(at, most=10**6), made.changes(at, most=96)
    assert len(grouped["drop"]) < len(whole["drop"]) / 50
    assert law.at(grouped) == pytest.approx(law.at(whole), abs=3e-4), "nats/token, a tenth of the law's own error"


@pytest.mark.parametrize("law", [MULTI, ANNEALED], ids=lambda law: law.form)
def test_stages_and_a_schedule_of_stages_agree(law):
    stages = ((40.0, 1e-4), (160.0, 3e-4), (100.0, 9e-5))
    made = Schedule(np.repeat([rate for _, rate in stages], [int(n) for n, _ in stages]), warmup=40)
    at = np.array([41, 150, 201, 300])
    assert law.at(made.changes(at)) == pytest.approx(dataclasses.replace(law, stages=stages)(steps=at), rel=1e-12)


def test_a_rate_of_zero_ends_the_curve_in_a_number():
    made = Schedule.wsd(3e-4, 500, decay=0.5, final=0.0, shape="linear")
    assert np.isfinite(MULTI.at(made.changes([499, 500]))).all()


def test_a_law_of_schedules_shows_a_formula_that_one_can_read():
    assert MULTI.formula() == ("loss = L0 + A / area**alpha - B * sum_k(drop * (1 - 1 / (1 + C * since / rate**gamma)"
                               "**beta))")
    assert dataclasses.replace(MULTI, stages=((10.0, 1e-3),)).formula() == MULTI.formula()


def test_a_law_of_schedules_says_what_it_takes():
    with pytest.raises(LawError, match="multi_power takes area, drop, rate, since, first; got steps"):
        MULTI(steps=3.0)
    with pytest.raises(LawError, match="annealed_loss takes steps; got area"):
        dataclasses.replace(ANNEALED, stages=((10.0, 1e-3),))(area=3.0)


def test_total_adds_groups_and_its_derivative_is_the_total_of_the_derivative():
    x, first = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([0.0, 3.0])
    assert total(x, first).tolist() == [[6.0, 4.0]]
    a, d, f = symbol("a"), symbol("d"), symbol("f")
    formula = total(d**a, f)
    data = {"d": x[0], "f": first}
    value, slope, bend = Tape([formula, differentiate(formula, "a"), differentiate(differentiate(formula, "a"), "a")],
                              data)({"a": np.array([[2.0]])})
    log = np.log(x[0])
    assert value[0] == pytest.approx([14.0, 16.0])
    for found, power in ((slope, 1), (bend, 2)):
        terms = x[0] ** 2 * log**power
        assert found[0] == pytest.approx([terms[:3].sum(), terms[3]])
    assert differentiate(formula, "b").value == 0.0
    assert str(formula) == "sum_k(d**a)"


@pytest.mark.parametrize(("text", "match"), [
    ("wsd", "give peak, steps"), ("wdd:peak=1", "unknown schedule 'wdd'; nearest: wsd"),
    ("wsd:peak=1e-3,steps=100,dcay=1", "unknown argument 'dcay'; nearest: decay"),
    ("wsd:peak=1e-3,steps=100,decay=2", r"in \(0, 1\], got 2"), ("cosine:peak=0,steps=9", "peak must be a positive"),
    ("cosine:peak=1e-3,steps=1e12", "from 1 to 10,000,000"), ("cosine:peak=1e-3,steps=9,final=1", "0 and the peak"),
    ("constant:peak=1e-3,steps=9,warmup=9", "leaves nothing of 9"), ("wsd:peak=x,steps=9", "'x' is not a number"),
    ("two_stage:peak=1e-3,steps=9,second=1,at=20", "at=20 must lie between"),
    ("wsd:peak=1e-3,steps=100,decay=0.9,warmup=20", "no room for a warm-up of 20"),
    ("wsd:peak=1e-3,steps=100,shape=round", "unknown shape of decay 'round'"),
])
def test_a_schedule_that_cannot_be_is_refused(text, match):
    with pytest.raises(InputError, match=match):
        schedule(text)


@pytest.mark.parametrize(("rates", "match"), [([], "at least one step"), ([-1.0, 1.0], "not negative"),
                                              ([0.0, 0.0], "not all zero"), ([np.nan], "finite")])
def test_rates_that_cannot_be_are_refused(rates, match):
    with pytest.raises(InputError, match=match):
        Schedule(np.array(rates))


def test_steps_beyond_the_schedule_are_refused():
    with pytest.raises(LawError, match="has steps 1 to 50; asked about 1 to 51"):
        Schedule.constant(1e-3, 50).changes([1, 51])

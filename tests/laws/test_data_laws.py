"""Laws of data: limits, misprints avoided, and the public runs they were fitted on."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from conftest import shared
from lawful.errors import InputError, LawError
from lawful.laws import entry, law
from lawful.laws.data import (
    BivariateMixing,
    ContinualLoss,
    CriticalMixtureRatio,
    DataMixing,
    DataMixing3,
    DecayingUtility,
    DomainShareLoss,
    MixtureAdditiveLoss,
    RepeatedDataLoss,
)
from lawful.laws.language import AdditiveLoss
from lawful.laws.mixtures import additive_mixing, exponential_mixing, share_mixing

REPEATED = law("muennighoff2023_data_constrained").law


def single_epoch(repeated: RepeatedDataLoss) -> AdditiveLoss:
    return AdditiveLoss(*(getattr(repeated, name) for name in ("E", "A", "alpha", "B", "beta")))


# --------------------------------------------------------------------------------------- repetition

def test_fresh_data_and_a_model_they_can_fill_give_the_plain_law():
    at = {"params": 1e9, "tokens": 20e9}
    assert REPEATED(**at, unique_tokens=20e9) == pytest.approx(single_epoch(REPEATED)(**at), rel=1e-12)
    assert REPEATED(**at, unique_tokens=5e11) == REPEATED(**at, unique_tokens=20e9), "unseen tokens do not count"


def test_four_epochs_are_nearly_as_good_as_fresh_data_and_forty_are_not():
    def worth(epochs: float) -> float:
        """Fresh tokens that would do as well as so many passes over 1e10, in passes."""
        loss = REPEATED(params=5e8, tokens=epochs * 1e10, unique_tokens=1e10)
        plain = single_epoch(REPEATED)
        left = loss - plain.E - plain.A / 5e8**plain.alpha
        return (plain.B / left) ** (1 / plain.beta) / 1e10

    assert worth(1.0) == pytest.approx(1.0)
    assert worth(4.0) == pytest.approx(1 + 15.387756 * (1 - math.exp(-3 / 15.387756)))
    assert worth(4.0) > 0.9 * 4
    assert worth(40.0) < 0.4 * 40
    assert worth(1e4) == pytest.approx(16.387756, rel=1e-3), "no repetition is worth more than R_D_star more passes"


@pytest.mark.parametrize("decay", [1e6, 1e12, 1e18])
def test_tokens_that_hardly_wear_out_count_as_fresh(decay):
    at = {"params": 5e8, "tokens": 8e10}
    lasting = REPEATED.with_coefficients({**REPEATED.coefficients, "R_D_star": decay})
    lost = single_epoch(REPEATED)(**at) - lasting(**at, unique_tokens=1e10)
    assert abs(lost) < 3 / decay + 1e-15, "seven passes of 1e10 lose about 7 / (2 decay) of their worth"


def test_the_needed_size_is_the_compute_optimal_one():
    plain = single_epoch(REPEATED)
    tokens = 1e10
    best = next(a for c in np.geomspace(1e18, 1e23, 20001) if (a := plain.allocate(c)).tokens >= tokens).params
    just = REPEATED(params=best * 0.999, tokens=tokens, unique_tokens=tokens)
    assert just == pytest.approx(plain(best * 0.999, tokens), rel=1e-9)
    assert REPEATED(params=3 * best, tokens=tokens, unique_tokens=tokens) > plain(3 * best, tokens)


def test_muennighoff_reproduces_the_r_squared_of_the_notebook():
    with open(shared("datablations/runs.csv"), newline="") as file:
        runs = [r for r in csv.DictReader(file) if r["in_fit"] == "1"]
    params, tokens, unique, loss = (np.array([float(r[c]) for r in runs]) for c in ("N", "D", "U", "loss"))
    fitted = REPEATED(params=params, tokens=tokens, unique_tokens=unique)
    assert len(runs) == 182
    assert 1 - ((loss - fitted) ** 2).sum() / ((loss - loss.mean()) ** 2).sum() == pytest.approx(0.7722, abs=5e-5)


# ------------------------------------------------------------------------------------------ mixtures

def test_two_domains_are_the_general_form_with_the_last_slope_absorbed():
    t = (-1.5, 0.8)
    general = [1.9 + 0.7 * math.exp(t[0] * r + t[1] * (1 - r)) for r in (0.0, 0.3, 1.0)]
    ours = DataMixing(c=1.9, k=0.7 * math.exp(t[1]), t=t[0] - t[1], domain="code")
    assert [ours(**{"mixture.code": r}) for r in (0.0, 0.3, 1.0)] == pytest.approx(general)


def test_three_domains_with_an_absent_second_are_two():
    three = DataMixing3(c=1.9, k=0.7, t_1=-1.5, t_2=0.4, first="web", second="code")
    two = DataMixing(c=1.9, k=0.7, t=-1.5, domain="web")
    assert three(**{"mixture.web": 0.3, "mixture.code": 0.0}) == two(**{"mixture.web": 0.3})
    assert three.inputs == ("mixture.web", "mixture.code")


def test_a_mixture_law_says_what_it_takes():
    two = DataMixing(c=1.9, k=0.7, t=-1.5, domain="web")
    assert two(0.3) == two(**{"mixture.web": 0.3})
    for wrong in ({"mixture.code": 0.3}, {}, {"mixture.web": 0.3, "tokens": 1e9}):
        with pytest.raises(LawError, match=r"data_mixing takes mixture\.web"):
            two(**wrong)


def test_bimix_leaves_out_the_factor_that_rescales_the_others():
    a, b, c = 1.7, 3.0, 1.2
    ours = BivariateMixing(B=a * b, beta=0.4, C=a * c, alpha=0.05, domain="books")
    assert ours(**{"mixture.books": 0.1, "steps": 5e4}) == pytest.approx(a / 0.1**0.05 * (b / 5e4**0.4 + c))


def test_d_cpt_shifts_the_share_in_the_last_term_only():
    one = ContinualLoss(E=1.2, A=300, alpha=0.3, B=900, eta=0.4, beta=0.3, C=0.3, eps=0.02, gamma=0.5)
    at = {"params": 1.8e9, "tokens": 1e10, "mixture.domain": 0.1}
    by_hand = 1.2 + 300 / 1.8e9**0.3 + 900 * 0.1**0.4 / 1e10**0.3 + 0.3 / 0.12**0.5
    assert one(**at) == pytest.approx(by_hand, rel=1e-12)
    assert np.isfinite(one(**{**at, "mixture.domain": 0.0}))


def test_critical_ratio_counts_tokens_in_units_of_two_hundred_million():
    ratio = law("gu2024_cmr").law
    assert isinstance(ratio, CriticalMixtureRatio)
    assert ratio(tokens=2e8) == pytest.approx(0.22524761 - 0.48139982)
    shares = [law(f"gu2024_cmr:{size}").law(tokens=2e10) for size in ("460M", "940M", "1.6B", "3.1B")]
    assert shares == sorted(shares), "larger models bear more of the domain"


def test_domain_loss_takes_the_signs_that_the_papers_table_shows():
    """Table 2 of Gu et al., 460M: losses at shares 1, 3/4, 1/2, 1/3 and, held out, 1/4."""
    one = DomainShareLoss(beta=1.8890, alpha=-0.4261, s=0.17815)
    printed = {1.0: 1.4628, 0.75: 1.4844, 0.5: 1.5122, 1 / 3: 1.5387, 0.25: 1.5561}
    for share, loss in printed.items():
        assert one(share) == pytest.approx(loss, abs=5e-4)


def test_the_additive_mixtures_optimum_does_not_move_with_scale():
    one = MixtureAdditiveLoss(E=1.0, C_1=2.0, gamma_1=0.5, C_2=1.0, gamma_2=0.5, A=400, alpha=0.34, B=400, beta=0.28)
    shares = np.linspace(0.01, 0.99, 99)
    best = {shares[np.argmin(one(n, d, shares))] for n, d in ((1e8, 1e9), (1e10, 1e12))}
    assert len(best) == 1


def test_the_forms_for_any_number_of_domains_are_those_of_two_and_three():
    two = exponential_mixing(("web", "code")).with_coefficients({"c": 1.9, "k": 0.7, "t_1": -1.5})
    assert two(**{"mixture.web": 0.3}) == pytest.approx(DataMixing(c=1.9, k=0.7, t=-1.5, domain="web")(0.3))
    three = exponential_mixing(("web", "code", "books")).with_coefficients([1.9, 0.7, -1.5, 0.4])
    known = DataMixing3(c=1.9, k=0.7, t_1=-1.5, t_2=0.4, first="web", second="code")
    assert three(**{"mixture.web": 0.3, "mixture.code": 0.2}) == pytest.approx(known(0.3, 0.2))
    values = {"E": 1.5, "C_1": 2.0, "gamma_1": 0.4, "C_2": 3.0, "gamma_2": 0.6, "A": 400.0, "alpha": 0.34, "B": 410.0,
              "beta": 0.28}
    added = additive_mixing(("web", "code")).with_coefficients(values)
    at = {"params": 1e9, "tokens": 2e10, "mixture.web": 0.3}
    assert added(**at, **{"mixture.code": 0.7}) == pytest.approx(MixtureAdditiveLoss(**values, domain="web")(**at))
    own = share_mixing("web", output="loss.web").with_coefficients([2.0, 0.3, 0.05, 0.4])
    assert own.output.name == "loss.web"
    assert own(**{"mixture.web": 0.0}) == pytest.approx(2.0 + 0.3 / 0.05**0.4)
    helped = share_mixing("web", ("code",))
    helped = helped.with_coefficients({"E": 2.0, "C": 0.3, "eps": 0.05, "gamma": 0.4, "w_1": 0.5})
    assert helped(**{"mixture.web": 0.1, "mixture.code": 0.4}) == pytest.approx(own(**{"mixture.web": 0.3}))
    with pytest.raises(InputError, match="helpers of web"):
        share_mixing("web", ("web",))
    with pytest.raises(InputError, match="two or more"):
        exponential_mixing(("web",))
    with pytest.raises(InputError, match="different domains"):
        additive_mixing(("web", "web"))


# ------------------------------------------------------------------------------------------ quality

def decay_by_hand(pairs: float, epochs: float, a: float, b: float, tau: float, d: float) -> float:
    unique = pairs / epochs
    ends = [min(j * unique, pairs) for j in range(1, math.ceil(epochs) + 1)]
    error = a * ends[0] ** b
    for j in range(1, len(ends)):
        error *= (ends[j] / ends[j - 1]) ** (b * 0.5 ** (j / tau))
    return error + d


@pytest.mark.parametrize("epochs", [1.0, 1.5, 2.0, 3.7, 10.0, 24.0])
def test_utility_decays_pass_by_pass(epochs):
    numbers = {"a": 8.0, "b": -0.19, "tau": 2.5, "d": 0.1}
    assert DecayingUtility(**numbers)(1.28e8, epochs) == pytest.approx(decay_by_hand(1.28e8, epochs, **numbers))


def test_without_decay_repeats_are_as_good_as_fresh_pairs():
    lasting = DecayingUtility(a=8.0, b=-0.19, tau=1e9, d=0.1)
    assert lasting(1e8, 10.0) == pytest.approx(lasting(1e8, 1.0))


def test_qin_and_lin_share_one_form():
    assert entry("qin2025_synthetic").law.form == entry("lin2024_rectified").law.form == "rectified"

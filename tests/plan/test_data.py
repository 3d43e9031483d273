"""Question 3: repetition, mixtures, filtering and continued training, against closed forms and brute force."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.laws.base import Law
from lawful.laws.data import ContinualLoss, DecayingUtility
from lawful.laws.formula import formula
from lawful.laws.mixtures import exponential_mixing
from lawful.plan.advice import read_situation
from lawful.plan.costs.rates import Rates
from lawful.plan.data.continual import bearable_share, continue_training
from lawful.plan.data.filtering import Pool, compare_sets, filter_pools, pooled_error
from lawful.plan.data.mixture import carry_on, mix
from lawful.plan.data.repetition import Repeated, epochs_until, repeat, token_worth, with_repetition
from lawful.plan.data.target import SOFT, TargetLoss, target
from lawful.plan.decide import decide
from lawful.plan.problem import parse_problem
from lawful.plan.questions.data import TOPIC, Asked, recommend
from lawful.plan.sections import field_texts, read_section
from lawful.runs import RunTable

REPEATED = law("muennighoff2023_data_constrained")
PLAIN = law("besiroglu2024_refit")


def exact(form: Law, **coefficients: float) -> Fit:
    """A fit of ``form`` to runs of the law with these coefficients, without noise."""
    true = form.with_coefficients(coefficients)
    rng = np.random.default_rng(7)
    runs: dict[str, Any] = {name: np.exp(rng.uniform(np.log(1e8), np.log(1e10), 80)) for name in form.inputs}
    shares = [name for name in form.inputs if name.startswith("mixture.")]
    drawn = rng.dirichlet(np.ones(len(shares) + 1), 80)
    runs |= {name: drawn[:, j] for j, name in enumerate(shares)}
    return fit(true, RunTable.from_columns({**runs, form.output.name: true(**runs)}), bootstrap=0)


# -------------------------------------------------------------------------------------------- repetition

@pytest.fixture(scope="module")
def repeated() -> Repeated:
    return repeat(REPEATED, 25e9, 9.3e21, Rates("h100"))


def test_the_best_use_of_limited_data_is_that_of_a_dense_search(repeated: Repeated) -> None:
    params = np.geomspace(1e9, 1e11, 400_001)
    losses = REPEATED.law(params=params, tokens=9.3e21 / 6 / params, unique_tokens=25e9)
    best = int(np.argmin(losses))
    assert repeated.decision.metrics["loss"] == pytest.approx(losses[best], rel=1e-9)
    assert repeated.decision.metrics["params"] == pytest.approx(params[best], rel=1e-3)
    assert repeated.epochs == pytest.approx(9.3e21 / 6 / params[best] / 25e9, rel=1e-3)
    assert repeated.decision.metrics["loss"] < min(repeated.one_pass.loss, repeated.as_fresh.loss)
    assert repeated.fresh_loss < repeated.decision.metrics["loss"], "data without end are better"


def test_the_price_of_data_is_the_slope_of_the_best_loss_in_them(repeated: Repeated) -> None:
    """Along a curve of equal loss dC / dU is the ratio of the slopes of the best loss: taken here by differences."""
    def best(unique: float, compute: float) -> float:
        params = np.geomspace(5e9, 9e9, 200_001)
        return float(np.log(REPEATED.law(params=params, tokens=compute / 6 / params, unique_tokens=unique)).min())

    in_data = (best(25.25e9, 9.3e21) - best(25e9, 9.3e21)) / 0.25e9
    in_compute = (best(25e9, 9.393e21) - best(25e9, 9.3e21)) / 0.093e21
    assert repeated.flop_per_token == pytest.approx(in_data / in_compute, rel=2e-3)
    unit = Rates("h100").costs({"compute": 1.0})["usd"]
    assert repeated.usd_per_token == pytest.approx(repeated.flop_per_token * unit)


def test_where_data_abound_nothing_repeats_and_more_are_worth_nothing() -> None:
    found = repeat(REPEATED, 25e12, 9.3e21)
    best = REPEATED.law.with_coefficients({**REPEATED.law.coefficients, "R_N_star": 1e9, "R_D_star": 1e9})
    params = np.geomspace(1e9, 1e11, 200_001)
    fresh = best(params=params, tokens=9.3e21 / 6 / params, unique_tokens=25e12)
    assert found.epochs == pytest.approx(1.0)
    assert found.decision.metrics["params"] == pytest.approx(params[int(np.argmin(fresh))], rel=1e-3)
    assert found.data_price == found.flop_per_token == 0.0
    assert found.usd_per_token is None, "nothing says what a FLOP costs"


def test_a_token_is_worth_a_share_that_falls_e_fold() -> None:
    assert token_worth(15.4, 1.0) == 1.0
    assert token_worth(15.4, 16.4) == pytest.approx(math.exp(-1))
    assert token_worth(15.4, epochs_until(15.4, 0.5)) == pytest.approx(0.5)


def test_any_law_of_params_and_tokens_can_repeat() -> None:
    composed = with_repetition(PLAIN)
    assert composed.law.inputs == ("params", "tokens", "unique_tokens")
    assert composed.law.coefficients["repetition_R_D_star"] == REPEATED.law.coefficients["R_D_star"]
    found = repeat(PLAIN, 25e9, 9.3e21)
    assert any(w.code == "composed" for w in found.decision.warnings)
    open_form = with_repetition(law("rosenfeld2019:ptb"))
    assert "repeated_tokens_R_D_star" in open_form.law.coefficients, "its best params have no closed form"
    assert with_repetition(REPEATED) is REPEATED
    with pytest.raises(LawError, match="of params and tokens"):
        with_repetition(law("kaplan2020_l_n"))
    typed = exact(formula("E + A*params**-a + B*tokens**-b"), E=1.8, A=400.0, a=0.34, B=2000.0, b=0.36)
    with pytest.raises(LawError, match="typed as text takes no module"):
        with_repetition(typed)


def test_a_fit_that_repeats_keeps_its_draws() -> None:
    rng = np.random.default_rng(3)
    params, tokens = 10 ** rng.uniform(7, 9, 60), 10 ** rng.uniform(9, 10.5, 60)
    loss = PLAIN.law(params=params, tokens=tokens) * np.exp(0.005 * rng.normal(size=60))
    own = fit("chinchilla", RunTable.of(params=params, tokens=tokens, loss=loss), bootstrap=60)
    found = repeat(own, 5e9, 1e21)
    low, high = found.decision.intervals["params"].low, found.decision.intervals["params"].high
    assert low < found.decision.metrics["params"] < high
    assert found.decision.forecast.low is not None
    assert found.decision.forecast.low < found.decision.metrics["loss"] < (found.decision.forecast.high or 0)


@pytest.mark.parametrize(("unique", "compute", "says"), [(0.0, 1e21, "unique_tokens"), (1e9, -1.0, "compute")])
def test_counts_that_are_none_are_refused(unique: float, compute: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        repeat(REPEATED, unique, compute)


# ---------------------------------------------------------------------------------------------- mixtures

DOMAINS = ("web", "code", "books")
TRUE = {"web": (2.0, 1.0, -2.0, 0.3), "code": (1.0, 1.5, 0.2, -3.0), "books": (2.2, 0.4, 0.5, 0.5)}


@pytest.fixture(scope="module")
def fits() -> dict[str, Fit]:
    """The loss on each of three domains, with a little noise."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet((1, 1, 1), 60)
    columns = {f"mixture.{name}": shares[:, i] for i, name in enumerate(DOMAINS)}
    made = {}
    for name, (c, k, t_1, t_2) in TRUE.items():
        loss = (c + k * np.exp(t_1 * shares[:, 0] + t_2 * shares[:, 1])) * np.exp(0.002 * rng.normal(size=60))
        table = RunTable.from_columns({**columns, f"loss.{name}": loss})
        made[name] = fit(exponential_mixing(DOMAINS, f"loss.{name}"), table, bootstrap=60)
    return made


def simplex() -> tuple[np.ndarray, np.ndarray]:
    first, second = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 801))
    inside = first + second <= 1 + 1e-12
    return first[inside], second[inside]


@pytest.mark.parametrize("weights", [
    None, {"web": 1.0, "code": 5.0, "books": 0.5}, {"web": 0.0, "code": 1.0, "books": 1.0}])
def test_the_best_mixture_is_that_of_a_dense_search(fits: dict[str, Fit], weights: dict[str, float] | None) -> None:
    found = mix(fits, DOMAINS, weights=weights, bounds=dict.fromkeys(DOMAINS, (0.0, 1.0)))
    web, code = simplex()
    counts = weights or dict.fromkeys(DOMAINS, 1.0)
    sums = sum(counts[name] * one.law(**{"mixture.web": web, "mixture.code": code}) for name, one in fits.items())
    searched = (sums / sum(counts.values())).min()
    assert found.loss <= searched + 1e-9
    assert found.loss == pytest.approx(searched, rel=1e-5)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-7)
    assert found.loss < found.baseline_loss
    at = {"mixture.web": found.shares["web"], "mixture.code": found.shares["code"]}
    assert found.losses["code"] == pytest.approx(float(fits["code"].law(**at)))
    spread = found.decision.intervals["mixture.web"]
    assert spread.low <= found.shares["web"] <= spread.high


def test_the_worst_loss_is_made_as_small_as_a_dense_search_makes_it(fits: dict[str, Fit]) -> None:
    found = mix(fits, DOMAINS, worst=True, bounds=dict.fromkeys(DOMAINS, (0.0, 1.0)))
    web, code = simplex()
    worst = np.max([one.law(**{"mixture.web": web, "mixture.code": code}) for one in fits.values()], axis=0).min()
    assert max(found.losses.values()) == pytest.approx(worst, abs=SOFT * math.log(3) + 2e-4)
    assert max(found.losses.values()) <= found.loss <= max(found.losses.values()) + SOFT * math.log(3)


def test_a_domain_that_runs_out_gets_all_that_its_data_give(fits: dict[str, Fit]) -> None:
    found = mix(fits, DOMAINS, bounds=dict.fromkeys(DOMAINS, (0.0, 1.0)), at={"tokens": 100e9},
                unique={"code": 5e9, "books": 30e9})
    assert found.limited == ("code",)
    assert found.shares["code"] == pytest.approx(4 * 5e9 / 100e9)
    assert found.epochs == pytest.approx({"code": 4.0, "books": found.shares["books"] * 100e9 / 30e9})
    with pytest.raises(FailedToAnswer, match=r"100B tokens.*4 passes over the domains give 60B"):
        mix(fits, DOMAINS, bounds=dict.fromkeys(DOMAINS, (0.0, 1.0)), at={"tokens": 100e9},
            unique={"web": 5e9, "code": 5e9, "books": 5e9})


def test_shares_stay_where_the_runs_were(fits: dict[str, Fit]) -> None:
    found = mix(fits, DOMAINS)
    for name in ("web", "code"):
        low, high = fits["web"].region.spans[f"mixture.{name}"]
        assert low - 1e-9 <= found.shares[name] <= high + 1e-9
    held = mix(fits, DOMAINS, bounds={"web": (0.4, None), "code": (None, 0.1)})
    assert held.shares["web"] >= 0.4 - 1e-9
    assert held.shares["code"] <= 0.1 + 1e-9


def test_one_exponential_has_its_best_mixture_in_a_corner(fits: dict[str, Fit]) -> None:
    """c + k exp(t . r) is monotone along every line, so that over the simplex a single domain is best."""
    found = mix(fits["code"], DOMAINS, bounds=dict.fromkeys(DOMAINS, (0.0, 1.0)))
    assert found.shares == pytest.approx({"web": 0.0, "code": 1.0, "books": 0.0}, abs=1e-6)


def test_a_target_is_a_fit_with_the_draws_of_all(fits: dict[str, Fit]) -> None:
    joined = target(fits, {"web": 2.0, "code": 1.0, "books": 1.0})
    at = {"mixture.web": 0.3, "mixture.code": 0.3}
    drawn = [one.outputs(at)[:, 0] for one in fits.values()]
    assert joined.outputs(at)[:, 0] == pytest.approx(0.5 * drawn[0] + 0.25 * drawn[1] + 0.25 * drawn[2])
    assert isinstance(joined.law, TargetLoss)
    assert joined.n_runs == 180
    with pytest.raises(InputError, match="weights are one for each of web, code, books"):
        target(fits, {"web": 1.0})
    with pytest.raises(InputError, match="at least one law"):
        target({})


@pytest.mark.parametrize(("options", "says"), [
    ({"bounds": {"wiki": (0.0, 1.0)}}, "wiki: no domain of the mixture"),
    ({"baseline": {"web": 0.5, "code": 0.2}}, "sum to 0.7"),
    ({"unique": {"code": 1e9}}, "give tokens"),
])
def test_slips_in_a_mixture_are_named(fits: dict[str, Fit], options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        mix(fits, DOMAINS, **options)


def test_a_best_mixture_carried_on_is_that_of_a_sum_of_power_laws() -> None:
    """With losses D_i**-g_i the best tokens are (g_i / price)**(1 / (g_i + 1)): log-linear, domain by domain."""
    def best(price: float) -> dict[str, float]:
        return {name: (g / price) ** (1.0 / (g + 1.0)) for name, g in {"web": 0.1, "code": 0.3, "books": 0.6}.items()}

    first, second, third = best(1e-9), best(1e-10), best(3e-13)
    shares = carry_on(first, second, sum(third.values()))
    assert shares == pytest.approx({name: count / sum(third.values()) for name, count in third.items()}, rel=1e-9)
    with pytest.raises(InputError, match="same domains"):
        carry_on(first, {"web": 1.0}, 1e12)
    with pytest.raises(InputError, match="two scales"):
        carry_on(first, first, 1e12)


# --------------------------------------------------------------------------------------------- filtering

def pool(name: str, b: float, tau: float, samples: float = 1e7) -> Pool:
    return Pool(name, samples, DecayingUtility(a=4e6**-b, b=b, tau=tau, d=0.1))


def test_one_pool_follows_its_law() -> None:
    one = pool("best", -0.16, 6.7)
    for samples in (3e6, 1e7, 2.5e7, 1.4e8):
        assert pooled_error([one], samples) == pytest.approx(
            one.law(pairs=samples, epochs=max(1.0, samples / one.samples)), rel=1e-12)


def test_equal_pools_average_their_decayed_exponents_with_stretched_half_lives() -> None:
    """Goyal et al. 2024 for p equal pools: the mean of b_i 2**(-(j - 1) / (p tau_i)); by hand for three passes."""
    one, two = pool("best", -0.16, 6.0), pool("next", -0.12, 3.0)
    later = [0.5 * (-0.16 * 2 ** (-j / 12.0) - 0.12 * 2 ** (-j / 6.0)) for j in (0, 1, 2)]
    by_hand = (2e7 / 4e6) ** later[0] * 2.0 ** later[1] * 1.5 ** later[2] + 0.1
    assert pooled_error([one, two], 6e7) == pytest.approx(by_hand, rel=1e-12)
    halves = [pool("a", -0.16, 6.0, 5e6), pool("b", -0.16, 6.0, 5e6)]
    assert pooled_error(halves, 1e7) == pytest.approx(pooled_error([pool("ab", -0.16, 6.0)], 1e7))


def test_the_filter_loosens_as_more_is_seen_and_switches_where_errors_are_equal() -> None:
    pools = [pool("third", -0.1, 5.3), pool("best", -0.16, 6.7), pool("second", -0.125, 8.5)]
    few, many = filter_pools(pools, 2e7), filter_pools(pools, 5e9)
    assert few.kept == ("best",)
    assert many.kept == ("best", "second", "third")
    assert [s.after for s in few.switches] == [2, 3]
    for switch in few.switches:
        assert pooled_error(few.pools[:switch.before], switch.samples) == pytest.approx(
            pooled_error(few.pools[:switch.after], switch.samples), rel=1e-6)
    with pytest.raises(InputError, match="different names"):
        filter_pools([pools[0], pools[0]], 1e8)


def test_data_sets_are_compared_at_their_best_for_the_compute() -> None:
    """A small set of good data wins at little compute, a large set of plain data at much."""
    good = REPEATED.law.with_coefficients({**REPEATED.law.coefficients, "B": 0.7 * REPEATED.law.coefficients["B"]})
    fine = exact(good, **good.coefficients)
    sets = {"plain": (REPEATED, 1e12), "filtered": (fine, 5e9)}
    assert next(iter(compare_sets(sets, 1e20))) == "filtered"
    assert next(iter(compare_sets(sets, 1e23))) == "plain"
    with pytest.raises(InputError, match="no data sets"):
        compare_sets({}, 1e20)


# ------------------------------------------------------------------------------------ continued training

def continual(share: str, **changed: float) -> Fit:
    """A law of continued training, fitted to its own runs without noise."""
    values = {"E": 1.2, "A": 30.0, "alpha": 0.2, "B": 20.0, "eta": 0.4, "beta": 0.2, "C": 0.2, "eps": 0.1, "gamma": 0.6}
    true = ContinualLoss(**{**values, **changed}, domain=share)
    rng = np.random.default_rng(5)
    runs = {"params": rng.choice([5e8, 1.8e9, 4e9], 90), "tokens": np.exp(rng.uniform(np.log(1e9), np.log(1e11), 90)),
            f"mixture.{share}": rng.uniform(0.0, 1.0, 90)}
    return fit(true, RunTable.from_columns({**runs, "loss": true(**runs)}), bootstrap=0)


@pytest.fixture(scope="module")
def pair() -> tuple[Fit, Fit]:
    return continual("law"), continual("general", E=1.6, C=0.15)


def brute(pair: tuple[Fit, Fit], params: Any, tokens: Any, share: Any) -> tuple[Any, Any]:
    domain, general = pair
    return (domain.law(**{"params": params, "tokens": tokens, "mixture.law": share}),
            general.law(**{"params": params, "tokens": tokens, "mixture.general": 1.0 - share}))


def test_the_share_for_a_general_loss_is_the_largest_that_keeps_it(pair: tuple[Fit, Fit]) -> None:
    share = np.linspace(0.001, 0.999, 99_801)
    domain, general = brute(pair, 1.8e9, 1e10, share)
    limit = float(np.quantile(general, 0.7))
    kept = np.where(general <= limit, domain, np.inf)
    found = continue_training(*pair, params=1.8e9, tokens=1e10, general_loss=limit, shares=(0.001, 0.999))
    assert found.share == pytest.approx(share[int(np.argmin(kept))], abs=2e-5)
    assert found.domain_loss == pytest.approx(kept.min(), rel=1e-6)
    assert found.general_loss == pytest.approx(limit, rel=1e-6)
    assert len(found.decision.binding) == 1
    assert found.decision.binding[0].startswith("loss.general <= ")


def test_scarce_domain_text_is_spread_as_a_dense_search_spreads_it(pair: tuple[Fit, Fit]) -> None:
    """Tokens are free and the domain's are limited: the share decides how long one trains."""
    share, length = np.meshgrid(np.linspace(0.01, 0.99, 981), np.geomspace(1e9, 1e12, 1501))
    domain, _ = brute(pair, 1.8e9, length, share)
    kept = np.where(share * length <= 1e9, domain, np.inf)
    best = int(np.argmin(kept))
    found = continue_training(*pair, params=1.8e9, domain_tokens=1e9, shares=(0.01, 0.99))
    assert found.domain_loss <= kept.min() + 1e-9
    assert found.domain_loss == pytest.approx(kept.min(), rel=2e-4)
    assert found.share == pytest.approx(share.flat[best], abs=0.02)
    assert found.domain_tokens == pytest.approx(1e9, rel=1e-6)


def test_a_budget_is_divided_as_a_dense_search_divides_it(pair: tuple[Fit, Fit]) -> None:
    compute, share = 1e21, 0.7
    params = np.geomspace(1e6, 1e13, 400_001)
    domain, _ = brute(pair, params, compute / 6 / params, share)
    found = continue_training(*pair, compute=compute, shares=(0.6999, share))
    assert found.domain_loss == pytest.approx(domain.min(), rel=1e-5)
    assert found.params == pytest.approx(params[int(np.argmin(domain))], rel=0.02)
    assert 6 * found.params * found.tokens == pytest.approx(compute, rel=1e-6)


def test_a_general_loss_that_cannot_be_kept_is_said_with_the_nearest(pair: tuple[Fit, Fit]) -> None:
    _, general = brute(pair, 1.8e9, 1e10, np.linspace(0.2, 0.9, 7001))
    nearest = rf"loss.general <= 0.5.*the nearest.*loss.general <= {general.min():.4f}"
    with pytest.raises(FailedToAnswer, match=nearest):
        continue_training(*pair, params=1.8e9, tokens=1e10, general_loss=0.5, shares=(0.2, 0.9))


def test_what_is_missing_for_continued_training_is_named(pair: tuple[Fit, Fit]) -> None:
    with pytest.raises(InputError, match="give params, and tokens or domain tokens"):
        continue_training(*pair, params=1.8e9)
    with pytest.raises(InputError, match="a share lies between 0 and 1"):
        continue_training(*pair, params=1.8e9, tokens=1e10, shares=(0.5, 1.5))
    with pytest.raises(LawError, match=r"mixture\.<domain>"):
        continue_training(exact(PLAIN.law, **PLAIN.law.coefficients), pair[1], params=1.8e9, tokens=1e10)


def test_draws_give_the_share_an_interval() -> None:
    rng = np.random.default_rng(2)
    share = np.linspace(0.05, 0.95, 40)
    general = fit(formula("K + C*mixture.law**p"), RunTable.from_columns(
        {"mixture.law": share, "loss": (2.0 + 0.5 * share**2) * np.exp(0.003 * rng.normal(size=40))}), bootstrap=60)
    domain = fit(formula("K - C*mixture.law"), RunTable.from_columns(
        {"mixture.law": share, "loss": (2.0 - 0.5 * share) * np.exp(0.003 * rng.normal(size=40))}), bootstrap=60)
    found = continue_training(domain, general, params=1e9, tokens=1e10, general_loss=2.18)
    spread = found.decision.intervals["mixture.law"]
    assert spread.low < 0.6 < spread.high, "2 + 0.5 x 0.6**2 = 2.18"
    assert spread.high - spread.low < 0.1


def test_the_bearable_share_is_that_of_the_next_smaller_size() -> None:
    assert bearable_share(940e6, 2e10) == (pytest.approx(0.349, abs=5e-4), "gu2024_cmr:940M")
    assert bearable_share(1.5e9, 2e10)[1] == "gu2024_cmr:940M"
    assert bearable_share(70e9, 2e10)[1] == "gu2024_cmr:3.1B"
    with pytest.raises(FailedToAnswer, match=r"4\.6e\+08 params and more"):
        bearable_share(1e8, 2e10)


def test_the_tokens_of_a_domain_are_a_metric_of_any_plan() -> None:
    held = continual("law")
    made = decide(parse_problem(held, ["params=1e9", "tokens=1e10:1e12", "mixture.law=0.25"], ["tokens.law<=5e9"]))
    assert made.metrics["tokens"] == pytest.approx(2e10, rel=1e-6)
    assert made.metrics["tokens.law"] == pytest.approx(5e9, rel=1e-6)
    with pytest.raises(UnknownName, match=r"tokens\.code"):
        parse_problem(held, ["params=1e9", "tokens=1e10", "mixture.law=0.25"], ["tokens.code<=5e9"])


# ---------------------------------------------------------------------------------------------- the topic

def ask(section: dict[str, Any], situation: dict[str, Any] | None = None, laws: dict[str, Any] | None = None) -> Any:
    def find(name: str) -> Any:
        return (laws or {}).get(name) or law(name)

    return recommend(read_situation(situation or {}, find), read_section(Asked, section, "[data]", find))


BUDGET = {"budget": {"compute": "9.3e21", "device": "h100"}}
TENTHS = {f"p{i}": {"samples": "12.8M", "law": f"goyal2024_qqt:top_{i}0"} for i in (1, 2, 3, 4)}


def test_each_part_is_answered_where_its_inputs_are_given(fits: dict[str, Fit], pair: tuple[Fit, Fit]) -> None:
    made = ask({
        "unique_tokens": "25B",
        "mixture": {"domains": list(DOMAINS), "laws": {name: name for name in DOMAINS}, "least": {"web": 0.5}},
        "filter": {"samples": "128M", "pools": TENTHS},
        "continued": {"domain_law": "law", "general_law": "general", "params": "1.8B", "tokens": "10B"},
    }, BUDGET, {**fits, "law": pair[0], "general": pair[1]})
    for start in ("Repeat your 25B", "Mix web", "Filter to p1, p2", "Give the domain"):
        assert start in made.answer
    assert made.topic == "data"
    assert {"muennighoff2023_data_constrained", "p1: goyal2024_qqt:top_10"} <= set(made.laws)
    assert {"known_failure", "mixture_moves", "composed"} <= {c.code for c in made.limits}
    assert made.measure_first
    best = next(o for o in made.options if o.name == "the best mixture")
    assert best.decision["mixture.web"] >= 0.5 - 1e-9
    assert best.gives["loss"] < next(o for o in made.options if o.name == "the baseline").gives["loss"]


def test_the_recommended_option_is_no_worse_than_those_it_was_weighed_against() -> None:
    repeated = ask({"unique_tokens": "25B"}, BUDGET).options
    assert all(repeated[0].gives["loss"] <= other.gives["loss"] for other in repeated)
    filtered = ask({"filter": {"samples": "128M", "pools": TENTHS}}).options
    assert [o.gives["error"] for o in filtered] == sorted(o.gives["error"] for o in filtered)


def test_abundant_data_are_not_repeated_and_prices_need_a_device() -> None:
    assert ask({"unique_tokens": "25T"}, BUDGET).answer.startswith("Do not repeat: 174B of your 25T")
    assert "US dollars" in ask({"unique_tokens": "25B"}, BUDGET).answer
    assert "US dollars" not in ask({"unique_tokens": "25B"}, {"budget": {"compute": "9.3e21"}}).answer


def test_the_domain_share_comes_from_the_published_ratio_without_fits() -> None:
    made = ask({"continued": {"params": "2B", "tokens": "20B"}})
    assert made.answer.startswith("Give the domain at most 41.4 % of the 20B tokens")   # Gu et al., Table 5, 1.6B
    assert made.laws == ("gu2024_cmr:1.6B",)


def test_a_general_loss_may_rise_by_the_tolerance(pair: tuple[Fit, Fit]) -> None:
    before = float(brute(pair, 1.8e9, 1e10, 0.2)[1])
    made = ask({"continued": {"domain_law": "law", "general_law": "general", "params": "1.8B", "tokens": "10B",
                              "general_loss": before, "tolerance": 0.05}}, laws={"law": pair[0], "general": pair[1]})
    assert made.options[0].gives["loss.general"] == pytest.approx(1.05 * before, rel=1e-6)
    assert "loss.general <= " in made.answer


def test_sets_are_weighed_for_the_budget() -> None:
    made = ask({"filter": {"sets": {"raw": {"law": "besiroglu2024_refit", "unique_tokens": "1T"},
                                    "strict": {"law": "besiroglu2024_refit", "unique_tokens": "20B"}}}}, BUDGET)
    assert made.answer.startswith("Train on raw")
    assert [o.name for o in made.options] == ["raw", "strict"], "the same law on fewer data is no better"


@pytest.mark.parametrize(("section", "problem", "says"), [
    ({}, FailedToAnswer, "which part of the question"),
    ({"unique_tokens": "25B"}, InputError, "no budget is given"),
    ({"filter": {"pools": TENTHS}}, InputError, "samples is missing"),
    ({"filter": {"samples": "1M"}}, InputError, "give pools"),
    ({"filter": {"samples": "1M", "pools": {"a": {"samples": "1M", "law": "besiroglu2024_refit"}}}}, InputError,
     "takes one of quality_decay"),
    ({"mixture": {"domains": ["a", "b"]}}, InputError, "give laws"),
    ({"mixture": {"domains": ["a", "b"], "laws": {"a": "gu2024_cmr:460M"}}}, InputError, "another corpus"),
    ({"continued": {"params": "2B"}}, InputError, "give params and tokens"),
    ({"unique_token": "25B"}, UnknownName, "unique_tokens"),
])
def test_what_a_section_lacks_is_named(section: dict[str, Any], problem: type[Exception], says: str) -> None:
    with pytest.raises(problem, match=says):
        ask(section)


def test_the_topic_has_guidance_with_sources_and_a_text_for_every_key() -> None:
    assert TOPIC.number == 3
    assert len(TOPIC.guidance) >= 8
    assert all(g.text and g.source.startswith("arXiv:") for g in TOPIC.guidance)
    assert set(field_texts(Asked)) == {"unique_tokens", "mixture", "filter", "continued"}

"""Coverage, verifiers, votes and the choice of samples: against enumeration, simulation, linear programs and papers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError
from lawful.laws import law
from lawful.laws.inference import CoverageLaw
from lawful.plan.sampling.choosing import Sampler, choices, choose, eras, matched_samples, samples_for
from lawful.plan.sampling.coverage import (
    Difficulty,
    Problems,
    difficulty_draws,
    fit_difficulty,
    pass_at_k,
    pass_by_problem,
)
from lawful.plan.sampling.queries import QueryClass, spread, tried
from lawful.plan.sampling.verifiers import Verifier, best_votes, best_votes_of_two, voted

HARD = Difficulty(0.3, 12.0)


# ---------------------------------------------------------------------------------------------------------- coverage

@pytest.mark.parametrize(("n", "c"), [(6, 0), (6, 1), (6, 4), (6, 6), (9, 2)])
def test_pass_at_k_is_the_share_of_all_ways_to_pick_k_samples(n, c):
    samples = [1] * c + [0] * (n - c)
    for k in range(1, n + 1):
        picks = list(itertools.combinations(samples, k))
        assert pass_by_problem(n, c, k)[0, 0] == pytest.approx(sum(map(any, picks)) / len(picks), abs=1e-12)


def test_the_interval_of_pass_at_k_is_that_of_other_problems():
    right = np.array([0, 1, 5, 10, 10, 0, 3, 7] * 25)
    (found,) = pass_at_k(10, right, 1, level=0.9)
    assert found.value == pytest.approx(right.mean() / 10)
    assert found.std == pytest.approx(np.std(right / 10) / math.sqrt(len(right)), rel=0.1)
    assert found.low < found.value < found.high


def test_more_samples_than_were_drawn_are_refused_with_the_way_beyond():
    with pytest.raises(InputError, match=r"k is 1 to the 10 samples .*got 11.*fit_difficulty goes beyond"):
        pass_by_problem([10, 20], [3, 3], 11)


@pytest.mark.parametrize(("n", "c"), [([10], [11]), ([0], [0]), ([10], [-1]), ([10], [1.5]), ([], [])])
def test_impossible_counts_are_refused(n, c):
    with pytest.raises(InputError, match=r"as many right ones as samples at most"):
        fit_difficulty(n, c)


def test_a_density_is_found_again_from_simulated_counts():
    rng = np.random.default_rng(0)
    rates = rng.beta(0.4, 8.0, 4000)
    found = fit_difficulty(np.full(4000, 200), rng.binomial(200, rates))
    assert found.a == pytest.approx(0.4, rel=0.06)   # its standard error here is 2 %
    assert found.b == pytest.approx(8.0, rel=0.1)


def test_draws_of_the_density_spread_as_new_problems_would():
    rng = np.random.default_rng(2)

    def counted(seed):
        own = np.random.default_rng(seed)
        return own.binomial(50, own.beta(0.4, 8.0, 200))

    n = np.full(200, 50)
    over_draws = np.std([math.log(d.a) for d in difficulty_draws(n, counted(5), draws=40)])
    anew = np.std([math.log(fit_difficulty(n, counted(int(s))).a) for s in rng.integers(0, 10**6, 40)])
    assert over_draws == pytest.approx(anew, rel=0.45)     # about three standard errors of a ratio of two spreads of 40


@pytest.mark.parametrize("c", [[0, 0, 0], [10, 10, 10]])
def test_counts_that_say_nothing_of_the_rates_are_refused(c):
    with pytest.raises(InputError, match=r"success rates cannot be told"):
        fit_difficulty([10, 10, 10], c)


@pytest.mark.parametrize("difficulty", [HARD, Difficulty(2.0, 2.0), Difficulty(0.07, 100.0), Difficulty(1.0, 1.0)])
def test_the_closed_form_is_the_mean_over_the_density(difficulty):
    from scipy.integrate import quad
    from scipy.stats import beta

    k = np.array([1.0, 3.0, 100.0, 1e4])
    assert difficulty.problems(k) == pytest.approx(difficulty(k), rel=1e-6)
    rest = quad(lambda p: beta.pdf(p, difficulty.a, difficulty.b) * (1 - p) ** 3, 0, 0.5)[0] + quad(
        lambda p: beta.pdf(p, difficulty.a, difficulty.b) * (1 - p) ** 3, 0.5, 1)[0]
    assert difficulty(3) == pytest.approx(1 - rest, rel=1e-5)


# Levi 2024 (arXiv:2410.16377) and Schaeffer et al. 2025 (arXiv:2502.17578): with many samples what is left unsolved,
# and so -log(coverage), falls as k**-a.
def test_the_exponent_of_many_samples_is_that_of_the_hardest_problems():
    slope = math.log(-math.log(HARD(1e7)) / -math.log(HARD(1e6))) / math.log(10)
    assert slope == pytest.approx(-HARD.a, abs=0.005)


@pytest.mark.parametrize(("rates", "weights", "says"), [
    ([0.5], [0.5], "add up to 1"), ([50.0], [1.0], "divide by 100"), ([0.5], [0.5, 0.5], "one weight to each rate"),
    ([], [], "one weight to each rate")])
def test_rates_are_shares(rates, weights, says):
    with pytest.raises(InputError, match=says):
        Problems(np.array(rates), np.array(weights))


# --------------------------------------------------------------------------------------------------------- verifiers

def test_a_verifier_that_errs_answers_as_a_simulation_of_it():
    problems, verifier, k = Problems.of([0.02, 0.3, 0.9]), Verifier(0.8, 0.1), 6
    rng = np.random.default_rng(0)
    good = rng.random((200_000, 3, k)) < problems.rates[:, None]
    passes = rng.random(good.shape) < np.where(good, 0.8, 0.1)
    first = passes.argmax(axis=2)
    answered = passes.any(axis=2)
    right = answered & np.take_along_axis(good, first[:, :, None], axis=2)[:, :, 0]
    assert verifier.right(problems, k) == pytest.approx(right.mean(), abs=0.002)     # four standard errors
    assert verifier.wrong(problems, k) == pytest.approx((answered & ~right).mean(), abs=0.002)


def test_a_perfect_verifier_gives_the_coverage():
    k = np.array([1.0, 10.0, 1000.0])
    assert Verifier().right(HARD.problems, k) == pytest.approx(HARD(k), rel=1e-6)
    assert Verifier().wrong(HARD.problems, k) == pytest.approx(np.zeros(3))
    assert Verifier().perfect
    assert not Verifier(0.9).perfect


# Stroebl et al. 2024 (arXiv:2411.17501): false positives set a ceiling that no number of samples passes, and where a
# wrong answer costs something the best number of samples is often below 10.
def test_false_positives_set_a_ceiling_and_make_few_samples_best():
    verifier = Verifier(1.0, 0.05)
    ceiling = verifier.ceiling(HARD.problems)
    assert verifier.right(HARD.problems, 1e9) == pytest.approx(ceiling, rel=1e-6)
    assert ceiling < HARD(1000.0)
    free, costly = (verifier.best_samples(HARD.problems, 1000, cost) for cost in (0.0, 1.0))
    utility = verifier.right(HARD.problems, np.arange(1001.0)) - verifier.wrong(HARD.problems, np.arange(1001.0))
    assert costly == int(np.argmax(utility)) < 10
    assert free == 1000
    assert verifier.best_samples(HARD.problems, 1000, 1e6) == 0


@pytest.mark.parametrize("options", [{"recall": 0.0}, {"recall": 1.2}, {"false_positive": -0.1}])
def test_a_verifier_is_made_of_shares(options):
    with pytest.raises(InputError, match=r"verifier: "):
        Verifier(**options)


def test_a_vote_is_counted_as_every_outcome_weighed():
    for p, k in ((0.3, 5), (0.7, 7), (0.7, 1)):
        won = sum(math.comb(k, i) * p**i * (1 - p) ** (k - i) for i in range(k // 2 + 1, k + 1))
        assert voted(Problems.of([p]), k) == pytest.approx(won, rel=1e-10)
    four = [math.comb(4, i) * 0.6**i * 0.4 ** (4 - i) for i in range(5)]
    assert voted(Problems.of([0.6]), 4) == pytest.approx(four[3] + four[4] + 0.5 * four[2], rel=1e-10)


# Chen et al. 2024 (arXiv:2403.02419): with easy and hard problems together a vote first gains and then loses, so that
# one number of calls is best. The closed form is compared with the best of all odd numbers.
@pytest.mark.parametrize(("share", "easy", "hard"),
                         [(0.6, 0.75, 0.4), (0.5, 0.85, 0.4), (0.7, 0.8, 0.3), (0.4, 0.9, 0.45)])
def test_the_best_number_of_votes_is_where_the_next_two_help_and_harm_alike(share, easy, hard):
    problems = Problems(np.array([easy, hard]), np.array([share, 1 - share]))
    assert abs(best_votes_of_two(share, easy, hard) - best_votes(problems, 1001)) <= 1.0
    k = np.arange(1.0, 1001.0, 2.0)
    accuracy = voted(problems, k)
    assert accuracy[-1] < accuracy.max()


def test_two_kinds_of_problem_are_one_above_and_one_below_a_half():
    with pytest.raises(InputError, match=r"a hard one below"):
        best_votes_of_two(0.5, 0.4, 0.3)
    assert math.isnan(best_votes_of_two(0.5, 0.7, 0.2))   # hard problems win in the end: no number in between is best
    with pytest.raises(InputError, match=r"at least one sample"):
        voted(HARD.problems, 0)


# ----------------------------------------------------------------------------------------------------------- samples

def test_the_fewest_samples_for_a_target_are_found():
    for target in (0.03, 0.4, 0.8):
        k = samples_for(HARD, target)
        assert HARD(float(k)) >= target
        assert k == 1 or HARD(k - 1.0) < target
    assert samples_for(HARD, 0.9999, 1000) is None
    assert samples_for(HARD, 0.01) == 1


def test_stopping_at_the_first_right_sample_takes_the_mean_that_a_simulation_takes():
    problems, most = Problems.of([0.05, 0.5, 0.9]), 8
    rng = np.random.default_rng(1)
    drawn = np.minimum(rng.geometric(problems.rates, (400_000, 3)), most)
    made = choose(Sampler("m", problems, 2.0, per_query=1.0), most)
    assert made.expected_samples == pytest.approx(drawn.mean(), rel=0.003)
    assert made.expected_price == pytest.approx(1.0 + 2.0 * made.expected_samples)
    assert made.price == pytest.approx(1.0 + 2.0 * most)
    assert made.total(10.0, stopping=True) == pytest.approx(10 * made.expected_price)


def test_long_runs_of_samples_are_summed_in_pieces():
    whole = 1.0 - HARD(np.arange(1.0, 10_000.0))
    assert choose(Sampler("m", HARD, 1.0), 10_000).expected_samples == pytest.approx(1.0 + whole.sum(), rel=1e-12)


def test_the_cheapest_model_for_a_target_and_the_most_covered_for_a_budget_are_those_of_all_that_could_be_taken():
    samplers = [Sampler("small", Difficulty(0.3, 20.0), 1.0, per_query=0.5, most=2000),
                Sampler("large", Difficulty(0.5, 3.0), 14.0, per_query=5.0, most=2000)]
    every = [(s.per_query + k * s.per_sample, float(s.curve(float(k))), s.name, k)
             for s in samplers for k in range(1, 2001)]
    for target in (0.1, 0.5, 0.8):
        price, _, name, k = min(e for e in every if e[1] >= target)
        first = choices(samplers, target=target)[0]
        assert (first.sampler.name, first.samples, first.price) == (name, k, pytest.approx(price))
    for budget in (3.0, 25.0, 400.0):
        _, covered, name, k = max((e for e in every if e[0] <= budget), key=lambda e: e[1])
        first = choices(samplers, budget=budget)[0]
        assert (first.sampler.name, first.coverage) == (name, pytest.approx(covered))


def test_what_cannot_be_covered_or_paid_is_said_with_what_can():
    cheap = Sampler("small", HARD, 2.0, most=10)
    with pytest.raises(FailedToAnswer, match=r"no model covers 0.99: small covers 0\.\d+ with 10 samples"):
        choices([cheap], target=0.99)
    with pytest.raises(FailedToAnswer, match=r"pays for no sample: the cheapest costs 2"):
        choices([cheap], budget=1.0)
    for wrong in ({}, {"target": 0.5, "budget": 1.0}):
        with pytest.raises(InputError, match=r"give one of them"):
            choices([cheap], **wrong)
    with pytest.raises(InputError, match=r"divide by 100"):
        choices([cheap], target=50)
    with pytest.raises(InputError, match=r"price of a sample"):
        Sampler("free", HARD, 0.0)


def test_the_cheapest_over_a_life_is_the_least_line_at_every_demand():
    rng = np.random.default_rng(3)
    for _ in range(30):
        options = [choose(Sampler(str(i), HARD, float(rng.uniform(0.1, 10)), upfront=float(rng.uniform(0, 1e4))), 3)
                   for i in range(6)]
        found = eras(options)
        for queries in np.geomspace(1.0, 1e6, 50):
            era = [e for e in found if e.queries <= queries][-1]
            assert era.choice.total(queries) == pytest.approx(min(o.total(queries) for o in options))


# Snell et al. 2024 (arXiv:2408.03314), section 7: their model against one 14 times as large, at R of 0.16, 0.79 and 22.
@pytest.mark.parametrize("ratio", [0.16, 0.79, 22.0])
def test_matched_samples_spend_what_the_large_model_would(ratio):
    N, D = 3e9, 1e12
    small = 6 * N * D + 2 * N * ratio * D * matched_samples(14, ratio)
    large = 6 * 14 * N * D + 2 * 14 * N * ratio * D
    assert small == pytest.approx(large)


# ----------------------------------------------------------------------------------------------------------- classes

def linear_program(classes, budget):
    """The most coverage of any mixture of all points of all classes, by scipy's HiGHS."""
    from scipy.optimize import linprog

    gain, cost, owner = [], [], []
    for i, c in enumerate(classes):
        for s in c.samplers:
            for k in tried(s.most):
                gain.append(c.share * float(s.curve(k)))
                cost.append(c.share * (s.per_query + k * s.per_sample))
                owner.append(i)
    one = np.array([[float(o == i) for o in owner] for i in range(len(classes))])
    found = linprog(-np.array(gain), A_ub=np.vstack([one, cost]), b_ub=[*[1.0] * len(classes), budget], method="highs")
    assert found.success
    return -found.fun


def random_classes(rng, most=40):
    shares = rng.dirichlet([2.0, 2.0, 2.0])
    return [QueryClass(f"class {i}", float(share), tuple(
        Sampler(name, Difficulty(rng.uniform(0.1, 3), rng.uniform(0.3, 30)), price * rng.uniform(0.7, 1.4),
                per_query=rng.uniform(0, price), most=most) for name, price in (("small", 1.0), ("large", 10.0))))
        for i, share in enumerate(shares)]


@pytest.mark.parametrize("seed", range(20))
def test_no_mixture_covers_more_for_the_budget(seed):
    rng = np.random.default_rng(seed)
    classes, budget = random_classes(rng), float(rng.uniform(0.5, 60))
    made = spread(classes, budget=budget)
    assert made.coverage == pytest.approx(linear_program(classes, budget), abs=1e-9)
    assert made.price <= budget * (1 + 1e-12)
    again = spread(classes, target=made.coverage)
    assert again.price == pytest.approx(made.price, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_whole_numbers_of_samples_cover_more_and_few_come_as_near(seed):
    rng = np.random.default_rng(100 + seed)
    classes, budget = random_classes(rng, most=8), float(rng.uniform(2, 20))
    ways = [[(0.0, 0.0), *((c.share * (s.per_query + k * s.per_sample), c.share * float(s.curve(float(k))))
                           for s in c.samplers for k in range(1, 9))] for c in classes]
    best = max(sum(w[1] for w in way) for way in itertools.product(*ways) if sum(w[0] for w in way) <= budget)
    made = spread(classes, budget=budget).coverage
    assert best <= made + 1e-12
    assert best >= made - 0.05


def test_the_next_unit_of_the_budget_gains_what_is_said():
    classes = random_classes(np.random.default_rng(7))
    before, after = spread(classes, budget=8.0), spread(classes, budget=8.0001)
    assert (after.coverage - before.coverage) / 1e-4 == pytest.approx(before.gain, rel=1e-3)


def test_easy_classes_get_few_samples_and_hopeless_ones_none():
    easy, middle, hopeless = Difficulty(9, 1), Difficulty(1, 9), Difficulty(0.01, 500)
    kinds = (("easy", 0.4, easy), ("middle", 0.3, middle), ("hopeless", 0.3, hopeless))
    made = spread([QueryClass(name, share, (Sampler("m", curve, 1.0, most=100),)) for name, share, curve in kinds],
                  budget=3.0)
    samples = {p.name: sum(s.share * s.samples for s in p.served) for p in made.classes}
    assert samples["middle"] > 3 * samples["easy"] > 0
    assert samples["hopeless"] == 0


def test_a_budget_beyond_all_use_is_not_spent_and_an_unreachable_target_is_said():
    one = [QueryClass("all", 1.0, (Sampler("m", HARD, 1.0, most=50),))]
    made = spread(one, budget=1e6)
    assert (made.price, made.gain, made.coverage) == (pytest.approx(50.0), 0.0, pytest.approx(float(HARD(50.0))))
    with pytest.raises(FailedToAnswer, match=r"no spread of samples covers 0.99"):
        spread(one, target=0.99)
    with pytest.raises(InputError, match=r"add up to 1, got all 0.5"):
        spread([QueryClass("all", 0.5, one[0].samplers)], budget=1.0)
    with pytest.raises(InputError, match=r"give at least one sampler"):
        spread([QueryClass("all", 1.0, ())], budget=1.0)


# ------------------------------------------------------------------------------------------- a law of the catalogue

def test_a_law_of_the_catalogue_is_a_curve():
    entry = law("brown2024_coverage:swe_bench_lite")
    made = choices([Sampler("deepseek", lambda k: entry(samples=k), 0.0072, most=250)], target=0.2962)[0]
    assert isinstance(entry.law, CoverageLaw)
    assert entry(samples=made.samples) >= 0.2962 > entry(samples=made.samples - 1)

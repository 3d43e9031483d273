"""What a fit can be told: other losses, limits, weights, noise, clusters; and tables that are long."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import t as student

from conftest import TRUTH, isoflop_design, simulate
from lawful.errors import InputError, LawError, RunsError
from lawful.fit import Fit, FitStatus, fit
from lawful.fit.objective import FREEDOM, Frontier, Objective, StudentT, objective
from lawful.runs import RunTable

PENALTIES = [Objective("huber_log", 0.01), StudentT("student_t", 0.01), Frontier("frontier", 0.01, excess=0.03),
             Frontier("frontier", 0.01, excess=0.002)]


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: f"{p.name}-{p.delta}")
def test_a_penalty_s_slope_and_bend_are_those_of_its_value(penalty: Objective) -> None:
    r = np.linspace(-0.08, 0.08, 40)
    h = 1e-6
    np.testing.assert_allclose(penalty.slope(r), (penalty.value(r + h) - penalty.value(r - h)) / (2 * h),
                               atol=1e-7)
    np.testing.assert_allclose(penalty.bend(r), (penalty.slope(r + h) - penalty.slope(r - h)) / (2 * h), atol=2e-4)
    assert np.all(penalty.value(r) >= 0)
    apart = np.linspace(-0.1, 0.1, 81)[:, None]
    touching = penalty.value(r) + penalty.slope(r) * (apart - r) + 0.5 * penalty.above(r) * (apart - r) ** 2
    assert np.all(touching >= penalty.value(np.broadcast_to(apart, touching.shape)) - 1e-12)


def test_the_reported_likelihoods_are_those_of_their_densities() -> None:
    r = np.array([0.02, -0.013, 0.001])
    t = StudentT("student_t", 0.01)
    differ = t.reported(t.value(r).sum(), 3) + student.logpdf(r, FREEDOM, scale=0.01).sum()
    at_zero = t.reported(0.0, 3) + 3 * student.logpdf(0.0, FREEDOM, scale=0.01)
    assert differ == pytest.approx(at_zero, abs=1e-9)
    frontier = Frontier("frontier", 0.01, excess=0.03)
    density, _ = quad(lambda e: np.exp(-frontier.reported(frontier.value(np.array([-e])).sum(), 1)), -0.1, 0.5,
                      points=[0.0, 0.05], limit=200)
    # f as written integrates to 1 without the normal's own constant, which Phi already holds
    assert density * np.sqrt(2 * np.pi) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("loss", ["student_t", "frontier", "squares", "absolute_log"])
def test_every_loss_returns_a_noise_free_law(loss: str) -> None:
    found = fit("chinchilla", simulate(noise=1e-7), loss=loss, bootstrap=0)
    for name, value in TRUTH.coefficients.items():
        assert found.law.coefficients[name] == pytest.approx(value, rel=1e-3), name


def test_student_t_bears_gross_outliers_that_ruin_least_squares() -> None:
    runs = simulate(noise=0.003)
    loss = runs["loss"].copy()
    loss[::12] *= 1.2
    spoiled = RunTable.of(params=runs["params"], tokens=runs["tokens"], loss=loss)
    at = {"params": 1e10, "tokens": 2e11}
    robust, least = (fit("chinchilla", spoiled, loss=loss, bootstrap=0) for loss in ("student_t", "log_squares"))
    assert abs(np.log(robust.law.at(at) / TRUTH.at(at))) < 0.005
    assert abs(np.log(least.law.at(at) / TRUTH.at(at))) > 0.01
    assert robust.objective["width"] == pytest.approx(0.003, rel=0.4)


def test_a_frontier_is_the_law_of_well_tuned_runs() -> None:
    """Runs with an exponential excess of 3 %: the frontier lies below their middle, at the law itself."""
    design = {name: np.tile(values, 3) for name, values in isoflop_design().items()}
    rng = np.random.default_rng(5)
    n = len(design["params"])
    clean = TRUTH.at(design)
    runs = RunTable.of(**design, loss=clean * np.exp(0.004 * rng.standard_normal(n) + rng.exponential(0.03, n)))
    frontier, middle = (fit("chinchilla", runs, loss=loss, bootstrap=0) for loss in ("frontier", "log_squares"))
    gap = [np.log(f.law.at(design) / clean).mean() for f in (frontier, middle)]
    assert abs(gap[0]) < 0.005
    assert gap[1] == pytest.approx(0.03, abs=0.006)
    assert frontier.objective["excess"] == pytest.approx(0.03, rel=0.25)


def test_limits_hold_and_narrow_the_search() -> None:
    runs = simulate(noise=0.004)
    free = fit("chinchilla", runs, bootstrap=0)
    held = fit("chinchilla", runs, bootstrap=20, limits={"alpha": (0.1, 0.3), "E": (1.0, np.inf)})
    assert 0.1 < held.law.coefficients["alpha"] < 0.3
    assert held.law.coefficients["alpha"] == pytest.approx(0.3, abs=1e-3)
    assert np.all(held.draws[:, 2] < 0.3)
    assert held.status is FitStatus.AT_BOUND
    assert [w.code for w in held.warnings] == ["at_limit"]
    assert held.objective["value"] > free.objective["value"]
    same = fit("chinchilla", runs, bootstrap=0, limits={"alpha": (0.01, 2.0), "A": (-np.inf, 1e9)})
    assert same.objective["value"] == pytest.approx(free.objective["value"], rel=1e-9)


@pytest.mark.parametrize(("limits", "message"), [
    ({"alpha": (2.0, 1.0)}, "lower end must lie below"),
    ({"alpha": (-3.0, -1.0)}, r"excludes every start: chinchilla keeps alpha within \(0, inf\)"),
    ({"E": (0.5, 1.0)}, "both fixed and limited"),
])
def test_limits_that_leave_nothing_are_refused(limits: dict[str, tuple[float, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit("chinchilla", simulate(), limits=limits, fixed={"E": 1.8})
    with pytest.raises(LawError, match="no coefficient gamma"):
        fit("chinchilla", simulate(), limits={"gamma": (0.0, 1.0)})


def test_a_weight_of_two_is_the_run_twice() -> None:
    runs = simulate()
    weights = np.where(np.arange(48) % 3 == 0, 2.0, 1.0)
    weighted = fit("chinchilla", runs, weights=weights, bootstrap=0, loss="log_squares")
    twice = fit("chinchilla", runs.take(np.repeat(np.arange(48), weights.astype(int))), bootstrap=0,
                loss="log_squares")
    for name, value in twice.law.coefficients.items():
        assert weighted.law.coefficients[name] == pytest.approx(value, rel=1e-6)
    dropped = fit("chinchilla", runs, weights=(weights > 1).astype(float), bootstrap=0)
    alone = fit("chinchilla", runs.take(weights > 1), bootstrap=0)
    assert dropped.law.coefficients["alpha"] == pytest.approx(alone.law.coefficients["alpha"], rel=1e-6)


def test_noise_of_each_run_is_weighted_least_squares_and_covers_better() -> None:
    """Half of the runs five times noisier: told so, the fit is the weighted one, and nearer the truth."""
    design = isoflop_design()
    sd = np.where(np.arange(48) % 2 == 0, 0.002, 0.02)
    at, closer = {"params": 1e10, "tokens": 2e11}, []
    for seed in range(12):
        loss = TRUTH.at(design) * np.exp(sd * np.random.default_rng(seed).standard_normal(48))
        runs = RunTable.from_columns({**design, "loss": loss, "loss_sd": sd * loss})
        told, plain = (fit("chinchilla", runs, noise=noise, bootstrap=0, loss="log_squares")
                       for noise in ("loss_sd", None))
        weighted = fit("chinchilla", runs, weights=1 / sd**2, bootstrap=0, loss="log_squares")
        assert told.law.coefficients["alpha"] == pytest.approx(weighted.law.coefficients["alpha"], rel=1e-6)
        closer.append(abs(np.log(told.law.at(at) / TRUTH.at(at))) < abs(np.log(plain.law.at(at) / TRUTH.at(at))))
    assert sum(closer) >= 9


def test_noise_from_repeated_runs_finds_the_noisy_ones() -> None:
    design = {name: np.repeat(values, 6) for name, values in isoflop_design(sizes=5).items()}
    n = len(design["params"])
    sd = np.where(np.arange(n) // 6 % 2 == 0, 0.002, 0.02)
    at, errors = {"params": 1e10, "tokens": 2e11}, []
    for seed in range(16):
        loss = TRUTH.at(design) * np.exp(sd * np.random.default_rng(seed).standard_normal(n))
        fits = [fit("chinchilla", RunTable.of(**design, loss=loss), noise=noise, bootstrap=0, loss="log_squares")
                for noise in ("seeds", None)]
        errors.append([np.log(f.law.at(at) / TRUTH.at(at)) for f in fits])
    told, plain = np.sqrt(np.mean(np.square(errors), axis=0))
    assert told < 0.6 * plain
    with pytest.raises(RunsError, match="needs runs that repeat the same params, tokens"):
        fit("chinchilla", simulate(), noise="seeds")


@pytest.mark.parametrize(("options", "message"), [
    ({"weights": "wrong"}, "no column is called 'wrong'"),
    ({"weights": np.ones(3)}, r"one number a run is wanted, \(48,\)"),
    ({"weights": -np.ones(48)}, "row 1: must be 0 or more, got -1"),
    ({"weights": np.zeros(48)}, "is 0 in every run"),
    ({"weights": np.eye(48)[0]}, "weights leave 1 runs for 5 coefficients"),
    ({"noise": np.zeros(48)}, "row 1: must be positive, got 0"),
    ({"cluster": "nowhere"}, "no column is called 'nowhere'"),
])
def test_bad_weights_and_noise_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises((InputError, RunsError), match=message):
        fit("chinchilla", simulate(), **options)  # type: ignore[arg-type]


def test_resampling_clusters_sees_luck_that_runs_share() -> None:
    """Runs of one budget share a luck: resampling runs understates the doubt, resampling budgets does not."""
    design = isoflop_design(budgets=10, sizes=6)
    ratio = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        budget = np.repeat(np.arange(10), 6)
        luck = 0.01 * rng.standard_normal(10)[budget] + 0.001 * rng.standard_normal(60)
        runs = RunTable.from_columns({**design, "loss": TRUTH.at(design) * np.exp(luck), "budget": budget})
        by_run, by_budget = (fit("chinchilla", runs, cluster=cluster, bootstrap=150, loss="log_squares")
                             for cluster in (None, "budget"))
        ratio.append(by_budget.intervals["alpha"].std / by_run.intervals["alpha"].std)
        assert by_budget.law == by_run.law
    assert np.median(ratio) > 1.2
    with pytest.raises(InputError, match="needs at least 3"):
        fit("chinchilla", RunTable.from_columns({**design, "loss": TRUTH.at(design), "half": budget > 4}),
            cluster="half")


def test_a_long_table_is_solved_whole_and_its_sample_s_spread_scaled() -> None:
    rng = np.random.default_rng(0)
    n = 60_000
    design = {"params": 10 ** rng.uniform(7, 10, n), "tokens": 10 ** rng.uniform(8.5, 11.5, n)}
    runs = RunTable.of(**design, loss=TRUTH.at(design) * np.exp(0.006 * rng.standard_normal(n)))
    found = fit("chinchilla", runs, bootstrap=60, loss="log_squares")
    assert len(found.residuals) == n
    for name, value in TRUTH.coefficients.items():
        inside = found.intervals[name]
        assert abs(inside.value - value) < 4 * inside.std, name
    # Least squares over all runs: the standard error is known from the information of the whole table.
    from lawful.fit.problem import Problem

    J = Problem(found.law, design, runs["loss"]).gradients(np.array(list(found.law.coefficients.values())))
    error = 0.006 * np.sqrt(np.diag(np.linalg.inv(J @ J.T)))
    for size, name in zip(error, TRUTH.names(), strict=True):
        assert found.intervals[name].std == pytest.approx(size, rel=0.35), name


def test_clusters_of_a_long_table_are_resampled_whole() -> None:
    rng = np.random.default_rng(0)
    n = 6000
    design = {"params": 10 ** rng.uniform(7, 10, n), "tokens": 10 ** rng.uniform(8.5, 11.5, n)}
    family = rng.integers(0, 30, n)
    luck = 0.02 * rng.standard_normal(30)[family]
    runs = RunTable.from_columns({**design, "loss": TRUTH.at(design) * np.exp(luck), "family": family})
    by_run, by_family = (fit("chinchilla", runs, cluster=cluster, bootstrap=60, loss="log_squares")
                         for cluster in (None, "family"))
    spread = [np.log(f.outputs({"params": 1e9, "tokens": 1e10})).std() for f in (by_run, by_family)]
    assert spread[1] == pytest.approx(0.02 / 30**0.5, rel=0.35)  # the mean of thirty families' luck
    assert spread[0] < 0.3 * spread[1]


def test_a_saved_fit_of_a_long_table_lists_a_part_of_its_residuals() -> None:
    rng = np.random.default_rng(0)
    n = 12_000
    design = {"params": 10 ** rng.uniform(7, 10, n), "tokens": 10 ** rng.uniform(8.5, 11.5, n)}
    found = fit("chinchilla", RunTable.of(**design, loss=TRUTH.at(design) * np.exp(0.01 * rng.standard_normal(n))),
                bootstrap=20)
    saved = Fit.from_dict(found.to_dict())
    assert len(found.residuals) == saved.n_runs == n
    assert len(saved.residuals) == 10_000
    at = {"params": 1e9, "tokens": 1e11}
    np.testing.assert_allclose(saved.new_runs(at).std(), found.new_runs(at).std(), rtol=0.3)


def test_the_objective_says_what_it_is() -> None:
    assert objective("student_t").widths == ("delta",)
    with pytest.raises(InputError, match="nearest"):
        objective("student")

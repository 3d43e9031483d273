"""Laws in a row: what one gives the next takes, and the doubt of all of them is carried."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import LawError, UnknownName
from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.laws.formula import formula
from lawful.plan.decide import decide
from lawful.plan.expected import outcome_draws
from lawful.plan.problem import parse_problem
from lawful.runs import RunTable

GADRE = law("gadre2024_overtraining:c4")
ERRORS = law("gadre2024_downstream:c4_46task")
FREE = ("params=1e6:1e14", "tokens=1e8:1e17")


def test_an_error_is_made_of_the_loss_and_its_best_plan_is_that_of_the_loss():
    made = decide(parse_problem(GADRE, FREE, ["train_flop<=1e21"], then=[ERRORS]))
    alone = decide(parse_problem(GADRE, FREE, ["train_flop<=1e21"]))
    assert made.forecast.output.name == "error", "the goal is what the last law forecasts"
    assert made.decision["params"] == pytest.approx(alone.decision["params"], rel=1e-3)
    assert made.metrics["error"] == pytest.approx(float(ERRORS.law(loss=made.metrics["loss"])), rel=1e-12)
    assert made.metrics["accuracy"] == pytest.approx(1 - made.metrics["error"], rel=1e-12)
    assert {"composed", "known_failure"} <= {w.code for w in made.warnings}
    assert "gadre2024_overtraining:c4, then gadre2024_downstream:c4_46task" in made.law


def test_an_accuracy_may_be_limited_from_below():
    made = decide(parse_problem(GADRE, FREE, ["accuracy>=0.42"], "train_flop", then=[ERRORS]))
    assert made.metrics["accuracy"] == pytest.approx(0.42, rel=1e-6)
    assert made.binding == ("accuracy >= 0.42",)


# Kumar et al. 2024 (arXiv:2411.04330): the loss that quantisation after training adds grows with tokens over params.
def test_what_quantisation_adds_is_added_and_moves_the_optimum_to_larger_models():
    quantised = law("kumar2024_ptq")
    base = law("kumar2024_precision_training")
    vary = (*FREE, "weight_bits=16", "activation_bits=16", "kv_bits=16", "post_bits=3")
    made = decide(parse_problem(base, vary, ["train_flop<=1e20"], then=[quantised]))
    plain = decide(parse_problem(base, vary, ["train_flop<=1e20"]))
    assert made.forecast.output.name == "loss"
    at = {n: made.decision[n] for n in ("params", "tokens")}
    trained = float(base.law(**at, weight_bits=16, activation_bits=16, kv_bits=16))
    assert made.metrics["loss"] == pytest.approx(trained + float(quantised.law(**at, post_bits=3.0)), rel=1e-12)
    assert made.decision["params"] > 1.05 * plain.decision["params"]


def test_settings_follow_the_decision_and_are_no_goal():
    made = decide(parse_problem(GADRE, FREE, ["train_flop<=1e21"],
                                then=[law("steplaw2025:learning_rate"), law("deepseek2024_hparams:batch")]))
    assert made.forecast.output.name == "loss"
    at = {n: made.decision[n] for n in ("params", "tokens")}
    assert made.metrics["learning_rate"] == pytest.approx(float(law("steplaw2025:learning_rate").law(**at)))
    batch = float(law("deepseek2024_hparams:batch").law(compute=made.metrics["train_flop"]))
    assert made.metrics["batch_tokens"] == pytest.approx(batch, rel=1e-12), "compute is what training takes"


def logged(runs: int = 60) -> Fit:
    """Hours of one's own runs, by params and tokens: 1.5e15 x 0.3 FLOP/s, and 6 minutes of starting up."""
    rng = np.random.default_rng(4)
    params, tokens = 10 ** rng.uniform(7, 9, runs), 10 ** rng.uniform(9, 10.5, runs)
    hours = (0.1 + 6 * params * tokens / 0.45e15 / 3600) * np.exp(rng.normal(0, 0.03, runs))
    return fit(formula("hours = s + k*params*tokens"), RunTable({"params": params, "tokens": tokens, "hours": hours}),
               bootstrap=100)


def test_hours_fitted_to_ones_own_logs_limit_a_plan_in_place_of_an_assumed_mfu():
    made = decide(parse_problem(GADRE, FREE, ["hours<=20"], then=[logged()]))
    assert made.forecast.output.name == "loss", "a cost is no outcome"
    assert made.metrics["hours"] == pytest.approx(20, rel=1e-5)
    assert made.metrics["train_flop"] == pytest.approx(19.9 * 3600 * 0.45e15, rel=0.05), "what the runs' truth allows"


def downstream(runs: int = 60) -> Fit:
    """A fit of error to loss, from runs with noise."""
    rng = np.random.default_rng(3)
    loss = rng.uniform(2.2, 4.0, runs)
    error = (0.9 - 2.0 * np.exp(-0.9 * loss)) * np.exp(rng.normal(0, 0.01, runs))
    return fit("error_of_loss", RunTable({"loss": loss, "error": error}), bootstrap=200)


def test_the_interval_carries_both_fits():
    losses, errors = fit("chinchilla", simulate(), bootstrap=200), downstream()
    both = parse_problem(losses, FREE, ["train_flop<=1e21"], then=[errors])
    made = decide(both)
    assert made.forecast.low < made.metrics["error"] < made.forecast.high
    at = dict(made.decision)
    variance = np.var(outcome_draws(both, at))
    loss = losses.law(**at)
    of_errors = np.var(errors.outputs({"loss": np.array([loss])}))
    slope = 1e4 * float(errors.law(loss=loss + 5e-5) - errors.law(loss=loss - 5e-5))
    of_losses = slope**2 * np.var(losses.outputs({n: np.array([v]) for n, v in at.items()}))
    assert variance == pytest.approx(of_errors + of_losses, rel=0.25), "independent: variances add"


@pytest.mark.parametrize(("then", "error", "says"), [
    ([law("kumar2024_ptq")], LawError, "ptq_damage takes params, tokens, post_bits: nothing says post_bits"),
    ([law("brown2024_coverage")], LawError, "nothing says samples"),
])
def test_a_law_that_nothing_feeds_is_refused(then, error, says):
    with pytest.raises(error, match=says):
        parse_problem(GADRE, FREE, then=then)


def test_an_outcome_that_no_law_gives_is_unknown():
    with pytest.raises(UnknownName, match="accuracy"):
        parse_problem(GADRE, FREE, ["accuracy>=0.5"])

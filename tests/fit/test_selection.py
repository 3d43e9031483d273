"""A form chosen by its forecasts: the right one where runs can tell, a frank "cannot tell" where they cannot."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lawful.fit.choice.rolling as rolling
from conftest import TRUTH, isoflop_design, shared, simulate
from lawful.errors import FailedToAnswer, InputError, LawError, RunsError, UnknownName
from lawful.fit import Fit, fit, forecast
from lawful.fit.choice.candidates import candidates, label, needs, outcome, too_small
from lawful.fit.choice.rolling import MOST_ALONG_ONE, MOST_RUNS, thinned
from lawful.fit.choice.selection import select
from lawful.laws import form
from lawful.laws.allocation import EqualExponentLoss
from lawful.laws.language import KaplanLoss
from lawful.laws.power import FloorPowerLaw, PowerLaw
from lawful.results import to_plain
from lawful.runs import RunTable
from lawful.store import read_runs

JOINT = ["kaplan", "chinchilla"]
KAPLAN = KaplanLoss(N_c=8.8e13, alpha_N=0.076, D_c=5.4e13, alpha_D=0.095)  # Kaplan et al. 2020, table 2
EQUAL = EqualExponentLoss(E=1.8, A=500.0, B=1700.0, alpha=0.355)
FLOOR = FloorPowerLaw(E=1.8, A=2000.0, alpha=0.17)
ENDLESS = PowerLaw(x_c=1e26, alpha=0.06)
AT = {"params": 1e11, "tokens": 2e12}


def curve(law, noise=0.003, seed=0, runs=40):
    compute = np.geomspace(1e17, 1e21, runs)
    rng = np.random.default_rng(seed)
    return RunTable.of(compute=compute, loss=law(compute=compute) * np.exp(noise * rng.standard_normal(runs)))


# ---------------------------------------------------------------------------------- truth in, truth out

@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("law", "name"), [(TRUTH, "chinchilla"), (KAPLAN, "kaplan")])
def test_the_law_behind_the_runs_is_chosen_and_told_from_another(law, name, seed):
    chosen = select(simulate(law=law, seed=seed), JOINT, bootstrap=0)
    assert chosen.fit.law.form == name
    assert chosen.rivals == ()
    assert "these runs tell it from" in chosen.verdict
    assert chosen.fit.warnings == fit(name, simulate(law=law, seed=seed), bootstrap=0).warnings


@pytest.mark.parametrize(("law", "name"), [(FLOOR, "power_law_floor:compute"), (ENDLESS, "power_law:compute")])
def test_a_floor_is_found_where_there_is_one_and_only_there(law, name):
    chosen = select(curve(law), ["power_law:compute", "power_law_floor:compute"], bootstrap=0)
    assert chosen.rows[0].form == name


def test_a_break_is_found_where_there_is_one():
    """The curve of equation 1 of Caballero et al. 2022 with one break, a third of the way along, and 1 % noise."""
    x = np.geomspace(1e5, 1e9, 40)
    law = form("bnsl1:examples").with_coefficients([0.05, 3.0, 0.05, 0.35, 3e6, 0.4])
    runs = RunTable.of(examples=x, task_loss=law.at({"examples": x}) * np.exp(
        0.01 * np.random.default_rng(0).standard_normal(40)))
    chosen = select(runs, ["task_power_law:examples", "task_power_law_floor:examples", "bnsl1:examples"], bootstrap=0)
    assert chosen.rows[0].form == "bnsl1:examples"
    assert chosen.rivals == ()


def test_forms_that_the_runs_cannot_tell_apart_are_named_and_the_one_of_fewer_coefficients_taken():
    """The additive law contains the one with equal exponents: on that one's runs both forecast alike."""
    chosen = select(simulate(law=EQUAL, seed=1), ["chinchilla", "equal_exponents", "kaplan"], bootstrap=0)
    assert chosen.rows[0].form == "equal_exponents"
    assert chosen.rivals == ("chinchilla",)
    assert "cannot tell it from chinchilla" in chosen.verdict
    (note,) = [w for w in chosen.fit.warnings if w.code == "selected"]
    assert "chinchilla" in note.message
    assert "kaplan" not in note.message


@pytest.mark.parametrize("law", [TRUTH, KAPLAN])
def test_the_stacked_forecast_is_never_the_worst_and_near_the_best(law):
    """Over three tables each: beyond the largest run, against the value that the truth gives there."""
    stacked, alone = [], []
    for seed in range(3):
        runs = simulate(law=law, seed=seed)
        chosen = select(runs, ["equal_exponents", *JOINT], bootstrap=0)
        laws = [fit(row.form, runs, bootstrap=0).law for row in chosen.rows]
        stacked.append(abs(np.log(chosen.forecast(AT).value / law.at(AT))))
        alone.append([abs(np.log(fitted.at(AT) / law.at(AT))) for fitted in laws])
    best, worst = np.min(alone, axis=1), np.max(alone, axis=1)
    assert (stacked <= worst).all()
    assert np.mean(stacked) < best.mean() + 0.1 * (worst - best).mean()


# ------------------------------------------------------------------------------------ the stacked forecast

def test_the_stacked_interval_spans_the_disagreement_of_its_members():
    chosen = select(simulate(law=EQUAL, seed=1), ["chinchilla", "equal_exponents"], bootstrap=100)
    stacked = chosen.forecast(AT)
    values = [float(member.law.at(AT)) for member, _ in chosen.members]
    assert len(values) == 2
    assert sum(weight for _, weight in chosen.members) == pytest.approx(1.0)
    assert stacked.value == pytest.approx(np.exp(sum(w * np.log(m.law.at(AT)) for m, w in chosen.members)))
    assert stacked.low < min(values) < max(values) < stacked.high
    assert stacked.new_run[0] < stacked.low < stacked.high < stacked.new_run[1]
    assert stacked.reach["params"] == pytest.approx(chosen.fit.region.reach(**AT)["params"])
    narrower = chosen.forecast(AT, level=0.5)
    assert stacked.low < narrower.low < narrower.high < stacked.high
    assert [w.code for w in chosen.forecast(AT).warnings] == ["selected", "combined", "untested_reach"]
    values, runs = chosen.forecasts({name: np.array([value, value]) for name, value in AT.items()})
    assert values == pytest.approx([stacked.value] * 2)
    assert runs.shape[1] == 2
    assert np.percentile(runs[:, 0], [5, 95]) == pytest.approx(stacked.new_run, rel=0.02)  # other random numbers


def test_a_saved_fit_forecasts_with_the_forms_that_were_combined():
    chosen = select(simulate(law=EQUAL, seed=1), ["chinchilla", "equal_exponents"], bootstrap=50)
    again = Fit.from_dict(json.loads(json.dumps(chosen.fit.to_dict())))
    assert forecast(again, AT) == chosen.forecast(AT)
    assert again.law == chosen.fit.law
    assert again.expected(AT) != pytest.approx(float(again.law.at(AT)), rel=1e-9)
    assert json.loads(json.dumps(again.to_dict())) == json.loads(json.dumps(chosen.fit.to_dict()))


def test_a_combination_of_no_known_kind_is_refused():
    data = select(simulate(law=EQUAL, seed=1), ["chinchilla", "equal_exponents"], bootstrap=0).fit.to_dict()
    with pytest.raises(InputError, match="a combination of kind 'soup'"):
        Fit.from_dict(data | {"combination": {"kind": "soup"}})


def test_a_stacked_forecast_without_draws_says_so_and_bad_questions_are_refused():
    chosen = select(simulate(), JOINT, bootstrap=0)
    assert chosen.forecast(AT).low is None
    assert [w.code for w in chosen.forecast(AT).warnings] == ["no_interval", "untested_reach"]
    apart = select(simulate(law=EQUAL, seed=1), ["chinchilla", "equal_exponents"], bootstrap=0, stacked=False)
    with pytest.raises(LawError, match="the rivals were not fitted"):
        apart.forecast(AT)
    with pytest.raises(InputError, match="params must be positive"):
        chosen.forecast({"params": -1.0, "tokens": 1e9})
    with pytest.raises(LawError, match="missing tokens"):
        chosen.forecast({"params": 1e9})


# ------------------------------------------------------------------------------------- what runs can carry

def test_a_form_with_too_many_coefficients_for_the_runs_is_left_out_with_the_number_needed():
    runs = simulate().take(np.arange(0, 48, 5))
    chosen = select(runs, ["equal_exponents", "gathered_loss", "data_constrained"][:2], bootstrap=0)
    rows = {row.form: row for row in chosen.rows}
    assert rows["gathered_loss"].verdict == "left_out"
    assert rows["gathered_loss"].reason == "6 coefficients need 12 runs"
    assert rows["equal_exponents"].verdict == "chosen"
    assert (chosen.forecast(AT).value, chosen.rows[0].weight) == (pytest.approx(float(chosen.fit.law.at(AT))), 1.0)


def test_where_no_cut_is_possible_aicc_decides_and_the_verdict_says_so():
    runs = simulate().take(np.arange(0, 48, 6))
    chosen = select(runs, ["kaplan", "equal_exponents"], bootstrap=0)
    assert chosen.cuts == 0
    assert chosen.rows[0].error is None
    assert chosen.rows[0].aicc < chosen.rows[1].aicc
    assert "by AICc alone" in chosen.verdict


@pytest.mark.parametrize(("coefficients", "runs"), [(2, 5), (3, 6), (5, 10), (9, 18)])
def test_a_refit_needs_two_runs_a_coefficient_and_three_to_spare(coefficients, runs):
    assert needs(coefficients) == runs


def test_a_form_needs_more_settings_than_coefficients_and_three_values_of_each_input():
    design = {"params": np.repeat([1e8, 1e9, 1e10], 4), "tokens": np.tile([1e10, 1e11], 6)}
    runs = RunTable.of(**design, loss=TRUTH.at(design))
    assert too_small(form("chinchilla"), runs) == "tokens needs 3 distinct values"
    few = {"compute": np.repeat([1e18, 1e19, 1e20], 4), "loss": np.arange(1.0, 13.0)}
    assert "4 distinct settings, here are 3" in str(too_small(form("power_law_floor"), RunTable.of(**few)))


# ------------------------------------------------------------------------------------------- candidates

def names(runs, **options):
    return {label(law) for law in candidates(runs, outcome(runs), **options)}


def test_candidates_follow_the_columns():
    grid = isoflop_design()
    joint = RunTable.of(**grid, loss=TRUTH.at(grid))
    assert {"chinchilla", "kaplan", "equal_exponents"} <= names(joint)
    assert "data_constrained" not in names(joint)
    repeated = RunTable.of(**grid, unique_tokens=grid["tokens"] / 4, loss=TRUTH.at(grid))
    assert "data_constrained" in names(repeated)
    assert {"power_law:tokens", "power_law_floor:tokens"} <= names(joint, x="tokens")
    assert "chinchilla" not in names(joint, x="tokens")


@pytest.mark.parametrize(("params", "tokens", "over"), [
    (np.full(9, 1e9), np.geomspace(1e9, 1e11, 9), "tokens"),
    (np.geomspace(1e7, 1e9, 9), np.full(9, 1e10), "params"),
    (np.geomspace(1e7, 1e9, 9), 20 * np.geomspace(1e7, 1e9, 9), "compute"),
])
def test_where_params_and_tokens_are_one_variable_curves_over_it_are_the_candidates(params, tokens, over):
    runs = RunTable.of(params=params, tokens=tokens, loss=np.linspace(3.0, 2.0, 9))
    assert {f"power_law:{over}", f"power_law_floor:{over}"} <= names(runs)
    assert "chinchilla" not in names(runs)


def test_curves_follow_the_outcome():
    x = np.geomspace(1e18, 1e21, 9)
    error = RunTable.of(compute=x, error=np.linspace(0.9, 0.1, 9))
    assert outcome(error) == "error"
    assert {"error_power:compute", "error_floor:compute", "bnsl1:compute"} <= names(error)
    accuracy = RunTable.of(compute=x, accuracy=np.linspace(0.1, 0.9, 9))
    assert "accuracy_power" in names(accuracy)
    assert not any("power_law" in name for name in names(accuracy))


def test_a_form_in_the_tasks_own_unit_is_compared_on_any_loss():
    runs = curve(FLOOR, runs=24)
    chosen = select(runs, ["power_law_floor:compute", "task_power_law_floor:compute"], bootstrap=0)
    assert chosen.rows[0].evidence == pytest.approx(chosen.rows[1].evidence, abs=0.01)
    assert fit("task_power_law_floor:compute", runs, bootstrap=0).law.c == pytest.approx(
        fit("power_law_floor:compute", runs, bootstrap=0).law.E, rel=1e-4)


# --------------------------------------------------------------------------------------------- failures

def test_a_form_that_fails_at_a_cut_is_counted(monkeypatch):
    real = rolling.refits

    def failing(law, runs, cuts, **options):
        residuals = real(law, runs, cuts, **options)
        if law.form == "kaplan":
            residuals[1] = np.nan
        return residuals

    monkeypatch.setattr(rolling, "refits", failing)
    rows = {row.form: row for row in select(simulate(law=KAPLAN), JOINT, bootstrap=0).rows}
    assert rows["kaplan"].failed == 1
    assert rows["chinchilla"].failed == 0
    assert rows["kaplan"].error > 0


def test_a_form_that_cannot_be_fitted_is_left_out_with_its_reason(monkeypatch):
    real = rolling.refits

    def failing(law, *rest, **options):
        if law.form in broken:
            raise FailedToAnswer("no finite value")
        return real(law, *rest, **options)

    monkeypatch.setattr(rolling, "refits", failing)
    broken = {"kaplan"}
    left_out = select(simulate(), JOINT, bootstrap=0).rows[-1]
    assert (left_out.form, left_out.verdict, left_out.reason) == ("kaplan", "left_out", "no finite value")
    broken = set(JOINT)
    with pytest.raises(FailedToAnswer, match="no candidate could be fitted: kaplan: no finite value"):
        select(simulate(), JOINT, bootstrap=0)


# ------------------------------------------------------------------------------------------ fit, no peeking

def test_fit_auto_is_the_fit_of_the_chosen_form(monkeypatch):
    monkeypatch.setattr("lawful.fit.choice.candidates.JOINT", ("chinchilla", "equal_exponents"))
    runs = simulate(seed=3)
    auto, named = fit("auto", runs, bootstrap=20), select(runs, bootstrap=20)
    assert auto.law == named.fit.law
    assert np.array_equal(auto.draws, named.fit.draws)
    assert auto.warnings == named.fit.warnings
    direct = fit(label(auto.law), runs, bootstrap=20)
    assert auto.law == direct.law
    assert np.array_equal(auto.draws, direct.draws)


def test_fit_auto_over_a_quantity_and_with_a_coefficient_held():
    chosen = select(curve(FLOOR), over="compute", candidates=None, bootstrap=0, fixed={"E": 1.8})
    assert chosen.fit.law.E == 1.8
    assert {row.form: row.reason for row in chosen.rows}["power_law:compute"] == "it has no coefficient E to hold"


def test_refits_know_nothing_above_their_cut():
    """Whatever becomes of the largest runs, the refits below the cuts stay what they were."""
    runs = simulate()
    cut = rolling.origins(rolling.axis(runs, ["params", "tokens"]), 10)[0]
    spoilt = RunTable.of(**{name: runs[name] for name in ("params", "tokens")},
                         loss=np.where(cut.test, 9.0, runs["loss"]))
    before, after = (rolling.refits(TRUTH, table, [cut])[1] for table in (runs, spoilt))
    assert after[cut.train] == pytest.approx(before[cut.train], abs=1e-9)
    assert abs(after[cut.test] - before[cut.test]).min() > 0.1


def test_refits_in_one_batch_are_fits_one_by_one():
    runs = simulate()
    cuts = rolling.origins(rolling.axis(runs, ["params", "tokens"]), 10)
    batch = rolling.refits(TRUTH, runs, cuts)
    for row, keep in zip(batch, [np.ones(48, dtype=bool), *(cut.train for cut in cuts)], strict=True):
        alone = fit("chinchilla", runs.take(keep), bootstrap=0)
        assert row[keep] == pytest.approx(alone.residuals, abs=1e-6)


# --------------------------------------------------------------------------------------------- long tables

def test_long_tables_are_thinned_to_their_span():
    x = np.arange(1.0, 10_001.0) * 1e18
    kept = thinned(RunTable.of(compute=x, loss=np.ones(10_000)), ["compute"])
    assert len(kept) <= MOST_ALONG_ONE
    assert {0, 9_999} <= set(kept.tolist())
    steps = np.diff(np.log10(x[kept]))
    assert steps[10:].max() < 2 * np.log10(x[-1] / x[0]) / MOST_ALONG_ONE  # even, where the runs are dense enough
    rng = np.random.default_rng(0)
    wide = RunTable.of(params=10 ** rng.uniform(7, 9, 2000), tokens=10 ** rng.uniform(9, 11, 2000), loss=np.ones(2000))
    kept = thinned(wide, ["params", "tokens"])
    assert len(np.unique(kept)) == MOST_RUNS
    assert {np.argmin(wide["compute"]), np.argmax(wide["compute"])} <= set(kept.tolist())


# ------------------------------------------------------------------------------------------------ bad input

@pytest.mark.parametrize(("kind", "message", "options"), [
    (UnknownName, "unknown form 'chinchila'; nearest: chinchilla", {"candidates": ["chinchila"]}),
    (InputError, "no candidates", {"candidates": []}),
    (InputError, "a candidate comes twice: chinchilla, chinchilla", {"candidates": ["chinchilla", "hoffmann"]}),
    (LawError, "gives params, and the outcome to forecast is loss", {"candidates": ["optimal_params"]}),
    (RunsError, "no column for accuracy", {"target": "accuracy"}),
    (InputError, "--level must lie between 0 and 1", {"level": 1.5}),
    (InputError, "--bootstrap must be 0 or more", {"bootstrap": -1}),
])
def test_bad_options_are_one_sentence(kind, message, options):
    with pytest.raises(kind, match=message):
        select(simulate(), **options)


def test_too_few_runs_for_any_form_say_what_is_needed():
    with pytest.raises(RunsError, match=r"6 runs carry no form: .*chinchilla: 5 coefficients need 10 runs"):
        select(simulate().take(np.array([0, 7, 20, 30, 33, 47])))


def test_a_table_where_nothing_varies_is_refused():
    with pytest.raises(RunsError, match="no known quantity varies"):
        select(RunTable.of(compute=np.full(9, 1e18), loss=np.linspace(3, 2, 9)))


def test_auto_over_a_word_that_is_no_quantity():
    with pytest.raises(UnknownName, match=r"nearest: .*tokens.* in form 'auto:tokns'"):
        fit("auto:tokns", simulate())


# ------------------------------------------------------------------------------------------------ plain data

def test_the_selection_as_data():
    data = to_plain(select(simulate(), JOINT, bootstrap=0))
    assert data["schema"] == "lawful.selection/1"
    assert {"form", "target", "verdict", "rivals", "level", "runs", "compared", "cuts", "rows"} < set(data)
    assert data["rows"][0] | {"form": "chinchilla", "verdict": "chosen", "failed": 0} == data["rows"][0]
    assert data["runs"] == data["compared"] == 48


# --------------------------------------------------------------------------------------------- public data

def test_on_the_chinchilla_runs_the_joint_law_of_kaplan_is_told_apart():
    """Hoffmann et al. 2022 fit the additive form to these runs; what could as well be it has two power terms too."""
    runs = read_runs(shared("epoch-chinchilla/runs.csv"), where="outlier == 0")
    chosen = select(runs, bootstrap=0)
    verdicts = {row.form: row.verdict for row in chosen.rows}
    assert verdicts["kaplan"] == "worse"
    assert verdicts["chinchilla"] in ("chosen", "tied")

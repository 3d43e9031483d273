"""Registered forecasts against runs: which answers which, and what the scores are worth on known truths."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from lawful.errors import InputError, RunsError
from lawful.runs import RunTable
from lawful.validate.registration import LEVELS, Break, Ledger, Registration
from lawful.validate.settle import Held, Outcome, settle, settle_one

NORMAL = NormalDist(2.5, 0.05)


def entry(number: int = 1, params: float = 1e9, normal: NormalDist = NORMAL, level: float = 0.9,
          **changes: object) -> Registration:
    """A forecast of a run's loss, normal about 2.5, registered at noon."""
    tail = (1 - level) / 2
    fields = {
        "number": number, "time": datetime(2026, 11, 10, 12, tzinfo=UTC), "previous": None, "hash": f"{number:064x}",
        "law": {"name": "fit.json", "digest": f"{number}"},
        "forecast": {"output": "loss", "unit": "nats/token", "at": {"params": params, "tokens": 20 * params},
                     "value": normal.mean, "level": level,
                     "new_run": {"low": normal.inv_cdf(tail), "high": normal.inv_cdf(1 - tail)}},
        "quantiles": tuple(map(normal.inv_cdf, LEVELS)), "note": "", "version": "0.0"}
    return Registration(**(fields | changes))  # type: ignore[arg-type]


def table(*losses: float, params: float = 1e9, **labels: list[str]) -> RunTable:
    n = len(losses)
    return RunTable.from_columns({"params": [params] * n, "tokens": [20 * params] * n, "loss": list(losses), **labels})


def only(runs: RunTable, registered: Registration | None = None, **options: object) -> Outcome:
    return settle(Ledger((registered or entry(),)), runs, **options).outcomes[0]  # type: ignore[arg-type]


def test_scores_are_those_of_the_normal_that_was_registered() -> None:
    """CRPS of a normal: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)), Gneiting & Raftery 2007, section 4.2."""
    for z in (-1.9, -0.7, 0.0, 0.4, 1.5):
        observed = NORMAL.mean + z * NORMAL.stdev
        o = only(table(observed))
        unit = NormalDist()
        crps = NORMAL.stdev * (z * (2 * unit.cdf(z) - 1) + 2 * unit.pdf(z) - 1 / math.sqrt(math.pi))
        assert o.crps == pytest.approx(crps, rel=0.02)
        assert o.pit == pytest.approx(unit.cdf(z), abs=0.002)
        assert o.error == pytest.approx(math.log(observed / 2.5))
        assert o.status == ("hit" if abs(z) < 1.645 else "miss")
        assert o.pinball is not None
        assert o.pinball["0.5"] == pytest.approx(abs(observed - 2.5) / 2)
        low = NORMAL.inv_cdf(0.05)
        assert o.pinball["0.05"] == pytest.approx((observed - low) * (0.05 - (observed < low)))
    assert (only(table(9.0)).pit, only(table(0.1)).pit) == (0.995, 0.005)


def test_a_run_answers_within_the_tolerance_and_not_beyond() -> None:
    assert only(table(2.5, params=1.009e9)).status == "hit"
    assert only(table(2.5, params=1.009e9)).off == pytest.approx(0.009)
    far = only(table(2.5, params=1.02e9))
    assert (far.status, far.why) == ("pending", "nearest is row 1, params 2 % off")
    assert only(table(2.5, params=1.02e9), tolerance=0.02).status == "hit"
    assert only(table(2.5), tolerance=0.0).status == "hit"
    with pytest.raises(InputError, match="--tolerance must be 0 or more"):
        only(table(2.5), tolerance=-0.1)


def test_several_runs_that_answer_are_not_chosen_among() -> None:
    o = only(table(2.5, 2.6))
    assert (o.status, o.observed, o.scored) == ("ambiguous", None, False)
    assert o.why.startswith("rows 1, 2 answer it: choose one with --where")


def test_a_forecast_of_what_the_table_lacks_is_pending() -> None:
    other = entry(2)
    other = entry(2, forecast={**other.forecast, "output": "accuracy"})
    card = settle(Ledger((entry(), other)), table(2.5))
    assert [o.status for o in card.outcomes] == ["hit", "pending"]
    assert card.outcomes[1].why == "no column for accuracy"
    with pytest.raises(RunsError, match="no column for accuracy"):
        settle(Ledger((other,)), table(2.5))


def test_a_quantity_of_zero_is_near_to_zero_alone() -> None:
    asked = entry(forecast={**entry().forecast, "at": {"params": 1e9, "sparsity": 0.0}})
    runs = RunTable.from_columns({"params": [1e9, 1e9], "sparsity": [0.001, 0.0], "loss": [2.4, 2.5]})
    assert only(runs, asked).row == 2


@pytest.mark.parametrize(("date", "late"), [
    ("2026-11-09", True), ("2026-11-10", False), ("2026-11-10T11:59:00Z", True), ("2026-11-10T12:01:00", False),
    ("2026-11-10T13:30:00+02:00", True), ("", False)])
def test_a_run_that_ended_before_the_forecast_is_late(date: str, late: bool) -> None:
    card = settle(Ledger((entry(),)), table(2.5, finished=[date]))
    assert card.outcomes[0].late is late
    assert card.outcomes[0].status == "hit"
    assert len(card.scored) == 1 - late
    assert card.to_dict()["summary"]["late"] == late
    assert only(table(2.5, day=[date])).late is False               # no column of dates that we know
    assert only(table(2.5, day=[date]), date="day").late is late    # unless it is named


def test_dates_that_cannot_be_read_stop_only_those_who_asked_for_them() -> None:
    runs = table(2.5, date=["in spring"])
    card = settle(Ledger((entry(),)), runs)
    assert [w.code for w in card.warnings] == ["dates_unread"]
    with pytest.raises(RunsError, match=r"column 'date', row 1: 'in spring' is no date; write 2026-11-23"):
        settle(Ledger((entry(),)), runs, date="date")
    with pytest.raises(RunsError, match="no column is called 'dat'"):
        settle(Ledger((entry(),)), runs, date="dat")


def test_one_outcome_by_hand() -> None:
    ledger = Ledger((entry(1), entry(2)))
    card = settle_one(ledger, 2, "loss", 2.5)
    assert [(o.entry.number, o.status) for o in card.outcomes] == [(2, "hit")]
    with pytest.raises(InputError, match="--entry 3: ledger holds entries 1 to 2"):
        settle_one(ledger, 3, "loss", 2.5)
    with pytest.raises(InputError, match="--observed accuracy: entry 1 forecasts loss"):
        settle_one(ledger, 1, "accuracy", 0.5)


def test_a_broken_ledger_is_not_scored() -> None:
    with pytest.raises(InputError, match="line 3 was changed"):
        settle(Ledger((entry(),), (Break(3, "line 3 was changed"),)), table(2.5))


def test_a_law_without_draws_has_only_an_error() -> None:
    o = only(table(2.6), entry(quantiles=()))
    assert (o.status, o.pit, o.crps) == ("no_interval", None, None)
    assert o.error == pytest.approx(math.log(2.6 / 2.5))
    assert settle(Ledger((entry(quantiles=()),)), table(2.6)).coverage == ()


def test_outcomes_that_share_a_run_or_a_fit_are_not_called_independent() -> None:
    one, same, fit_again = entry(1), entry(2), entry(3, params=2e9, law=entry(1).law)
    runs = RunTable.of(params=[1e9, 2e9], tokens=[2e10, 4e10], loss=[2.5, 2.5])
    for entries in ((one, same), (one, fit_again)):
        assert [w.code for w in settle(Ledger(entries), runs).warnings] == ["shared_outcomes"]
    assert settle(Ledger((one, entry(2, params=2e9))), runs).warnings == ()


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5])
def test_the_judgement_finds_intervals_that_are_too_narrow_or_too_wide(scale: float) -> None:
    rng = np.random.default_rng(3)
    sizes = np.geomspace(1e8, 1e12, 200)
    entries = tuple(entry(i + 1, float(s), NormalDist(2.5, 0.05 * scale)) for i, s in enumerate(sizes))
    runs = RunTable.of(params=sizes, tokens=20 * sizes, loss=2.5 + 0.05 * rng.standard_normal(200))
    card = settle(Ledger(entries), runs)
    expected = {0.4: "too narrow", 1.0: "in keeping", 2.5: "too wide"}[scale]
    assert [(h.level, h.n, h.verdict) for h in card.coverage] == [(level, 200, expected) for level in (0.5, 0.8, 0.9)]


def test_levels_are_judged_each_on_its_own() -> None:
    entries = (entry(1, level=0.8), entry(2, 2e9, level=0.95))
    runs = RunTable.of(params=[1e9, 2e9], tokens=[2e10, 4e10], loss=[2.57, 2.59])
    assert [(h.level, h.n, h.held) for h in settle(Ledger(entries), runs).coverage] == [
        (0.5, 2, 0), (0.8, 1, 0), (0.9, 2, 1), (0.95, 1, 1)]


@pytest.mark.parametrize(("n", "level"), [(1, 0.9), (7, 0.9), (20, 0.5), (400, 0.8), (2500, 0.95)])
def test_the_binomial_judgement_is_that_of_scipy(n: int, level: float) -> None:
    for held in {0, n // 2, round(n * level), n}:
        judged = Held.of(level, [True] * held + [False] * (n - held))
        assert judged.p == pytest.approx(binomtest(held, n, level).pvalue, rel=1e-6, abs=1e-12)
        assert binom.cdf(judged.fewest - 1, n, level) <= 0.025 < binom.cdf(judged.fewest, n, level)
        assert binom.sf(judged.most, n, level) <= 0.025 < binom.sf(judged.most - 1, n, level)

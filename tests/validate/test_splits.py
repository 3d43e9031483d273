"""How tables are divided: along any axis, at distances below the top, by groups."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.errors import FailedToAnswer, InputError, RunsError
from lawful.runs import RunTable
from lawful.validate import backtest, splits
from lawful.validate.cuts import Backtest


def labelled(**labels: list[str]) -> RunTable:
    runs = simulate()
    return RunTable.from_columns({"params": runs["params"], "tokens": runs["tokens"], "loss": runs["loss"], **labels})


@pytest.fixture(scope="module")
def families() -> RunTable:
    return labelled(family=[f"f{i % 3}" for i in range(48)])


def short(runs: RunTable, **options: object) -> Backtest:
    return backtest(runs, "chinchilla", bootstrap=0, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("along", ["params", "tokens", "compute"])
def test_cuts_go_along_the_axis_that_was_asked_for(along):
    runs = simulate()
    tested = short(runs, along=along)
    assert (tested.along, tested.unit) == (along, "decades")
    for cut in tested.cuts:
        below = runs[along] <= cut.train_max * (1 + 1e-12)
        assert (cut.train, cut.test) == (below.sum(), (~below).sum())
        for p in cut.predictions:
            value = runs[along][runs.rows == p.row][0]
            assert p.horizon == pytest.approx(np.log10(value / cut.train_max))
            assert p.horizon > 0
    assert list(tested.cuts[0].baselines)[1:] == [f"power_law_{along}", "last_points"]


def test_time_is_cut_by_dates_and_horizons_are_years():
    dates = [f"20{20 + i // 12}-{1 + i % 12:02d}-15" for i in range(48)]
    runs = labelled(released=dates)
    tested = short(runs, along="time")
    assert (tested.along, tested.unit) == ("released", "years")
    first = tested.cuts[0]
    assert first.train == first.predictions[0].row - 1  # rows are in order of their dates here
    furthest = max(p.horizon for p in first.predictions)
    assert furthest == pytest.approx((48 - first.train) / 12, abs=0.01)
    data = tested.to_dict()
    assert data["summary"]["horizon_decades"] is None
    assert data["cuts"][0]["horizon_decades"] is None
    assert "power_law_compute" in data["baselines"]


@pytest.mark.parametrize(("cells", "unit"), [
    (["2021-03"] * 24 + ["2023-07-01"] * 24, "years"),
    (["2021-03-05T12:00"] * 24 + ["2023-07-01"] * 24, "years"),
    ([str(2019 + i // 12) for i in range(48)], "when"),
    ([str(10 ** (1 + i // 12)) for i in range(48)], "decades"),
    ([str(-5 + i // 12) for i in range(48)], "when"),
])
def test_columns_of_dates_and_numbers_are_read_as_what_they_are(cells, unit):
    axis = splits.axis(labelled(when=cells), "when")
    assert axis.unit == unit
    assert (np.diff(axis.values) >= 0).all()


def test_a_year_is_a_year():
    values = splits.axis(labelled(when=["2020-01-01"] * 24 + ["2021-01-01"] * 24), "when").values
    assert values[-1] - values[0] == pytest.approx(1.0, abs=0.003)
    assert values[0] == pytest.approx(2020.0, abs=0.003)


@pytest.mark.parametrize(("along", "says"), [
    ("time", "no column says when"), ("nonsense", "nonsense"), ("name", "row 1: 'r0' is neither a number nor")])
def test_an_axis_that_cannot_serve_is_refused_by_name(along, says):
    with pytest.raises(RunsError, match=says):
        short(labelled(name=[f"r{i}" for i in range(48)]), along=along)


def test_one_cut_at_each_distance_below_the_top():
    runs = simulate()
    tested = short(runs, below=[0.5, 1.0])
    top = runs["compute"].max()
    assert [c.train for c in tested.cuts] == [(runs["compute"] <= top / 10**d).sum() for d in (1.0, 0.5)]
    with pytest.raises(InputError, match="positive distances"):
        short(runs, below=[-1.0])
    with pytest.raises(FailedToAnswer, match="needs 8 runs"):
        short(runs, below=[3.5])
    assert [w.code for w in short(runs, below=[0.5, 3.5]).warnings] == ["cut_left_out"]


def test_each_group_is_predicted_from_the_others(families):
    tested = short(families, leave_out="family")
    assert [c.left_out for c in tested.cuts] == ["f0", "f1", "f2"]
    rows = [{p.row for p in c.predictions} for c in tested.cuts]
    assert set.union(*rows) == set(families.rows.tolist())
    assert sum(map(len, rows)) == len(families)
    for cut in tested.cuts:
        assert (cut.train, cut.test) == (32, 16)
    assert all(p.horizon == 0 for p in tested.cuts[1].predictions)  # the middle of three in each budget
    assert tested.to_dict()["left_out"] == "family"
    assert tested.regrets == ()


def test_a_group_beyond_the_others_says_how_far():
    runs = simulate()
    family = np.where(runs["compute"] > 5e20, "big", np.where(runs["compute"] < 2e18, "small", "middle"))
    tested = short(labelled(family=family.tolist()), leave_out="family")
    away = {c.left_out: {round(p.horizon, 6) for p in c.predictions} for c in tested.cuts}
    assert away == {"big": {0.6}, "middle": {0.0}, "small": {0.6}}


def test_budgets_are_groups():
    tested = short(simulate(), leave_out="budget")
    assert [c.test for c in tested.cuts] == [8] * 6
    assert [c.left_out for c in tested.cuts][:2] == ["1e+18 FLOP", "3.98e+18 FLOP"]


def test_a_shift_of_one_family_is_its_bias():
    runs = simulate(noise=0.001)
    loss = runs["loss"] * np.where(np.arange(48) % 4 == 3, 1.1, 1.0)
    table = RunTable.from_columns({"params": runs["params"], "tokens": runs["tokens"], "loss": loss,
                                   "family": ["odd" if i % 4 == 3 else "even" for i in range(48)]})
    odd = next(c for c in short(table, leave_out="family").cuts if c.left_out == "odd")
    assert odd.to_dict()["bias_log"] == pytest.approx(np.log(1.1), abs=0.01)


@pytest.mark.parametrize(("labels", "leave_out", "error", "says"), [
    ({"family": ["a"] * 48}, "family", InputError, "every run has family 'a'"),
    ({}, "family", InputError, "no column is called 'family'"),
    ({"family": ["a"] * 44 + ["b"] * 4}, "family", None, "group_left_in,small_group"),
    ({"budget": ["x", "y"] * 24}, "budget", None, ""),
])
def test_groups_that_cannot_be_left_out_are_refused_or_said(labels, leave_out, error, says):
    if error is not None:
        with pytest.raises(error, match=says):
            short(labelled(**labels), leave_out=leave_out)
    else:
        assert ",".join(w.code for w in short(labelled(**labels), leave_out=leave_out).warnings) == says


def test_of_many_small_groups_a_few_are_named():
    (warning,) = short(labelled(seed=[f"s{i // 4:02d}" for i in range(48)]), leave_out="seed").warnings
    assert "s00, s01, s02, s03, s04 and 7 more" in warning.message


def test_too_many_groups_and_scattered_budgets_are_refused():
    rng = np.random.default_rng(5)
    many = simulate(params=np.exp(rng.uniform(17, 22, 120)), tokens=np.exp(rng.uniform(20, 25, 120)))
    with pytest.raises(InputError, match="120 different values"):
        short(many, leave_out="params")
    with pytest.raises(InputError, match="does not fall into budgets"):
        short(many, leave_out="budget")
    with pytest.raises(InputError, match="give one of them"):
        short(many, leave_out="params", below=[1.0])


def test_nothing_but_the_outcome_and_the_axis_is_needed():
    """A law over tokens needs no compute when it is cut along tokens."""
    tokens = np.geomspace(1e8, 1e11, 30)
    runs = RunTable.of(tokens=tokens, loss=TRUTH.E + 2085.0 / tokens**0.366)
    tested = backtest(runs, "power_law_floor:tokens", bootstrap=0, along="tokens")
    assert tested.rmse_log < 1e-4
    assert np.isnan(tested.cuts[0].train_compute_max)
    assert np.isnan(tested.predictions[0].compute)

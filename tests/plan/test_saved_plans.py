"""Plans as files: the hash covers what was planned and nothing else, and two plans are set side by side."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import simulate
from lawful.cost import Budget, Hardware
from lawful.errors import InputError, PolicyBroken, UnknownName
from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.plan import plan
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide, frontier
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.plan.saved.changes import compare_plans
from lawful.plan.saved.files import PlanFile, read_plan, seal
from lawful.plan.saved.policy import Policy, enforce, judge

REFIT = "besiroglu2024_refit"


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", simulate(), bootstrap=60)


def written(made, found, name=REFIT, **options) -> dict:
    """What a file of the plan holds, after a trip through JSON."""
    data = json.loads(json.dumps(seal(made, found, name, options, created="2026-11-23", version="1")))
    assert isinstance(data, dict)
    return data


def closed(usd: float = 50e3) -> dict:
    return written(plan(law(REFIT), Budget(usd=usd, device="h100")), law(REFIT))


def file(data: dict, source: str = "a.json") -> PlanFile:
    return read_plan(data, source)


def test_a_plan_is_whole_when_read_and_has_one_hash_on_every_day():
    made = plan(law(REFIT), Budget(compute=1e22))
    one, other = (seal(made, law(REFIT), REFIT, created=day, version=version)
                  for day, version in (("2026-11-23", "1"), ("2027-01-01", "2")))
    assert one["hash"] == other["hash"]
    assert file(json.loads(json.dumps(one))).whole().intact


def test_a_file_that_was_only_formatted_anew_keeps_its_hash():
    """What jq and its like do: keys sorted, 5.0 written 5, 1e+21 written out."""
    data = closed()
    numbers = json.loads(json.dumps(data, sort_keys=True), parse_float=lambda t: int(float(t)) if float(t) % 1 == 0
                         else float(t))
    assert isinstance(numbers["cost"]["usd"], int)
    assert file(numbers).intact


@pytest.mark.parametrize("change", [
    lambda d: d["decision"].update(params=d["decision"]["params"] * 1.0000001),
    lambda d: d["cost"].update(usd=1.0),
    lambda d: d["question"]["law"]["coefficients"].update(E=1.7),
    lambda d: d["question"]["budget"].update(usd=1.0),
    lambda d: d["warnings"].clear(),
    lambda d: d.update(note="approved"),
])
def test_any_change_to_what_was_planned_is_seen(change):
    data = closed()
    change(data)
    assert not file(data).intact
    with pytest.raises(InputError, match=r"a\.json: was changed after it was written"):
        file(data).whole()


def test_a_file_without_a_hash_vouches_for_nothing():
    data = closed()
    del data["hash"]
    with pytest.raises(InputError, match="has no hash"):
        file(data).whole()
    assert {w.code for w in compare_plans(file(data), file(closed(), "b.json")).warnings} == {"no_hash"}


def test_the_question_is_kept_with_the_law(fitted):
    asked = written(plan(fitted, Budget(days=3, device="h100", devices=8)), fitted, "runs/fit.json")["question"]
    assert asked["budget"] == {"days": 3, "device": "h100", "devices": 8}
    assert asked["law"]["coefficients"] == fitted.law.coefficients
    assert asked["law"]["name"] == "fit.json"
    assert len(asked["law"]["digest"]) == 64


def test_a_device_of_ones_own_is_kept_whole():
    mine = Hardware("mine", "my card", 50e12, 16e9, 400e9, power_w=200.0, usd_per_hour=0.1)
    asked = written(plan(law(REFIT), Budget(usd=100, device=mine)), law(REFIT))["question"]
    assert Hardware(**asked["budget"]["device"]) == mine


def test_a_problem_is_kept_with_what_varied_and_what_held():
    problem = Problem(law(REFIT), (Variable("params", 1e8, 1e12), Variable("tokens", 1e9, 1e15)),
                      constraints=(Constraint("usd", "<=", 5e4),), rates=Rates("h100", serve_tokens=1e12))
    asked = written(decide(problem), law(REFIT))["question"]["problem"]
    assert asked["variables"] == [{"name": "params", "low": 1e8, "high": 1e12},
                                  {"name": "tokens", "low": 1e9, "high": 1e15}]
    assert asked["constraints"] == ["usd <= 50000"]
    assert asked["rates"] == {"device": "h100", "serve_tokens": 1e12}


@pytest.mark.parametrize(("data", "says"), [
    ({"schema": "lawful.fit/1"}, "holds no plan"), ({}, "holds no plan"),
    ({"schema": "lawful.plan/1", "decision": {}}, "a plan without forecast and cost"),
])
def test_what_is_no_plan_is_named(data, says):
    with pytest.raises(InputError, match=says):
        read_plan(data, "x.json")


class TestDifference:
    """Known by hand: in a law with floor E, plans of the same law differ by what their budgets differ."""

    def test_money_and_hours_go_as_the_budgets(self):
        found = compare_plans(file(closed(50e3)), file(closed(40e3), "b.json"))
        changes = {c.name: c for c in found.changes}
        for name in ("usd", "gpu_hours", "energy_kwh", "co2e_kg", "train_flop"):
            assert changes[name].ratio == pytest.approx(0.8)
            assert changes[name].kind == "cost"
        assert changes["params"].ratio * changes["tokens"].ratio == pytest.approx(0.8)
        assert changes["loss"].difference > 0
        assert changes["loss"].overlap is None   # a published law has no draws
        assert found.answer.startswith("b.json against a.json: params -")
        assert not found.same
        assert not found.warnings

    def test_a_plan_is_the_same_as_itself(self):
        found = compare_plans(file(closed()), file(closed(), "b.json"))
        assert found.same
        assert found.answer == "b.json plans the same as a.json."

    def test_intervals_are_each_plans_own_unless_the_fit_is_given(self, fitted):
        small, large = (file(written(plan(fitted, Budget(compute=c)), fitted, "fit.json"), f"{c:g}.json")
                        for c in (1e22, 1.3e22))
        alone = compare_plans(small, large)
        assert [w.code for w in alone.warnings] == ["unpaired"]
        loss = next(c for c in alone.changes if c.name == "loss")
        paired = compare_plans(small, large, fitted)
        assert not paired.warnings
        assert paired.paired is not None
        assert paired.paired.value == pytest.approx(loss.difference)
        at = [f.plan["forecast"]["at"] for f in (small, large)]
        draws = np.array([fitted.law.with_coefficients(row.tolist()).at(at[1])
                          - fitted.law.with_coefficients(row.tolist()).at(at[0]) for row in fitted.draws])
        assert paired.paired.low == pytest.approx(np.percentile(draws, 5))
        assert paired.paired.high == pytest.approx(np.percentile(draws, 95))
        assert paired.paired.high < 0          # every draw gains by more compute
        assert loss.overlap                    # which the two intervals by themselves do not show

    def test_a_fit_that_the_plans_do_not_rest_on_is_refused(self, fitted):
        with pytest.raises(InputError, match="rests on another law"):
            compare_plans(file(closed()), file(closed(), "b.json"), fitted)
        with pytest.raises(InputError, match="give --law the saved fit"):
            compare_plans(file(closed()), file(closed(), "b.json"), law(REFIT))

    def test_laws_in_a_row_are_not_paired_by_one_of_them(self, fitted):
        problem = Problem(fitted, (Variable("params", 1e9, 1e11), Variable("tokens", 1e10, 1e13)),
                          constraints=(Constraint("train_flop", "<=", 1e22),),
                          then=(law("gadre2024_downstream:c4_46task"),))
        row = file(written(decide(problem), fitted, "fit.json"))
        assert [then["key"] for then in row.data["question"]["problem"]["then"]] == ["gadre2024_downstream:c4_46task"]
        with pytest.raises(InputError, match="forecasts error by laws in a row"):
            compare_plans(row, row, fitted)

    def test_another_law_and_a_changed_file_are_said(self):
        other = law("hoffmann2022_approach3")
        b = written(plan(other, Budget(usd=50e3, device="h100")), other, other.key)
        b["cost"]["usd"] = 1.0
        found = compare_plans(file(closed()), file(b, "b.json"))
        assert {w.code for w in found.warnings} == {"changed_file", "other_law"}

    def test_one_plan_of_a_frontier_is_named_by_its_number(self):
        problem = Problem(law(REFIT), (Variable("params", 1e9, 1e11), Variable("tokens", 1e10, 1e13)),
                          ("loss", "memory_bytes"), (Constraint("train_flop", "<=", 1e22),))
        front = written(frontier(problem), law(REFIT))
        assert file(front).whole().plans
        with pytest.raises(InputError, match=r"name one, as a\.json:1"):
            compare_plans(file(front), file(closed()))
        for number in (0, 999):
            with pytest.raises(InputError, match=f"holds plans 1 to .*, got {number}"):
                compare_plans(read_plan(front, "a.json", number), file(closed()))
        first, last = (read_plan(front, "front.json", n) for n in (1, len(front["plans"])))
        changes = {c.name: c for c in compare_plans(first, last).changes}
        assert changes["memory_bytes"].ratio == pytest.approx(changes["params"].ratio)
        assert changes["loss"].difference > 0


class TestPolicy:
    """A policy judges what was planned; it steers nothing."""

    def test_what_is_within_and_what_is_over(self):
        bought = closed(50e3)
        hours = 50e3 / 3.99       # the table's price of an hour
        kept = judge(bought, Policy(max_cost=50e3, max_gpu_hours=hours * 1.001))
        assert [v.broken for v in kept] == [False, False]
        broken = judge(bought, Policy(max_cost=49.9e3, max_gpu_hours=hours * 0.999))
        assert [v.broken for v in broken] == [True, True]
        with pytest.raises(PolicyBroken, match=r"usd 50,000 is over max_cost 49,900 \(US dollars\); gpu_hours"):
            enforce((broken,))
        enforce((kept,))

    def test_the_upper_end_of_an_interval_is_judged(self):
        data = closed(50e3) | {"intervals": {"usd": {"value": 50e3, "std": 1.0, "low": 45e3, "high": 61e3}}}
        (verdict,) = judge(data, Policy(max_cost=60e3))
        assert verdict.broken
        assert verdict.sentence == ("usd 61,000, the upper end of its 90 % interval is over max_cost 60,000 "
                                    "(US dollars)")

    def test_nothing_passes_for_want_of_a_figure(self):
        made = written(plan(law(REFIT), Budget(compute=1e22)), law(REFIT))
        for policy, needs in ((Policy(max_cost=1e9), "--device"), (Policy(max_days=1e9), "--device and --devices")):
            with pytest.raises(InputError, match=f"cannot be judged; plan with {needs}"):
                judge(made, policy)

    def test_of_a_frontier_one_plan_is_enough(self):
        over, within = (judge(closed(usd), Policy(max_cost=45e3)) for usd in (50e3, 40e3))
        enforce((over, within))
        with pytest.raises(PolicyBroken, match="no plan of 2 keeps it, and of the nearest usd 50,000"):
            enforce((judge(closed(60e3), Policy(max_cost=45e3)), over))

    def test_a_limit_that_nobody_knows(self):
        with pytest.raises(UnknownName, match=r"unknown limit 'max_costs' in team\.toml; nearest: .*max_cost"):
            Policy.read({"max_costs": 1}, "team.toml")
        with pytest.raises(InputError, match=r"max_cost in team\.toml: must be positive"):
            Policy.read({"max_cost": -1}, "team.toml")
        assert Policy.read({"max_cost": "10k", "max_days": 3}).limits == {"max_cost": 1e4, "max_days": 3.0}

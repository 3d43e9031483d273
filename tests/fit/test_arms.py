"""Paired arms: matched pairs, the fits beside them, and how many seeds would decide."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from conftest import TRUTH, shared
from lawful.errors import InputError, RunsError, UnknownName
from lawful.fit.comparing.arms import arms, floor_of
from lawful.fit.comparing.pairs import cells, paired, seeds_needed
from lawful.laws import form, forms
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import FloorPowerLaw
from lawful.results import to_plain
from lawful.runs import RunTable
from lawful.store import read_runs

OLD = FloorPowerLaw(E=1.7, A=2000.0, alpha=0.17)
SIZES = np.geomspace(1e18, 1e21, 16)


def recipes(multiplier: float, noise: float, seed: int = 0, seeds: int = 1, sizes: np.ndarray = SIZES) -> RunTable:
    """Two recipes at the same sizes: ``new`` reaches the loss of ``old`` with 1 / ``multiplier`` of the compute."""
    rng = np.random.default_rng(seed)
    new = OLD.with_coefficients({**OLD.coefficients, "A": OLD.A / multiplier**OLD.alpha})
    compute = np.tile(sizes, 2 * seeds)
    clean = np.concatenate([np.tile(law(sizes), seeds) for law in (OLD, new)])
    loss = clean * np.exp(noise * rng.standard_normal(len(clean)))
    recipe = ["old"] * (len(sizes) * seeds) + ["new"] * (len(sizes) * seeds)
    return RunTable.from_columns({"compute": compute, "loss": loss, "recipe": recipe})


class TestPairs:
    def test_differ_by_what_was_built_in(self) -> None:
        found = arms(recipes(1.5, 0.0), by="recipe", form="power_law_floor", bootstrap=0)
        (arm,) = found.arms
        better = OLD.with_coefficients({**OLD.coefficients, "A": OLD.A / 1.5**OLD.alpha})
        for pair in arm.paired.pairs:
            expected = math.log(better(pair.at["compute"]) / OLD(pair.at["compute"]))
            assert pair.difference == pytest.approx(expected)
        assert arm.paired.effect.value == pytest.approx(np.mean([p.difference for p in arm.paired.pairs]))
        assert found.reference == "old"
        assert arm.paired.distinguishable

    def test_match_sizes_that_rounding_moved(self) -> None:
        runs = RunTable.of(params=[1.000e9, 1.004e9, 1.03e9, 2e9], loss=[3.0, 3.0, 3.0, 3.0])
        assert cells(runs, ["params"]).tolist() == [0, 0, 1, 2]

    def test_that_have_no_counterpart_are_counted(self) -> None:
        runs = recipes(1.5, 0.01)
        found = arms(runs.take(np.arange(len(runs)) != 3), by="recipe", form="power_law_floor", bootstrap=0)
        assert found.arms[0].paired.unmatched == (0, 1)
        assert len(found.arms[0].paired.pairs) == len(SIZES) - 1
        assert "without a counterpart: 0 runs of old, 1 of new" in repr(found)

    def test_hold_the_effect_in_nine_intervals_of_ten(self) -> None:
        """Of 400 intervals at 90 % between 340 and 379 hold the truth, with probability 99.9 %."""
        held = {1: 0, 4: 0}
        rng = np.random.default_rng(7)
        for seeds in held:
            runs = recipes(1.0, 0.0, seeds=seeds, sizes=SIZES[:6])
            old = runs.label("recipe") == "old"
            for _ in range(400):
                outcome = 0.01 * rng.standard_normal(len(runs)) - 0.003 * ~old
                i = paired(runs, outcome, old, ~old, ["compute"], 0.9, ("old", "new")).effect
                held[seeds] += i.low <= -0.003 <= i.high
        assert all(340 <= count <= 379 for count in held.values()), held

    def test_read_the_noise_off_repeats_where_there_are_enough(self) -> None:
        repeated = arms(recipes(1.5, 0.01, seeds=4), by="recipe", form="power_law_floor", bootstrap=0).arms[0].paired
        single = arms(recipes(1.5, 0.01), by="recipe", form="power_law_floor", bootstrap=0).arms[0].paired
        assert (repeated.noise_from, single.noise_from) == ("seeds", "pairs")
        assert repeated.noise == pytest.approx(0.01, rel=0.2)  # 96 degrees of freedom: within 2.8 standard errors
        assert single.noise == pytest.approx(0.01, rel=0.55)  # 15, the effect's own variation beside the noise


class TestSeedsNeeded:
    def test_by_hand(self) -> None:
        # 2 (1.6449 + 0.8416)**2 / 6 = 2.061 at noise = effect; four times as many at half the effect
        assert seeds_needed(0.01, 0.01, 6, 0.9) == 3
        assert seeds_needed(0.005, 0.01, 6, 0.9) == 9
        assert seeds_needed(0.0, 0.01, 6, 0.9) is None
        assert seeds_needed(0.01, math.nan, 6, 0.9) is None
        assert seeds_needed(10.0, 0.01, 6, 0.9) == 1

    def test_as_many_decide_four_times_in_five(self) -> None:
        """1,000 experiments: a power of 80 % shows between 76 and 84 %; rounding up and the t test move it by 2 %."""
        effect, noise, sizes, rng = 0.004, 0.01, SIZES[:5], np.random.default_rng(3)
        seeds = seeds_needed(effect, noise, len(sizes), 0.9)
        assert seeds == 16
        runs = recipes(1.0, 0.0, seeds=seeds, sizes=sizes)
        old = runs.label("recipe") == "old"
        decided = 0
        for _ in range(1000):
            outcome = noise * rng.standard_normal(len(runs)) - effect * ~old
            decided += bool(paired(runs, outcome, old, ~old, ["compute"], 0.9, ("old", "new")).distinguishable)
        assert 760 <= decided <= 850


class TestFits:
    def test_share_the_floor(self) -> None:
        found = arms(recipes(1.4, 0.0), by="recipe", form="power_law_floor", bootstrap=0)
        assert found.asymptote == "shared"
        floors = [f.law.coefficients["E"] for f in found.fits.values()]
        assert floors == pytest.approx([OLD.E, OLD.E], rel=1e-6)
        assert floors[0] == floors[1]
        assert found.arms[0].contrast is not None
        assert found.arms[0].contrast.multipliers["compute"].value == pytest.approx(1.4, rel=1e-4)

    def test_say_when_floors_fitted_apart_do_not_agree(self) -> None:
        runs = recipes(1.4, 0.001)
        raised = RunTable.from_columns({"compute": runs["compute"], "recipe": runs.label("recipe"),
                                        "loss": runs["loss"] + 0.2 * (runs.label("recipe") == "new")})
        codes = [{w.code for w in arms(table, by="recipe", form="power_law_floor", bootstrap=50).warnings}
                 for table in (runs, raised)]
        assert "floors_differ" not in codes[0]
        assert "floors_differ" in codes[1]

    def test_take_the_floor_that_was_asked_for(self) -> None:
        runs = recipes(1.4, 0.004)

        def floors(asymptote: str | float) -> dict[str, float]:
            found = arms(runs, by="recipe", form="power_law_floor", bootstrap=0, asymptote=asymptote)
            assert found.floor == "E"
            return {name: f.law.coefficients["E"] for name, f in found.fits.items()}

        assert floors("1.65") == {"old": 1.65, "new": 1.65}
        own = floors("free")
        assert own["old"] != own["new"]
        assert floors("reference") == {"old": own["old"], "new": own["old"]}
        held = arms(runs, by="recipe", form="power_law_floor", bootstrap=0, fixed={"E": 1.6})
        assert held.asymptote == 1.6
        assert [f.law.coefficients["E"] for f in held.fits.values()] == [1.6, 1.6]

    def test_are_compared_at_the_largest_run_unless_asked(self) -> None:
        found = arms(recipes(1.4, 0.004), by="recipe", form="power_law_floor", bootstrap=0)
        assert found.arms[0].contrast is not None
        assert found.arms[0].contrast.at == {"compute": pytest.approx(1e21)}

    def test_are_left_out_where_an_arm_is_too_small_and_the_pairs_stand(self) -> None:
        runs = recipes(1.4, 0.001).take(np.array([0, 5, 16, 21]))
        found = arms(runs, by="recipe", form="power_law_floor", bootstrap=0, asymptote="free")
        assert found.fits == {}
        assert found.arms[0].contrast is None
        assert len(found.arms[0].paired.pairs) == 2
        assert [w.code for w in found.warnings] == ["arms_not_fitted"]


def test_three_arms_stand_against_the_named_one_and_the_result_is_plain_data():
    runs = recipes(1.4, 0.004)
    third = np.where(np.arange(len(runs)) % 2, runs.label("recipe"), "third")
    columns = {"compute": np.tile(runs["compute"], 2), "loss": np.tile(runs["loss"], 2),
               "recipe": [*runs.label("recipe"), *third]}
    found = arms(RunTable.from_columns(columns), by="recipe", reference="new", form="power_law_floor", bootstrap=10)
    assert [arm.name for arm in found.arms] == ["old", "third"]
    data = json.loads(json.dumps(to_plain(found)))
    assert data["schema"] == "lawful.arms/1"
    assert set(data["fits"]) == {"old", "new", "third"}
    assert data["arms"][0]["contrast"]["schema"] == "lawful.contrast/1"


class TestRefuses:
    def refused(self, runs: RunTable, **options: object) -> str:
        with pytest.raises(InputError) as caught:
            arms(runs, **{"by": "recipe", "form": "power_law_floor", "bootstrap": 0, **options})  # type: ignore[arg-type]
        return str(caught.value)

    def test_one_arm_alone(self) -> None:
        assert "every run has recipe 'old'" in self.refused(recipes(1.0, 0.01).take(np.arange(len(SIZES))))

    def test_arms_without_a_common_size(self) -> None:
        runs = recipes(1.0, 0.01)
        half = np.r_[0:8, 24:32]
        said = self.refused(runs.take(half))
        assert "old and new have no size in common: old at compute 1e+18 to" in said
        assert "lawful compare" in said

    def test_a_column_or_an_arm_that_is_not_there(self) -> None:
        assert "nearest: recipe" in self.refused(recipes(1.0, 0.01), by="recipes")
        with pytest.raises(UnknownName, match="nearest: new"):
            arms(recipes(1.0, 0.01), by="recipe", reference="news", form="power_law_floor")

    def test_a_run_without_an_arm(self) -> None:
        runs = RunTable.from_columns({"compute": [1e18, 1e19], "loss": [3.0, 2.9], "recipe": ["old", ""]})
        with pytest.raises(RunsError, match="row 2: recipe is empty"):
            arms(runs, by="recipe", form="power_law_floor")

    def test_an_asymptote_that_is_none(self) -> None:
        runs = recipes(1.0, 0.01)
        assert "give shared, free, reference" in self.refused(runs, asymptote="common")
        assert "give --asymptote free" in self.refused(runs, cluster="compute")
        assert "power_law has no floor" in self.refused(runs, asymptote="1.7", form="power_law")


def test_the_floor_is_found_in_the_formula():
    assert floor_of(TRUTH) == "E"
    assert floor_of(form("kaplan")) is None
    assert floor_of(form("power_law_floor:tokens")) == "E"
    for name, cls in forms().items():  # of any form at all it says one coefficient or none
        if cls.__module__.startswith("lawful."):
            assert floor_of(form(name)) in (None, *cls.names())


def test_public_arms_differ_as_their_published_laws_do():
    """Laws of the loss on C4 published for two corpora; both at 1e20 FLOP give the difference to be found."""
    folder = Path(shared("loss-to-loss/published_fits.csv")).parent
    corpora = ("fineweb-100b", "fineweb-edu-100b")
    with (folder / "published_fits.csv").open(encoding="utf-8") as file:
        rows = {row["corpus"]: row for row in csv.DictReader(file)
                if row["target"] == "loss_c4" and row["form"] == "chinchilla"}
    printed = [AdditiveLoss(**{name: float(rows[corpus][name]) for name in AdditiveLoss.names()}).allocate(1e20).output
               for corpus in corpora]
    runs = read_runs(str(folder / "runs.csv"), mapping={"loss": "loss_c4"},
                     where=f"role == 'sweep' and corpus in {corpora}")
    found = arms(runs, by="corpus", reference=corpora[0], asymptote="free", compute=1e20, bootstrap=60)
    contrast = found.arms[0].contrast
    assert contrast is not None
    assert contrast.effect.value == pytest.approx(math.log(printed[1] / printed[0]), rel=0.01)
    assert contrast.effect.low < math.log(printed[1] / printed[0]) < contrast.effect.high
    assert contrast.verdict == "fineweb-100b is better"  # on C4, which is nearer to it
    assert "floors_differ" in {w.code for w in arms(runs, by="corpus", compute=1e20, bootstrap=20).warnings}

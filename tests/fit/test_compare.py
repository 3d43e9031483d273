"""Two laws held against one another: the effect, the compute it is worth, the crossing, the verdict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.errors import InputError, LawError
from lawful.fit import Fit, FitStatus, fit
from lawful.fit.comparing.compare import compare
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.laws.downstream import ComputeAccuracy
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import FloorPowerLaw, PowerLaw
from lawful.results import to_plain
from lawful.runs import RunTable

STEEP = PowerLaw(x_c=1e25, alpha=0.07)
FLAT = PowerLaw(x_c=3e26, alpha=0.05)


def known(truth: Law, draws: np.ndarray | None = None, **region: tuple[float, float]) -> Fit:
    """A fit that is its truth, with ``draws`` or none."""
    rows = np.zeros((0, len(truth.names()))) if draws is None else draws
    return Fit(truth, rows, FitStatus.CONVERGED, Region(**region), {"name": "huber_log", "value": 0.0},
               np.zeros(2), 0.0, 2)


def cheaper(multiplier: float) -> AdditiveLoss:
    """The truth with params and tokens each worth the root of ``multiplier`` more: 1 / multiplier of the compute."""
    c = TRUTH.coefficients
    return TRUTH.with_coefficients({**c, "A": c["A"] / multiplier ** (c["alpha"] / 2),
                                    "B": c["B"] / multiplier ** (c["beta"] / 2)})


class TestMultiplier:
    @pytest.mark.parametrize("multiplier", [0.5, 1.0, 1.3, 40.0])
    def test_of_compute_is_the_one_built_in(self, multiplier: float) -> None:
        found = compare(known(TRUTH), known(cheaper(multiplier)), compute=1e21)
        assert found.multipliers["compute"].value == pytest.approx(multiplier, rel=1e-6)
        assert found.trend.value == pytest.approx(1.0, abs=1e-6)  # the same at every scale
        assert found.axis == "compute"

    def test_of_an_input_alone_is_the_one_built_in(self) -> None:
        c = TRUTH.coefficients
        better_data = TRUTH.with_coefficients({**c, "B": c["B"] / 1.5 ** c["beta"]})
        found = compare(known(TRUTH), known(better_data), at={"params": 1e9, "tokens": 2e10})
        assert found.multipliers["tokens"].value == pytest.approx(1.5, rel=1e-6)
        assert 1.0 < found.multipliers["compute"].value < 1.5

    def test_compute_at_given_sizes_keeps_their_ratio(self) -> None:
        found = compare(known(TRUTH), known(cheaper(2.0)), at={"params": 3e8, "tokens": 9e10})
        assert found.multipliers["compute"].value == pytest.approx(2.0, rel=1e-6)

    def test_is_zero_where_no_compute_is_enough_and_infinite_where_none_is_needed(self) -> None:
        low, high = FloorPowerLaw(E=1.0, A=1e3, alpha=0.2), FloorPowerLaw(E=3.0, A=1e3, alpha=0.2)
        at_scale = {"compute": 1e21}
        assert compare(known(low), known(high), at=at_scale).multipliers["compute"].value == 0.0
        tiny = FloorPowerLaw(E=1.0, A=1e-9, alpha=0.2)
        found = compare(known(high), known(tiny), at=at_scale)
        assert math.isinf(found.multipliers["compute"].value)
        assert to_plain(found)["multipliers"]["compute"]["value"] is None

    def test_grows_with_compute_as_the_exponents_say(self) -> None:
        found = compare(known(FLAT), known(STEEP), compute=1e21)
        wanted = (math.log(1e21) - math.log(STEEP.x_c)
                  + FLAT.alpha / STEEP.alpha * (math.log(FLAT.x_c) - math.log(1e21)))
        assert found.multipliers["compute"].value == pytest.approx(math.exp(wanted), rel=1e-6)
        assert found.trend.value == pytest.approx(10 ** (1 - FLAT.alpha / STEEP.alpha), rel=1e-6)

    def test_of_an_accuracy_counts_the_other_way(self) -> None:
        early = ComputeAccuracy(b=0.9, a=0.65, C_half=1e21, s=1.0)
        late = early.with_coefficients({**early.coefficients, "C_half": 3e21})
        found = compare(known(late), known(early), at={"compute": 1e21})
        assert found.multipliers["compute"].value == pytest.approx(3.0, rel=1e-6)
        assert found.verdict.startswith("b is better")


class TestCrossing:
    WHERE = math.exp((FLAT.alpha * math.log(FLAT.x_c) - STEEP.alpha * math.log(STEEP.x_c)) / (FLAT.alpha - STEEP.alpha))

    def test_is_where_the_two_power_laws_are_equal(self) -> None:
        span = (self.WHERE / 30, self.WHERE * 30)
        found = compare(known(FLAT, compute=span), known(STEEP, compute=span), compute=self.WHERE * 5)
        assert found.crossing.value == pytest.approx(self.WHERE, rel=1e-3)
        assert found.crossing.searched[0] >= span[0] / 10.001
        assert found.crossing.searched[1] <= span[1] * 10.001

    def test_is_not_looked_for_beyond_reach(self) -> None:
        span = (self.WHERE * 1e3, self.WHERE * 1e5)
        found = compare(known(FLAT, compute=span), known(STEEP, compute=span), compute=self.WHERE * 1e4)
        assert found.crossing.value is None
        assert "do not cross" in repr(found)

    def test_of_draws_is_an_interval_with_the_share_that_cross(self) -> None:
        span = (self.WHERE / 1e3, self.WHERE * 1e3)
        rng = np.random.default_rng(1)
        draws = np.column_stack([STEEP.x_c * np.exp(0.02 * rng.standard_normal(400)), np.full(400, STEEP.alpha)])
        found = compare(known(FLAT, compute=span), known(STEEP, draws, compute=span), compute=self.WHERE)
        # d log(crossing) / d log(x_c) = alpha / (alpha - alpha of the other)
        spread = 0.02 * STEEP.alpha / (STEEP.alpha - FLAT.alpha)
        assert found.crossing.share == 1.0
        assert found.crossing.low == pytest.approx(self.WHERE * math.exp(-1.645 * spread), rel=0.03)
        assert found.crossing.high == pytest.approx(self.WHERE * math.exp(1.645 * spread), rel=0.03)


class TestDraws:
    DRAWS = np.column_stack([np.geomspace(0.9e25, 1.1e25, 200), np.full(200, 0.07)])

    def test_of_separate_fits_are_independent_and_paired_ones_go_together(self) -> None:
        one = known(STEEP, self.DRAWS)
        apart = compare(one, one, compute=1e21)
        together = compare(one, one, compute=1e21, paired=True)
        assert together.effect.low == together.effect.high == 0.0
        assert together.better == 0.5
        assert apart.effect.low < 0 < apart.effect.high
        assert apart.distinguishable is False

    def test_say_how_many_more_runs_would_tell(self) -> None:
        rng = np.random.default_rng(5)
        draws = np.column_stack([STEEP.x_c * np.exp(0.5 * rng.standard_normal(20_000)), np.full(20_000, STEEP.alpha)])
        shifted = STEEP.with_coefficients({"x_c": STEEP.x_c * math.exp(0.4), "alpha": STEEP.alpha})
        found = compare(known(shifted), known(STEEP, draws), compute=1e21)
        # log loss is alpha log x_c: effect 0.4 alpha, spread 0.5 alpha; (1.6449 + 0.8416)**2 (0.5 / 0.4)**2
        assert found.more_runs == pytest.approx(9.66, rel=0.03)
        assert found.distinguishable is False
        assert f"would take {found.more_runs:.2g} times these runs" in repr(found)

    def test_of_unequal_number_are_all_used(self) -> None:
        found = compare(known(STEEP, self.DRAWS[::25]), known(STEEP, self.DRAWS), compute=1e21)
        assert found.effect.low < 0 < found.effect.high

    def test_missing_on_one_side_leave_the_doubt_of_the_other(self) -> None:
        entry = law("hoffmann2022_approach3")
        fitted = fit("chinchilla", simulate(), bootstrap=20)
        found = compare(entry, fitted, at={"params": 1e9, "tokens": 2e10}, names=("published", "ours"))
        assert math.isnan(found.values[0].low)
        assert found.values[1].low < found.values[1].value < found.values[1].high
        assert {"no_interval", "own_data"} <= {w.code for w in found.warnings}

    def test_missing_on_both_sides_leave_no_interval_at_all(self) -> None:
        found = compare(law("hoffmann2022_approach3"), law("besiroglu2024_refit"), compute=1e22)
        assert found.better is None
        assert found.distinguishable is None
        assert math.isnan(found.effect.low)
        assert "nothing says how surely" in found.verdict
        assert found.effect.value == pytest.approx(math.log(found.values[1].value / found.values[0].value))


class TestRefuses:
    def both(self, **scale: object) -> None:
        compare(known(TRUTH), known(TRUTH), **scale)  # type: ignore[arg-type]

    def test_no_scale_or_two(self) -> None:
        with pytest.raises(InputError, match="either the quantities"):
            self.both()
        with pytest.raises(InputError, match="either the quantities"):
            self.both(at={"params": 1e9, "tokens": 1e10}, compute=1e21)

    def test_values_that_cannot_be(self) -> None:
        with pytest.raises(InputError, match="compute must be positive and finite, got -1"):
            self.both(compute=-1.0)
        with pytest.raises(InputError, match="level"):
            self.both(compute=1e21, level=1.5)

    def test_quantities_that_are_missing_or_unknown_to_both(self) -> None:
        with pytest.raises(LawError, match="missing tokens"):
            self.both(at={"params": 1e9})
        with pytest.raises(InputError, match="neither law takes width; they take params"):
            self.both(at={"params": 1e9, "tokens": 1e10, "width": 3.0})

    def test_laws_of_different_outputs(self) -> None:
        accuracy = known(ComputeAccuracy(b=0.9, a=0.65, C_half=1e21, s=1.0))
        with pytest.raises(InputError, match=r"a gives loss \[nats/token\] and b accuracy \[fraction\]"):
            compare(known(FLAT), accuracy, compute=1e21)

    def test_laws_of_a_choice(self) -> None:
        sizes = law("hoffmann2022_approach1")
        with pytest.raises(LawError, match="neither more nor less is better"):
            compare(sizes, sizes, compute=1e21)

    def test_a_budget_for_a_law_that_cannot_divide_it(self) -> None:
        tokens = known(PowerLaw(x_c=1e15, alpha=0.1, over="tokens"))
        with pytest.raises(LawError, match="cannot divide compute"):
            compare(tokens, tokens, compute=1e21)


def test_far_questions_are_marked_and_the_result_is_plain_data():
    table = RunTable.of(compute=np.geomspace(1e18, 1e20, 12), loss=FLAT(np.geomspace(1e18, 1e20, 12)))
    fitted = fit("power_law", table, bootstrap=20)
    found = compare(fitted, fitted, compute=1e23)
    assert "far_extrapolation" in {w.code for w in found.warnings}
    assert found.reach[0]["compute"] == pytest.approx(3.0)
    data = json.loads(json.dumps(to_plain(found)))
    assert data["schema"] == "lawful.contrast/1"
    assert data["reach"] == {"a": {"compute": pytest.approx(3.0)}, "b": {"compute": pytest.approx(3.0)}}

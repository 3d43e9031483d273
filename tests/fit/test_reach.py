"""Where a question lies among the runs: in hulls of known shape, of any dimension, and after a round trip."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from conftest import simulate
from lawful.fit import Fit, fit, forecast
from lawful.fit.reach import KEPT, NO_EVIDENCE, NOVEL, Evidence, evidence


def square() -> Evidence:
    """Runs on a grid of 1e8 to 1e9 params and 1e9 to 1e11 tokens."""
    params, tokens = (g.ravel() for g in np.meshgrid(np.geomspace(1e8, 1e9, 5), np.geomspace(1e9, 1e11, 5)))
    return evidence({"params": params, "tokens": tokens})


@pytest.mark.parametrize(("params", "tokens", "hull", "aside", "scale"), [
    (3e8, 1e10, 0, 0, 0),
    (1e9, 1e11, 0, 0, 0),
    (1e10, 1e12, math.sqrt(2), 0, 2),           # straight on from the corner
    (1e10, 1e11, 1, math.sqrt(0.5), 1),         # more params alone: half of the way leads to larger scale
    (1e7, 1e9, 1, 1, 0),                        # smaller than every run: nothing tests that
    (1e8, 1e12, 1, math.sqrt(0.5), 0),
])
def test_distances_from_a_square(params: float, tokens: float, hull: float, aside: float, scale: float) -> None:
    found = square().place({"params": params, "tokens": tokens})
    assert found is not None
    assert (found.hull, found.aside, found.scale) == pytest.approx((hull, aside, scale), abs=2e-3)


def test_tokens_per_parameter_never_tried_though_each_was_spanned() -> None:
    """A ladder at 20 tokens a parameter: 1B and 2T each lie within their spans, 2,000 a parameter does not."""
    params = np.geomspace(1e7, 1e11, 30)
    ladder = evidence({"params": params, "tokens": 20 * params})
    there, novel = (ladder.place({"params": 1e9, "tokens": d}) for d in (2e10, 2e12))
    assert there is not None
    assert novel is not None
    assert (there.hull, there.ratio) == (0, 0)
    assert novel.ratio == pytest.approx(2)
    assert novel.aside == pytest.approx(math.sqrt(2), abs=1e-3), "across the ladder"
    onwards = ladder.place({"params": 1e12, "tokens": 2e13})
    assert onwards is not None
    assert (onwards.aside, onwards.scale) == (0, pytest.approx(2, abs=1e-3))


def test_compute_beyond_every_run_though_params_and_tokens_are_not() -> None:
    runs = simulate()
    quantities = {name: runs[name] for name in ("params", "tokens")}
    most = {name: float(values.max()) for name, values in quantities.items()}
    found = evidence(quantities).place(most)
    assert found is not None
    assert found.scale == pytest.approx(np.log10(6 * most["params"] * most["tokens"] / 1e21))


@pytest.mark.parametrize("inputs", [1, 2, 3, 5])
def test_agrees_with_a_convex_hull_made_otherwise(inputs: int) -> None:
    """Inside and outside as linear programming has them: is the question a mean of the runs?"""
    from scipy.optimize import linprog

    rng = np.random.default_rng(inputs)
    x = rng.standard_normal((KEPT, inputs))
    kept = evidence({f"mixture.{j}": 10.0 ** x[:, j] for j in range(inputs)})
    for asked in 1.5 * rng.standard_normal((40, inputs)):
        found = kept.place({f"mixture.{j}": float(10.0 ** asked[j]) for j in range(inputs)})
        assert found is not None
        mean = linprog(np.zeros(len(x)), A_eq=np.vstack([x.T, np.ones(len(x))]), b_eq=[*asked, 1.0])
        assert (found.hull == 0) == mean.success or found.hull < 0.02


def test_a_long_table_keeps_a_few_points_and_the_same_hull() -> None:
    from scipy.spatial import ConvexHull

    rng = np.random.default_rng(0)
    params = 10.0 ** rng.uniform(7, 10, 20_000)
    quantities = {"params": params, "tokens": params * 10.0 ** rng.uniform(0, 2, 20_000)}
    kept = evidence(quantities)
    assert len(kept.points) <= 2 * KEPT
    x = np.log10(np.stack(list(quantities.values()), axis=1))
    whole = replace(kept, points=x[ConvexHull(x).vertices])
    for params_asked, tokens_asked in 10.0 ** rng.uniform([6, 7], [11, 13], (60, 2)):
        asked = {"params": params_asked, "tokens": tokens_asked}
        found, there = kept.place(asked), whole.place(asked)
        assert found is not None
        assert there is not None
        assert found.hull == pytest.approx(there.hull, abs=0.02)
        assert found.hull >= there.hull - 0.01, "never nearer than it is, but for the slack"


def test_an_input_that_is_not_positive_counts_in_widths_of_its_span() -> None:
    found = evidence({"x": np.linspace(-1.0, 1.0, 9)}).place({"x": 3.0})
    assert found is not None
    assert (found.hull, found.aside) == pytest.approx((1.0, 1.0), abs=1e-4)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", simulate(), bootstrap=100)


def test_a_question_that_has_no_logarithm_is_endlessly_far() -> None:
    found = evidence({"mine": np.geomspace(1.0, 9.0, 9)}).place({"mine": -2.0})
    assert found is not None
    assert found.hull == found.aside == math.inf


class TestForecasts:
    def test_carry_the_place_the_limit_and_what_the_interval_is(self, fitted: Fit) -> None:
        answer = forecast(fitted, {"params": 7e9, "tokens": 1.4e11})
        assert answer.joint is not None
        assert answer.tested is not None
        assert answer.joint.scale == pytest.approx(np.log10(6 * 7e9 * 1.4e11 / 1e21))
        assert answer.limit == answer.tested.sentence(answer.joint.scale)
        assert answer.basis == {"law": "bootstrap", "new_run": "bootstrap, noise and drift"}
        assert not answer.refused
        data = json.loads(json.dumps(answer.to_dict()))
        assert data["joint"]["scale"] == answer.joint.scale
        assert data["tested"]["decades"] == answer.tested.decades
        assert data["limit"] == answer.limit

    def test_say_when_they_are_untested_or_novel(self, fitted: Fit) -> None:
        far = forecast(fitted, {"params": 2e12, "tokens": 4e13})
        assert "untested_reach" in {w.code for w in far.warnings}
        assert "beyond the runs" in far.refused
        assert far.limit in far.refused
        new = forecast(fitted, {"params": 1e8, "tokens": 1e12})
        assert [w.code for w in new.warnings] == ["novel_combination"]
        assert "10,000 tokens per parameter" in new.refused
        assert new.joint is not None
        assert new.joint.aside > NOVEL

    def test_without_draws_they_are_untested_beyond_their_runs(self) -> None:
        plain = fit("chinchilla", simulate(), bootstrap=0)
        answer = forecast(plain, {"params": 7e9, "tokens": 1.4e11})
        assert "untested beyond its runs" in answer.limit
        assert "untested_reach" in answer.refused or "beyond the runs" in answer.refused
        assert answer.basis == {}
        assert not forecast(plain, {"params": 1e9, "tokens": 1e10}).refused

    def test_a_fit_saved_before_still_loads_and_refuses_beyond_its_spans(self, fitted: Fit) -> None:
        old = {k: v for k, v in fitted.to_dict().items() if k not in ("evidence", "record")}
        answer = forecast(Fit.from_dict(old), {"params": 7e10, "tokens": 1.4e11})
        assert answer.joint is None
        assert answer.tested is None
        assert "fit again" in answer.limit
        assert "params by" in answer.refused

    def test_the_place_survives_the_file(self, fitted: Fit) -> None:
        again = Fit.from_dict(json.loads(json.dumps(fitted.to_dict())))
        at = {"params": 3e10, "tokens": 1e11}
        assert forecast(again, at) == forecast(fitted, at)


def test_no_evidence_survives_the_file_too() -> None:
    again = Evidence.from_dict(json.loads(json.dumps(NO_EVIDENCE.to_dict())))
    assert again.to_dict() == NO_EVIDENCE.to_dict()
    assert again.place({"params": 1e9}) is None

"""Breaks, bends, plateaus, floors and turns are found where they were put, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.bench.faults import FAULTS
from lawful.fit import fit
from lawful.runs import RunTable
from lawful.validate import Finding, diagnose
from lawful.validate.regimes import regimes
from lawful.validate.shapes import Axes, shape_test


def changed(change: np.ndarray, **columns: np.ndarray) -> RunTable:
    """The simulated runs with their log losses moved by ``change``."""
    runs = simulate(noise=0.004)
    return RunTable.from_columns({"params": runs["params"], "tokens": runs["tokens"], "compute": runs["compute"],
                                  "loss": runs["loss"] * np.exp(change), **columns})


def shape(runs: RunTable, form: str = "chinchilla") -> Finding | None:
    found = list(regimes(fit(form, runs, bootstrap=0), runs))
    assert len(found) <= 1
    return found[0] if found else None


DESIGN = isoflop_design()
LOG_COMPUTE = np.log(6 * DESIGN["params"] * DESIGN["tokens"])
LOG_LOSS = np.log(TRUTH.at(DESIGN))


def test_a_break_is_found_in_its_place_with_a_filter_to_paste() -> None:
    found = shape(changed(-0.05 * np.maximum(0.0, LOG_COMPUTE - np.log(5e19))))
    assert found is not None
    assert found.code == "break"
    place = float(found.title.removesuffix(" FLOP").split()[-1])
    assert place == pytest.approx(5e19, rel=0.5)
    assert "falls faster" in found.evidence
    assert "--where \"compute > " in found.action
    assert len(found.rows) == 24  # the three budgets below


def test_where_too_few_runs_lie_beyond_a_break_the_advice_is_to_add_some() -> None:
    design = isoflop_design(6, 6)
    runs = simulate(noise=0.004, **design)
    compute = np.log(runs["compute"])
    change = -0.06 * np.maximum(0.0, compute - np.log(1.2e20))
    found = shape(RunTable.of(params=runs["params"], tokens=runs["tokens"], loss=runs["loss"] * np.exp(change)))
    assert found is not None
    assert found.code == "break"
    assert "too few" in found.action
    assert "add compute as a column" in found.action  # the table has none to filter by


def test_curvature_is_told_from_a_break() -> None:
    x = np.log(DESIGN["tokens"])
    middle, half = (x.max() + x.min()) / 2, np.ptp(x) / 2
    found = shape(changed(-0.08 * ((x - middle) / half) ** 2))
    assert found is not None
    assert found.code == "curvature"


@pytest.mark.parametrize(("code", "share"), [("saturation_low", 0.7), ("saturation_high", 0.3)])
def test_plateaus_and_floors_are_found_with_their_level(code: str, share: float) -> None:
    level = float(np.quantile(LOG_LOSS, share))
    flat = np.minimum(LOG_LOSS, level) if code == "saturation_low" else np.maximum(LOG_LOSS, level)
    found = shape(changed(flat - LOG_LOSS))
    assert found is not None
    assert found.code == code
    assert f"{np.exp(level):.2f}" in found.evidence or f"{np.exp(level):.3g}" in found.evidence
    assert "--where \"loss" in found.action
    assert 10 <= len(found.rows) <= 20


def test_losses_that_rise_again_are_a_turn_and_serious() -> None:
    found = shape(changed(0.15 * np.maximum(0.0, np.log(DESIGN["params"]) - np.log(5e8))))
    assert found is not None
    assert found.code == "u_shape"
    assert "params" in found.title


@pytest.mark.parametrize("over", ["tokens", "compute"])
def test_a_learning_curve_needs_neither_params_nor_tokens(over: str) -> None:
    x = np.geomspace(1e7, 1e11, 40)
    rng = np.random.default_rng(0)
    loss = (1.5 + 2.0 * (x / 1e7) ** -0.3) * np.exp(0.003 * rng.standard_normal(40))
    plain = RunTable.from_columns({over: x, "loss": loss})
    assert shape(plain, f"power_law_floor:{over}") is None
    bent = RunTable.from_columns({over: x, "loss": loss * np.exp(-0.04 * np.maximum(0, np.log(x / 1e9)))})
    found = shape(bent, f"power_law_floor:{over}")
    assert found is not None
    assert found.code == "break"


def test_the_chance_of_a_shape_is_what_it_says() -> None:
    """Of 60 clean tables the p-values are even: neither their lower nor their upper half is crowded."""
    p = []
    for seed in range(60):
        runs = simulate(seed=100 + seed)
        fitted = fit("chinchilla", runs, bootstrap=0)
        p.append(shape_test(fitted, Axes.of(fitted, runs))[0])
    assert 18 <= np.sum(np.array(p) < 0.5) <= 42  # a binomial bound of 1 in 1,000
    assert np.sum(np.array(p) < 0.02) <= 6


def test_a_few_diverged_runs_are_no_shape() -> None:
    change = np.zeros(48)
    change[[5, 20]] = 0.5
    found = diagnose(changed(change))
    assert [f.code for f in found.findings][:1] == ["diverged"]


def test_a_share_that_a_shape_would_drive_beyond_its_limits_is_drawn_in():
    """A sigmoid whose place between chance and ceiling ran above 1 while a shape was fitted beside it."""
    planted = FAULTS["emergent metric"].variant(19, 2)
    assert "emergent" in diagnose(planted.table(), planted.form, bootstrap=0)

"""Mistuned runs are told from noise, optima at the edge of a grid from those inside, two kinds of run from one."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import TRUTH, simulate
from lawful.fit import fit
from lawful.runs import RunTable
from lawful.validate.emergent import emergent
from lawful.validate.schedule_checks import unfinished
from lawful.validate.tuning import frontier_test, grid_edge, two_groups, under_tuned


def moved(change: np.ndarray, noise: float = 0.004) -> RunTable:
    runs = simulate(noise=noise)
    return RunTable.of(params=runs["params"], tokens=runs["tokens"], loss=runs["loss"] * np.exp(change))


def test_one_sided_losses_are_under_tuned() -> None:
    runs = moved(0.02 * np.random.default_rng(0).standard_normal(48) ** 2)
    (found,) = under_tuned(fit("chinchilla", runs, bootstrap=0), runs)
    assert "--loss frontier" in found.action
    assert float(found.evidence.split("runs lose ")[1].split()[0]) == pytest.approx(2.0, abs=1.0)


@pytest.mark.parametrize("seed", range(3))
def test_noise_however_heavy_its_tails_is_not(seed: int) -> None:
    runs = moved(0.01 * np.random.default_rng(seed).standard_t(3, 48))
    assert not list(under_tuned(fit("chinchilla", runs, bootstrap=0), runs))


def test_the_composed_error_gives_back_the_mean_shortfall() -> None:
    rng = np.random.default_rng(0)
    r = 0.01 * rng.standard_normal(2000) + rng.exponential(0.02, 2000)
    ratio, cost = frontier_test(r, np.ones((2000, 1)))
    assert ratio > 100
    assert cost == pytest.approx(0.02, rel=0.1)
    assert frontier_test(-r, np.ones((2000, 1)))[0] == 0.0


def test_two_kinds_of_run_are_found_without_a_column() -> None:
    second = np.random.default_rng(1).random(48) < 0.35
    runs = moved(0.04 * second)
    (found,) = two_groups(fit("chinchilla", runs, bootstrap=0), runs)
    assert set(found.rows) == set((np.flatnonzero(second) + 1).tolist())


def test_one_kind_of_run_is_not_two() -> None:
    for seed in range(4):
        runs = simulate(seed=seed)
        assert not list(two_groups(fit("chinchilla", runs, bootstrap=0), runs))


def swept(best: float) -> RunTable:
    """Twelve settings at four learning rates, the loss of each a parabola about ``best``."""
    params = np.repeat(np.geomspace(1e7, 1e9, 12), 4)
    tokens = 20 * params * np.repeat(np.tile([1.0, 4.0, 16.0], 4), 4)
    lr = np.tile([3e-4, 6e-4, 1.2e-3, 2.4e-3], 12)
    loss = TRUTH(params, tokens) * np.exp(0.02 * np.log(lr / best) ** 2)
    return RunTable.of(params=params, tokens=tokens, lr=lr, loss=loss)


def test_an_optimum_at_the_edge_of_its_grid_is_found_and_one_inside_is_not() -> None:
    (found,) = grid_edge(swept(4e-3))
    assert "12 of 12" in found.evidence
    assert "largest" in found.evidence
    assert not list(grid_edge(swept(8e-4)))


@pytest.mark.parametrize(("planned", "done"), [("planned_tokens", None), ("total_steps", "current_steps"),
                                               (None, "fraction_done")])
def test_rows_read_before_their_schedule_ended_are_found(planned: str | None, done: str | None) -> None:
    runs = simulate()
    share = np.where(np.arange(48) % 4 == 0, 0.5, 1.0)
    columns = {name: runs[name] for name in ("params", "tokens", "loss")}
    if planned == "planned_tokens":
        columns[planned] = runs["tokens"] / share
    elif planned is not None and done is not None:
        columns |= {done: np.rint(1000 * share), planned: np.full(48, 1000.0)}
    elif done is not None:
        columns[done] = share
    (found,) = unfinished(RunTable.from_columns(columns))
    assert len(found.rows) == 12
    assert "50 %" in found.evidence
    finished = {**columns, **{name: columns["tokens"] for name in columns if name == "planned_tokens"}}
    if planned == "planned_tokens":
        assert not list(unfinished(RunTable.from_columns(finished)))


@pytest.mark.parametrize(("sharpness", "leaps"), [(25.0, True), (2.0, False)])
def test_a_sharp_accuracy_over_a_smooth_loss_is_emergent_and_an_even_one_is_not(sharpness: float, leaps: bool) -> None:
    runs = simulate(noise=0.002)
    fall = -np.log(runs["loss"])
    where = np.quantile(fall, 0.75)
    accuracy = 0.25 + 0.7 / (1 + np.exp(-sharpness * (fall - where) / np.ptp(fall)))
    table = RunTable.of(params=runs["params"], tokens=runs["tokens"], loss=runs["loss"], accuracy=accuracy)
    found = list(emergent(fit("chinchilla", table, bootstrap=0), table))
    assert [f.code for f in found] == ["emergent"] * leaps
    if leaps:
        assert found[0].severity.value == "note"
        assert "2304.15004" in found[0].action

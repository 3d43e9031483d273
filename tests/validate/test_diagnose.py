"""A clean table has nothing to say; each fault is found by its name, with its rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, shared, simulate
from lawful.runs import RunTable
from lawful.store import read_runs
from lawful.validate import Severity, diagnose


def columns(runs: RunTable) -> dict[str, np.ndarray]:
    return {name: runs[name].copy() for name in ("params", "tokens", "loss")}


def table(**values: object) -> RunTable:
    return RunTable.from_columns(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_table_has_no_serious_finding_and_no_caution(seed: int) -> None:
    found = diagnose(simulate(seed=seed))
    assert [f for f in found.findings if f.severity is not Severity.NOTE] == []
    assert found.verdict.startswith("Nothing stands against")


def in_billions(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**c, "params": c["params"] / 1e9, "tokens": c["tokens"] / 1e9}


def params_in_millions(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**c, "params": c["params"] / 1e6}


def swapped(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**c, "params": c["tokens"], "tokens": c["params"]}


def fixed_ratio(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    tokens = 20 * c["params"]
    noise = np.exp(0.006 * np.random.default_rng(0).standard_normal(len(tokens)))
    return {"params": c["params"], "tokens": tokens, "loss": TRUTH(c["params"], tokens) * noise}


def accuracy(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**c, "loss": 1.0 / c["loss"]}


def percent(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**c, "loss": 200.0 / c["loss"]}


def duplicated(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([v, v[3:5]]) for name, v in c.items()}


def one_diverged(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    c["loss"][10] *= 1.6
    return c


def outlier(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    c["loss"][20] *= 0.93
    return c


def narrow(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    keep = (c["params"] > 3e8) & (c["params"] < 8e8)
    return {name: v[keep] for name, v in c.items()}


def bent(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    x = np.log10(c["params"] / 1e8)
    return {**c, "loss": c["loss"] * np.exp(0.03 * np.cos(3.5 * x))}


FAULTS: dict[str, tuple[Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], str, tuple[int, ...]]] = {
    "counts in billions": (in_billions, "units", ()),
    "params in millions": (params_in_millions, "units", ()),
    "swapped": (swapped, "swapped", ()),
    "fixed ratio": (fixed_ratio, "fixed_ratio", ()),
    "accuracy": (accuracy, "accuracy_as_loss", ()),
    "accuracy in percent": (percent, "accuracy_as_loss", ()),
    "duplicates": (duplicated, "duplicates", (49, 50)),
    "one diverged run": (one_diverged, "diverged", (11,)),
    "outlier": (outlier, "outliers", (21,)),
    "narrow range": (narrow, "narrow_range", ()),
    "bent": (bent, "trend", ()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_name(fault: str) -> None:
    corrupt, code, rows = FAULTS[fault]
    budgets, sizes = (9, 14) if fault == "narrow range" else (6, 8)
    runs = simulate(**isoflop_design(budgets, sizes))
    found = diagnose(table(**corrupt(columns(runs))))
    (finding, *_) = [f for f in found.findings if f.code == code] or [None]
    assert finding is not None, [f.code for f in found.findings]
    assert finding.evidence
    assert finding.action
    assert set(rows) <= set(finding.rows)
    if rows:
        assert len(finding.rows) == len(rows)


def test_compute_in_other_units_is_found() -> None:
    c = columns(simulate())
    found = diagnose(table(**c, compute=6e-18 * c["params"] * c["tokens"]))
    assert "units" in found


def test_mixed_schedules_and_their_offset_are_found() -> None:
    c = columns(simulate())
    schedule = np.where(np.arange(48) % 2 == 0, "cosine", "constant")
    c["loss"] = c["loss"] * np.where(schedule == "constant", 1.03, 1.0)
    found = diagnose(table(**c, schedule=schedule))
    assert "mixed_schedules" in found
    assert "group_offset" in found


def test_mixed_counting_of_compute_is_found() -> None:
    c = columns(simulate())
    factor = np.where(np.arange(48) % 2 == 0, 1.0, 1.6)
    found = diagnose(table(**c, compute=6 * c["params"] * c["tokens"] * factor))
    assert "mixed_conventions" in found


def test_mixed_conventions_by_label_are_found() -> None:
    c = columns(simulate())
    found = diagnose(table(**c, param_count=np.where(np.arange(48) < 24, "total", "non-embedding")))
    assert "mixed_conventions" in found


def test_an_unmodelled_variable_that_matters_is_found() -> None:
    c = columns(simulate())
    rate = np.tile([1e-4, 1e-3, 1e-2], 16)
    c["loss"] = c["loss"] * (1 + 0.02 * np.abs(np.log10(rate) + 3))
    found = diagnose(table(**c, lr=rate))
    assert any(f.code == "trend" and "learning_rate" in f.title for f in found.findings)


def test_checkpoints_of_one_run_are_found() -> None:
    params = np.repeat(np.geomspace(1e7, 1e9, 6), 8)
    tokens = np.tile(np.geomspace(1e9, 5e10, 8), 6)
    run = [f"run{i // 8}" for i in range(48)]
    found = diagnose(table(params=params, tokens=tokens, loss=TRUTH(params, tokens), run=run))
    assert "checkpoints" in found


def test_honest_repeats_are_a_note_with_the_noise() -> None:
    c = columns(simulate())
    again = {name: np.concatenate([v, v]) for name, v in c.items()}
    again["loss"][48:] *= np.exp(0.004 * np.random.default_rng(1).standard_normal(48))
    (note,) = [f for f in diagnose(table(**again)).findings if f.code == "repeats"]
    assert note.severity is Severity.NOTE


def test_few_runs_are_found() -> None:
    c = columns(simulate())
    few = {name: v[::5] for name, v in c.items()}
    assert "few_runs" in diagnose(table(**few))


def test_the_published_outliers_of_the_chinchilla_runs_are_found() -> None:
    runs = read_runs(shared("epoch-chinchilla/runs.csv"))
    found = diagnose(runs)
    named = {row for f in found.findings if f.code in ("outliers", "diverged") for row in f.rows}
    # The replication leaves out rows 1 to 5, the five highest losses; row 5 lies 2.8 % off the law, others more.
    assert {1, 2, 3, 4} <= named
    assert len(named) < 12


def test_the_verdict_and_the_plain_form_follow_the_worst() -> None:
    found = diagnose(table(**swapped(columns(simulate()))))
    assert found.findings[0].severity is Severity.SERIOUS
    assert found.verdict.startswith("Do not plan on these runs yet")
    data = found.to_dict()
    assert data["schema"] == "lawful.diagnosis/1"
    assert set(data["findings"][0]) == {"code", "severity", "title", "evidence", "action", "rows", "sources",
                                        "follows"}

"""Planted failure modes: the checks see what is planted, and nothing of the kind in clean tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

import lawful.bench.planted_failures as module
from lawful.bench.planted_runs import FAULTS, clean_table
from lawful.laws import Law, form
from lawful.runs import RunTable
from lawful.validate import Finding, Severity
from lawful.validate.failures import FAILURE_CHECKS
from lawful.validate.modes import MODES

PLANTED = [name for name, fault in FAULTS.items() if fault.plant.__module__ == module.__name__]
SEEDS, TABLES = (21, 22), 100
"""Seeds that no threshold was looked at with."""


@dataclass(frozen=True)
class Unfitted:
    """As much of a fit as the checks of failure modes look at: its law."""

    law: Law


def found(runs: RunTable, name: str) -> list[Finding]:
    fit = Unfitted(form(name))
    return [f for check in FAILURE_CHECKS for f in check(fit, runs)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_seen(name: str) -> None:
    fault = FAULTS[name]
    assert set(fault.codes) <= set(MODES)
    variants = [fault.variant(i, seed) for seed in SEEDS for i in range(10)]
    seen = [{f.code for f in found(v.table(), v.form)} for v in variants]
    assert sum(bool(set(fault.codes) & codes) for codes in seen) >= 19


def test_every_mode_with_a_check_of_its_own_is_planted() -> None:
    planted = {code for name in PLANTED for code in FAULTS[name].codes}
    own = {m.code for m in MODES.values() if not m.hidden and not m.found_by}
    assert own - planted == {"small_models", "shape_change"}  # notes: they change no answer


def test_clean_tables_show_no_mode() -> None:
    said: Counter[str] = Counter()
    for number in range(TABLES):
        clean = clean_table(np.random.default_rng([SEEDS[0], number]))
        said.update(f.code for f in found(clean.table(), clean.form) if f.severity is not Severity.NOTE)
    assert said.total() <= 0.02 * TABLES, said

"""Planted faults are told first, and clean tables pass in silence; ``LAWFUL_STUDIES=full`` runs every variant."""

from __future__ import annotations

import os

import pytest

from lawful.bench.faults import VARIANTS, fault_score, fault_study
from lawful.bench.planted_runs import FAULTS

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
EASY = ("unit slip", "swapped columns", "duplicates", "compute counted two ways", "diverged runs")
HELD_OUT = 1
"""The seed of the tables that no threshold was looked at with."""


@pytest.mark.parametrize("name", list(FAULTS) if FULL else EASY)
def test_the_right_finding_comes_first(name: str) -> None:
    variants = VARIANTS if FULL else 2
    score = fault_score(name, variants, HELD_OUT)
    # Curvature near the limit of what the forecast notices hides in the noise of some tables (docs/diagnosing.md).
    least = 0.7 if name in ("curvature", "a break") else 0.8
    assert score.right_first >= least * variants, score.instead


def test_clean_tables_pass_in_silence() -> None:
    tables = 200 if FULL else 12
    study = fault_study([], clean=tables, seed=HELD_OUT)
    assert study.silent >= (0.93 if FULL else 0.75) * tables, study.alarms

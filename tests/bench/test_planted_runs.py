"""Clean tables and planted faults: the same number gives the same table, and every table can be read."""

from __future__ import annotations

import numpy as np
import pytest

import lawful.bench.planted_faults
import lawful.bench.planted_regimes  # noqa: F401  registers its faults
from lawful.bench.planted_runs import DESIGNS, FAULTS, NOISES, CleanTable, Planted, clean_table
from lawful.runs import RunTable


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("seed", range(5))
def test_clean_tables_lie_on_their_law(design: str, seed: int) -> None:
    clean = clean_table(np.random.default_rng(seed), design)
    runs = clean.table()
    residuals = np.log(runs["loss"] / clean.law.at(runs.quantities))
    assert 20 <= len(runs) <= 100
    assert clean.noise in NOISES
    assert residuals.std() == pytest.approx(clean.noise, rel=0.5)


@pytest.mark.parametrize("name", FAULTS)
def test_a_variant_is_the_same_table_each_time(name: str) -> None:
    fault = FAULTS[name]
    first, again, other = fault.variant(3), fault.variant(3), fault.variant(3, seed=1)
    assert isinstance(first, Planted)
    assert isinstance(first.table(), RunTable)
    assert first.strength
    assert fault.about
    assert fault.codes
    for column, values in first.columns.items():
        np.testing.assert_array_equal(values, again.columns[column])
    assert not np.array_equal(first.columns["loss"], other.columns["loss"])


def test_a_clean_table_keeps_the_rows_asked_for() -> None:
    clean = clean_table(np.random.default_rng(0), "ladder")
    assert isinstance(clean.take(np.arange(7)), CleanTable)
    assert len(clean.take(np.arange(7)).table()) == 7

"""Columns of numbers to csv, tsv and parquet."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from lawful.errors import MissingExtra, OutputError
from lawful.store import write_columns

COLUMNS = {"E": np.array([1.8, 1.0 / 3.0]), "alpha": np.array([0.34, 1e-17])}


@pytest.mark.parametrize(("name", "delimiter"), [("d.csv", ","), ("d.tsv", "\t")])
def test_text_keeps_every_digit(tmp_path: Path, name: str, delimiter: str) -> None:
    write_columns(tmp_path / name, COLUMNS)
    with (tmp_path / name).open(encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    assert header == ["E", "alpha"]
    assert np.array(rows, dtype=float).T.tolist() == [values.tolist() for values in COLUMNS.values()]


def test_parquet_keeps_every_digit(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pip install 'lawful[parquet]'")
    write_columns(tmp_path / "d.parquet", COLUMNS)
    assert pq.read_table(tmp_path / "d.parquet").to_pydict() == {n: v.tolist() for n, v in COLUMNS.items()}


def test_parquet_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lawful\[parquet\]'"):
        write_columns(tmp_path / "d.parquet", COLUMNS)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in .csv, .tsv or .parquet"):
        write_columns(tmp_path / "d.xls", COLUMNS)

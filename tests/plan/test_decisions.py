"""Published decisions come out as they are printed, or with a reason, and the page shows what comes out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from test_docs import same

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))

from decisions import Row, count, families, read_rows, table  # noqa: E402


@pytest.mark.parametrize("family", [pytest.param(family, id=name) for name, family in families()])
def test_every_decision_is_the_printed_one_or_explained_and_stands_on_the_page(family: ModuleType) -> None:
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    name = family.__name__.rpartition(".")[2]
    shown = re.search(rf"<!-- table {name} -->\n((?:(?!<!-- ).*\n)*)<!-- end -->", page)
    assert shown is not None, f"run python benchmarks/decisions.py {name}"
    assert f"## {family.TITLE}\n" in page
    rows = family.rows()
    assert rows
    assert not [row.line() for row in rows if row.verdict == "DIFFERS"]
    lines = read_rows(shown[1].splitlines())
    missing = [row.line() for row in rows if not any(same(line, row.line()) for line in lines)]
    assert not missing, f"run python benchmarks/decisions.py {name}"


@pytest.mark.parametrize(("row", "verdict"), [
    (Row("size", "paper", "67", 67.4), "same digits"),
    (Row("size", "paper", "67", 67.6), "DIFFERS"),
    (Row("size", "paper", "1.5e21", 1.549e21), "same digits"),
    (Row("size", "paper", "67", 70.0, within=0.05, note="rounded exponents"), "explained"),
    (Row("size", "paper", "67", 70.0, within=0.05), "DIFFERS"),
    (Row("size", "paper", "67", 71.0, within=0.05, note="rounded exponents"), "DIFFERS"),
    (Row("size", "paper", "67", 71.0, note="table 4 says 71", contradicted=True), "contradicted"),
    (Row("size", "paper", "67", 71.0, contradicted=True), "DIFFERS"),
    (Row("tuning", "paper", "full", "full"), "the same"),
    (Row("tuning", "paper", "full", "lora", within=1.0, note="close"), "DIFFERS"),
])
def test_a_row_is_judged_by_the_last_printed_digit(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_the_page_counts_its_rows_by_verdict() -> None:
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    found = re.findall(r"^## (.*)\n\n<!-- table \w+ -->\n((?:(?!<!-- ).*\n)*)<!-- end -->", page, re.MULTILINE)
    assert len(found) == len(list(families()))
    counts = count({title: read_rows(lines.splitlines()) for title, lines in found})
    assert "\n".join(counts) in page, "run python benchmarks/decisions.py"
    assert "DIFFERS |" not in page


def test_long_and_repeated_notes_stand_below_their_table_and_are_read_back() -> None:
    rows = [Row("size", "paper", "67", 66.9, "B"), Row("data", "paper", "1e4", "11,000 | more", note="rounded"),
            Row("bits", "paper", "4", 4.6, within=0.2, note="of accuracy"),
            Row("bits", "paper", "5", 5.6, within=0.2, note="of accuracy"),
            Row("loss", "paper", "2", 2.6, within=0.4, note="long " * 20 + "note")]
    lines = table(rows)
    assert lines[-2:] == ["1. of accuracy", f"2. {'long ' * 20}note"]
    assert [line.split("| ")[-1] for line in lines[2:7]] == [" |", "rounded |", "(1) |", "(1) |", "(2) |"]
    assert read_rows(lines) == [row.line() for row in rows]
    assert count({"all": [row.line() for row in rows]})[-1] == "| together | 5 | 1 | 3 | 0 |"

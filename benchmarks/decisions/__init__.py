"""Published decisions made again: a module for each family of questions, whose ``rows()`` say what came out.

A module has a ``TITLE``, its section on ``docs/decisions.md``, and ``rows() -> list[Row]``, the same every time and in
a few seconds. ``python benchmarks/decisions.py`` prints the tables and writes them into the page;
``tests/plan/test_decisions.py`` holds every row against what is printed, and the page against the rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from lawful.laws.published import Check

HEAD = ("| decision | source | printed | ours | verdict | note |", "| --- | --- | --- | --- | --- | --- |")
SHORT = 24   # characters of a note that stays in its row
SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[3] / "shared"))


@dataclass(frozen=True)
class Row:
    """One published figure, and what comes out here.

    ``printed`` and ``ours`` are in ``unit``: ``Row("size at 5.76e23 FLOP", "arXiv:2203.15556, table 3", "67", 66.9, "B
    params")``; a choice may be a word instead of a number. Where the printed digits are not met ``note`` says why, and
    ``within`` the relative distance that it accounts for: 0.1 is ten per cent. ``contradicted`` says that another table
    of the source rules the printed figure out.
    """

    decision: str
    source: str
    printed: str
    ours: float | str
    unit: str = ""
    within: float = 0.0
    note: str = ""
    contradicted: bool = False

    @property
    def distance(self) -> float:
        """|ours / printed - 1|; of words 0 where they agree."""
        if isinstance(self.ours, str):
            return 0.0 if self.ours == self.printed else float("inf")
        return abs(self.ours / Check({}, self.printed, self.source).value - 1.0)

    @property
    def verdict(self) -> str:
        """``same digits``, ``explained`` (within what the note accounts for), ``contradicted``, or ``DIFFERS``."""
        printed = Check({}, self.printed, self.source) if not isinstance(self.ours, str) else None
        if (self.ours == self.printed if printed is None
                else abs(float(self.ours) - printed.value) <= printed.half_unit):
            return "same digits" if printed else "the same"
        if self.contradicted and self.note:
            return "contradicted"
        return "explained" if self.note and self.distance <= self.within else "DIFFERS"

    @property
    def shown(self) -> str:
        """Ours as the page shows it: a word, or four digits."""
        if isinstance(self.ours, str):
            return self.ours
        return f"{self.ours:,.0f}" if 1e4 <= self.ours < 1e7 and "e" not in self.printed else f"{self.ours:.4g}"

    def line(self, note: str | None = None) -> str:
        """The row of a table in Markdown, with ``note`` in place of the row's own where it is given."""
        cells = (self.decision, self.source, f"{self.printed} {self.unit}".strip(), self.shown, self.verdict,
                 self.note if note is None else note)
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def table(rows: list[Row]) -> list[str]:
    """The lines of a family's table; notes that are long or said more than once stand below it, numbered."""
    said = [row.note for row in rows if row.note]
    below = [note for note in dict.fromkeys(said) if len(note) > SHORT or said.count(note) > 1]
    lines = [row.line(f"({below.index(row.note) + 1})" if row.note in below else None) for row in rows]
    return [*HEAD, *lines, *([""] if below else []), *(f"{i}. {note}" for i, note in enumerate(below, 1))]


def read_rows(lines: list[str]) -> list[str]:
    """The rows that ``table`` wrote, each with its whole note."""
    below = {f"({line.partition('. ')[0]})": line.partition(". ")[2] for line in lines if line[:1].isdigit()}
    cells = [line.removesuffix(" |").rpartition("| ") for line in lines if line.startswith("| ")]
    return [f"{row}{bar}{below.get(note, note)} |" for row, bar, note in cells[len(HEAD):]]


def count(tables: dict[str, list[str]]) -> list[str]:
    """How many rows of each table, by its section's title, have which verdict: the lines of a table."""
    lines = ["| | figures | same | explained | contradicted |", "| --- | --- | --- | --- | --- |"]
    total = [0, 0, 0, 0]
    for title, rows in tables.items():
        verdicts = [row.split(" | ")[4] for row in rows]
        counts = [len(rows), sum(v in ("same digits", "the same") for v in verdicts),
                  *(verdicts.count(v) for v in ("explained", "contradicted"))]
        total = [a + b for a, b in zip(total, counts, strict=True)]
        lines.append(f"| {title} | {' | '.join(map(str, counts))} |")
    return [*lines, f"| together | {' | '.join(map(str, total))} |"]


def data(path: str) -> Path | None:
    """A file of the public data, None where it is not here: the rows that need it are left out then."""
    file = SHARED / "data" / path
    return file if file.exists() else None


def families() -> Iterator[tuple[str, ModuleType]]:
    """Every module of this folder by name, in the order of the alphabet."""
    for found in iter_modules(__path__):
        yield found.name, import_module(f"{__name__}.{found.name}")

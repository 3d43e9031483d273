"""The shape of a reproducibility card: groups of questions with answers, as data and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SOURCE = "Li, Kudugunta & Zettlemoyer 2025, arXiv:2502.18969"
"""Whose checklist the questions follow."""

MISSING = "**not recorded**: add "


@dataclass(frozen=True)
class Item:
    """A question of the card, its answer (None: not recorded), and then what the author should ``add``."""

    question: str
    answer: str | None
    add: str = ""


@dataclass(frozen=True)
class Group:
    """Questions about one part of a study."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Checklist:
    """The card: groups of questions, each with its answer, or with what the author should add."""

    source: str
    n_runs: int
    form: str
    fingerprint: str
    groups: tuple[Group, ...]

    @property
    def recorded(self) -> tuple[int, int]:
        """How many questions have an answer, and how many there are."""
        items = [item for group in self.groups for item in group.items]
        return sum(item.answer is not None for item in items), len(items)

    def to_dict(self) -> dict[str, Any]:
        """The card as data: the contract of ``lawful diagnose --checklist --json``."""
        answered, asked = self.recorded
        return {
            "schema": "lawful.checklist/1", "source": self.source, "n_runs": self.n_runs, "form": self.form,
            "fingerprint": self.fingerprint, "after": SOURCE, "asked": asked, "answered": answered,
            "groups": [{"title": g.title,
                        "items": [{"question": i.question, "answer": i.answer, "recorded": i.answer is not None,
                                   "add": i.add} for i in g.items]} for g in self.groups],
        }

    def markdown(self) -> str:
        """The card as Markdown for an appendix: a table a group."""
        answered, asked = self.recorded
        lines = ["# Reproducibility card", "",
                 f"{self.n_runs} runs from {_text(self.source)}, law `{self.form}`. {answered} of {asked} questions "
                 "are answered from the data; the others say what to add. The questions follow the checklist of "
                 f"{SOURCE}."]
        for group in self.groups:
            lines += ["", f"## {group.title}", "", "| question | answer |", "| --- | --- |"]
            lines += [f"| {_text(i.question)} | {MISSING + _text(i.add) if i.answer is None else _text(i.answer)} |"
                      for i in group.items]
        return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """``text`` within a cell: what Markdown would read as marks is escaped, but for what stands in backticks."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        parts = ["\\`".join(parts)]
    return "`".join(part if i % 2 else _escaped(part) for i, part in enumerate(parts)).replace("|", "\\|")


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "*_<>[]" else c for c in text)

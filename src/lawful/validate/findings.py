"""What a diagnosis is: findings, each with severity, evidence and what to do."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class Severity(enum.Enum):
    """How much a finding matters: ``serious`` changes the answer, ``caution`` its trust, ``note`` nothing."""

    SERIOUS = "serious"
    CAUTION = "caution"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that the runs, or a fit to them, show.

    ``code`` is stable, for programs; ``evidence`` holds the figures; ``rows`` the numbers of the rows
    concerned and ``sources`` the papers that describe it, where there are any; ``follows`` is the code of the finding
    that may well have brought this one about, or empty.
    """

    code: str
    severity: Severity
    title: str
    evidence: str
    action: str
    rows: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    follows: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, or not, with a table of runs and the law fitted to it; causes before what follows from them."""

    source: str
    n_runs: int
    findings: tuple[Finding, ...]
    form: str | None = None

    @classmethod
    def of(cls, source: str, n_runs: int, findings: Iterable[Finding], form: str | None = None) -> Diagnosis:
        """The findings in the order of ``lawful.validate.causes``."""
        from lawful.validate.causes import ordered

        return cls(source, n_runs, ordered(findings), form)

    def __contains__(self, code: str) -> bool:
        return any(f.code == code for f in self.findings)

    @property
    def verdict(self) -> str:
        """One sentence: whether the answer can be used."""
        serious = [f for f in self.findings if f.severity is Severity.SERIOUS]
        cautions = [f for f in self.findings if f.severity is Severity.CAUTION]
        if serious:
            first = self.findings[0].title
            return f"Do not plan on these runs yet: {first[0].lower()}{first[1:]}."
        if cautions:
            return f"Usable with care: {len(cautions)} thing{'s' * (len(cautions) > 1)} to know before trusting it."
        return f"Nothing stands against using these {self.n_runs} runs within their range."

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as data."""
        return {
            "schema": "lawful.diagnosis/1", "source": self.source, "n_runs": self.n_runs, "form": self.form,
            "verdict": self.verdict,
            "findings": [{"code": f.code, "severity": f.severity.value, "title": f.title, "evidence": f.evidence,
                          "action": f.action, "rows": list(f.rows), "sources": list(f.sources),
                          "follows": f.follows} for f in self.findings],
        }


def rows_text(rows: Iterable[int], most: int = 6) -> str:
    """``rows 3, 17 and 40`` for messages, cut after ``most``."""
    rows = list(rows)
    shown = ", ".join(str(r) for r in rows[:most])
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return f"row{'s' * (len(rows) > 1)} {shown}{more}"

"""What an analysis of identifiability found: coefficients, combinations, forecasts, and the runs that would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lawful.quantities import format_number, quantity
from lawful.validate.designs import Collinear
from lawful.validate.findings import Finding, Severity
from lawful.validate.next_run import NextRun


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its profile interval, None at an open end, and ``verdict``: determined, tied, vague or open.

    A scale is tied when it is known together with an exponent that is determined, though not on its own.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    std: float
    log: bool
    verdict: str

    @property
    def open_end(self) -> str:
        """Which end of the interval is open: empty, ``upper end``, ``lower end`` or ``end``."""
        if self.low is None:
            return "end" if self.high is None else "lower end"
        return "upper end" if self.high is None else ""

    def to_dict(self) -> dict[str, Any]:
        """The coefficient as data; ``std`` is of its logarithm where ``log``."""
        return vars(self).copy()


@dataclass(frozen=True)
class Combination:
    """``first`` + ``slope`` x ``second``, known to ``std``, where the two alone are known to ``apart``."""

    first: str
    second: str
    slope: float
    std: float
    apart: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """The combination as data."""
        return {**vars(self), "apart": list(self.apart)}


@dataclass(frozen=True)
class Foreseen:
    """A forecast at some quantities, and its standard error (of the log where the residuals are that)."""

    where: str
    at: Mapping[str, float]
    std: float

    def to_dict(self) -> dict[str, Any]:
        """The forecast as data."""
        return {"where": self.where, "at": dict(self.at), "std": self.std}


@dataclass(frozen=True)
class Identifiability:
    """What the runs determine of a law fitted to them.

    ``condition`` is that of the information matrix scaled to a unit diagonal; ``directions`` its eigenvectors by
    coefficient, the weakest first, each with its ``share`` of the eigenvalues' sum.
    """

    form: str
    source: str
    n_runs: int
    status: str
    level: float
    condition: float
    coefficients: tuple[Coefficient, ...]
    designs: tuple[Collinear, ...]
    combinations: tuple[Combination, ...]
    directions: tuple[tuple[float, Mapping[str, float]], ...]
    forecasts: tuple[Foreseen, ...]
    next_runs: tuple[NextRun, ...]

    @property
    def verdict(self) -> str:
        """One sentence: what is determined and what is not."""
        loose = [c.name for c in self.coefficients if c.verdict in ("vague", "open")]
        why = f", for the design is collinear: {'; '.join(d.name for d in self.designs)}" if self.designs else ""
        if loose:
            return f"The runs do not determine {', '.join(loose)}{why}."
        if self.designs:
            return f"Every coefficient has an interval, and the design is collinear: {self.designs[0].name}."
        return "The runs determine every coefficient."

    @property
    def advice(self) -> str:
        """What runs would say most of the target, and what they would leave of its standard error; empty for none."""
        if not self.next_runs:
            return ""
        runs = "; then ".join(", ".join(f"{name} {format_number(v, 3, quantity(name, run.at).unit)}"
                                        for name, v in run.at.items())
                              + (f" ({format_number(run.cost, 3, run.unit)} {run.unit})" if len(run.at) > 1 else "")
                              for run in self.next_runs)
        one, last = len(self.next_runs) == 1, self.next_runs[-1]
        return (f"{'one run' if one else f'{len(self.next_runs)} runs'} with {runs} would leave the standard error of "
                f"{last.target} at {last.after / self.next_runs[0].before:.2g} of what it is")

    def to_dict(self) -> dict[str, Any]:
        """The answer as data: the contract of ``lawful identify --json``."""
        return {
            "schema": "lawful.identifiability/1", "form": self.form, "source": self.source, "n_runs": self.n_runs,
            "status": self.status, "level": self.level, "verdict": self.verdict, "condition": self.condition,
            "coefficients": [c.to_dict() for c in self.coefficients], "designs": [d.to_dict() for d in self.designs],
            "combinations": [c.to_dict() for c in self.combinations],
            "directions": [{"share": share, "weights": dict(weights)} for share, weights in self.directions],
            "forecasts": [f.to_dict() for f in self.forecasts], "next_runs": [run.to_dict() for run in self.next_runs],
        }


def identifiability_findings(found: Identifiability) -> Iterator[Finding]:
    """What an identifiability analysis says against using the coefficients: collinear designs, open profiles."""
    for design in found.designs:
        yield Finding("collinear", Severity.SERIOUS, f"The design cannot tell terms apart: {design.name}",
                      design.evidence, design.action)
    loose = [c for c in found.coefficients if c.verdict == "open"]
    if loose:
        ends = ", ".join(f"{c.name} has no {c.open_end}" for c in loose)
        names = ", ".join(c.name for c in loose)
        yield Finding("not_identified", Severity.SERIOUS, f"The runs do not determine {names}",
                      f"by profile likelihood at {100 * found.level:g} %, {ends}",
                      found.advice or "add runs of other sizes")

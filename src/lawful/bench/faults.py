"""The study of planted faults: whether ``diagnose`` says the right thing first, and nothing of clean tables.

Each variant of each fault of ``FAULTS`` is diagnosed with the form that a person would fit. ``right_first`` counts
those whose first finding has one of the fault's codes, ``right_anywhere`` those that have one at all, and
``instead`` what came first otherwise. Clean tables count as silent without a finding above a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import lawful.bench.planted_failures
import lawful.bench.planted_faults
import lawful.bench.planted_regimes  # noqa: F401  these modules register their faults
from lawful.bench.planted_runs import DESIGNS, FAULTS, NOISES, Planted, clean_table
from lawful.errors import InputError, LawfulError, unknown
from lawful.results import to_plain
from lawful.validate import Severity, diagnose

VARIANTS, CLEAN = 20, 200
"""Variants of each fault, and clean tables, of a whole study."""

RESAMPLES = 100
"""Resamples of each fit: enough to tell an exponent that nobody knows."""

SILENT = "(nothing)"


@dataclass(frozen=True)
class FaultScore:
    """How one fault was told in its ``variants``."""

    name: str
    codes: tuple[str, ...]
    variants: int
    right_first: int
    right_anywhere: int
    instead: Mapping[str, int]


@dataclass(frozen=True)
class FaultStudy:
    """The scores of the faults under one seed, and of clean tables how many were silent and what others said."""

    seed: int
    faults: tuple[FaultScore, ...]
    clean: int
    silent: int
    alarms: Mapping[str, int]

    @property
    def right_first(self) -> float:
        """The share of all variants whose first finding is right, NaN without any."""
        n = sum(f.variants for f in self.faults)
        return sum(f.right_first for f in self.faults) / n if n else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """The study as data."""
        return {"schema": "lawful.faults/1", "seed": self.seed, "right_first": self.right_first,
                "faults": [{**to_plain(vars(f)), "about": FAULTS[f.name].about} for f in self.faults],
                "clean": {"tables": self.clean, "silent": self.silent, "alarms": dict(self.alarms)}}

    def markdown(self) -> str:
        """The study as a table."""
        lines = ["| fault | right first | right anywhere | first instead |", "| --- | --- | --- | --- |"]
        lines += [f"| {f.name} | {f.right_first} of {f.variants} | {f.right_anywhere} | {_counts(f.instead)} |"
                  for f in self.faults]
        if self.faults:
            lines.append(f"| all | {100 * self.right_first:.1f} % | | |")
        if self.clean:
            lines.append(f"| clean tables: silent | {self.silent} of {self.clean} | | {_counts(self.alarms)} |")
        return "\n".join(lines)


def _counts(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {n}" for code, n in codes.items())


def fault_list() -> list[dict[str, Any]]:
    """Every fault by name, with the findings that are right for it and what it is."""
    return [{"name": f.name, "codes": list(f.codes), "about": f.about} for f in FAULTS.values()]


def fault_study(names: Iterable[str] | None = None, *, variants: int = VARIANTS, clean: int = CLEAN, seed: int = 0,
                told: Callable[[str], None] = lambda line: None) -> FaultStudy:
    """The study of the faults ``names`` (all where None) under ``seed``; ``told`` hears a line after each.

    Raises ``UnknownName`` for a fault that is not registered, ``InputError`` for a negative number.
    """
    if variants < 0 or clean < 0:
        raise InputError(f"variants and clean tables must be 0 or more, got {variants} and {clean}")
    chosen = list(FAULTS) if names is None else list(names)
    for name in chosen:
        if name not in FAULTS:
            raise unknown("fault", name, FAULTS)
    scores = []
    for name in chosen if variants else ():
        scores.append(fault_score(name, variants, seed))
        told(f"{name}: {scores[-1].right_first} of {variants} right first")
    alarms: Counter[str] = Counter()
    for number in range(clean):
        alarms.update(clean_alarm(number, seed))
    return FaultStudy(seed, tuple(scores), clean, clean - sum(alarms.values()), dict(alarms.most_common()))


def fault_score(name: str, variants: int = VARIANTS, seed: int = 0) -> FaultScore:
    """How ``variants`` of the fault ``name`` are told."""
    fault = FAULTS[name]
    found = [codes_of(fault.variant(number, seed)) for number in range(variants)]
    first = [codes[0] for codes in found]
    instead = Counter(code for code in first if code not in fault.codes)
    return FaultScore(name, fault.codes, variants, sum(code in fault.codes for code in first),
                      sum(any(code in fault.codes for code in codes) for codes in found), dict(instead.most_common()))


def codes_of(table: Planted) -> list[str]:
    """The codes of a table's findings in their order; that of an error, or of silence, where there are none."""
    try:
        found = diagnose(table.table(), table.form, bootstrap=RESAMPLES)
    except LawfulError as problem:
        return [type(problem).__name__]
    return [f.code for f in found.findings] or [SILENT]


def clean_alarm(number: int, seed: int = 0) -> list[str]:
    """What a diagnosis of the clean table ``number`` says first above a note: one code, or none."""
    clean = clean_table(np.random.default_rng([seed, number]), DESIGNS[number % len(DESIGNS)],
                        NOISES[number % len(NOISES)])
    found = diagnose(clean.table(), clean.form, bootstrap=RESAMPLES)
    return [f.code for f in found.findings if f.severity is not Severity.NOTE][:1]

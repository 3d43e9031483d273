"""The same question put to several laws: their answers, and the differences that conventions explain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lawful.errors import InputError
from lawful.laws.published import Published
from lawful.quantities import PARAM_COUNTS, QUANTITIES, quantity
from lawful.results import Caveat


@dataclass(frozen=True)
class Answer:
    """What one law answers, and how it read the question.

    ``reach`` is in decades beyond the law's runs, per quantity; ``conventions`` says how it counts.
    """

    key: str
    output: str
    unit: str
    value: float
    at: Mapping[str, float]
    reach: Mapping[str, float]
    conventions: Mapping[str, str]
    unconfirmed: tuple[str, ...] = ()
    warnings: tuple[Caveat, ...] = ()

    @property
    def farthest(self) -> tuple[str, float] | None:
        """The quantity farthest beyond the law's runs, with the decades; None where all lie inside."""
        name = max(self.reach, key=lambda n: self.reach[n], default=None)
        return None if name is None or self.reach[name] == 0 else (name, self.reach[name])


@dataclass(frozen=True)
class Comparison:
    """The answers of several laws to the question ``at``; ``notes`` say why they differ where that is known."""

    at: Mapping[str, float]
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = field(default=())

    def by_output(self) -> dict[str, list[Answer]]:
        """The answers that may stand in one column: those of the same output in the same unit."""
        groups: dict[str, list[Answer]] = {}
        for answer in self.answers:
            groups.setdefault(f"{answer.output} [{answer.unit}]", []).append(answer)
        return groups

    def to_dict(self) -> dict[str, Any]:
        """The comparison as data: the contract of ``laws compare --json``."""
        return {"schema": "lawful.comparison/1", "at": dict(self.at), "notes": list(self.notes),
                "answers": [{**vars(a), "warnings": [vars(w) for w in a.warnings]} for a in self.answers]}


def compare(entries: Sequence[Published], at: Mapping[str, float]) -> Comparison:
    """What each of ``entries`` answers to ``at``; each takes the quantities it knows.

    Raises ``LawError`` for a law that misses a quantity, ``InputError`` for a quantity that no law takes or a
    value that cannot be, ``UnknownName`` for a name that is no quantity.
    """
    for name, value in at.items():
        if not math.isfinite(value) or (quantity(name).positive and value <= 0):
            raise InputError(f"{name} must be positive and finite, got {value:g}")
    answers = [_answer(entry, at) for entry in entries]
    used = {name for entry in entries for name in _taken(entry, at)}
    if idle := [name for name in at if name not in used]:
        takes = dict.fromkeys(quantity(n).label() for entry in entries for n in entry.law.inputs)
        raise InputError(f"none of these laws takes {', '.join(idle)}; they take {', '.join(takes)}")
    return Comparison(dict(at), tuple(answers), tuple(_differences(entries, answers, at)))


def _answer(entry: Published, at: Mapping[str, float]) -> Answer:
    taken, caveats = read(entry, at)
    output = entry.law.output
    return Answer(entry.key, output.name, output.unit, float(entry.law.at(taken)), taken, entry.region.reach(**taken),
                  {n: c for n, c in entry.counting.items() if n in entry.law.inputs}, entry.unconfirmed,
                  tuple(c for c in caveats if c.code != "params_convention"))


def read(entry: Published, at: Mapping[str, float]) -> tuple[dict[str, float], tuple[Caveat, ...]]:
    """The inputs of ``entry`` among the quantities ``at``, which may hold those of other laws, with caveats.

    Raises ``LawError`` for a quantity that is missing.
    """
    known = _taken(entry, at)
    lacks_params = "params" in entry.law.inputs and not any(name in known for name in PARAM_COUNTS)
    counts = {name: at[name] for name in at if name in PARAM_COUNTS} if lacks_params else {}
    return entry.resolve({**known, **counts})


def _taken(entry: Published, at: Mapping[str, float]) -> dict[str, float]:
    """The quantities of ``at`` that ``entry`` reads: its inputs, and params under the name of its convention."""
    convention = entry.counting.get("params", "")
    exact = [n for n in at if "params" in entry.law.inputs and n != "params" and n in PARAM_COUNTS
             and QUANTITIES[n].convention == convention]
    return {name: value for name, value in at.items()
            if name in exact or (name in entry.law.inputs and not (name == "params" and exact))}


def _differences(entries: Sequence[Published], answers: Sequence[Answer], at: Mapping[str, float]) -> list[str]:
    notes = []
    outputs: dict[str, list[str]] = {}
    counts: dict[str, list[str]] = {}
    for entry, answer in zip(entries, answers, strict=True):
        outputs.setdefault(f"{answer.output} [{answer.unit}]", []).append(entry.key)
        if "params" in answer.at and answer.at["params"] == at.get("params"):
            counts.setdefault(entry.counting.get("params") or "unstated", []).append(entry.key)
    if len(outputs) > 1:
        notes.append("different outputs, which do not compare: " + _listed(outputs))
    if len(counts) > 1:
        notes.append(f"params are counted differently, so that the same number is another model: {_listed(counts)}; "
                     "give total_params and nonembedding_params to ask each for the same model")
    for label, keys in outputs.items():
        papers = {e.source.arxiv for e in entries if e.key in keys}
        if len(papers) > 1 and label.endswith("[nats/token]"):
            notes.append("each law's nats are per token of its own tokenizer, on its own data: their levels differ for "
                         "that alone; see the notes of laws show")
    for name in at:
        if name not in PARAM_COUNTS and (blind := [e.key for e in entries if name not in e.law.inputs]):
            notes.append(f"{name} is not asked for by {', '.join(blind)}")
    return notes


def _listed(groups: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{what} by {', '.join(keys)}" for what, keys in groups.items())

"""Plans as files: sealed with a hash, beside the question they answer, so that one can be checked before it is paid.

``seal(made, law, name)`` gives the file's content; ``read_plan(data)`` takes it back and says whether it still is what
was written. The hash is the SHA-256 of the content as canonical JSON: keys in the order of the alphabet, every number
as a double, without what the hash does not cover (``UNSEALED``). The same plan therefore has the same hash on another
day, and a file that was only formatted anew keeps its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

from lawful.cost import Hardware, all_hardware
from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.decide import Decision, Frontier
from lawful.plan.optimum import Plan
from lawful.results import to_plain
from lawful.validate.registration import canonical, digest, law_record

Made = Plan | Decision | Frontier

UNSEALED = ("hash", "created", "version", "policies", "settings")
"""What a plan's hash does not cover: itself, when and by what version it was made, the policies it was judged by, and
the settings for its run, which follow from it and the catalogue."""

SCHEMAS = ("lawful.plan/1", "lawful.frontier/1")


@dataclass(frozen=True)
class PlanFile:
    """A plan as it was read: its ``data``, the ``source`` it came from; of a frontier the ``number`` that is meant."""

    data: Mapping[str, Any]
    source: str
    number: int | None = None

    @property
    def hash(self) -> str | None:
        """The hash that the file states; None for one written without."""
        return self.data.get("hash")

    @property
    def intact(self) -> bool:
        """Whether the content is what was sealed."""
        return self.hash == seal_of(self.data)

    @property
    def law(self) -> Mapping[str, Any]:
        """The law as ``lawful.validate.registration.law_record`` kept it; empty in a file without its question."""
        found: Mapping[str, Any] = self.data.get("question", {}).get("law", {})
        return found

    @property
    def plans(self) -> tuple[Mapping[str, Any], ...]:
        """All plans that it holds: one, or those of a frontier."""
        return tuple(self.data["plans"]) if "plans" in self.data else (self.data,)

    def whole(self) -> PlanFile:
        """This file; raises ``InputError`` where it has no hash, or its content is no longer what was sealed."""
        if self.hash is None:
            raise InputError(f"{self.source}: has no hash, so nothing shows whether it was changed; write it again "
                             "with lawful plan ... -o plan.json")
        if not self.intact:
            raise InputError(f"{self.source}: was changed after it was written: its content does not match its hash "
                             f"{self.hash[:12]}; make the plan again with lawful plan ... -o plan.json")
        return self

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan that is meant; ``InputError`` where that is not clear."""
        count = len(self.plans)
        if self.number is None and count > 1:
            raise InputError(f"{self.source}: is a frontier of {count} plans: name one, as {self.source}:1")
        if self.number is not None and not 1 <= self.number <= count:
            raise InputError(f"{self.source}: holds plans 1 to {count}, got {self.number}")
        return self.plans[(self.number or 1) - 1]


def seal(made: Made, law: Fit | Published, name: str, options: Mapping[str, Any] | None = None, *, created: str = "",
         version: str = "") -> dict[str, Any]:
    """The content of a plan's file: ``made``, the question it answers, and its hash.

    ``law`` is what it rests on, called ``name``: the record keeps its coefficients and its digest. ``options`` are
    those of the command line by name, with which the plan can be made again; ``created`` and ``version`` are not
    hashed.
    """
    content = {**to_plain(made), "question": to_plain(question(made, law, name, options))}
    return {**content, "created": created, "version": version, "hash": seal_of(content)}


def seal_of(data: Mapping[str, Any]) -> str:
    """The hash of a plan's content."""
    return digest(canonical(_ordered({k: v for k, v in data.items() if k not in UNSEALED})))


def _ordered(value: Any) -> Any:
    """``value`` with its keys in the order of the alphabet and its numbers as doubles: 5 and 5.0 are one number."""
    if isinstance(value, Mapping):
        return {k: _ordered(value[k]) for k in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(v) for v in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def question(made: Made, law: Fit | Published, name: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What ``made`` answers: the law with coefficients and digest, and the budget or the problem, as data."""
    one = made.plans[0] if isinstance(made, Frontier) else made
    asked: dict[str, Any] = {"law": law_record(law, name), "level": one.forecast.level}
    if isinstance(one, Plan):
        asked["budget"] = _stated(one.budget)
    else:
        problem = one.problem
        asked["problem"] = {
            "variables": [_stated(v) for v in problem.variables], "minimise": list(problem.minimise),
            "constraints": [str(c) for c in problem.constraints], "rates": _stated(problem.rates),
            "then": [law_record(then, _name(then)) for then in problem.then]}
    return {**asked, "options": None if options is None else dict(options)}


def _name(law: Fit | Published) -> str:
    return law.key if isinstance(law, Published) else law.source


def _stated(value: Any) -> Any:
    """The fields of a dataclass that differ from their defaults, a device of the table by its key."""
    if isinstance(value, Hardware) and value in all_hardware():
        return value.key
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _stated(v) for f in fields(value) if f.compare and (v := getattr(value, f.name)) != _default(f)}
    return value


def _default(f: Field[Any]) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def read_plan(data: Mapping[str, Any], source: str = "plan", number: int | None = None) -> PlanFile:
    """The plan in ``data``, as ``seal`` wrote it; ``InputError`` where it is something else."""
    if data.get("schema") not in SCHEMAS:
        raise InputError(f"{source}: holds no plan (schema {data.get('schema')!r}); one comes from lawful plan ... "
                         "-o plan.json")
    read = PlanFile(data, source, number)
    for plan in read.plans:
        missing = [key for key in ("decision", "forecast", "cost") if not isinstance(plan.get(key), Mapping)]
        if missing:
            raise InputError(f"{source}: a plan without {' and '.join(missing)}; write it again with lawful plan ... "
                             "-o plan.json")
    return read

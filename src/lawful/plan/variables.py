"""What a decision consists of and what it must keep: ``Variable`` and ``Constraint``, and the scale both are solved on.

A quantity that is always positive is solved in its logarithm. One that may be 0 or less (a sparsity, a share of a
mixture, a rating) is solved in its arcsinh: as it is about 0, like a logarithm far from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.cost.checks import positive
from lawful.errors import InputError
from lawful.plan.costs.metrics import METRICS
from lawful.quantities import parse_number, parse_positive, quantity

SHARE, SEEN = "mixture.", "tokens."
"""How the names begin of a domain's share of the mixture, and of the metric of its tokens: share x tokens."""


def is_positive(name: str) -> bool:
    """Whether the quantity or metric ``name`` is never 0 or less: every cost is; a user's own column may not be."""
    return name in METRICS or quantity(name, (name,)).positive


def onto(name: str, value: Any) -> Any:
    """``value`` of the quantity or metric ``name`` on the scale it is solved on."""
    with np.errstate(all="ignore"):
        return np.log(value) if is_positive(name) else np.arcsinh(value)


def back(name: str, scaled: Any) -> Any:
    """The value of ``name`` that ``onto`` put at ``scaled``."""
    return np.exp(scaled) if is_positive(name) else np.sinh(scaled)


@dataclass(frozen=True)
class Variable:
    """A quantity that is decided: between ``low`` and ``high``, or one of ``choices``; held where both are one.

    Only a quantity that may be 0 takes 0 (a sparsity, a share of the mixture); a share lies between 0 and 1.
    """

    name: str
    low: float
    high: float
    choices: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for value in (self.low, self.high, *self.choices):
            _checked(self.name, value, quantity(self.name).unit or "any unit")
            if self.name.startswith(SHARE) and not 0.0 <= value <= 1.0:
                raise InputError(f"{self.name}: a share lies between 0 and 1, got {value:g}")
        if self.low > self.high:
            raise InputError(f"{self.name}: a span runs from low to high, got {self.low:g}:{self.high:g}")

    @property
    def free(self) -> bool:
        """Whether it moves continuously."""
        return not self.choices and self.high > self.low

    @staticmethod
    def parse(text: str) -> Variable:
        """``params=1e8:1e12``, ``post_bits=4,8,16`` or ``epochs=4``. Raises InputError for anything else."""
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(f"{text!r}: write NAME=LOW:HIGH, NAME=A,B,C or NAME=VALUE, as params=1e8:1e12")
        where = f"{name} in {text!r}"
        if ":" in value:
            low, _, high = value.partition(":")
            return Variable(name, _number(name, low, where), _number(name, high, where))
        return Variable.among(name, [_number(name, part, where) for part in value.split(",")])

    @staticmethod
    def among(name: str, choices: Sequence[float]) -> Variable:
        """``name`` as one of ``choices``; held where they are one."""
        values = tuple(sorted(set(choices)))
        return Variable(name, values[0], values[-1], values if len(values) > 1 else ())


@dataclass(frozen=True)
class Constraint:
    """``metric`` at most (``<=``), at least (``>=``) or exactly (``==``) ``bound``."""

    metric: str
    sense: str
    bound: float

    def __post_init__(self) -> None:
        if self.sense not in ("<=", ">=", "=="):
            raise InputError(f"{self.metric} {self.sense} {self.bound:g}: a constraint is <= or >= or ==")
        _checked(self.metric, self.bound, "its unit")

    def __str__(self) -> str:
        return f"{self.metric} {self.sense} {self.bound:g}"

    @property
    def equal(self) -> bool:
        """Whether it is an equality."""
        return self.sense == "=="

    def gap(self, value: Any) -> Any:
        """How far ``value`` is beyond the bound, on the metric's scale: at most 0 where it holds, 0 of an equality."""
        beyond = onto(self.metric, value) - onto(self.metric, self.bound)
        return -beyond if self.sense == ">=" else beyond

    def loosened(self, share: float) -> Constraint:
        """The bound moved by ``share`` of itself, so that more is allowed; that of an equality, up."""
        move = share * abs(self.bound)
        return Constraint(self.metric, self.sense, self.bound + (-move if self.sense == ">=" else move))

    @staticmethod
    def parse(text: str) -> Constraint:
        """``usd<=50k``, ``loss <= 2.1`` or ``tokens_per_param==20``. Raises InputError for anything else."""
        found = re.fullmatch(r"\s*([A-Za-z_.][\w.]*)\s*(<=|>=|==)\s*(\S+)\s*", text)
        if found is None:
            raise InputError(f"{text!r}: write METRIC<=BOUND, METRIC>=BOUND or METRIC==VALUE, as usd<=50k")
        return Constraint(found[1], found[2], _number(found[1], found[3], f"the bound of {found[1]}"))


def _number(name: str, text: str, where: str) -> float:
    return (parse_positive if is_positive(name) else parse_number)(text, where)


def _checked(name: str, value: float, unit: str) -> None:
    if is_positive(name):
        positive(name, value, unit)
    elif not math.isfinite(value):
        raise InputError(f"{name} must be a finite number of {unit}, got {value!r}")

"""A change from one law at one point to another law at another, as factors that can be moved one by one.

Rows are the laws themselves first, then their draws: what is done to one is done to all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, unknown
from lawful.fit import Fit
from lawful.laws.base import Law
from lawful.laws.expressions import Tape, differentiate
from lawful.laws.published import Published
from lawful.plan.explaining.path import along
from lawful.plan.explaining.shapley import shapley, subsets
from lawful.plan.laws import coefficient_rows
from lawful.quantities import quantity

Array = npt.NDArray[np.float64]
Member = npt.NDArray[np.bool_]

LAW = "law"
"""The factor that stands for all coefficients of a law at once."""


@dataclass(frozen=True)
class Change:
    """Two laws, each with its point, and which quantities and coefficients belong to which factor.

    ``points`` name every quantity of either law, what only one end gives as it is there. ``factors`` map a factor's
    name to what it moves: quantities, coefficients, or ``LAW``.
    """

    laws: tuple[Fit | Published, Fit | Published]
    points: tuple[Mapping[str, float], Mapping[str, float]]
    factors: Mapping[str, tuple[str, ...]]
    paired: bool = False

    @staticmethod
    def of(laws: tuple[Fit | Published, Fit | Published], points: tuple[Mapping[str, float], Mapping[str, float]],
           groups: Mapping[str, Sequence[str]], coefficients: bool = False, paired: bool = False) -> Change:
        """The change between two ends, its factors grouped as asked.

        Raises ``InputError`` where nothing changes, or the groups do not divide what does.
        """
        (a, b), forms = ({**there, **here} for here, there in (points, points[::-1])), [law.law for law in laws]
        moved = [name for name in a if a[name] != b[name]]
        if laws[0] is not laws[1] and coefficients:
            if not _one_form(*forms):
                raise InputError(f"coefficient by coefficient takes two laws of one form, not {forms[0].form} and "
                                 f"{forms[1].form}; leave it out, and the law is one factor")
            moved += [n for n, value in forms[0].coefficients.items() if value != forms[1].coefficients[n]]
        elif laws[0] is not laws[1]:
            moved.append(LAW)
        if not moved:
            raise InputError("nothing changes between the two ends: there is no change to split")
        return Change(laws, (a, b), grouped(moved, groups), paired)

    def by_shapley(self) -> Array:
        """The part of each factor in each row, ``(row, factor)``, by Shapley's rule."""
        members = subsets(tuple(self.factors))
        joined = {name: members[:, i] for i, names in enumerate(self.factors.values()) for name in names}
        a, b = self.points
        at = {name: np.where(joined[name], b[name], a[name]) if name in joined else np.full(len(members), a[name])
              for name in a}
        own = {name: chosen for name, chosen in joined.items() if name not in at}
        with np.errstate(all="ignore"):
            if set(own) - {LAW}:
                form, (first, second) = self.laws[0].law, self.rows(*map(coefficient_rows, self.laws))
                mixed = [np.where(own.get(name, False), second[:, j : j + 1], first[:, j : j + 1])
                         for j, name in enumerate(form.names())]
                values = np.asarray(form.with_coefficients(mixed).at(at), dtype=float)
            elif own:
                first, second = self.rows(*(_outcomes(law, at) for law in self.laws))
                values = np.where(own[LAW], second, first)
            else:
                values = _outcomes(self.laws[0], at)
        return shapley(values, members)

    def by_path(self) -> Array:
        """The part of each factor in each row, ``(row, factor)``, along the straight way.

        Raises ``InputError`` for laws of two forms, and for a fit that forecasts with several.
        """
        form = self.laws[0].law
        if not _one_form(form, self.laws[1].law):
            raise InputError(f"no path leads from {form.form} to {self.laws[1].law.form}; use shapley")
        if any(isinstance(law, Fit) and law.combination is not None for law in self.laws):
            raise InputError("this fit forecasts with several forms together, which have no common slope; use shapley")
        ends = self.rows(*map(coefficient_rows, self.laws))
        lines = {name: _line(np.full((1, 1), self.points[0][name]), np.full((1, 1), self.points[1][name]),
                             quantity(name, form.inputs).positive) for name in form.inputs}
        lines |= {name: _line(ends[0][:, j : j + 1], ends[1][:, j : j + 1], form.limits()[name].low >= 0)
                  for j, name in enumerate(form.names())}
        coefficients = form.names() if LAW in self.factors.get(LAW, ()) else ()
        moved = {factor: [n for name in names for n in (coefficients if name == LAW else (name,)) if n in lines]
                 for factor, names in self.factors.items()}
        formula = form.expression()
        flat = [name for names in moved.values() for name in names]
        tape = Tape([formula, *(differentiate(formula, name) for name in flat)], {})

        def function(t: Array) -> tuple[Array, Array]:
            here = {name: line(t) for name, line in lines.items()}
            with np.errstate(all="ignore"):
                value, *slopes = tape({name: x for name, (x, _) in here.items()})
                rates = {n: slope * here[n][1] for n, slope in zip(flat, slopes, strict=True)}
            shape = (len(ends[0]), len(t))
            zero = np.zeros(shape)
            return np.broadcast_to(value, shape), np.stack(
                [np.broadcast_to(sum((rates[n] for n in names), zero), shape) for names in moved.values()], axis=1)

        return along(function)

    def rows(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Rows of both laws one against one."""
        return (a, b) if self.laws[0] is self.laws[1] else matched(a, b, self.paired)


def matched(a: Array, b: Array, paired: bool = False) -> tuple[Array, Array]:
    """Rows of two laws one against one: the laws themselves first, then draws that are independent or ``paired``.

    A law without draws stands still beside the other's.
    """
    count = max(len(a), len(b)) - 1
    if paired and len(a) != len(b):
        raise InputError(f"paired draws are as many in both fits, got {len(a) - 1} and {len(b) - 1}")
    first, second = (1 + np.resize(np.arange(len(x) - 1), count) if len(x) > 1 else np.zeros(count, dtype=int)
                     for x in (a, b))
    if not paired:
        second = np.random.default_rng(0).permutation(second)
    return a[np.r_[0, first]], b[np.r_[0, second]]


def grouped(moved: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """What moved, by factor, in the order in which it came."""
    taken: dict[str, str] = {}
    for group, names in groups.items():
        for name in names:
            if name not in moved:
                raise unknown("factor", name, moved, where=f"in the group {group}")
            if name in taken:
                raise InputError(f"{name} is in two groups: {taken[name]} and {group}")
            taken[name] = group
    factors: dict[str, tuple[str, ...]] = {}
    for name in moved:
        if name in groups and name not in groups[name]:
            raise InputError(f"{name} changes by itself, and a group is called so: call the group something else")
        factor = taken.get(name, name)
        factors[factor] = (*factors.get(factor, ()), name)
    return factors


def _one_form(a: Law, b: Law) -> bool:
    return type(a) is type(b) and a.settings == b.settings


def _outcomes(law: Fit | Published, at: Mapping[str, Array]) -> Array:
    """What ``law`` forecasts at points, then what its draws do, ``(row, point)``."""
    if isinstance(law, Published):
        return np.atleast_2d(np.asarray(law.law.at(at), dtype=float))
    own = np.atleast_2d(law.expected(at))
    return np.concatenate([own, law.expectations(at)]) if len(law.draws) else own


def _line(a: Array, b: Array, logarithmic: bool) -> Any:
    """The way from ``a`` to ``b``, ``(row, 1)``: its places and their rates at ``t``, ``(row, place)``."""
    if logarithmic and (a > 0).all() and (b > 0).all():
        span = np.log(b / a)
        return lambda t: (a * np.exp(span * t), a * np.exp(span * t) * span)
    return lambda t: (a + (b - a) * t, (b - a) * np.ones_like(t))

"""The grammar of discovery: what a law may be made of, and which laws stand one step apart.

A ``Structure`` is a floor and a sum of terms; a term is a coefficient times factors; a factor is a function of
one input, which may first pass through a map: an effective quantity that another input bends. So

    E + A1 * N**-alpha1 + A2 * (c_1 * U * (1 - exp(-D / (c_1 * U))))**-alpha2

is a floor, a falling power of the params N, and a falling power of the tokens D under the map ``repeat`` by the unique
tokens U. Inputs are divided by the power of ten next to their middle, so that coefficients are of the target's size.
An input that is zero or negative somewhere enters by its place in its span, from -1 to 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from lawful.fit.discovery.parts import CENTRED, ENDLESS, FACTORS, MAPS, ONLY_GROWING, UNSIGNED, Axis, Slot
from lawful.laws.expressions import Expr, constant, symbol

MOST_TERMS, MOST_FACTORS, MOST_MAPS = 4, 3, 2
"""Terms of a law, factors of a term, maps of a law."""


@dataclass(frozen=True, order=True)
class Factor:
    """A factor of a term, or a map: its kind, its input, and the input that moves or bends it."""

    kind: str
    input: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Structure:
    """A law without numbers: terms of factors, maps of inputs, and whether there is a floor."""

    terms: tuple[tuple[Factor, ...], ...] = ()
    maps: tuple[Factor, ...] = ()
    floor: bool = True

    @property
    def endless(self) -> int:
        """How many factors turn or run on beyond the runs, where nothing shows that they should."""
        return sum(factor.kind in ENDLESS for term in self.terms for factor in term)

    @property
    def key(self) -> tuple[object, ...]:
        """What two structures that are the same law share, however they were reached."""
        return tuple(sorted(tuple(sorted(term)) for term in self.terms)), tuple(sorted(self.maps)), self.floor


@dataclass(frozen=True)
class Blueprint:
    """A structure as a formula: the function each linear coefficient multiplies, and the other coefficients."""

    basis: Mapping[str, Expr]
    slots: Mapping[str, Slot]
    floor: str | None      # the name of the floor

    @property
    def names(self) -> tuple[str, ...]:
        """Every coefficient: the linear ones, then the others."""
        return (*self.basis, *self.slots)

    def expression(self) -> Expr:
        """The formula: the sum of the linear coefficients times their functions."""
        terms = [symbol(name) * function for name, function in self.basis.items()]
        return reduce(lambda a, b: a + b, terms)


def blueprint(structure: Structure, axes: Mapping[str, Axis]) -> Blueprint:
    """The formula of ``structure``. Names count on as a structure grows, so that a child's begin with its parent's."""
    slots: dict[str, Slot] = {}

    def named(found: tuple[Slot, ...], suffix: str) -> list[Expr]:
        names = [_free_name(slot.stem + suffix, axes) for slot in found]
        slots.update(zip(names, found, strict=True))
        return [symbol(name) for name in names]

    value = {name: axis.expression() for name, axis in axes.items()}
    mapped = dict(value)
    for i, m in enumerate(structure.maps, 1):
        kind, x, z = MAPS[m.kind], axes[m.input], axes[m.by[0]]
        coefficients = named(kind.slots(x, z), f"_{i}")
        mapped[x.name] = kind.build(value[x.name], x, (value[z.name], z.growth()), coefficients)
    basis = {_free_name("E", axes): constant(1.0)} if structure.floor else {}
    for i, term in enumerate(structure.terms, 1):
        product = constant(1.0)
        for factor, letter in zip(term, ("", "b", "c"), strict=False):
            kind, x = FACTORS[factor.kind], axes[factor.input]
            coefficients = named(kind.slots(x, *(axes[z] for z in factor.by)), f"{i}{letter}")
            bent = value if factor.kind in CENTRED else mapped
            product = product * kind.build(bent[x.name], x, [value[z] for z in factor.by], coefficients)
        basis[_free_name(f"A{i}", axes)] = product
    return Blueprint(basis, slots, next(iter(basis)) if structure.floor else None)


def _free_name(name: str, axes: Mapping[str, Axis]) -> str:
    while name in axes:
        name += "_"
    return name


def _fits(kind: str, x: Axis) -> bool:
    if (x.logarithmic and kind in UNSIGNED) or (kind in CENTRED and x.name in ONLY_GROWING):
        return False
    return x.logarithmic or not FACTORS[kind].positive


def grow(structure: Structure, axes: Mapping[str, Axis]) -> Iterator[Structure]:
    """Every structure that has one part more: a term, a factor, a map, or an input that moves a bowl's middle."""
    positive = [x.name for x in axes.values() if x.logarithmic]
    if len(structure.terms) < MOST_TERMS:
        for added in _new_terms(axes, positive):
            if added not in structure.terms:
                yield replace(structure, terms=(*structure.terms, added))
    for i, term in enumerate(structure.terms):
        if len(term) < MOST_FACTORS:
            for factor in _new_factors(term, axes, positive):
                yield _with_term(structure, i, (*term, factor))
        for j, factor in enumerate(term):
            if len(factor.by) < FACTORS[factor.kind].by and factor.kind in CENTRED:
                for z in positive:
                    if z not in (factor.input, *factor.by):
                        yield _with_term(structure, i, (*term[:j], replace(factor, by=(*factor.by, z)), *term[j + 1 :]))
    if len(structure.maps) < MOST_MAPS:
        for x in positive:
            if x not in {m.input for m in structure.maps}:
                kinds = {f.kind for term in structure.terms for f in term if f.input == x} - CENTRED
                for name in MAPS:
                    if kinds and not (name == "shift" and kinds <= {"fall", "rise", "power"}):
                        yield from (replace(structure, maps=(*structure.maps, Factor(name, x, (other,))))
                                    for other in positive if other != x)


def _new_terms(axes: Mapping[str, Axis], positive: list[str]) -> Iterator[tuple[Factor, ...]]:
    for x in axes.values():
        yield from ((Factor(name, x.name),) for name, kind in FACTORS.items() if kind.first and _fits(name, x))
        if _fits("bowl", x):
            yield from ((Factor("bowl", x.name, (z,)),) for z in positive if z != x.name)
    for first, second in itertools.combinations(positive, 2):
        yield from ((Factor(opening, first), Factor("power", second)) for opening in ("fall", "rise"))


def _new_factors(term: tuple[Factor, ...], axes: Mapping[str, Axis], positive: list[str]) -> Iterator[Factor]:
    taken = {factor.input for factor in term}
    for x in axes.values():
        if x.name not in taken:
            yield from (Factor(name, x.name) for name, kind in FACTORS.items()
                        if kind.later and not kind.by and _fits(name, x))
    if not any(factor.kind == "drift" for factor in term):
        yield from (Factor("drift", x, (z,)) for i, x in enumerate(positive) for z in positive[i + 1 :]
                    if {x, z} & taken)


def shrink(structure: Structure) -> Iterator[Structure]:
    """Every structure that has one part less."""
    for i, term in enumerate(structure.terms):
        if structure.floor or len(structure.terms) > 1:
            yield _tidy(replace(structure, terms=structure.terms[:i] + structure.terms[i + 1 :]))
        if len(term) > 1:
            for j in range(len(term)):
                rest = term[:j] + term[j + 1 :]
                if FACTORS[rest[0].kind].first:
                    yield _tidy(_with_term(structure, i, rest))
    for i in range(len(structure.maps)):
        yield replace(structure, maps=structure.maps[:i] + structure.maps[i + 1 :])
    if structure.floor and structure.terms:
        yield replace(structure, floor=False)


def _with_term(structure: Structure, i: int, term: tuple[Factor, ...]) -> Structure:
    return replace(structure, terms=(*structure.terms[:i], term, *structure.terms[i + 1 :]))


def _tidy(structure: Structure) -> Structure:
    """Without the maps of inputs that no term has any more."""
    used = {factor.input for term in structure.terms for factor in term}
    return replace(structure, maps=tuple(m for m in structure.maps if m.input in used))

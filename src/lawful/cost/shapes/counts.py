"""``Count``: a polynomial of width, depth, vocabulary and experts, and how one is found from exact counts.

Coefficients are found as fractions and are exact; a count in whole numbers comes out whole.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

POWERS = (0, -1, 0, 0)
"""The lowest powers of width, depth, vocabulary and experts: some counts hold one layer of many."""


@dataclass(frozen=True)
class Count:
    """A count of a family: the sum of c (width / unit)^i depth^j vocab^k experts^m over ``terms`` (c, i, j, k, m)."""

    unit: int
    terms: tuple[tuple[float, int, int, int, int], ...]

    def __call__(self, width: Any, depth: Any, vocab_size: Any, experts: Any) -> Any:
        """The count at these numbers, or arrays of them."""
        units = width / self.unit   # whole for a shape that can be built, so that every term is
        total: Any = None
        for j, powers in self._rows(vocab_size, experts).items():
            row = powers[-1]
            for c in reversed(powers[:-1]):
                row = row * units + c
            row = row if j == 0 else row * depth if j == 1 else row / depth
            total = row if total is None else total + row
        return 0.0 * units if total is None else total

    def over(self, divisor: float) -> Count:
        """The same count, divided."""
        return Count(self.unit, tuple((c / divisor, i, j, k, m) for c, i, j, k, m in self.terms))

    def _rows(self, vocab_size: Any, experts: Any) -> Mapping[int, tuple[Any, ...]]:
        """By the power of the depth, the coefficients of the powers of width / unit."""
        if getattr(vocab_size, "ndim", 0) == getattr(experts, "ndim", 0) == 0:
            return _rows(self, float(vocab_size), float(experts))
        return _rows.__wrapped__(self, vocab_size, experts)


@functools.lru_cache(maxsize=512)
def _rows(count: Count, vocab_size: Any, experts: Any) -> Mapping[int, tuple[Any, ...]]:
    found: dict[int, list[Any]] = {}
    for c, i, j, k, m in count.terms:
        row = found.setdefault(j, [])
        row += [0.0] * (i + 1 - len(row))
        row[i] = row[i] + c * (vocab_size if k else 1.0) * (experts if m else 1.0)
    return {j: tuple(row) for j, row in found.items()}


def interpolated(unit: int, nodes: Sequence[Sequence[int]], values: Mapping[tuple[int, ...], float]) -> Count:
    """The count that has ``values`` at every combination of the ``nodes`` of width, depth, vocabulary and experts.

    Its powers are as many along each as there are nodes, from ``POWERS`` on.
    """
    exact = {point: Fraction(value) for point, value in values.items()}
    for axis, (points, first) in enumerate(zip(nodes, POWERS, strict=True)):
        exact = _expanded(exact, axis, points, first)
    return Count(unit, tuple((float(c * unit**i), i, j, k, m) for (i, j, k, m), c in exact.items() if c))


def _expanded(values: Mapping[tuple[int, ...], Fraction], axis: int, points: Sequence[int],
              first: int) -> dict[tuple[int, ...], Fraction]:
    """``values`` at ``points`` along ``axis`` as coefficients of the powers from ``first`` on; exact."""
    found: dict[tuple[int, ...], Fraction] = {}
    for key in {(*p[:axis], *p[axis + 1:]) for p in values}:
        line = [values[(*key[:axis], x, *key[axis:])] for x in points]
        for power, c in enumerate(_polynomial(points, [y / Fraction(x) ** first if first else y
                                                       for x, y in zip(points, line, strict=True)])):
            found[(*key[:axis], power + first, *key[axis:])] = c
    return found


def _polynomial(points: Sequence[int], values: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients, from the constant on, of the polynomial through ``values`` at ``points``, by differences."""
    differences = list(values)
    for level in range(1, len(points)):
        for i in range(len(points) - 1, level - 1, -1):
            differences[i] = (differences[i] - differences[i - 1]) / (points[i] - points[i - level])
    coefficients = [Fraction(0)] * len(points)
    for i in range(len(points) - 1, -1, -1):   # Horner, times (x - point)
        shifted = [Fraction(0), *coefficients[:-1]]
        coefficients = [s - points[i] * c for s, c in zip(shifted, coefficients, strict=True)]
        coefficients[0] += differences[i]
    return coefficients

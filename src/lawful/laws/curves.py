"""A law's output along one of its inputs: the plain data of its figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lawful.laws.published import Entry, Published
from lawful.quantities import quantity

WIDE = 5.0
"""The ratio of ends from which an axis is drawn in logarithms."""

AROUND = 30.0
"""How far a curve runs to either side of a check value, where no region is known."""


@dataclass(frozen=True)
class Curve:
    """The output of the law ``key`` along the input ``over``, every other input at ``at``.

    ``inside`` is the part of ``x`` that the law was fitted on, None where that is not known.
    """

    key: str
    over: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    output: str
    unit: str
    at: Mapping[str, float]
    inside: tuple[float, float] | None = None

    @property
    def x_label(self) -> str:
        """The input with its unit."""
        return quantity(self.over).label()

    @property
    def y_label(self) -> str:
        """The output with its unit."""
        return f"{self.output} [{self.unit}]"


def curve(entry: Entry, over: str | None = None, at: Mapping[str, float] | None = None, points: int = 64,
          span: tuple[float, float] | None = None) -> Curve | None:
    """The curve of ``entry`` over its first input with a known span, or ``over``; None where it has none.

    Other inputs stand at the geometric middle of their region, or at the law's first check value, unless
    ``at`` gives them. Only a published law has a curve.
    """
    if not isinstance(entry, Published):
        return None
    first = entry.checks[0].at if entry.checks else {}
    spans = {name: _span(entry, name, first) for name in entry.law.inputs}
    middles = {name: middle(*s) for name, s in spans.items() if s is not None}
    others = {**first, **middles, **(at or {})}
    over = over or next((name for name in entry.law.inputs if spans[name]), None)
    span = span or (spans.get(over) if over else None)
    if over is None or span is None or any(name not in others for name in entry.law.inputs):
        return None
    others = {name: others[name] for name in entry.law.inputs if name != over}
    pairs = [(x, y) for x in _between(*span, points) if (y := _value(entry, {**others, over: x})) is not None]
    if len(pairs) < 2:
        return None
    xs, ys = zip(*pairs, strict=True)
    return Curve(entry.key, over, xs, ys, entry.law.output.name, entry.law.output.unit, others,
                 entry.region.spans.get(over))


def _value(entry: Published, at: Mapping[str, float]) -> float | None:
    try:
        value = float(entry.law.at(at))
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _span(entry: Published, name: str, first: Mapping[str, float]) -> tuple[float, float] | None:
    span = entry.region.spans.get(name)
    if span is not None and span[0] < span[1]:
        return span
    value = span[0] if span is not None else first.get(name)
    if value is None:
        return None
    if quantity(name).unit == "fraction":
        return (0.0, 1.0) if value in (0.0, 1.0) else (value / 2, min(1.0, value * 2))
    return (value / AROUND, value * AROUND) if value > 0 else None


def middle(low: float, high: float) -> float:
    """The geometric middle of a span, or its mean where it reaches zero."""
    return math.sqrt(low * high) if low > 0 else 0.5 * (low + high)


def is_wide(low: float, high: float) -> bool:
    """Whether an axis from ``low`` to ``high`` is better drawn in logarithms."""
    return low > 0 and high / low >= WIDE


def _between(low: float, high: float, points: int) -> list[float]:
    shares = [i / (points - 1) for i in range(points)]
    if is_wide(low, high):
        inner = [low * (high / low) ** share for share in shares]
    else:
        inner = [low + (high - low) * share for share in shares]
    return [low, *inner[1:-1], high]

"""How a value reads on the page: every section and every figure prints through these functions.

What to use when: ``size`` for counts, costs, exponents and coefficients; ``flop`` for compute; ``outcome`` for the
output of the law; ``percent`` for shares; ``within`` for the ends of an interval. What is missing or not a finite
number reads as a dash.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from lawful.errors import UnknownName
from lawful.quantities import format_number, quantity

DASH = "–"


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite number; None and NaN are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def size(value: object) -> str:
    """``1.43B``, ``5.76e+23``, ``0.3473``."""
    return format_number(value, digits=4) if is_number(value) else DASH


def flop(value: object) -> str:
    """``3.163e+13 FLOP``: compute, always as a power of ten."""
    return f"{format_number(value, unit='FLOP')} FLOP" if is_number(value) else DASH


def outcome(value: object) -> str:
    """``2.8312``: the output of a law, in its own unit."""
    return f"{value:.4f}" if is_number(value) else DASH


def percent(value: object) -> str:
    """``0.53 %``, ``90 %``, ``240 %`` for the shares 0.0053, 0.9 and 2.4."""
    if not is_number(value):
        return DASH
    share = abs(value)
    return f"{100 * value:.{0 if share >= 1 else 1}f} %" if share >= 0.99 else f"{100 * value:.2g} %"


def decades(value: object) -> str:
    """``1.2 decades``."""
    return f"{value:.1f} decades" if is_number(value) else DASH


def within(interval: object, show: Callable[[object], str] = size) -> str:
    """``1.21B to 1.62B``: the ends of an ``interval``, a mapping with ``low`` and ``high``."""
    low, high = (interval.get("low"), interval.get("high")) if isinstance(interval, Mapping) else (None, None)
    return f"{show(low)} to {show(high)}" if is_number(low) and is_number(high) else "no interval"


def label(name: str) -> str:
    """The name of a quantity with its unit, ``compute [FLOP]``; an unknown name stands for itself."""
    try:
        known = quantity(name)
        return f"{name} [count]" if known.unit == name else known.label()
    except UnknownName:
        return name


def listed(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = list(parts) or [DASH]
    return f"{', '.join(first)} and {last}" if first else last


def output_of(analysis: Mapping[str, Any]) -> str:
    """The name of what the law predicts: as the fit says, else the forecast, else ``loss``."""
    forecast = (analysis.get("plan") or {}).get("forecast") or {}
    return str((analysis.get("fit") or {}).get("output") or forecast.get("output") or "loss")

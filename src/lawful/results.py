"""What all results share: caveats, intervals, and one plain-data form for Python, ``--json`` and pages.

``to_plain`` turns any frozen result into JSON-ready data; a result class that travels states its
``schema`` and names the fields that stay behind.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Caveat:
    """Something to know about a result: a stable ``code`` for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Interval:
    """An estimate with its spread: ``value`` with ``std`` and the ends of a central interval."""

    value: float
    std: float
    low: float
    high: float


def interval(value: float, draws: Any, level: float) -> Interval:
    """``value`` with the standard deviation and the central ``level`` percentile interval of ``draws``.

    Draws that are not finite are left out of both; with none left the spread is NaN.
    """
    import numpy as np

    kept = np.asarray(draws, dtype=float)
    kept = kept[np.isfinite(kept)]
    if kept.size == 0:
        return Interval(float(value), math.nan, math.nan, math.nan)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(kept, [tail, 100.0 - tail])
    with np.errstate(over="ignore"):  # a coefficient that nothing determines: its spread is infinite, and says so
        std = float(kept.std(ddof=1)) if kept.size > 1 else math.nan
    return Interval(float(value), std, float(low), float(high))


def once(caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
    """The caveats in their order, each message once."""
    return tuple({caveat.message: caveat for caveat in caveats}.values())


def to_plain(value: Any) -> Any:
    """``value`` as dicts, lists, strings and numbers that ``json`` takes; NaN and infinity become null."""
    if hasattr(value, "to_dict"):
        return to_plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return to_plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(v) for v in value]
    raise TypeError(f"{type(value).__name__} has no plain form")

"""How a law's outcome answers to its quantities and coefficients at a point: exact slopes, from the formula itself.

``elasticities(law, at)`` gives d ln y / d ln x for every quantity x and coefficient of the law: the per cent by which
the outcome moves for one per cent more of x, all else the same. Of an outcome that may be negative it is dy / d ln x,
in the outcome's own unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer
from lawful.fit import Fit, forecast
from lawful.laws.base import Law
from lawful.laws.expressions import Tape, differentiate
from lawful.laws.published import Published
from lawful.quantities import Quantity
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Elasticities:
    """The outcome's elasticities at the point ``at``, by quantity and by coefficient, with intervals over the draws.

    A law without draws has no interval: the ends are NaN, null in JSON.
    """

    output: Quantity
    at: Mapping[str, float]
    value: float
    quantities: Mapping[str, Interval]
    coefficients: Mapping[str, Interval]
    level: float
    warnings: tuple[Caveat, ...] = ()

    @property
    def unit(self) -> str:
        """What an elasticity is measured in."""
        return "% for 1 % more" if self.output.positive else f"{self.output.unit} for e times as much".lstrip()

    def to_dict(self) -> dict[str, Any]:
        """The elasticities as data: the contract of ``lawful sensitivity --json``."""
        return {
            "schema": "lawful.elasticities/1", "output": self.output.name, "unit": self.unit, "at": dict(self.at),
            "value": self.value, "level": self.level,
            "quantities": {name: vars(i) for name, i in self.quantities.items()},
            "coefficients": {name: vars(i) for name, i in self.coefficients.items()},
            "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        rows = {**self.quantities, **self.coefficients}
        wide = max(map(len, rows))
        lines = [f"{self.output.name} {self.value:.6g} moves by [{self.unit}]"]
        for name, i in rows.items():
            ends = f"   {100 * self.level:g} % [{i.low:.4g}, {i.high:.4g}]" if math.isfinite(i.low) else ""
            lines.append(f"  {name:<{wide}}  {i.value:>11.4g}{ends}")
        return "\n".join(lines)


def elasticities(law: Fit | Published, at: Mapping[str, float], level: float | None = None) -> Elasticities:
    """The elasticities of what ``law`` gives at ``at``, with intervals over a fit's draws.

    Of a fit whose forecast is that of several forms together, they are those of the law it chose. Raises as
    ``forecast``, and ``FailedToAnswer`` where the law has no slope.
    """
    expected = forecast(law, at, level)
    inner, names = law.law, (*law.law.inputs, *law.law.names())
    centre = log_slopes(inner, expected.at, names)
    for name, slope in zip(names, centre, strict=True):
        if not np.isfinite(slope):
            raise FailedToAnswer(f"{inner.form} has no slope in {name} at "
                                 f"{', '.join(f'{n} {v:g}' for n, v in expected.at.items())}")
    spread = np.zeros((len(names), 0))
    if isinstance(law, Fit) and len(law.draws):
        spread = log_slopes(law.sample, expected.at, names)
    found = {name: interval(float(centre[i]), spread[i], expected.level) for i, name in enumerate(names)}
    return Elasticities(inner.output, expected.at, float(np.asarray(inner.at(expected.at))),
                        {n: found[n] for n in inner.inputs}, {n: found[n] for n in inner.names()}, expected.level,
                        expected.warnings)


def log_slopes(law: Law, at: Mapping[str, Any], names: Sequence[str]) -> Array:
    """d ln y / d ln x for each x of ``names``, ``(name,)``, or ``(name, draw)`` of a law with draws as coefficients.

    Of an outcome y that may be negative, dy / d ln x. ``names`` are quantities and coefficients of the law.
    """
    formula = law.expression()
    quantities = {name: np.asarray(at[name], dtype=float) for name in law.inputs}
    values = {**quantities, **law.coefficients}
    with np.errstate(all="ignore"):
        outcome, *slopes = Tape([formula, *(differentiate(formula, name) for name in names)], quantities)(
            law.coefficients)
        scale = outcome if law.output.positive else np.ones(())
        found = [np.ravel(slope * values[name] / scale) for name, slope in zip(names, slopes, strict=True)]
    width = max(map(len, found))
    full = np.stack([np.broadcast_to(slope, (width,)) for slope in found])
    return full if any(np.ndim(c) for c in law.coefficients.values()) else full[:, 0]

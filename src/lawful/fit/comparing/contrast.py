"""What a comparison of two laws says: the effect at a scale, with everything needed to doubt it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from lawful.quantities import Quantity, format_number, quantity
from lawful.results import Caveat, Interval

POWER = 0.8
"""The chance of telling two laws or arms apart that advice on more runs plans for."""


@dataclass(frozen=True)
class Crossing:
    """Where two curves cross, nearest to the scale asked about; ``value`` None where the best laws do not.

    ``low`` and ``high`` span the crossings of the draws that have one, which are the ``share`` of all;
    ``searched`` is the span that was looked at.
    """

    value: float | None
    low: float | None
    high: float | None
    share: float | None
    searched: tuple[float, float]


@dataclass(frozen=True)
class Contrast:
    """What ``b`` changes against ``a`` at one scale.

    ``values`` are the outputs of a and of b. ``difference`` is b - a in the output's unit, ``log_ratio``
    log(b / a), None where the output may be negative. A multiplier m says that b reaches a's output with 1 / m
    of the quantity: 0 where no amount is enough, infinity (null in JSON) where next to nothing is. ``trend`` is the
    factor by which the multiplier along ``axis`` grows over the decade about the scale. ``better`` is the share of
    draws in which b is better, ``distinguishable`` whether the interval of the effect excludes none; both are None
    without draws. ``reach`` is that of a and of b, in decades beyond their runs.
    """

    a: str
    b: str
    at: Mapping[str, float]
    output: Quantity
    level: float
    values: tuple[Interval, Interval]
    difference: Interval
    log_ratio: Interval | None
    better: float | None
    distinguishable: bool | None
    multipliers: Mapping[str, Interval]
    axis: str
    trend: Interval
    crossing: Crossing
    reach: tuple[Mapping[str, float], Mapping[str, float]]
    more_is_better: bool = False
    warnings: tuple[Caveat, ...] = ()

    @property
    def effect(self) -> Interval:
        """The log ratio, or the difference where the output may be negative."""
        return self.difference if self.log_ratio is None else self.log_ratio

    @property
    def verdict(self) -> str:
        """One sentence: which is better, or that the runs cannot tell."""
        if self.effect.value == 0 and self.distinguishable is None:
            return f"{self.a} and {self.b} give the same {self.output.name}"
        ahead = self.b if (self.effect.value > 0) == self.more_is_better else self.a
        if self.distinguishable is None:
            return f"{ahead} is better; without draws nothing says how surely"
        if self.distinguishable:
            return f"{ahead} is better"
        return f"{self.a} and {self.b} are not distinguishable at the level of {100 * self.level:g} %"

    @property
    def more_runs(self) -> float | None:
        """How many times these runs would tell the laws apart four times in five, if the effect is this large.

            ((z((1 + level) / 2) + z(power)) s / effect)**2,

        s being the spread of the effect, which shrinks as the root of the runs. None without draws or effect.
        """
        half = 0.5 * (self.effect.high - self.effect.low)
        if self.effect.value == 0 or not math.isfinite(half):
            return None
        z = NormalDist().inv_cdf(0.5 + 0.5 * self.level)
        return ((z + NormalDist().inv_cdf(POWER)) / z * half / self.effect.value) ** 2

    def to_dict(self) -> dict[str, Any]:
        """The contrast as data: the contract of ``lawful compare --json``."""
        return {
            "schema": "lawful.contrast/1", "a": self.a, "b": self.b, "at": dict(self.at),
            "output": self.output.name, "unit": self.output.unit, "level": self.level, "verdict": self.verdict,
            "values": {"a": vars(self.values[0]), "b": vars(self.values[1])},
            "difference": vars(self.difference), "log_ratio": self.log_ratio and vars(self.log_ratio),
            "better": self.better, "distinguishable": self.distinguishable,
            "more_runs": self.more_runs,
            "multipliers": {name: vars(m) for name, m in self.multipliers.items()}, "axis": self.axis,
            "trend": vars(self.trend), "crossing": vars(self.crossing),
            "reach": {"a": dict(self.reach[0]), "b": dict(self.reach[1])},
            "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        units = {name: quantity(name, self.at).unit for name in self.at}
        asked = ", ".join(f"{name} {format_number(value, unit=units[name])}" for name, value in self.at.items())
        effect = [("difference", self.difference, self.output.unit)]
        if self.log_ratio is not None:
            effect.append(("log ratio", Interval(*(100 * v for v in vars(self.log_ratio).values())), "%"))
        rows = [(self.a, self.values[0], self.output.unit), (self.b, self.values[1], self.output.unit), *effect,
                *((f"{name} multiplier", m, "") for name, m in self.multipliers.items()),
                (f"its change per decade of {self.axis}", self.trend, "")]
        wide = max(len(label) for label, *_ in rows)
        lines = [self.verdict, f"at {asked}", *(f"  {label:<{wide}}  {row(i, self.level, unit)}"
                                                for label, i, unit in rows)]
        if self.better is not None:
            lines.append(f"  {self.b} is better in {100 * self.better:.3g} % of the draws")
        if self.distinguishable is False and self.more_runs is not None:
            lines.append(f"  an effect this large would take {self.more_runs:.2g} times these runs to tell")
        return "\n".join([*lines, f"  {self._crossing()}"])

    def _crossing(self) -> str:
        def shown(value: float | None) -> str:
            return "" if value is None else format_number(value, 3, quantity(self.axis, (self.axis,)).unit)

        low, high = map(shown, self.crossing.searched)
        said = f"the curves do not cross between {self.axis} {low} and {high}"
        if self.crossing.value is not None:
            said = f"the curves cross at {self.axis} {shown(self.crossing.value)}"
        if self.crossing.share:
            said += (f"; {100 * self.crossing.share:.3g} % of the draws cross within reach, at "
                     f"{shown(self.crossing.low)} to {shown(self.crossing.high)}")
        return said


def row(i: Interval, level: float, unit: str = "") -> str:
    """An interval on one line, with its unit after the value."""
    ends = "" if math.isnan(i.low) else f"   {100 * level:g} % [{i.low:.4g}, {i.high:.4g}]"
    return f"{i.value:.4g}{' ' * bool(unit)}{unit}{ends}"

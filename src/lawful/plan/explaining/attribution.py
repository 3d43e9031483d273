"""What a change of the outcome is owed to: its split over the factors that changed, which sums exactly to the change.

``attribute(law, before, after)`` splits by quantity, ``attribute(law, before, after, to=other)`` by the law as well.
What to use when:

    shapley   each factor's effect, averaged over every order in which the factors may change. Takes any two laws, and
              steps (choices of bits, another form). Needs the law at every mixture of both ends: 2**factors points.
    path      the effect of each factor along the straight way from one end to the other, every factor moving at one
              pace (Aumann and Shapley 1974; integrated gradients): for a change that is made gradually, for the shares
              of a mixture, which sum to 1 all along the way, and for more factors than can be tried. The way is
              straight in the logarithm of what is positive, and in the thing itself for a share or what may be
              negative.

For an additive law with one factor a term both give the change of the term; they differ where factors interact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, LawError, unknown
from lawful.fit import Fit, Forecast, forecast
from lawful.laws.published import Published
from lawful.plan.explaining.change import Change
from lawful.plan.variables import SHARE
from lawful.quantities import Quantity
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]

METHODS = ("shapley", "path")

@dataclass(frozen=True)
class Attribution:
    """A change of the outcome, split: ``parts`` by factor, whose values sum to ``after.value - before.value``.

    ``draws`` is ``(draw, factor)``: under each draw the parts sum to that draw's own change. Empty for laws without
    draws, whose intervals are NaN, null in JSON.
    """

    output: Quantity
    before: Interval
    after: Interval
    parts: Mapping[str, Interval]
    method: str
    level: float
    draws: Array = field(default_factory=lambda: np.zeros((0, 0)))
    warnings: tuple[Caveat, ...] = ()

    @property
    def change(self) -> float:
        """By how much the outcome changes."""
        return self.after.value - self.before.value

    @property
    def shares(self) -> dict[str, float]:
        """Each part over the change; none where nothing changes."""
        return {name: part.value / self.change for name, part in self.parts.items()} if self.change else {}

    def to_dict(self) -> dict[str, Any]:
        """The attribution as data: the contract of ``lawful attribute --json``."""
        return {
            "schema": "lawful.attribution/1", "output": self.output.name, "unit": self.output.unit,
            "method": self.method, "before": vars(self.before), "after": vars(self.after), "change": self.change,
            "level": self.level, "parts": {name: vars(part) for name, part in self.parts.items()},
            "shares": self.shares, "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        unit = f" {self.output.unit}" if self.output.unit else ""
        wide = max(map(len, (*self.parts, "change")))
        lines = [f"{self.output.name} goes from {self.before.value:.6g} to {self.after.value:.6g}{unit}"]
        for name, part in self.parts.items():
            share = f"{100 * self.shares[name]:>8.1f} %" if self.shares else ""
            ends = f"   {100 * self.level:g} % [{part.low:+.4g}, {part.high:+.4g}]" if math.isfinite(part.low) else ""
            lines.append(f"  {name:<{wide}}  {self._shown(part.value)}{share}{ends}")
        return "\n".join([*lines, f"  {'change':<{wide}}  {self._shown(self.change)}"])

    def _shown(self, value: float) -> str:
        """A part with as many digits as the change calls for."""
        size = abs(self.change)
        return format(value, ">+11.5f" if size < 1e3 else ">+11,.0f" if size < 1e9 else ">+11.4g")


def attribute(
    law: Fit | Published,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    to: Fit | Published | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    method: str = "shapley",
    coefficients: bool = False,
    paired: bool = False,
    level: float | None = None,
) -> Attribution:
    """The change of the outcome from ``law`` at ``before`` to the same law, or ``to``, at ``after``, by factor.

    A factor is a quantity that changes, a group of them (``groups={"data": ("tokens", "epochs")}``), and with ``to``
    the law: as one factor ``law``, or coefficient by coefficient where ``coefficients`` is said and the form is the
    same. A quantity that only one end gives stays as it is there. Draws of two fits are taken as independent, unless
    they are ``paired``: draw i of both from one resample.

    Raises what ``forecast`` raises at either end; ``InputError`` for factors that cannot be; ``LawError`` for laws of
    different outputs; ``FailedToAnswer`` where a mixture of both ends has no outcome.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    other = law if to is None else to
    if law.law.output.name != other.law.output.name:
        raise LawError(f"a change is that of one outcome: these laws give {law.law.output.name} and "
                       f"{other.law.output.name}")
    ends = forecast(law, before, level), forecast(other, after, level)
    change = Change.of((law, other), (ends[0].at, ends[1].at), groups or {}, coefficients, paired)
    parts = change.by_path() if method == "path" else change.by_shapley()
    if not np.isfinite(parts[0]).all():
        raise FailedToAnswer(f"{law.law.form} has no {law.law.output.name} somewhere between the two ends: it cannot "
                             "be split over what changed")
    found = {name: interval(float(parts[0, i]), parts[1:, i], ends[0].level) for i, name in enumerate(change.factors)}
    caveats = tuple(dict.fromkeys((*ends[0].warnings, *ends[1].warnings, *_caveats(change, method))))
    return Attribution(law.law.output, _told(ends[0]), _told(ends[1]), found, method, ends[0].level, parts[1:], caveats)


def _told(end: Forecast) -> Interval:
    low, high = (math.nan if x is None else x for x in (end.low, end.high))
    return Interval(end.value, math.nan, low, high)


def _caveats(change: Change, method: str) -> tuple[Caveat, ...]:
    """The warning that Shapley's rule asks the law about mixtures that cannot be."""
    shares = {name: [end[name] for end in change.points] for name in change.points[0] if name.startswith(SHARE)}
    apart = [names for names in change.factors.values() if any(name in shares for name in names)]
    if method == "path" or len(apart) < 2 or sum(map(max, shares.values())) <= 1.0:
        return ()
    return (Caveat("off_simplex", f"with {' and '.join(shares)} moved one by one the shares sum to more than 1 on the "
                   "way, where nobody has run: split by path, or group them"),)

"""The parts that discovered laws are made of: inputs as axes, factors in one input, maps of one input by another.

What each does, with x an input divided by its unit and z another one:

| factor | formula | |
| --- | --- | --- |
| ``fall``, ``rise`` | x**-a, x**a | a power law |
| ``power`` | x**-a, a of either sign | beside another factor: an interaction |
| ``drift`` | x**(k log z) | an exponent that z moves |
| ``line`` | log x | |
| ``saturation`` | 1 / (1 + (x / x0)**b) | flat below x0, a power law above |
| ``bend`` | x**-a (1 + x / x0)**-b | a power law whose exponent changes once |
| ``decay`` | exp(-x / x0) | |
| ``bowl`` | (log x - m - k log z ...)**2 | an optimum, which other inputs may move |
| ``valley`` | exp(s u) - 1 - s u, u = log x - m - k log z ... | an optimum with one steep side |
| ``bump`` | exp(-((log x - m) / w)**2) | |

An input that is zero or negative somewhere has no logarithm: it enters bowls and bumps by its place in its span, and
``exponential``, exp(k x), and ``step``, 1 / (1 + exp((x - m) / w)), stand for decay and saturation.

| map | x becomes | |
| --- | --- | --- |
| ``boost`` | x (1 + c log z) | streams, votes |
| ``cap`` | min(x, c z) | no use beyond a multiple of z |
| ``repeat`` | c z (1 - exp(-x / (c z))) | passes over z that are worth less and less |
| ``sum`` | x + c z | another source |
| ``discount`` | x (1 - exp(-z / z0)) | bits, quality |
| ``gain`` | x (1 + c z**-d) | |
| ``shift`` | x z**k | a place that z moves |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lawful.laws.expressions import Expr, constant, exp, log, minimum, symbol
from lawful.quantities import PARAM_COUNTS


@dataclass(frozen=True)
class Axis:
    """An input as the table spans it, and how it enters formulas."""

    name: str
    low: float
    high: float

    @property
    def logarithmic(self) -> bool:
        """Whether the input has a logarithm in every run."""
        return self.low > 0

    @property
    def unit(self) -> float:
        """What the input is divided by: the power of ten next to its middle, or to half its span."""
        middle = math.sqrt(self.low * self.high) if self.logarithmic else 0.5 * (self.high - self.low)
        return 10.0 ** round(math.log10(middle))

    @property
    def centre(self) -> float:
        """What is subtracted first: nothing where there is a logarithm."""
        return 0.0 if self.logarithmic else _round(0.5 * (self.low + self.high), 2)

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest value after centring and scaling."""
        return (self.low - self.centre) / self.unit, (self.high - self.centre) / self.unit

    @property
    def outer(self) -> float:
        """A value beyond the largest: a quarter of the span further, half a decade at most."""
        if self.logarithmic:
            return float(self.high * min(10.0**0.5, (self.high / self.low) ** 0.25))
        return self.high + 0.25 * (self.high - self.low)

    def growth(self) -> Expr:
        """The logarithm of the input over about its smallest value: 0 where it begins."""
        grown: Expr = log(symbol(self.name) * _round(1 / self.low, 2))
        return grown

    def expression(self) -> Expr:
        """The input, centred and scaled."""
        raw = symbol(self.name)
        return (raw - self.centre if self.centre else raw) / self.unit


def _round(value: float, digits: int = 1) -> float:
    return float(f"{value:.{digits - 1}e}")


@dataclass(frozen=True)
class Slot:
    """A coefficient that enters nonlinearly: its name's stem, its limits, and where a search for it starts."""

    stem: str
    low: float
    high: float
    grid: tuple[float, ...]

    def at_bound(self, value: float, room: float) -> bool:
        """Whether ``value`` lies in the outermost share ``room`` of the limits, in logarithms where they span many."""
        if self.low > 0 and self.high / self.low > 4:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return not room < share < 1 - room


def _geometric(stem: str, low: float, high: float, start: tuple[float, float], points: int) -> Slot:
    return Slot(stem, low, high, tuple(np.geomspace(*start, points).tolist()))


def _even(stem: str, low: float, high: float, start: tuple[float, float], points: int) -> Slot:
    return Slot(stem, low, high, tuple(np.linspace(*start, points).tolist()))


EXPONENT = _geometric("alpha", 0.01, 4.0, (0.05, 2.0), 10)
FREE = _even("alpha", -3.0, 3.0, (-1.5, 1.5), 12)
STEEPNESS = _geometric("beta", 0.1, 8.0, (0.4, 4.0), 5)


def _place(x: Axis, points: int = 8) -> Slot:
    low, high = x.span
    return _geometric("x", low / 10, high * 10, (low, 2 * high), points)


def _middle(x: Axis) -> Slot:
    """Where a bowl or a bump has its middle, in the logarithm or the place in the span."""
    low, high = (math.log(v) for v in x.span) if x.logarithmic else x.span
    wide = high - low
    return _even("m", low - wide, high + wide, (low - wide / 4, high + wide / 4), 10)


def _width(x: Axis) -> Slot:
    low, high = (math.log(v) for v in x.span) if x.logarithmic else x.span
    return _geometric("w", (high - low) / 30, 2 * (high - low), ((high - low) / 10, high - low), 5)


def _ratio(x: Axis, z: Axis) -> Slot:
    low, high = x.span[0] / z.span[1], x.span[1] / z.span[0]
    return _geometric("c", low / 10, high * 10, (low, high), 10)


def _own(x: Axis, value: Expr) -> Expr:
    """The coordinate in which an input has a middle: its logarithm, or its place in the span."""
    return log(value) if x.logarithmic else value


def _movers(count: int) -> tuple[Slot, ...]:
    """How far each of ``count`` other inputs moves a middle, per unit of its logarithm."""
    return tuple(_even(f"k{letter}", -2.0, 2.0, (-1.0, 1.0), 8) for letter in "uvw"[:count])


def _moved(coefficients: Sequence[Expr], z: Sequence[Expr]) -> Expr:
    return sum((k * log(w) for k, w in zip(coefficients, z, strict=True)), constant(0.0))


def _valley(u: Expr, steepness: Expr) -> Expr:
    """Zero at u = 0, rising as exp on one side and in a line on the other."""
    steep: Expr = exp(steepness * u)
    return steep - (1 + steepness * u)


Slots = Callable[..., tuple[Slot, ...]]
Build = Callable[..., Expr]


@dataclass(frozen=True)
class Kind:
    """A sort of factor or map of an input x, which other inputs z may bend.

    ``slots(x, *z)`` takes the axes and gives the coefficients; ``build(value, x, z, coefficients)`` the formula in
    the value of x, its axis, the values of z, and the coefficients.
    """

    slots: Slots
    build: Build
    positive: bool = True      # needs an input with a logarithm
    first: bool = True         # may open a term
    later: bool = False        # may join a term as a further factor
    by: int = 0                # how many other inputs may bend it


FACTORS: Mapping[str, Kind] = {
    "fall": Kind(lambda x: (EXPONENT,), lambda v, x, z, c: v**-c[0]),
    "rise": Kind(lambda x: (EXPONENT,), lambda v, x, z, c: v**c[0]),
    "power": Kind(lambda x: (FREE,), lambda v, x, z, c: v**-c[0], first=False, later=True),
    "drift": Kind(lambda x, z: (_even("k", -1.0, 1.0, (-0.1, 0.1), 8),),
                  lambda v, x, z, c: exp(c[0] * log(v) * log(z[0])), first=False, later=True, by=1),
    "line": Kind(lambda x: (), lambda v, x, z, c: _own(x, v), positive=False),
    "saturation": Kind(lambda x: (_place(x), STEEPNESS), lambda v, x, z, c: 1 / (1 + (v / c[0])**c[1]), later=True),
    "bend": Kind(lambda x: (replace(EXPONENT, grid=EXPONENT.grid[::2]), _place(x, 5), replace(FREE, stem="beta")),
                 lambda v, x, z, c: v**-c[0] * (1 + v / c[1])**-c[2]),
    "decay": Kind(lambda x: (_place(x),), lambda v, x, z, c: exp(-v / c[0]), later=True),
    "exponential": Kind(lambda x: (_even("k", -8.0, 8.0, (-4.0, 4.0), 12),),
                        lambda v, x, z, c: exp(c[0] * v), positive=False, later=True),
    "step": Kind(lambda x: (_middle(x), _width(x)),
                 lambda v, x, z, c: 1 / (1 + exp((_own(x, v) - c[0]) / c[1])), positive=False, later=True),
    "bowl": Kind(lambda x, *z: (_middle(x), *_movers(len(z))),
                 lambda v, x, z, c: (_own(x, v) - c[0] - _moved(c[1:], z))**2, positive=False, by=3),
    "valley": Kind(lambda x, *z: (_middle(x), _even("s", -4.0, 4.0, (-1.5, 1.5), 4), *_movers(len(z))),
                   lambda v, x, z, c: _valley(_own(x, v) - c[0] - _moved(c[2:], z), c[1]), positive=False, by=3),
    "bump": Kind(lambda x: (_middle(x), _width(x)),
                 lambda v, x, z, c: exp(-((_own(x, v) - c[0]) / c[1])**2), positive=False),
}
"""The factors by name."""

UNSIGNED = frozenset({"step", "exponential"})
"""Kinds for inputs without a logarithm: ``saturation`` and ``decay`` stand in their place where there is one."""

CENTRED = frozenset({"bowl", "valley"})
"""Kinds for inputs that have a best value; they see the input itself, whatever maps it."""

ONLY_GROWING = frozenset({*PARAM_COUNTS, "tokens", "unique_tokens", "compute"})
"""Quantities that have none, whatever else they may move."""

ENDLESS = frozenset({"rise", "line", "bowl", "valley", "bump"})
"""Kinds that turn, or run on, beyond the runs: each must earn one coefficient more than it has."""

MAPS: Mapping[str, Kind] = {
    "boost": Kind(lambda x, z: (_geometric("c", 1e-3, 30.0, (0.05, 5.0), 10),),
                  lambda v, x, z, c: v * (1 + c[0] * z[1])),
    "cap": Kind(lambda x, z: (_ratio(x, z),), lambda v, x, z, c: minimum(v, c[0] * z[0])),
    "repeat": Kind(lambda x, z: (_ratio(x, z),), lambda v, x, z, c: c[0] * z[0] * (1 - exp(-v / (c[0] * z[0])))),
    "sum": Kind(lambda x, z: (_ratio(x, z),), lambda v, x, z, c: v + c[0] * z[0]),
    "discount": Kind(lambda x, z: (replace(_place(z), stem="z"),), lambda v, x, z, c: v * (1 - exp(-z[0] / c[0]))),
    "gain": Kind(lambda x, z: (_geometric("c", 1e-3, 1e3, (0.03, 30.0), 6), replace(EXPONENT, stem="gamma")),
                 lambda v, x, z, c: v * (1 + c[0] * z[0]**-c[1])),
    "shift": Kind(lambda x, z: (replace(FREE, stem="gamma"),), lambda v, x, z, c: v * z[0]**c[0]),
}
"""The effective quantities by name: x as z bends it, given z and the growth of z."""

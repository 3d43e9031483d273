"""Ways of fine-tuning against one another: what each gives for the data, where they cross, what a budget buys.

A ``Way`` is a model with a method and the law of its loss over fine-tuning data. The laws fall as the data grow, so
that a budget is spent to its end, and a target is met at one amount of data:

- ``crossings(one, other)``: the amounts of data at which two ways do equally well;
- ``weigh(ways, ...)``: each way under a budget, or to a target, with its data, price and outcome;
- ``printed_spread(law, at)``: how far the digits that a paper prints let the outcome of its law move;
- ``worth(law, ...)``: the data that pre-training is worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.laws.base import Law
from lawful.laws.published import Published
from lawful.plan.laws import LawLike
from lawful.results import Interval, interval

Array = npt.NDArray[np.float64]

DATA = ("examples", "finetune_tokens", "finetune_characters")
"""What fine-tuning data are counted in."""

SPAN = (1.0, 1e15)
"""Amounts of data between which crossings and targets are looked for."""

SCAN = 2000
"""Points of the scan, evenly in the logarithm: curves that cross twice within 2 % of data are taken not to."""

DIGITS = 2
"""Significant digits that a printed coefficient has at least: a zero at the end may have been left out."""


@dataclass(frozen=True)
class Way:
    """A model, a method, and the law of its outcome over data; ``at`` are the law's other quantities, such as params.

    ``flop_per_unit`` is what training on one unit of data costs, all passes together, ``memory_bytes`` what it holds.
    """

    name: str
    law: LawLike
    at: Mapping[str, float] = field(default_factory=dict)
    flop_per_unit: float = 0.0
    memory_bytes: float | None = None

    def __post_init__(self) -> None:
        if missing := [n for n in self.law.law.inputs if n != self.data and n not in self.at]:
            raise LawError(f"{self.name}: {self.law.law.form} takes {', '.join(self.law.law.inputs)}; nothing says "
                           f"{', '.join(missing)}")

    @property
    def data(self) -> str:
        """What the law counts data in. Raises ``LawError`` for a law that takes none."""
        found = [n for n in self.law.law.inputs if n in DATA]
        if len(found) != 1:
            raise LawError(f"{self.name}: a law of fine-tuning takes one of {', '.join(DATA)}; {self.law.law.form} "
                           f"takes {', '.join(self.law.law.inputs)}")
        return found[0]

    def inputs(self, data: float) -> dict[str, float]:
        """All that the law takes, with so much data."""
        return {name: data if name == self.data else self.at[name] for name in self.law.law.inputs}

    def outcome(self, data: float | Array, law: Law | None = None) -> Array:
        """The outcome with so much data, under the law itself or another of its form."""
        quantities = {name: np.asarray(data, dtype=float) if name == self.data else self.at[name]
                      for name in self.law.law.inputs}
        return np.asarray((law or self.law.law).at(quantities), dtype=float)

    def needed(self, target: float) -> float | None:
        """The least data with which the outcome is ``target``; None where no amount is enough."""
        from scipy.optimize import brentq

        def above(x: float) -> float:
            return float(self.outcome(math.exp(x))) - target

        low, high = map(math.log, SPAN)
        if above(high) > 0:
            return None
        return SPAN[0] if above(low) <= 0 else math.exp(brentq(above, low, high, xtol=1e-12))

    def spread(self, data: float) -> Interval | None:
        """The interval of the outcome: over a fit's draws, or over what the printed digits leave open."""
        at = self.inputs(data)
        if isinstance(self.law, Published):
            return printed_spread(self.law, at)
        if not len(self.law.draws):
            return None
        return interval(float(self.law.expected(at)[0]), self.law.expectations(at), self.law.level)


def crossings(one: Way, other: Way, span: tuple[float, float] = SPAN) -> list[float]:
    """The amounts of data in ``span`` at which both ways do equally well, in ascending order; there may be none.

    Of laws with a floor there are up to two: one that gains faster may catch up, and then stop first.
    """
    from scipy.optimize import brentq

    if one.data != other.data:
        raise InputError(f"{one.name} counts {one.data} and {other.name} {other.data}: they cannot be compared")

    def gap(x: float | Array) -> Array:
        return one.outcome(np.exp(x)) - other.outcome(np.exp(x))

    x = np.linspace(math.log(span[0]), math.log(span[1]), SCAN)
    signs = np.sign(gap(x))
    return [math.exp(brentq(lambda v: float(gap(v)), x[i], x[i + 1], xtol=1e-12))
            for i in np.flatnonzero(signs[:-1] * signs[1:] < 0)]


@dataclass(frozen=True)
class Tuned:
    """A way with an amount of data: its outcome, what it costs to collect and to train on, and what it holds."""

    way: Way
    data: float
    outcome: float
    usd: float
    flop: float


@dataclass(frozen=True)
class Purse:
    """What data and training cost: ``owned`` data are there, further ones cost ``usd_per_unit`` up to ``most``.

    ``usd_per_flop`` is the price of training; 0 where nobody says.
    """

    owned: float = 0.0
    usd_per_unit: float = 0.0
    most: float = math.inf
    usd_per_flop: float = 0.0

    def __post_init__(self) -> None:
        for name in ("owned", "usd_per_unit", "usd_per_flop"):
            if getattr(self, name) != 0:
                positive(f"tuning: {name}", getattr(self, name), "any unit, or zero")
        if self.most < self.owned:
            raise InputError(f"tuning: at most {self.most:g} of data is less than the {self.owned:g} there are")

    def price(self, way: Way, data: float) -> float:
        """Collecting what is not there, and training on all of it [US dollars]."""
        return self.usd_per_unit * max(0.0, data - self.owned) + self.usd_per_flop * way.flop_per_unit * data

    def affordable(self, way: Way, usd: float) -> float:
        """The most data for ``usd``, collected and trained on."""
        training = self.usd_per_flop * way.flop_per_unit
        if training * self.owned >= usd:     # not even all that is there
            return usd / training if training else self.owned
        further = self.usd_per_unit + training
        bought = (usd - training * self.owned) / further if self.usd_per_unit else 0.0
        return min(self.owned + bought, self.most)

    def worth_of(self, way: Way, usd: float) -> float:
        """The data whose price is ``usd``, were there so much; infinite where nothing costs."""
        training = self.usd_per_flop * way.flop_per_unit
        if training * self.owned >= usd and training:
            return usd / training
        further = self.usd_per_unit + training
        return (usd + self.usd_per_unit * self.owned) / further if further else math.inf


def weigh(ways: Sequence[Way], purse: Purse, *, usd: float | None = None, flop: float = math.inf,
          target: float | None = None, memory: float = math.inf) -> list[Tuned]:
    """The ways that fit into ``memory`` bytes: to a ``target`` at the least price, else with the best outcome.

    No more than ``usd`` dollars and ``flop`` FLOP of training are spent; without dollars the data that are there are
    used. Raises ``FailedToAnswer`` where no way is left, saying what stands in its way.
    """
    fitting = [w for w in ways if w.memory_bytes is None or w.memory_bytes <= memory]
    if not fitting:
        least = min(w.memory_bytes for w in ways if w.memory_bytes is not None)
        raise FailedToAnswer(f"no way of tuning fits into {memory:.3g} bytes: the least takes {least:.3g}")
    found = []
    for w in fitting:
        if target is not None:
            need = w.needed(target)
            if need is None or need > max(purse.most, purse.owned):
                continue
            data = need
        else:
            data = purse.owned if usd is None else purse.affordable(w, usd)
            data = min(data, flop / w.flop_per_unit if w.flop_per_unit else math.inf)
        made = Tuned(w, data, math.nan, purse.price(w, data), w.flop_per_unit * data)
        if data > 0 and made.flop <= flop * (1 + 1e-9) and (usd is None or made.usd <= usd * (1 + 1e-9)):
            found.append(replace(made, outcome=float(w.outcome(data))))
    if found:
        return sorted(found, key=lambda t: (t.usd, t.flop, t.data) if target is not None else (t.outcome, t.usd, 0.0))
    if target is None:
        raise FailedToAnswer("there are no data to tune on, and no money to collect any: give examples, or "
                             "usd_per_example with a budget")
    def comes_to(way: Way) -> tuple[float, float]:
        """The outcome on the most data that may be tuned on, and so many."""
        data = min(purse.most if math.isfinite(purse.most) else SPAN[1], SPAN[1] if usd is None else purse.worth_of(
            way, usd), flop / way.flop_per_unit if way.flop_per_unit else math.inf)
        return float(way.outcome(data)), data

    best = min(fitting, key=comes_to)
    outcome, data = comes_to(best)
    spent = (f" for {usd:g} dollars" if usd is not None else "") + (
        f" with {flop:.3g} FLOP" if math.isfinite(flop) else "")
    raise FailedToAnswer(f"no way of tuning reaches {target:g}{spent}: {best.name} comes to {outcome:.4g} with "
                         f"{data:.3g} {best.data}")


def printed_spread(law: Published, at: Mapping[str, float], draws: int = 2000, seed: int = 0) -> Interval:
    """The outcome at ``at`` with all coefficients that the source may have rounded to those it prints.

    Each is drawn evenly from half a unit of its last digit on either side; two digits are taken where fewer are left,
    as a table drops zeros. ``low`` and ``high`` are the ends of a central 90 %.
    """
    rng = np.random.default_rng(seed)
    coefficients = law.law.coefficients
    sample = {name: value + half_unit(value) * rng.uniform(-1.0, 1.0, draws) for name, value in coefficients.items()}
    with np.errstate(all="ignore"):
        values = law.law.with_coefficients(sample).at({name: np.asarray(x) for name, x in at.items()})
    return interval(float(law.law.at(at)), values, 0.9)


def half_unit(value: float) -> float:
    """Half a unit of the last digit that ``value`` was printed with, taken to be two at least."""
    mantissa, _, exponent = f"{value:.15e}".partition("e")
    digits = max(DIGITS, len(mantissa.rstrip("0").replace(".", "").replace("-", "")))
    return 0.5 * 10.0 ** (int(exponent) - digits + 1)


@dataclass(frozen=True)
class Worth:
    """What pre-training is worth to a task: data of the task, and how many times those there are."""

    transferred: float
    effective: float
    multiplier: float


def worth(law: LawLike, params: float, characters: float) -> Worth:
    """The data that pre-training is worth: D_T by the law, D_E = D_F + D_T, and D_E / D_F.

    Hernandez et al. 2021, arXiv:2102.01293, equation 1.1. Raises ``LawError`` for another law.
    """
    if law.law.output.name != "transferred_characters":
        raise LawError(f"{law.law.form} gives {law.law.output.name}: give a law of transferred data, such as "
                       "hernandez2021_transfer:text_to_python")
    transferred = float(law.law.at({"params": params, "finetune_characters": characters}))
    return Worth(transferred, characters + transferred, 1.0 + transferred / characters)

"""Curves that bend: one quantity, and a loss, error or score that no single power law follows.

What to use when: ``BendingPowerLaw`` (M3) for a power law that flattens, and ``SaturatingPowerLaw`` (M4)
for a curve that leaves one plateau and approaches another; ``BrokenPowerLaw1`` to ``BrokenPowerLaw4`` for
a curve that changes its slope, or turns, at one to four places; ``DoubleDescent`` for a falling curve with one
bump; ``Sigmoid`` and ``Gompertz`` for a score that rises from one level to another. M1 and M2 are the power laws
of ``lawful.laws.theory``. A break beyond the data cannot be known, and each bend needs a run more: ``Law.fewest_runs``.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Place, Positive
from lawful.laws.downstream import Fraction
from lawful.laws.expressions import exp, log, sigmoid, softplus, unbend
from lawful.laws.power import only
from lawful.laws.theory import TaskFloorLaw
from lawful.quantities import QUANTITIES, Quantity

TASK_LOSS = QUANTITIES["task_loss"]

Slope = Annotated[float, Limit(-10.0, 10.0, (-0.6, 0.8))]
"""A slope in log-log coordinates, or its change, of either sign; the steepest that Caballero et al. print is 5.7."""

Width = Annotated[float, Limit(0.0, 3.0, (0.08, 1.2))]
"""The width of a break in natural logs of x; one wider than a few decades is no break."""

Step = Annotated[float, Limit(1.0, 1e9, (0.05, 0.5), "ratio")]
"""How many times further on the next break lies: breaks in this order cannot be exchanged."""


NEW_PLACES = [(k + 0.5) / 24 for k in range(24)]
NEW_WIDTHS = (0.1, 0.7)
"""Where a search tries one break more: shares of the data's span in log x, and widths in natural logs of x."""


# ------------------------------------------------------------------------------ broken power laws

class _Broken:
    """y = a + b x**-c_0 times one smooth factor a break, from the coefficients that the form declares."""

    def _breaks(self) -> list[tuple[int, Any, Any, Any]]:
        """Each break's number, change of slope, place and width, in order."""
        law: Any = self
        found, place = [(1, law.c_1, law.d_1, law.f_1)], law.d_1
        for i in range(2, law.bends + 1):
            place = place * getattr(law, f"step_{i}")
            found.append((i, getattr(law, f"c_{i}"), place, getattr(law, f"f_{i}")))
        return found

    @property
    def places(self) -> tuple[Any, ...]:
        """Where the breaks lie, in order: the paper's d_1, d_2, ... [unit of x]."""
        return tuple(place for _, _, place, _ in self._breaks())

    def extending(self, simpler: Law, x: Any) -> list[Law]:
        """Laws of this form that are ``simpler``, with one break more that changes nothing yet: all along ``x``."""
        law: Any = self
        first, span = x[x > 0].min(), math.log(x.max() / x[x > 0].min())
        a, b, c_0, *_ = simpler.coefficients.values()  # of M2 as well: floor, prefactor, slope
        breaks = [(d, c, f) for _, c, d, f in simpler._breaks()] if isinstance(simpler, _Broken) else []
        found = []
        for share, width in itertools.product(NEW_PLACES, NEW_WIDTHS):
            (d_1, c_1, f_1), *rest = sorted([*breaks, (first * math.exp(share * span), 0.0, width)])
            values = {"a": a, "b": b, "c_0": c_0, "c_1": c_1, "d_1": d_1, "f_1": f_1}
            place = d_1
            for i, (d, c, f) in enumerate(rest, start=2):
                values |= {f"c_{i}": c, f"step_{i}": max(d / place, 1.0 + 1e-9), f"f_{i}": f}
                place = d
            found.append(law.with_coefficients(values))
        return found

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        law: Any = self
        x = only(law, args, quantities)
        fall = law.c_0 * log(x)
        for _, c, d, f in self._breaks():  # (1 + (x/d)**(1/f))**(-c f), so that it holds however sharp the break
            fall = fall + c * f * softplus((log(x) - log(d)) / f)
        return law.a + law.b * exp(-fall)

    def formula(self) -> str:
        """The formula as printed: the call writes it in logarithms."""
        law: Any = self
        x, place, factors = law.over, "d_1", []
        for i, *_ in self._breaks():
            place = place if i == 1 else f"{place} * step_{i}"
            factors.append(f"(1 + ({x} / {place if i == 1 else f'({place})'})**(1 / f_{i}))**(-c_{i} * f_{i})")
        return f"task_loss = a + b / {x}**c_0 * {' * '.join(factors)}"


@dataclass(frozen=True)
class BrokenPowerLaw1(_Broken, Law):
    """A power law that goes smoothly over into another: one break.

        y(x) = a + b x**-c_0 (1 + (x / d_1)**(1/f_1))**(-c_1 f_1)          [task unit]

    The slope in log-log coordinates is -c_0 well below d_1 and -(c_0 + c_1) well above it; f_1 is
    the width of the break in natural logs of x: small is sharp. A negative c_0 or c_1 makes the
    curve rise. A break beyond the data cannot be known. Caballero et al. 2022, equation 1 with n = 1:
    one smooth product, not two pieces as some retellings have it.
    """

    form: ClassVar[str] = "bnsl1"
    aliases: ClassVar[tuple[str, ...]] = ("bnsl", "broken_power_law")
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 1
    simpler: ClassVar[type[Law] | None] = TaskFloorLaw

    a: Positive      # task unit: the limit, where c_0 + c_1 > 0
    b: Positive      # task unit, at x = 1
    c_0: Slope
    c_1: Slope       # change of the slope at the break
    d_1: Place       # in the unit of x: where the break lies
    f_1: Width
    over: str = "compute"


@dataclass(frozen=True)
class BrokenPowerLaw2(_Broken, Law):
    """A power law that changes its slope twice: falls, stalls and falls again, or turns and returns.

        y(x) = a + b x**-c_0 prod_i (1 + (x / d_i)**(1/f_i))**(-c_i f_i),  i = 1, 2          [task unit]

    As ``bnsl1``, with d_2 = d_1 ``step_2``: the second break lies beyond the first, so that the two
    cannot be exchanged. Caballero et al. 2022, equation 1 with n = 2.
    """

    form: ClassVar[str] = "bnsl2"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 2
    simpler: ClassVar[type[Law] | None] = BrokenPowerLaw1

    a: Positive
    b: Positive
    c_0: Slope
    c_1: Slope
    d_1: Place
    f_1: Width
    c_2: Slope
    step_2: Step     # d_2 / d_1
    f_2: Width
    over: str = "compute"


@dataclass(frozen=True)
class BrokenPowerLaw3(_Broken, Law):
    """A power law that changes its slope three times.

        y(x) = a + b x**-c_0 prod_i (1 + (x / d_i)**(1/f_i))**(-c_i f_i),  i = 1 to 3          [task unit]

    As ``bnsl2``, with d_3 = d_2 ``step_3``. Caballero et al. 2022, equation 1 with n = 3.
    """

    form: ClassVar[str] = "bnsl3"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 3
    simpler: ClassVar[type[Law] | None] = BrokenPowerLaw2

    a: Positive
    b: Positive
    c_0: Slope
    c_1: Slope
    d_1: Place
    f_1: Width
    c_2: Slope
    step_2: Step
    f_2: Width
    c_3: Slope
    step_3: Step
    f_3: Width
    over: str = "compute"


@dataclass(frozen=True)
class BrokenPowerLaw4(_Broken, Law):
    """A power law that changes its slope four times.

        y(x) = a + b x**-c_0 prod_i (1 + (x / d_i)**(1/f_i))**(-c_i f_i),  i = 1 to 4          [task unit]

    As ``bnsl2``, with d_3 = d_2 ``step_3`` and d_4 = d_3 ``step_4``. Fifteen coefficients: a description of a
    long curve rather than a forecast. Caballero et al. 2022, equation 1 with n = 4.
    """

    form: ClassVar[str] = "bnsl4"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 4
    simpler: ClassVar[type[Law] | None] = BrokenPowerLaw3

    a: Positive
    b: Positive
    c_0: Slope
    c_1: Slope
    d_1: Place
    f_1: Width
    c_2: Slope
    step_2: Step
    f_2: Width
    c_3: Slope
    step_3: Step
    f_3: Width
    c_4: Slope
    step_4: Step
    f_4: Width
    over: str = "compute"


# --------------------------------------------------------------------------- plateaus and floors

@dataclass(frozen=True)
class BendingPowerLaw(Law):
    """Error follows a power law and goes over into a plateau: M3.

        L(x) = e + b (1 + d/x)**c = e + beta (1/x + gamma)**c          [task unit]

    ``over`` names x. Well below d the curve is a floored power law of exponent c, above d it flattens towards
    e + b, of which a fit can hardly say how much is e. The paper's gamma is 1 / d and its beta is b d**c; here c
    is positive, as 1/x grows where x shrinks. Alabdulmohsin et al. 2022, estimator M3.
    """

    form: ClassVar[str] = "m3"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 1

    e: Positive      # task unit
    b: Positive      # task unit: what the plateau adds to e
    d: Place         # in the unit of x: where the curve flattens
    c: Exponent
    over: str = "examples"

    @property
    def gamma(self) -> Any:
        """The paper's shift [1 / unit of x]."""
        return 1.0 / self.d

    @property
    def beta(self) -> Any:
        """The paper's prefactor [task unit, times the unit of x to the power c]."""
        return self.b * self.d**self.c

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.e + self.b * (1.0 + self.d / x) ** self.c


@dataclass(frozen=True)
class SaturatingPowerLaw(Law):
    """Error leaves the plateau of guessing, follows a power law, and approaches a floor: M4.

        (e - e_inf) / (e_0 - e)**alpha = beta / x**c,   e_0 = e_inf + span          [task unit]

    ``over`` names x. The paper writes beta x**c with c below 0; here c is positive, and beta is written as
    span**(1 - alpha) d**c: d is where the share u of the span that is left has u = (1 - u)**alpha. The law is
    implicit, and the authors search a grid. Here it is solved to the last digits: in z, the logit of u, it reads
    z + (alpha - 1) log(1 + exp z) = c log(d / x). The form cannot turn or stall. Alabdulmohsin et al. 2022,
    estimator M4.
    """

    form: ClassVar[str] = "m4"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 1

    e_inf: Positive  # task unit: the floor
    span: Positive   # task unit: from the floor to the plateau of an untrained model
    alpha: Annotated[float, Limit(0.0, 20.0, (0.2, 4.0))]   # 0 gives the floored power law
    d: Place         # in the unit of x
    c: Exponent
    over: str = "examples"

    @property
    def e_0(self) -> Any:
        """The plateau."""
        return self.e_inf + self.span

    @property
    def beta(self) -> Any:
        """The paper's prefactor [task unit**(1 - alpha), at x = 1]."""
        return self.span ** (1.0 - self.alpha) * self.d**self.c

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        z = unbend(self.c * (log(self.d) - log(x)), self.alpha - 1.0)
        return self.e_inf + self.span * sigmoid(z)

    def formula(self) -> str:
        """The implicit formula: the call is its solution."""
        return (f"task_loss = e where (e - e_inf) / (e_inf + span - e)**alpha = "
                f"span**(1 - alpha) * (d / {self.over})**c")


# ----------------------------------------------------------------------------------------- bumps

@dataclass(frozen=True)
class DoubleDescent(Law):
    """A falling power law with one bump: error that falls, rises to a peak and falls again.

        L(x) = E + A / x**alpha + B exp(-(log(x / d) / w)**2 / 2)          [task unit]

    ``over`` names x. The peak lies near the interpolation threshold, where the training error reaches zero
    (Nakkiran et al. 2019, who print no formula). The bump in log x is descriptive: it says where the peak
    lies, how high and how wide it is, and nothing about why.
    """

    form: ClassVar[str] = "double_descent"
    output: ClassVar[Quantity] = TASK_LOSS
    bends: ClassVar[int] = 1

    E: Positive      # task unit
    A: Positive      # task unit, at x = 1
    alpha: Exponent
    B: Positive      # task unit: the height of the bump
    d: Place         # in the unit of x: the middle of the bump
    w: Annotated[float, Limit(0.0, 10.0, (0.1, 2.0))]   # standard deviation in natural logs of x
    over: str = "params"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        z = (log(x) - log(self.d)) / self.w
        return self.E + self.A / x**self.alpha + self.B * exp(-0.5 * z * z)


# -------------------------------------------------------------------------------------- sigmoids

@dataclass(frozen=True)
class Sigmoid(Law):
    """Accuracy that rises from guessing to a ceiling: a logistic curve in the log of one quantity.

        acc(x) = b + a / (1 + (d / x)**s)          [fraction]

    ``over`` names x; d is where half of the gain a is reached, s how steeply. Both asymptotes are free. The
    curve of ``accuracy_of_compute`` and ``sigmoid_reward``, over any quantity.
    """

    form: ClassVar[str] = "sigmoid"
    aliases: ClassVar[tuple[str, ...]] = ("logistic",)
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    bends: ClassVar[int] = 1

    b: Fraction      # before: the rate of guessing
    a: Fraction      # what can be gained over b
    d: Place         # in the unit of x: half-way
    s: Annotated[float, Limit(0.0, 50.0, (0.1, 6.0))]
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.b + self.a * sigmoid(self.s * (log(x) - log(self.d)))


@dataclass(frozen=True)
class Gompertz(Law):
    """Accuracy that rises from guessing to a ceiling, late and then long: a Gompertz curve in the log of x.

        acc(x) = b + a exp(-(d / x)**s)          [fraction]

    ``over`` names x; at d a share 1/e of the gain a is reached. It takes off faster than ``sigmoid`` and
    approaches its ceiling as a power law of x, the gap being a (d / x)**s. Descriptive.
    """

    form: ClassVar[str] = "gompertz"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    bends: ClassVar[int] = 1

    b: Fraction
    a: Fraction
    d: Place         # in the unit of x
    s: Annotated[float, Limit(0.0, 50.0, (0.1, 6.0))]
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.b + self.a * exp(-exp(self.s * (log(self.d) - log(x))))

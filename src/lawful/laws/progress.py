"""Progress and energy: what years of better algorithms are worth, and what a run emits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp
from lawful.quantities import QUANTITIES, Quantity

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Trend(Law):
    """How many times larger something is after some years of exponential growth.

        g(t) = exp(A t)          [x]

    t is ``years``; ``of`` says what grows. It doubles every log(2) / A years. A trend of the past:
    it explains nothing, and ends when its causes do.
    """

    form: ClassVar[str] = "trend"
    output: ClassVar[Quantity] = QUANTITIES["growth"]
    rises_with: ClassVar[tuple[str, ...]] = ("years",)

    A: Annotated[float, Limit(0.0, math.inf, (0.02, 5.0))]   # per year
    of: str = "effective compute"

    def __call__(self, years: Any) -> Any:
        return exp(self.A * years)

    def doubling_years(self) -> Any:
        """The years it takes to double."""
        return math.log(2.0) / self.A


@dataclass(frozen=True)
class ProgressLoss(Law):
    """Loss of a model published in a given year: better algorithms act as more params and more data.

        L(N, D, t) = E + A / (N exp(a_N t))**alpha + B / (D exp(a_D t))**beta          [nats/token]

    t is ``years`` since a chosen date, to which A and B belong. Effective compute doubles every
    log(2) / (a_N + a_D) years at a fixed share of params and data. Progress and scale came together,
    so a_N and a_D are hard to tell apart from alpha and beta. Ho et al. 2024, section 2.
    """

    form: ClassVar[str] = "progress_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "years")

    E: Positive      # nats/token
    A: Positive      # nats/token at N = 1, t = 0
    alpha: Exponent
    a_N: Annotated[float, Limit(0.0, 20.0, (0.02, 3.0))]   # per year
    B: Positive      # nats/token at D = 1, t = 0
    beta: Exponent
    a_D: Annotated[float, Limit(0.0, 20.0, (0.02, 3.0))]   # per year

    def __call__(self, params: Any, tokens: Any, years: Any) -> Any:
        size = self.A * exp(-self.alpha * self.a_N * years) / params**self.alpha
        return self.E + size + self.B * exp(-self.beta * self.a_D * years) / tokens**self.beta

    @property
    def splits_compute(self) -> bool:
        """No: it takes params and tokens, but the best split needs a year as well."""
        return False

    def doubling_years(self) -> Any:
        """The years in which effective compute doubles."""
        return math.log(2.0) / (self.a_N + self.a_D)


@dataclass(frozen=True)
class TrainingCarbon(Law):
    """The emissions of a run: of the energy it draws, and its share of making the devices.

        CO2e(H, PUE, c) = H (P PUE c + e)          [kg]

    H is ``device_hours``, c the ``carbon_intensity`` of the grid. P is peak power times the share
    of it that is drawn; e is the carbon of making a device (area times carbon per area) over its
    lifetime in hours. With several kinds of device, add them up. Faiz et al. 2023, equations 5 to 7.
    """

    form: ClassVar[str] = "training_carbon"
    output: ClassVar[Quantity] = QUANTITIES["co2e_kg"]
    rises_with: ClassVar[tuple[str, ...]] = ("device_hours", "pue", "carbon_intensity")

    P: Annotated[float, Limit(0.0, math.inf, (0.01, 10.0))]   # kW per device
    e: Annotated[float, Limit(0.0, math.inf, (1e-4, 1.0))]    # kg per device-hour

    def __call__(self, device_hours: Any, pue: Any, carbon_intensity: Any) -> Any:
        return device_hours * (self.P * pue * carbon_intensity + self.e)

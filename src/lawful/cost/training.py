"""The bill for a training run: hours, money, energy and CO2e, on the device that the budget names."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lawful.cost.budget import Budget
from lawful.cost.checks import positive


@dataclass(frozen=True)
class Cost:
    """What a plan costs, item by item; None where there is nothing honest to answer.

    Without a device only ``train_flop`` is known; without a price, no ``usd``; without a power, no
    ``energy_kwh`` and no ``co2e_kg``; without a number of devices, no ``wall_days``. ``serve_usd``, the
    price of serving the model, is not answered here and is always None for now.
    """

    train_flop: float
    gpu_hours: float | None = None
    usd: float | None = None
    energy_kwh: float | None = None
    co2e_kg: float | None = None
    wall_days: float | None = None
    serve_usd: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """The items by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, items: dict[str, float | None]) -> Cost:
        """The cost that ``to_dict`` wrote."""
        return cls(**items)  # type: ignore[arg-type]  # train_flop is never None in what to_dict writes


def train_cost(train_flop: float, budget: Budget) -> Cost:
    """What training with ``train_flop`` costs on the device, at the mfu and prices of ``budget``.

        gpu_hours  = train_flop / (3600 * peak * mfu)
        usd        = gpu_hours * price
        energy_kwh = gpu_hours * power * pue / 1000
        co2e_kg    = energy_kwh * grid intensity
        wall_days  = gpu_hours / devices / 24

    The amount of the budget plays no part: compare it with the bill. InputError where ``train_flop`` is
    not a positive number.

        >>> f"{train_cost(1e21, Budget(usd=100, device='h100')).gpu_hours:.1f}"
        '701.9'
    """
    flop = positive("train_flop", train_flop, "FLOP")
    if budget.useful_flop_per_hour is None:
        return Cost(train_flop=flop)
    hours = flop / budget.useful_flop_per_hour
    energy = None if budget.kw is None else hours * budget.kw
    return Cost(
        train_flop=flop,
        gpu_hours=hours,
        usd=None if budget.price is None else hours * budget.price,
        energy_kwh=energy,
        co2e_kg=None if energy is None else energy * budget.grid_kg_per_kwh,
        wall_days=None if budget.devices is None else hours / budget.devices / 24,
    )

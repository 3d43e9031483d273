"""What may be spent, in the one currency that is short, and the training compute it buys.

What to use when: ``compute`` where the FLOP are given; ``gpu_hours`` for an allocation; ``days`` for a
deadline on devices you hold; ``usd`` for money; ``kwh`` for energy. All but the first need a device.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lawful.cost.checks import positive
from lawful.cost.hardware import Hardware, hardware
from lawful.errors import InputError
from lawful.quantities import parse_device_time, parse_number

# Llama 3 405B reached 38 to 43 % in bf16 on up to 16,384 H100 (arXiv:2407.21783, Table 4): a good run at
# scale. Small models, mixtures of experts and new code are often below 30 %.
DEFAULT_MFU = 0.4
# The average of the data centres that answered Uptime Institute's Global Data Center Survey 2025; large
# cloud sites state 1.1 to 1.2.
DEFAULT_PUE = 1.54
# World average of 2023, over the life cycle of the plants: Ember, Yearly Electricity Data, July 2024.
WORLD_GRID_KG_PER_KWH = 0.481

# The budgets, of which exactly one is given, and their units.
CURRENCIES = {
    "compute": "FLOP",
    "gpu_hours": "device hours",
    "days": "days",
    "usd": "US dollars",
    "kwh": "kilowatt hours",
}


@dataclass(frozen=True)
class Budget:
    """What may be spent: exactly one of compute, gpu_hours, days, usd and kwh, and on what.

    ``device`` is a name of the table or a Hardware of your own. ``mfu`` is the share of the device's
    peak that training turns into model FLOP; ``pue`` what the site draws over what the devices draw;
    ``usd_per_hour``, for one device, replaces the table's price. Raises InputError for a budget that
    is missing, doubled or not positive, or that lacks what it needs to be turned into FLOP.

        >>> f"{Budget(days=3, device='h100', devices=8).train_flop:.4g}"
        '8.206e+20'
    """

    compute: float | None = None  # FLOP
    gpu_hours: float | None = None  # hours x devices
    days: float | None = None  # wall days, with all devices at work
    usd: float | None = None
    kwh: float | None = None  # drawn from the grid: devices times pue
    device: Hardware | str | None = None
    devices: int | None = None
    mfu: float = DEFAULT_MFU
    pue: float = DEFAULT_PUE
    usd_per_hour: float | None = None
    grid_kg_per_kwh: float = WORLD_GRID_KG_PER_KWH  # kg CO2e per kWh drawn

    def __post_init__(self) -> None:
        _check_amount(self)
        _check_rates(self)
        _check_device(self)

    @classmethod
    def parse(cls, text: str, **options: Any) -> Budget:
        """The budget that ``text`` writes: FLOP, or device time; ``options`` are the other fields.

        Raises InputError for a text that is neither.

            >>> Budget.parse("8xH100*72h").gpu_hours
            576.0
            >>> Budget.parse("1e21").compute
            1e+21
        """
        given: dict[str, Any]
        if re.search(r"[x*×]", text, re.IGNORECASE):
            time = parse_device_time(text)
            given = {"gpu_hours": time.devices * time.hours, "device": time.device, "devices": time.devices}
        elif re.search("token|param|byte|step", text, re.IGNORECASE):
            raise InputError(f"budget: {text!r} is no budget; write FLOP, as 1e21, or time, as 8xH100*72h.")
        else:
            given = {"compute": parse_number(text, "budget")}
        twice = sorted(given.keys() & options.keys())
        if twice:
            raise InputError(f"budget: {text!r} already says {', '.join(twice)}; do not give it again.")
        return cls(**given, **options)

    @property
    def hardware(self) -> Hardware | None:
        """The device as a Hardware; None where the budget names none."""
        return hardware(self.device) if isinstance(self.device, str) else self.device

    @property
    def price(self) -> float | None:
        """What one device costs [US dollars an hour]; None where nobody says."""
        on = self.hardware
        return self.usd_per_hour if self.usd_per_hour is not None or on is None else on.usd_per_hour

    @property
    def kw(self) -> float | None:
        """What the site draws for one device [kW]: power * pue / 1000; None where power is unknown."""
        on = self.hardware
        return None if on is None or on.power_w is None else on.power_w * self.pue / 1000

    @property
    def useful_flop_per_hour(self) -> float | None:
        """What one device does for the model in an hour [FLOP]: 3600 * peak * mfu."""
        on = self.hardware
        return None if on is None else 3600 * on.peak_flop_per_second * self.mfu

    @property
    def train_flop(self) -> float:
        """The training compute that the budget buys [FLOP].

        devices * hours * 3600 * peak * mfu, where devices * hours is ``gpu_hours``, or
        ``days`` * 24 * devices, or ``usd`` / price, or ``kwh`` / (power * pue); ``compute`` stands as given.
        """
        if self.compute is not None:
            return self.compute
        rate = self.useful_flop_per_hour
        assert rate is not None, "checked at the door"
        return self._device_hours * rate

    @property
    def _device_hours(self) -> float:
        """The hours of one device that the budget buys."""
        if self.gpu_hours is not None:
            return self.gpu_hours
        if self.days is not None and self.devices is not None:
            return self.days * 24 * self.devices
        if self.usd is not None and self.price is not None:
            return self.usd / self.price
        kwh, kw = self.kwh, self.kw
        assert kwh is not None, "checked at the door"
        assert kw is not None, "checked at the door"
        return kwh / kw

    def assumptions(self) -> tuple[str, ...]:
        """What the figures of a plan rest on, a sentence each, with sources and dates."""
        on = self.hardware
        if on is None:
            return ("The budget is in FLOP and names no device: time, money and energy are not answered.",)
        return (*_speed_sentences(self, on), _price_sentence(self, on), *_energy_sentences(self, on))


def _check_amount(budget: Budget) -> None:
    """Exactly one budget, and positive."""
    given = [name for name in CURRENCIES if getattr(budget, name) is not None]
    if len(given) != 1:
        raise InputError(
            f"budget: give exactly one of {', '.join(CURRENCIES)}; got {' and '.join(given) or 'none'}."
        )
    positive(f"budget: {given[0]}", getattr(budget, given[0]), CURRENCIES[given[0]])


def _check_rates(budget: Budget) -> None:
    """Shares, factors and prices within their ranges."""
    if not positive("mfu", budget.mfu, "FLOP used per FLOP of peak") <= 1:
        hint = " If in percent, divide by 100." if budget.mfu <= 100 else ""
        raise InputError(f"mfu must be above 0 and at most 1, got {budget.mfu!r}.{hint}")
    if not positive("pue", budget.pue, "watts drawn per watt of the devices") >= 1:
        raise InputError(f"pue must be at least 1, got {budget.pue!r}: a site draws what its devices draw.")
    if budget.grid_kg_per_kwh != 0:
        positive("grid_kg_per_kwh", budget.grid_kg_per_kwh, "kg CO2e per kWh, or zero")
    if budget.usd_per_hour is not None:
        positive("usd_per_hour", budget.usd_per_hour, "US dollars an hour")
    if budget.devices is not None and positive("devices", budget.devices, "devices") % 1 != 0:
        raise InputError(f"devices must be a whole number, got {budget.devices!r}.")


def _check_device(budget: Budget) -> None:
    """All that the budget needs to be turned into FLOP."""
    on = budget.hardware
    if on is None:
        extra = [name for name in ("devices", "usd_per_hour") if getattr(budget, name) is not None]
        needing = [name for name in CURRENCIES if name != "compute" and getattr(budget, name) is not None]
        if needing or extra:
            raise InputError(
                f"budget: {(needing + extra)[0]} needs a device, such as device='h100'; "
                "without one, give compute in FLOP alone."
            )
    elif budget.days is not None and budget.devices is None:
        raise InputError(f"budget: days needs devices, the number of {on.key} at work.")
    elif budget.usd is not None and budget.price is None:
        raise InputError(f"budget: no price is known for {on.key}; give usd_per_hour.")
    elif budget.kwh is not None and budget.kw is None:
        why = f" ({on.sources['power_w']})" if "power_w" in on.sources else ""
        raise InputError(
            f"budget: kwh needs the power of the device, which is not known for {on.key}{why}; "
            "pass a Hardware(...) with your own power_w, or give another budget."
        )


def _source(on: Hardware, name: str) -> str:
    return f"({on.sources[name]})" if name in on.sources else "(as given)"


def _speed_sentences(budget: Budget, on: Hardware) -> tuple[str, str]:
    peak, source = on.peak_flop_per_second, _source(on, "peak_flop_per_second")
    why = "assumed: a good run at scale, arXiv:2407.21783, Table 4" if budget.mfu == DEFAULT_MFU else "as given"
    return (
        f"The peak of {on.title} is {peak:.4g} FLOP/s {source}.",
        f"Training turns {budget.mfu:.3g} of the peak into model FLOP: the MFU ({why}).",
    )


def _price_sentence(budget: Budget, on: Hardware) -> str:
    if budget.price is None:
        return f"No price is known for {on.title}: money is not answered."
    source = "(as given)" if budget.usd_per_hour is not None else _source(on, "usd_per_hour")
    return f"An hour of one device costs {budget.price:.4g} US dollars {source}."


def _energy_sentences(budget: Budget, on: Hardware) -> tuple[str, ...]:
    if on.power_w is None:
        why = f" ({on.sources['power_w']})" if "power_w" in on.sources else ""
        return (f"The power of {on.title} is not known{why}: energy and CO2e are not answered.",)
    pue = "Uptime Institute survey, 2025" if budget.pue == DEFAULT_PUE else "as given"
    world = budget.grid_kg_per_kwh == WORLD_GRID_KG_PER_KWH
    grid = "world average of 2023, Ember, July 2024" if world else "as given"
    return (
        f"One device draws {on.power_w:.4g} W at full load {_source(on, 'power_w')}; hosts, network and "
        "storage are not counted.",
        f"The site draws {budget.pue:.3g} times what its devices draw: the PUE ({pue}).",
        f"A kilowatt hour emits {budget.grid_kg_per_kwh:.3g} kg CO2e ({grid}).",
    )

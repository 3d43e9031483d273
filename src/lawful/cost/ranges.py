"""Ranges instead of points: a bill from figures that nobody knows exactly, such as an MFU of 0.35 to 0.45.

A figure is a number or a ``Range``. What follows from figures rises or falls with each of them, so that its own range
runs between the values at their ends.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lawful.cost.budget import DEFAULT_MFU, DEFAULT_PUE, WORLD_GRID_KG_PER_KWH, Budget
from lawful.cost.checks import positive
from lawful.cost.hardware import Hardware
from lawful.cost.training import Cost, train_cost
from lawful.errors import InputError

HOURS_PER_YEAR = 8766.0
"""Of a year of 365.25 days."""


@dataclass(frozen=True)
class Range:
    """What lies between ``low`` and ``high``, both positive; ``value`` is the middle in logarithms."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if positive("range", self.low, "anything") > positive("range", self.high, "anything"):
            raise InputError(f"a range runs from low to high, got {self.low:g}:{self.high:g}")

    @property
    def value(self) -> float:
        """The middle, by ratio."""
        return math.sqrt(self.low * self.high)


Figure = float | Range


@dataclass(frozen=True)
class Bill:
    """What training costs, item by item, each a ``Range`` or None where there is no honest answer.

    ``embodied_co2e_kg`` is the share of the devices' making that the run uses up: device hours over lifetime. The other
    items are those of ``Cost``; ``assumptions`` say what they rest on.
    """

    items: Mapping[str, Range | None]
    assumptions: tuple[str, ...] = ()

    def __getitem__(self, item: str) -> Range | None:
        return self.items[item]

    def to_dict(self) -> dict[str, Any]:
        """The bill as data: the contract of ``lawful calc cost --json``."""
        return {"schema": "lawful.bill/1", "assumptions": list(self.assumptions),
                **{name: None if r is None else {"value": r.value, "low": r.low, "high": r.high}
                   for name, r in self.items.items()}}


def train_bill(train_flop: float, device: Hardware | str, *, devices: int | None = None, mfu: Figure = DEFAULT_MFU,
               pue: Figure = DEFAULT_PUE, usd_per_hour: Figure | None = None,
               grid_kg_per_kwh: Figure = WORLD_GRID_KG_PER_KWH, embodied_kg: Figure | None = None,
               lifetime_years: Figure | None = None, interconnect: Figure | None = None) -> Bill:
    """What ``train_flop`` cost on ``device``, with ranges where figures are ranges.

    ``mfu`` counts FLOP as ``train_flop`` does: one measured by 6N + 12LHQT goes with FLOP by that convention.
    ``embodied_kg`` is the CO2e of making one device, ``lifetime_years`` how long it works; CO2e embodied is not
    answered without both (CO2_emb of arXiv:2505.00985, section 3, with the making given as a whole). ``interconnect``
    is what several devices keep of what one does, where ``mfu`` is that of one. Raises InputError as ``Budget`` does,
    for one of those two without the other, and for an interconnect above 1.
    """
    if (embodied_kg is None) != (lifetime_years is None):
        raise InputError("embodied_kg and lifetime_years go together: the making of a device, spread over its life")
    figures: dict[str, Figure] = {"mfu": mfu, "pue": pue, "grid_kg_per_kwh": grid_kg_per_kwh}
    figures |= {name: f for name, f in (("usd_per_hour", usd_per_hour), ("embodied_kg", embodied_kg),
                                        ("lifetime_years", lifetime_years), ("interconnect", interconnect))
                if f is not None}
    if interconnect is not None and (interconnect.high if isinstance(interconnect, Range) else positive(
            "interconnect", interconnect, "share")) > 1:
        raise InputError("interconnect is a share of what the devices do apart, above 0 and at most 1")

    def budget(values: Mapping[str, float]) -> Budget:
        rates = {name: value for name, value in values.items()
                 if name not in ("embodied_kg", "lifetime_years", "interconnect")}
        rates["mfu"] *= values.get("interconnect", 1.0)
        return Budget(compute=train_flop, device=device, devices=devices, **rates)

    def cost(values: Mapping[str, float]) -> dict[str, float | None]:
        bill: Cost = train_cost(train_flop, budget(values))
        life = values.get("lifetime_years", 0.0) * HOURS_PER_YEAR
        embodied = values["embodied_kg"] * (bill.gpu_hours or 0.0) / life if life else None
        items: dict[str, float | None] = {**asdict(bill), "embodied_co2e_kg": embodied}
        del items["serve_usd"]
        return items

    middle = budget({name: f.value if isinstance(f, Range) else f for name, f in figures.items()})
    return Bill(_span(cost, figures), (*middle.assumptions(), *_said(figures)))


def _span(cost: Callable[[Mapping[str, float]], dict[str, float | None]],
          figures: Mapping[str, Figure]) -> dict[str, Range | None]:
    """The range of every item over the corners of the figures' ranges: exact for what is monotone in each."""
    found = [cost(values) for values in _corners(figures)]
    items: dict[str, Range | None] = {}
    for name in found[0]:
        values = [value for corner in found if (value := corner[name]) is not None]
        items[name] = Range(min(values), max(values)) if values else None
    return items


def _corners(figures: Mapping[str, Figure]) -> Iterator[dict[str, float]]:
    ends = [sorted({f.low, f.high}) if isinstance(f, Range) else [f] for f in figures.values()]
    for values in itertools.product(*ends):
        yield dict(zip(figures, values, strict=True))


def _said(figures: Mapping[str, Figure]) -> Iterator[str]:
    ranged = [f"{name} {f.low:g} to {f.high:g}" for name, f in figures.items() if isinstance(f, Range)]
    if ranged:
        yield f"Ranges are those of {', '.join(ranged)}; the sentences above give their middles."
    if (kept := figures.get("interconnect")) is not None:
        share = f"{kept.low:g} to {kept.high:g}" if isinstance(kept, Range) else f"{kept:g}"
        yield f"Several devices keep {share} of what one does: the MFU above is what remains of one device's."
    if "embodied_kg" in figures:
        yield "Embodied CO2e is that of the devices alone, as given, spread evenly over their lifetime."

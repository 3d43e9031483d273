"""``lawful calc time`` and ``lawful calc cost``: how long a training run takes, and what it costs, as ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.calculating import read_lengths, read_shape
from lawful.cli.options import Output
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_positive

if TYPE_CHECKING:
    from lawful.cost import Bill, Range

_NO_OUTPUT = Output()

UNITS = {"train_flop": "FLOP", "gpu_hours": "device hours", "wall_days": "days", "usd": "US dollars",
         "energy_kwh": "kWh", "co2e_kg": "kg CO2e", "embodied_co2e_kg": "kg CO2e, embodied"}


@Parameter(name="*")
@dataclass(frozen=True)
class Run:
    """A training run: tokens, where, and how well the devices are used; a figure may be a range, as 0.35:0.45."""

    tokens: str | None = None
    "Tokens to train on: 15T."
    device: str | None = None
    "The device: h100, h200, a100, b200, mi300x, tpu-v5p, l4, rtx-4090, cpu-core."
    devices: int | None = None
    "How many devices: for days."
    context: str | None = None
    "Tokens of an example; the model's longest context where it is left out."
    convention: str = "palm"
    "How FLOP are counted, which must be how the MFU was: exact, causal, 6N, kaplan, palm, megatron."
    mfu: str | None = None
    "Model FLOP utilisation, or a range of it: 0.35:0.45 (default 0.4)."

    def bill(self, config: str, **figures: str | None) -> tuple[str, Bill]:
        """The name of the shape, and the bill of training it so."""
        from lawful.cost import train_bill
        from lawful.cost.shapes import flops

        for option, value in (("--tokens", self.tokens), ("--device", self.device)):
            if value is None:
                raise InputError(f"{option} is missing: write --tokens 15T --device h100 --devices 1024")
        assert self.tokens is not None
        assert self.device is not None
        shape, (length, lengths) = read_shape(config), read_lengths(self.context)
        convention = "exact" if len(shape.towers) > 1 and self.convention == Run.convention else self.convention
        counted = flops(shape, convention, length, **lengths)
        if counted.tokens is None:
            raise InputError(f"--tokens: {shape.name} has several streams of tokens ({', '.join(counted.lengths)}); "
                             "lawful calc flops gives the FLOP of an example")
        total = parse_positive(self.tokens, "--tokens") * counted.train / counted.tokens
        named = {name: parse_range(text, f"--{name.replace('_', '-')}")
                 for name, text in {"mfu": self.mfu, **figures}.items() if text is not None}
        options: dict[str, Any] = named
        return shape.name, train_bill(total, self.device, devices=self.devices, **options)


_NO_RUN = Run()


def time(config: str, /, *, run: Run = _NO_RUN, output: Output = _NO_OUTPUT) -> None:
    """How long a training run takes: device hours, and days on so many devices.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    """
    check(output)
    name, bill = run.bill(config)
    items = {"train_flop", "gpu_hours", "wall_days"}
    show(bill, bill_text(name, bill, items, bill.assumptions[:2]), output)   # those of speed: money is not asked


def cost(
    config: str,
    /,
    *,
    run: Run = _NO_RUN,
    usd_per_hour: str | None = None,
    pue: str | None = None,
    grid: Annotated[str | None, Parameter(name="--grid-kg-per-kwh")] = None,
    embodied_kg: str | None = None,
    lifetime_years: str | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """What a training run costs: device hours, days, money, energy, CO2e. Each figure may be a range, as 2:4.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    usd_per_hour
        Price of one device hour, instead of the table's.
    pue
        What the site draws over what the devices draw (default 1.54).
    grid
        kg CO2e of a kWh (default 0.481, the world's mean).
    embodied_kg
        kg CO2e of making one device; with --lifetime-years.
    lifetime_years
        How long a device works.
    """
    check(output)
    name, bill = run.bill(config, usd_per_hour=usd_per_hour, pue=pue, grid_kg_per_kwh=grid, embodied_kg=embodied_kg,
                          lifetime_years=lifetime_years)
    show(bill, bill_text(name, bill, UNITS.keys(), bill.assumptions), output)


def bill_text(name: str, bill: Bill, items: Collection[str], notes: Iterable[str]) -> str:
    """A line for each of the ``items`` that has an answer, then what the bill rests on."""
    body = [[unit, *_shown(found, item)] for item, unit in UNITS.items()
            if item in items and (found := bill[item]) is not None]
    return "\n".join([name, aligned(body, ["", "middle", "low", "high"]), *(f"  - {note}" for note in notes)])


def _shown(found: Range, item: str) -> list[str]:
    unit = "FLOP" if item == "train_flop" else ""
    return [format_number(value, 4, unit) for value in (found.value, found.low, found.high)]


def parse_range(text: str, where: str) -> float | Range:
    """``0.4`` as a number, ``0.35:0.45`` as a range. Raises InputError for anything else."""
    from lawful.cost import Range

    low, colon, high = text.partition(":")
    if not colon:
        return parse_positive(text, where)
    return Range(parse_positive(low, where), parse_positive(high, where))

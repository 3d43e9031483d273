"""``lawful calc time``, ``cost`` and ``serve``: what a training run takes and costs, and what answers cost."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.calculating import read_lengths, read_shape, whole
from lawful.cli.options import Output, find_device
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_positive

if TYPE_CHECKING:
    from lawful.cost import Bill, Range, Serving

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
    "The device: h100, h200, a100, b200, mi300x, tpu-v5p, l4, rtx-4090, cpu-core, or your own: mine.toml."
    devices: int | None = None
    "How many devices: for days."
    context: str | None = None
    "Tokens of an example; the model's longest context where it is left out."
    convention: str = "palm"
    "How FLOP are counted, which must be how the MFU was: exact, causal, 6N, kaplan, palm, megatron."
    mfu: str | None = None
    "Model FLOP utilisation, or a range of it: 0.35:0.45 (default 0.4)."
    interconnect: str | None = None
    "What several devices keep of what one does, where --mfu is that of one; or a range of it (default 1)."

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
                 for name, text in {"mfu": self.mfu, "interconnect": self.interconnect, **figures}.items()
                 if text is not None}
        options: dict[str, Any] = named
        return shape.name, train_bill(total, find_device(self.device), devices=self.devices, **options)


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
    speed = [note for note in bill.assumptions if any(word in note for word in ("The peak", "the MFU", "Several"))]
    show(bill, bill_text(name, bill, items, speed), output)   # money is not asked


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


def serve(
    config: str,
    /,
    *,
    device: str | None = None,
    devices: int = 1,
    batch: str = "1",
    prompt: str = "1024",
    written: Annotated[str, Parameter(name="--write")] = "256",
    samples: str = "1",
    demand: str | None = None,
    precision: str | None = None,
    cache_precision: str | None = None,
    compute_share: float | None = None,
    memory_share: float | None = None,
    overhead_ms: float | None = None,
    usd_per_hour: str | None = None,
    pue: str = "1",
    output: Output = _NO_OUTPUT,
) -> None:
    """How fast a model answers on a device, and what a token costs, by the device's roofline.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    device
        The device: h100, h200, a100, b200, mi300x, tpu-v5p, l4, rtx-4090, cpu-core, or your own: mine.toml.
    devices
        Devices that share each layer of one replica.
    batch
        Requests served at a time.
    prompt
        Tokens read of each request.
    written
        Tokens written to each sample.
    samples
        Samples written to each prompt, which is read once.
    demand
        Tokens to be written in a second: also the devices that it takes.
    precision
        That of the weights: fp32, bf16, fp16, fp8, int8, fp4, int4; what the configuration says where left out.
    cache_precision
        That of the cache; that of the weights where left out, and no less than bf16.
    compute_share
        What of the peak is reached (default 0.5).
    memory_share
        What of the bandwidth is reached (default 0.7).
    overhead_ms
        What every step takes beside (default 1).
    usd_per_hour
        Price of one device hour, instead of the table's.
    pue
        What the site draws over what the devices draw.
    """
    from lawful.cost import Efficiency
    from lawful.cost import serve as answer

    check(output)
    if device is None:
        raise InputError("--device is missing: write --device h100")
    given = {"compute": compute_share, "memory": memory_share,
             "overhead_s": None if overhead_ms is None else overhead_ms / 1e3}
    found = answer(
        read_shape(config), find_device(device), devices=devices, batch=whole(batch, "--batch"),
        prompt=whole(prompt, "--prompt"), output=whole(written, "--write"), samples=whole(samples, "--samples"),
        precision=precision, cache_precision=cache_precision,
        efficiency=Efficiency(**{k: v for k, v in given.items() if v is not None}),
        usd_per_hour=None if usd_per_hour is None else parse_positive(usd_per_hour, "--usd-per-hour"),
        pue=parse_positive(pue, "--pue"))
    needed = None if demand is None else found.devices * math.ceil(
        parse_positive(demand, "--demand") / found.tokens_per_second)
    show({**found.to_dict(), "devices_for_demand": needed}, serving_text(config, found, needed), output)


def serving_text(name: str, found: Serving, needed: int | None) -> str:
    """Rates and prices, a line each, then what they rest on."""
    lines = [f"{name}: {format_number(found.tokens_per_second)} tokens/s on {found.devices} device"
             f"{'s' * (found.devices > 1)}; a step waits for {found.bound}",
             f"  first token after {1e3 * found.ttft_s:.4g} ms, a step {1e3 * found.step_s:.4g} ms, "
             f"a request {found.request_s:.4g} s"]
    if found.usd_per_million_tokens is not None:
        energy = "" if found.joule_per_token is None else f", {found.joule_per_token:.3g} J a token"
        lines.append(f"  {found.usd_per_million_tokens:.4g} US dollars a million tokens{energy}")
    fits = "" if found.fits else ": it does not fit"
    lines.append(f"  {found.memory_bytes / 1e9:.4g} GB on each device, {100 * found.share_of_device:.3g} % of it{fits}")
    if needed is not None:
        lines.append(f"  {needed:,} devices for the demand")
    return "\n".join([*lines, *(f"  - {note}" for note in found.assumptions)])


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

"""What one device can do, and what an hour of it costs: a small dated table, and room for your own.

What to use when: ``hardware("h100")`` for a device of the table, ``Hardware(...)`` for any other, and
neither where the budget is in FLOP. The figures live in ``hardware.toml``, each with source and date.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from lawful.cost.checks import positive
from lawful.errors import InputError, unknown

# The figures of a device and their units; those that may be missing come last.
UNITS: Mapping[str, str] = {
    "peak_flop_per_second": "FLOP/s",
    "memory_bytes": "bytes",
    "bandwidth_bytes_per_second": "bytes/s",
    "power_w": "watts",
    "usd_per_hour": "US dollars an hour",
}
MAY_BE_MISSING = ("power_w", "usd_per_hour")
PRECISIONS = ("fp32", "fp8", "int8", "fp4", "int4")
"""The precisions that a device may have a peak of its own in, beside that in bf16."""


@dataclass(frozen=True)
class Source:
    """Where a figure is printed, and the day it was last looked up."""

    text: str
    date: str  # ISO 8601
    url: str = ""

    def __str__(self) -> str:
        return f"{self.text}, {self.date}"


@dataclass(frozen=True)
class Hardware:
    """One device: its figures, and for each figure its source.

    ``power_w`` and ``usd_per_hour`` may be None, where nobody publishes them; what needs them is then
    not answered. A figure without a source is taken as given by you. InputError where a figure is not
    a positive number.

        >>> mine = Hardware("mine", "my card", 50e12, 16e9, 400e9, power_w=200.0, usd_per_hour=0.1)
        >>> mine.usd_per_hour
        0.1
    """

    key: str
    title: str
    peak_flop_per_second: float  # dense bf16 where the device has it; never the sparsity figure
    memory_bytes: float
    bandwidth_bytes_per_second: float
    power_w: float | None = None  # of the device alone, at full load
    usd_per_hour: float | None = None  # rented on demand
    sources: Mapping[str, Source] = field(default_factory=dict, compare=False, repr=False)
    peaks: Mapping[str, float] = field(default_factory=dict, compare=False)  # other precisions: {"fp8": FLOP/s}

    def __post_init__(self) -> None:
        for name, unit in UNITS.items():
            value = getattr(self, name)
            if not (value is None and name in MAY_BE_MISSING):
                positive(f"{self.key}: {name}", value, unit)
        for name, value in self.peaks.items():
            positive(f"{self.key}: peaks, {name}", value, "FLOP/s")

    def to_dict(self) -> dict[str, Any]:
        """The figures with their sources, ready for JSON."""
        return {"key": self.key, "title": self.title, **{name: getattr(self, name) for name in UNITS},
                "peaks": dict(self.peaks), "sources": {name: vars(source) for name, source in self.sources.items()}}

    def peak(self, precision: str) -> float:
        """FLOP/s of matrix products in ``precision``; in bf16 where the device is not known to have it."""
        return self.peaks.get(precision, self.peak_flop_per_second)


def hardware(name: str) -> Hardware:
    """The device of the table called ``name``, in any case and with any dashes.

    Raises UnknownName for a device that the table does not hold.

        >>> hardware("RTX4090").key
        'rtx-4090'
    """
    devices, keys = _table()
    key = keys.get(_plain(name))
    if key is None:
        raise unknown(
            "device", name, devices,
            hint="For any other, give a TOML file of its figures (mine.toml), pass a Hardware(...) in Python, or give "
                 "the budget in FLOP.",
        )  # fmt: skip
    return devices[key]


def read_hardware(fields: Mapping[str, Any], name: str) -> Hardware:
    """A device of your own, from the ``fields`` of a file called ``name`` with the keys of the table.

    Each figure is a number, or { value, source, date }; power_w and usd_per_hour may be left out. Raises
    ``UnknownName`` for another key, ``InputError`` for a figure that is missing or is no positive number.

        >>> read_hardware({"title": "my card", "peak_flop_per_second": 5e13, "memory_bytes": 16e9,
        ...                "bandwidth_bytes_per_second": 4e11, "peaks": {"int8": 1e14}}, "mine.toml").peak("int8")
        100000000000000.0
    """
    for key in fields:
        if key not in (*UNITS, "title", "peaks"):
            raise unknown("key", key, (*UNITS, "title", "peaks"), where=f"in {name}")
    peaks = fields.get("peaks", {})
    if not isinstance(peaks, Mapping):
        raise InputError(f"{name}: peaks must be a table, as peaks.fp8 = 2e15")
    for precision in peaks:
        if precision not in PRECISIONS:
            raise unknown("precision", precision, PRECISIONS, where=f"in {name}")
    figures = {key: _figure(fields.get(key), f"{name}: {key}") for key in UNITS}
    faster = {key: _figure(value, f"{name}: peaks.{key}") for key, value in peaks.items()}
    for key, (value, _) in figures.items():
        if value is None and key not in MAY_BE_MISSING:
            raise InputError(f"{name}: no {key}; give a number of {UNITS[key]}")
    sources = {**figures, **{f"peaks.{key}": figure for key, figure in faster.items()}}
    return Hardware(name, str(fields.get("title", name)), **{key: value for key, (value, _) in figures.items()},
                    sources={key: source for key, (_, source) in sources.items() if source is not None},
                    peaks={key: value for key, (value, _) in faster.items()})


def _figure(given: Any, where: str) -> tuple[Any, Source | None]:
    """A figure and its source, of a number or { value, source, date, url }."""
    if not isinstance(given, Mapping):
        return given, None
    for key in given:
        if key not in ("value", "source", "date", "url"):
            raise unknown("key", key, ("value", "source", "date", "url"), where=f"in {where}")
    source = None if "source" not in given else Source(str(given["source"]), str(given.get("date", "no date")),
                                                       str(given.get("url", "")))
    return given.get("value"), source


def all_hardware() -> tuple[Hardware, ...]:
    """Every device of the table, in the table's order."""
    return tuple(_table()[0].values())


def _plain(name: str) -> str:
    """``name`` with nothing left but lower-case letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _table() -> tuple[dict[str, Hardware], dict[str, str]]:
    """The devices by key, and the key by each plain name; read once, at the first question."""
    rows = tomllib.loads(files("lawful.cost").joinpath("hardware.toml").read_text(encoding="utf-8"))
    devices = {key: _device(key, row) for key, row in rows.items()}
    keys = {_plain(name): key for key, row in rows.items() for name in (key, *row["aliases"])}
    return devices, keys


def _device(key: str, row: Mapping[str, Any]) -> Hardware:
    """The row of ``key`` as a Hardware: values to the figures, the rest to their sources."""
    values = {name: row[name].get("value") for name in UNITS}
    sources = {
        name: Source(row[name]["source"], row[name]["date"], row[name].get("url", "")) for name in UNITS
    }
    peaks = row.get("peaks", {})
    sources |= {f"peaks.{name}": Source(peak["source"], peak["date"], peak.get("url", ""))
                for name, peak in peaks.items()}
    return Hardware(key, row["title"], **values, sources=sources,
                    peaks={name: peak["value"] for name, peak in peaks.items()})

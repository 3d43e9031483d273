"""Options that mean the same in every command, and how they become what the library takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.errors import InputError
from lawful.quantities import parse_number, parse_positive

if TYPE_CHECKING:
    from lawful.cost import Budget
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.runs import RunTable

RunsPath = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A table of runs: a path, or ``-`` for standard input."""


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """Where a result goes, and how."""

    json: Annotated[bool, Parameter(negative="")] = False
    "Print one JSON document on stdout, and nothing else."
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None
    "Write the result to this file."
    quiet: Annotated[bool, Parameter(negative="")] = False
    "Say nothing on stderr."


@Parameter(name="*")
@dataclass(frozen=True)
class Rows:
    """Which rows and columns of the table are read."""

    where: str | None = None
    "Keep the rows for which this holds, such as \"outlier == 0 and corpus in ('c4', 'rpj')\"."
    map: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None
    "Read a quantity from a column: --map params=n_nonemb. May be given several times."

    def read(self, path: str) -> RunTable:
        """The runs in ``path``, filtered and mapped."""
        from lawful.store import read_runs

        mapping: dict[str, str] = {}
        for pair in self.map or []:
            name, equals, column = pair.partition("=")
            if not equals or not name or not column:
                raise InputError(f"--map {pair}: write --map QUANTITY=COLUMN, for example --map params=n_nonemb")
            mapping[name.strip()] = column.strip()
        return read_runs(path, mapping=mapping, where=self.where)


@Parameter(name="*")
@dataclass(frozen=True)
class Fitting:
    """How a law is fitted."""

    form: str = "chinchilla"
    "The form: chinchilla, kaplan, power_law, power_law_floor (:tokens, :params ...), or a catalogue key."
    loss: str = "huber_log"
    "What is minimised over the log residuals: huber_log, log_squares or absolute_log."
    delta: float = 1e-3
    "Where the Huber loss turns from quadratic to linear."
    fix: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None
    "Hold a coefficient: --fix E=1.69. May be given several times."
    bootstrap: int | None = None
    "Resamples for the intervals: 1,000, or 200 where the command fits many times (diagnose, backtest)."
    seed: int = 0
    "Seed of the resamples."
    level: float = 0.9
    "Level of the intervals."

    def options(self, bootstrap: int = 1000) -> dict[str, object]:
        """The keyword arguments of ``lawful.fit.fit``; ``bootstrap`` is the command's own default."""
        fixed = {}
        for pair in self.fix or []:
            name, equals, value = pair.partition("=")
            if not equals:
                raise InputError(f"--fix {pair}: write --fix COEFFICIENT=VALUE, for example --fix E=1.69")
            fixed[name.strip()] = parse_number(value, f"--fix {name.strip()}")
        resamples = bootstrap if self.bootstrap is None else self.bootstrap
        return {"loss": self.loss, "delta": self.delta, "fixed": fixed, "bootstrap": resamples,
                "seed": self.seed, "level": self.level}


@Parameter(name="*")
@dataclass(frozen=True)
class Spending:
    """What may be spent, and on what."""

    compute: str | None = None
    "Budget in FLOP (1e21), or machine time (8xH100*72h)."
    gpu_hours: str | None = None
    "Budget in device hours; needs --device."
    days: str | None = None
    "Budget in wall-clock days; needs --device and --devices."
    usd: str | None = None
    "Budget in US dollars; needs --device."
    kwh: str | None = None
    "Budget in kWh; needs --device."
    device: str | None = None
    "The device: h100, h200, a100, b200, mi300x, tpu-v5p, l4, rtx-4090, cpu-core."
    devices: int | None = None
    "How many devices."
    mfu: str | None = None
    "Model FLOP utilisation, the share of peak that training reaches (default 0.4)."
    usd_per_hour: str | None = None
    "Price of one device hour, instead of the table's."

    def budget(self) -> Budget | None:
        """The budget, or None where none was given. Raises ``InputError`` for none or two that clash."""
        from lawful.cost import Budget

        amounts = {name: value for name in ("gpu_hours", "days", "usd", "kwh")
                   if (value := getattr(self, name)) is not None}
        options = {name: parse_positive(value, f"--{name.replace('_', '-')}")
                   for name in ("mfu", "usd_per_hour") if (value := getattr(self, name)) is not None}
        where = {name: value for name in ("device", "devices") if (value := getattr(self, name)) is not None}
        if self.compute is None and not amounts:
            if where or options:
                raise InputError("a device without a budget: give --compute, --gpu-hours, --days, --usd or --kwh")
            return None
        numbers = {name: parse_positive(value, f"--{name.replace('_', '-')}") for name, value in amounts.items()}
        if self.compute is None:
            return Budget(**{**numbers, **options, **where})
        if numbers:
            raise InputError(f"two budgets: --compute and --{next(iter(numbers)).replace('_', '-')}; give one")
        return Budget.parse(self.compute, **options, **where)


def find_law(name: str) -> Fit | Published:
    """The saved fit in the file ``name``, or the published law ``name``, with modules as ``KEY+repetition``."""
    from pathlib import Path

    if name.endswith(".json") or Path(name).is_file():
        from lawful.fit import Fit
        from lawful.store import read_json

        return Fit.from_dict(read_json(name))
    from lawful.laws import law
    from lawful.laws.composed import compose_by_name

    return compose_by_name(name) if "+" in name else law(name)

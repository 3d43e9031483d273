"""Options that mean the same in every command, and how they become what the library takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.errors import InputError, unknown
from lawful.quantities import QUANTITIES, parse_number, parse_positive

if TYPE_CHECKING:
    from pathlib import Path

    from lawful.cost import Budget, Hardware
    from lawful.fit import Fit
    from lawful.laws import Law, Published
    from lawful.plan.saved.policy import Policy
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

    def read(self, *paths: str) -> RunTable:
        """The runs in the tables ``paths`` as one, each filtered and mapped."""
        from lawful.merge import merge
        from lawful.store import read_runs

        mapping: dict[str, str] = {}
        for pair in self.map or []:
            name, equals, column = pair.partition("=")
            if not equals or not name or not column:
                raise InputError(f"--map {pair}: write --map QUANTITY=COLUMN, for example --map params=n_nonemb")
            mapping[name.strip()] = column.strip()
        return merge(*(read_runs(path, mapping=mapping, where=self.where) for path in paths))


@Parameter(name="*")
@dataclass(frozen=True)
class Fitting:
    """How a law is fitted."""

    form: str = "chinchilla"
    "The form: chinchilla, kaplan, power_law, power_law_floor (:tokens, :params ...), a catalogue key, FILE.py:CLASS."
    formula: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    "Your own law instead: --formula \"E + A*params**-alpha\"."
    target: str | None = None
    "What the formula predicts: a quantity or a column (loss)."
    inputs: str | None = None
    "The columns that are inputs of the formula: --inputs a,b (default: every column that it names)."
    limit: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False, allow_leading_hyphen=True)] = None
    "Keep a coefficient within limits: --limit alpha=0:2, or 0: or -inf:inf. May be given several times."
    loss: str = "huber_log"
    "What is minimised: huber_log, log_squares, absolute_log, student_t, frontier, or squares (of the value itself)."
    delta: float = 1e-3
    "Where the Huber loss turns from quadratic to linear."
    fix: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None
    "Hold a coefficient: --fix E=1.69. May be given several times."
    weights: str | None = None
    "A column that multiplies each run's penalty."
    noise: str | None = None
    "A column with the standard deviation of each run's outcome, or seeds: estimate it from repeated runs."
    cluster: str | None = None
    "A column whose groups (seeds, families, budgets) are resampled whole, because their runs share their luck."
    uncertainty: str = "bootstrap"
    "How draws are made: bootstrap, studentised, jackknife, profile, posterior."
    bootstrap: int | None = None
    "Resamples for the intervals: 1,000, or 200 where the command fits many times (diagnose, backtest)."
    seed: int = 0
    "Seed of the resamples."
    level: float = 0.9
    "Level of the intervals."

    def law(self, runs: RunTable) -> str | Law:
        """What to fit to ``runs``: the name of a form, the class in a file, or the formula."""
        if self.formula is None:
            if self.target is not None or self.inputs is not None:
                raise InputError("--target and --inputs belong to --formula; a form reads its quantities from other "
                                 "columns with --map loss=COLUMN")
            return own_form(self.form) if is_own(self.form) else self.form
        if self.form != Fitting.form:
            raise InputError(f"two laws: --form {self.form} and --formula {self.formula!r}; give one")
        from lawful.laws.formula import formula
        from lawful.laws.parser import parse

        target = self.target or parse(self.formula).output or "loss"
        target = next((name for name, c in runs.columns.items() if c.column == target), target)
        inputs = None if self.inputs is None else [name.strip() for name in self.inputs.split(",") if name.strip()]
        positive = None if target in QUANTITIES else bool((runs[target] > 0).all())
        return formula(self.formula, output=target, inputs=inputs, limits=self.limits(), positive=positive,
                       columns=[header for header in runs.headers if header != self.target])

    def limits(self) -> dict[str, tuple[float | None, float | None]]:
        """The ``--limit`` options by coefficient."""
        from lawful.laws.formula import parse_limit

        pairs = [(pair, *pair.partition("=")) for pair in self.limit or []]
        for pair, name, _, ends in pairs:
            if not name or not ends:
                raise InputError(f"--limit {pair}: write --limit COEFFICIENT=LOW:HIGH, for example --limit alpha=0:2")
        return {name.strip(): parse_limit(ends, name.strip()) for _, name, _, ends in pairs}

    def options(self, bootstrap: int = 1000) -> dict[str, object]:
        """The keyword arguments of ``lawful.fit.fit``; ``bootstrap`` is the command's own default."""
        fixed = {}
        for pair in self.fix or []:
            name, equals, value = pair.partition("=")
            if not equals:
                raise InputError(f"--fix {pair}: write --fix COEFFICIENT=VALUE, for example --fix E=1.69")
            fixed[name.strip()] = parse_number(value, f"--fix {name.strip()}")
        resamples = bootstrap if self.bootstrap is None else self.bootstrap
        limits = {} if self.formula is not None else {  # those of a formula are part of it
            name: (-math.inf if low is None else low, math.inf if high is None else high)
            for name, (low, high) in self.limits().items()}
        return {"loss": self.loss, "delta": self.delta, "fixed": fixed, "limits": limits, "weights": self.weights,
                "noise": self.noise, "cluster": self.cluster, "uncertainty": self.uncertainty,
                "bootstrap": resamples, "seed": self.seed,
                "level": self.level}


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
    "The device: h100, h200, a100, b200, mi300x, tpu-v5p, l4, rtx-4090, cpu-core, or your own: mine.toml."
    devices: int | None = None
    "How many devices."
    mfu: str | None = None
    "Model FLOP utilisation, the share of peak that training reaches (default 0.4)."
    usd_per_hour: str | None = None
    "Price of one device hour, instead of the table's."

    def budget(self, alone: bool = False) -> Budget | None:
        """The budget, or None where none was given. Raises ``InputError`` for two, or for a device without a budget,
        unless it may stand ``alone``."""
        from lawful.cost import Budget

        amounts = {name: value for name in ("gpu_hours", "days", "usd", "kwh")
                   if (value := getattr(self, name)) is not None}
        options, where = self._options(), self._where()
        if self.compute is None and not amounts:
            if (where or options) and not alone:
                raise InputError("a device without a budget: give --compute, --gpu-hours, --days, --usd or --kwh")
            return None
        numbers = {name: parse_positive(value, f"--{name.replace('_', '-')}") for name, value in amounts.items()}
        if self.compute is None:
            return Budget(**{**numbers, **options, **where})
        if numbers:
            raise InputError(f"two budgets: --compute and --{next(iter(numbers)).replace('_', '-')}; give one")
        return Budget.parse(self.compute, **options, **where)

    def rates(self) -> dict[str, Any]:
        """The device and its rates, as ``lawful.plan.costs.rates.Rates`` takes them, where no budget says them."""
        from lawful.cost import Budget

        return rates_of(Budget(compute=1.0, **self._options(), **self._where()))

    def _options(self) -> dict[str, Any]:
        return {name: parse_positive(value, f"--{name.replace('_', '-')}")
                for name in ("mfu", "usd_per_hour") if (value := getattr(self, name)) is not None}

    def _where(self) -> dict[str, Any]:
        where = {} if self.device is None else {"device": find_device(self.device)}
        return where if self.devices is None else {**where, "devices": self.devices}


@Parameter(name="*")
@dataclass(frozen=True)
class Policies:
    """What a plan may come to; one that comes to more is still shown, and the exit code is 3."""

    policy_file: Annotated[str | None, Parameter(name="--policy")] = None
    "A TOML file of limits: max_cost, max_days, max_co2e_kg, max_gpu_hours. An option goes before it."
    max_cost: str | None = None
    "The most US dollars that the plan may come to: 10k."
    max_days: str | None = None
    "The most days that training may take."
    max_co2e_kg: Annotated[str | None, Parameter(name=["--max-co2e", "--max-co2e-kg"])] = None
    "The most CO2e, in kg, that the plan may emit."
    max_gpu_hours: str | None = None
    "The most device hours."

    def policy(self) -> Policy:
        """The policy that the file and the options say."""
        from lawful.plan.saved.policy import Policy
        from lawful.store import read_toml

        limits = {} if self.policy_file is None else Policy.read(read_toml(self.policy_file), self.policy_file).limits
        options = {name: parse_positive(value, f"--{name.removesuffix('_kg').replace('_', '-')}")
                   for name, value in vars(self).items() if name != "policy_file" and value is not None}
        return Policy(**{**limits, **options})


def as_given(**options: Any) -> dict[str, Any]:
    """The options that were given, by their names on the command line; groups such as ``Spending`` are opened."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if is_dataclass(value):
            found |= as_given(**{f.name: v for f in fields(value) if (v := getattr(value, f.name)) != f.default})
        elif value is not None and value is not False:
            found[name.replace("_", "-")] = value
    return found


def as_tokens(options: Mapping[str, Any]) -> list[str]:
    """The words of the command line that give these ``options``, as ``as_given`` names them."""
    words = [str(options["runs"])] if "runs" in options else []
    for name, value in options.items():
        if name != "runs":
            words += [f"--{name}"] if value is True else [
                f"--{name}={one}" for one in (value if isinstance(value, list) else [value])]
    return words


def rates_of(budget: Budget) -> dict[str, Any]:
    """The device of ``budget`` and its rates, as ``lawful.plan.costs.rates.Rates`` takes them."""
    return {"device": budget.device, "mfu": budget.mfu,
            "options": {"devices": budget.devices, "usd_per_hour": budget.usd_per_hour}}


def find_device(name: str) -> Hardware:
    """The device of the table called ``name``, or your own in the TOML file of that name."""
    from lawful.cost import hardware
    from lawful.cost.hardware import read_hardware

    if not name.endswith(".toml"):
        return hardware(name)
    from lawful.store import read_toml

    return read_hardware(read_toml(name), name)


def is_own(form: str) -> bool:
    """Whether ``form`` is a class in a file, such as ``mylaw.py:MyLaw``."""
    return ".py:" in form


def own_form(name: str, beside: str | Path = ".") -> Law:
    """A law of the class ``name``, such as ``mylaw.py:MyLaw``, in a file found from here or from ``beside``."""
    from lawful.laws import Law
    from lawful.laws.registry import enter
    from lawful.store import load_class

    found = load_class(name, (".", beside))
    if not issubclass(found, Law):
        raise InputError(f"{name} is not a law: a form is a subclass of lawful.laws.Law with the formula as its call")
    return enter(found, name)


def find_law(name: str) -> Fit | Published:
    """The saved fit in the file ``name``, or the published law ``name``, with modules as ``KEY+repetition``.

    ``fits.json:c4`` is the fit of the group c4 in a file of fits by groups.
    """
    from pathlib import Path

    path, _, group = name.partition(".json:")
    file = f"{path}.json" if group else name
    if file.endswith(".json") or Path(file).is_file():
        from lawful.fit import Fit
        from lawful.store import read_json

        data = read_json(file)
        if "groups" in data:
            data = _group(data["groups"], group, file)
        if is_own(form := str(data.get("form"))):
            own_form(form, Path(file).parent)
        return Fit.from_dict(data)
    from lawful.laws import law
    from lawful.laws.composed import compose_by_name

    return compose_by_name(name) if "+" in name else law(name)


def _group(groups: Mapping[str, Any], asked: str, file: str) -> Mapping[str, Any]:
    if not asked:
        raise InputError(f"{file} holds a fit for each of {', '.join(groups)}; name one: {file}:{next(iter(groups))}")
    if asked not in groups:
        raise unknown("group", asked, groups, where=f"in {file}")
    found: Mapping[str, Any] = groups[asked]
    return found

"""Simulated tables of runs, clean ones and the registry of faults planted in them.

``clean_table(rng)`` simulates runs of a known law on a design that people use; a ``Fault`` spoils such a table in
one way, at a strength and a place drawn at random. ``FAULTS`` is the registry: ``@planted(...)`` adds to it. The
generator was written before any threshold was tuned to it; ``lawful.bench.faults`` runs the study.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.laws.base import Law
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import FloorPowerLaw
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[Any]]
Random = np.random.Generator

NOISES = (0.002, 0.004, 0.008)
"""Standard deviations of one run's log loss: two seeds of a tuned model, what public sweeps show, and a rough sweep."""

JOINT = ("isoflop", "ladder", "random")
"""Designs over params and tokens; ``curve`` is one quantity alone."""

DESIGNS = (*JOINT, "curve")

TRIES = 200
"""Draws of a variant before giving up: a plant may refuse those in which its fault changes nothing."""


@dataclass(frozen=True)
class CleanTable:
    """Simulated runs without a fault: ``columns`` of ``law`` with log-normal ``noise`` on ``design``; ``form`` is
    what a person would fit to them."""

    design: str
    form: str
    law: Law
    noise: float
    columns: Columns

    def table(self) -> RunTable:
        """The runs as a table."""
        return RunTable.from_columns(self.columns)

    def planted(self, strength: str, form: str | None = None, **columns: npt.NDArray[Any]) -> Planted:
        """This table with ``columns`` put in place of its own, or beside them."""
        return Planted({**self.columns, **columns}, form or self.form, self.design, strength)

    def without(self, *names: str) -> CleanTable:
        """This table lacking the columns ``names``, where it has them."""
        return replace(self, columns={name: values for name, values in self.columns.items() if name not in names})

    def beside(self, name: str, values: npt.NDArray[Any]) -> CleanTable:
        """This table with one more column."""
        return replace(self, columns={**self.columns, name: values})

    def simulated(self, rng: Random, **at: Array) -> CleanTable:
        """New runs of the same law and noise at the quantities ``at``, without columns beside them."""
        return replace(self, columns={**at, "loss": noisy(self.law.at(at), self.noise, rng)})

    def take(self, keep: npt.NDArray[Any]) -> CleanTable:
        """The rows that ``keep``, a mask or indices, selects."""
        return replace(self, columns={name: values[keep] for name, values in self.columns.items()})


@dataclass(frozen=True)
class Planted:
    """A table with a fault: its ``columns``, the ``form`` to fit, and the fault's ``strength`` in words."""

    columns: Columns
    form: str
    design: str
    strength: str

    def table(self) -> RunTable:
        """The runs as a table."""
        return RunTable.from_columns(self.columns)


Plant = Callable[[CleanTable, Random], Planted | None]
"""Spoils a clean table; None where the drawn fault would not matter: another is drawn then."""


@dataclass(frozen=True)
class Fault:
    """One way in which a table of runs is wrong: a diagnosis must say one of ``codes`` first.

    ``designs`` are those that the fault is planted on.
    """

    name: str
    codes: tuple[str, ...]
    about: str
    plant: Plant
    designs: tuple[str, ...] = JOINT

    def variant(self, number: int, seed: int = 0) -> Planted:
        """The variant ``number`` of this fault under ``seed``: always the same table."""
        rng = np.random.default_rng([seed, number, zlib.crc32(self.name.encode())])
        for _ in range(TRIES):
            clean = clean_table(rng, self.designs[number % len(self.designs)], NOISES[number % len(NOISES)])
            if (planted := self.plant(clean, rng)) is not None:
                return planted
        raise RuntimeError(f"{self.name}, variant {number}: no draw of {TRIES} mattered")


FAULTS: dict[str, Fault] = {}
"""Every fault by name, in the order in which the modules that plant them were imported."""


def planted(name: str, *codes: str, designs: tuple[str, ...] = JOINT) -> Callable[[Plant], Plant]:
    """Registers a plant as the fault ``name``, of which ``codes`` are right; its docstring says what it is."""
    def register(plant: Plant) -> Plant:
        FAULTS[name] = Fault(name, codes, (plant.__doc__ or "").strip().rstrip("."), plant, designs)
        return plant
    return register


def clean_table(rng: Random, design: str | None = None, noise: float | None = None) -> CleanTable:
    """Simulated runs of a law drawn near the published ones, on ``design`` (drawn where None) with ``noise``."""
    design = design or str(rng.choice(DESIGNS))
    noise = noise or float(rng.choice(NOISES))
    if design == "curve":
        return _curve(rng, noise)
    law = _joint_law(rng)
    columns = {"isoflop": _isoflop, "ladder": _ladder, "random": _random}[design](rng, law)
    columns["loss"] = noisy(law.at(columns), noise, rng)
    return CleanTable(design, "chinchilla", law, noise, {**columns, **_beside(columns, rng)})


def noisy(loss: Array, noise: float, rng: Random) -> Array:
    """``loss`` with log-normal noise."""
    return np.asarray(loss * np.exp(noise * rng.standard_normal(len(loss))))


def log_uniform(rng: Random, low: float, high: float, size: int | None = None) -> Any:
    """Uniform in the logarithm."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def _joint_law(rng: Random) -> AdditiveLoss:
    """Exponents and floor as published (0.27 to 0.45, 1.6 to 2.1); both terms 0.25 to 0.45 nats at 1e9 params and
    2e10 tokens, as Chinchilla's are."""
    alpha, beta = rng.uniform(0.28, 0.42, 2)
    a, b = rng.uniform(0.25, 0.45, 2)
    return AdditiveLoss(E=rng.uniform(1.6, 2.1), A=a * 1e9**alpha, alpha=alpha, B=b * 2e10**beta, beta=beta)


def _isoflop(rng: Random, law: AdditiveLoss) -> dict[str, Array]:
    """Budgets over three decades; at each, sizes about the optimum."""
    low = log_uniform(rng, 3e17, 3e18)
    budgets = np.geomspace(low, 1e3 * low, int(rng.integers(5, 9)))
    factor = log_uniform(rng, 10.0, 40.0)
    spread = np.geomspace(factor**-0.5, factor**0.5, int(rng.integers(6, 10)))
    best = np.array([float(law.allocate(c).params) for c in budgets])
    params = np.outer(best, spread).ravel()
    return {"params": params, "tokens": np.repeat(budgets, len(spread)) / (6 * params)}


def _ladder(rng: Random, law: AdditiveLoss) -> dict[str, Array]:
    """Sizes over two decades; at each, the same tokens per parameter."""
    smallest = log_uniform(rng, 1e7, 4e7)
    sizes = np.geomspace(smallest, smallest * log_uniform(rng, 60, 150), int(rng.integers(6, 10)))
    ratios = 5.0 * 2.0 ** np.arange(rng.integers(5, 8))
    params = np.repeat(sizes, len(ratios))
    return {"params": params, "tokens": params * np.tile(ratios, len(sizes))}


def _random(rng: Random, law: AdditiveLoss) -> dict[str, Array]:
    """Compute and tokens per parameter drawn at random over three and two decades."""
    n = int(rng.integers(40, 90))
    low = log_uniform(rng, 3e17, 3e18)
    compute, ratio = log_uniform(rng, low, 1e3 * low, n), log_uniform(rng, 3.0, 300.0, n)
    params = np.sqrt(compute / (6 * ratio))
    return {"params": params, "tokens": params * ratio}


def _curve(rng: Random, noise: float) -> CleanTable:
    """A learning curve: a floored power law in tokens, or in compute, over three to four decades."""
    over, low = (("tokens", 1e7), ("compute", 1e16))[int(rng.integers(2))]
    low *= log_uniform(rng, 0.3, 3.0)
    x = np.geomspace(low, low * 10 ** rng.uniform(3.0, 4.0), int(rng.integers(20, 60)))
    alpha, E = rng.uniform(0.2, 0.4), rng.uniform(1.0, 2.5)
    law = FloorPowerLaw(E=E, A=rng.uniform(1.0, 3.0) * low**alpha, alpha=alpha, over=over)
    return CleanTable("curve", f"power_law_floor:{over}", law, noise,
                      {over: x, "loss": noisy(law.at({over: x}), noise, rng)})


def _beside(columns: Columns, rng: Random) -> dict[str, npt.NDArray[Any]]:
    """Columns that many tables have and that mean no fault: names, seeds, a learning rate tuned by size, compute, and
    an accuracy that follows the loss evenly."""
    params, loss, n = columns["params"], columns["loss"], len(columns["params"])
    share = 0.25 + rng.uniform(0.3, 0.7) * (loss.max() - loss) / np.ptp(loss)
    beside: dict[str, npt.NDArray[Any]] = {
        "run": np.array([f"r{i:03d}" for i in range(n)]),
        "seed": rng.integers(0, 3, n),
        "lr": np.round(0.003 * (params / 1e8) ** -0.25 * 2.0 ** rng.integers(-1, 2, n), 6),
        "compute": 6.0 * params * columns["tokens"],
        "accuracy": rng.binomial(1000, share) / 1000,
    }
    return {name: values for name, values in beside.items() if rng.random() < 0.4}

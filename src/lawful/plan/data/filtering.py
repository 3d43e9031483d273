"""How hard to filter: pools of data by quality, and which of them to train on, by the samples that will be seen.

What to use when: ``filter_pools`` for pools whose usefulness and its half-life are known, as Goyal et al. 2024 measure
them; ``compare_sets`` for whole data sets, each with a loss law of its own fitted to runs on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.data import DecayingUtility
from lawful.laws.published import Published
from lawful.plan.bisection import turn
from lawful.plan.costs.rates import Rates
from lawful.plan.data.repetition import Repeated, repeat

Array = npt.NDArray[np.float64]

DECADES = 3.0
"""How far beyond the first pass over all pools switches are looked for; they begin with that over the best one."""

STEPS = 400
"""Budgets at which the best filter is looked up before a switch is closed in on."""

CLOSER = 30
"""Halvings with which a switch is closed in on: to nine digits of the samples."""


@dataclass(frozen=True)
class Pool:
    """Data of one quality: ``samples`` distinct ones, and the law of training on them alone, with its half-life."""

    name: str
    samples: float
    law: DecayingUtility

    def __post_init__(self) -> None:
        positive(f"pool {self.name}", self.samples, "samples")


@dataclass(frozen=True)
class Switch:
    """From ``samples`` seen on, the best filter keeps ``after`` pools instead of ``before``."""

    samples: float
    before: int
    after: int


@dataclass(frozen=True)
class Filtering:
    """The best filter for ``samples`` seen: the best ``keep`` of ``pools``, which stand in order of their quality.

    ``errors`` are those of keeping one pool, two, and so on; ``epochs`` the passes over what is kept. ``switches`` are
    the budgets at which another filter becomes the best.
    """

    pools: tuple[Pool, ...]
    samples: float
    keep: int
    errors: tuple[float, ...]
    epochs: float
    switches: tuple[Switch, ...]

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of the pools to train on."""
        return tuple(pool.name for pool in self.pools[: self.keep])


def pooled_error(pools: Sequence[Pool], samples: float) -> float:
    """The error of training on the union of ``pools`` until ``samples`` have been seen.

        log(y - d) = mean log a + sum over passes j of  mean_i b_i 2**(-(j - 1) / tau_i')  log(n_j / n_(j-1))

    n_j are the samples seen by the end of pass j over the union, and n_0 = 1. The means weigh a pool by its share of
    the union, and its half-life in passes of the union is tau_i' = tau_i x the union / the pool: with p equal pools the
    plain mean and p tau_i of Goyal et al. 2024; weights for pools of unequal sizes are ours. Of one pool it is the law
    ``quality_decay``, whose cap on the passes it does without.
    """
    union = sum(pool.samples for pool in pools)
    shares = np.array([pool.samples for pool in pools]) / union
    a, b, tau, d = (np.array([getattr(pool.law, name) for pool in pools]) for name in ("a", "b", "tau", "d"))
    passes = np.arange(max(1, int(np.ceil(samples / union))))
    utility = shares @ (b[:, None] * 0.5 ** (passes / (tau / shares)[:, None]))
    seen = np.minimum((passes + 1) * union, samples)
    grown = utility[0] * np.log(seen[0]) + utility[1:] @ np.log(seen[1:] / seen[:-1])
    return float(np.exp(shares @ np.log(a) + grown) + shares @ d)


def filter_pools(pools: Sequence[Pool], samples: float) -> Filtering:
    """How many of the best pools to keep for ``samples`` seen, and at which budgets that changes.

    Pools are ordered by their utility b, the best first, as by a filter that is loosened. Raises ``InputError`` without
    pools, or for a name that comes twice.
    """
    positive("samples", samples, "samples")
    if not pools or len({pool.name for pool in pools}) < len(pools):
        raise InputError(f"filtering needs pools of different names, got {', '.join(p.name for p in pools) or 'none'}")
    ordered = tuple(sorted(pools, key=lambda pool: pool.law.b))
    errors = _errors(ordered, samples)
    keep = int(np.argmin(errors)) + 1
    return Filtering(ordered, samples, keep, tuple(errors), samples / sum(p.samples for p in ordered[:keep]),
                     _switches(ordered))


def compare_sets(sets: Mapping[str, tuple[Fit | Published, float]], compute: float,
                 rates: Rates | None = None) -> dict[str, Repeated]:
    """The best use of each data set for ``compute`` [FLOP], the set with the least loss first.

    A set is a loss law fitted to runs on it, and its distinct tokens; all laws must give the loss on the same text.
    Raises as ``repeat``, and ``InputError`` without sets.
    """
    if not sets:
        raise InputError("no data sets to compare")
    made = {name: repeat(law, unique, compute, rates) for name, (law, unique) in sets.items()}
    return dict(sorted(made.items(), key=lambda one: one[1].decision.metrics["loss"]))


def _errors(ordered: Sequence[Pool], samples: float) -> list[float]:
    return [pooled_error(ordered[:keep], samples) for keep in range(1, len(ordered) + 1)]


def _switches(ordered: Sequence[Pool]) -> tuple[Switch, ...]:
    """Where the best number of pools changes, from a scan of budgets and bisection between two of them."""
    def best(log_samples: float) -> int:
        return int(np.argmin(_errors(ordered, np.exp(log_samples)))) + 1

    def end_of(keep: int, low: float, high: float) -> float:
        return turn(lambda x: best(x) == keep, low, high, CLOSER)[1]

    whole = sum(pool.samples for pool in ordered)
    scan = np.linspace(np.log(ordered[0].samples), np.log(whole) + DECADES * np.log(10), STEPS)
    found, kept = [], [best(x) for x in scan]
    for low, high, before, after in zip(scan, scan[1:], kept, kept[1:], strict=False):
        if before != after:
            found.append(Switch(float(np.exp(end_of(before, low, high))), before, after))
    return tuple(found)

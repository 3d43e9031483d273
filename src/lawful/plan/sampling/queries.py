"""Classes of queries under one budget: ``spread(classes, budget=...)`` gives each class its model and samples.

Each class has a share of the queries and its own curves. What a class covers for a price is the best over its samplers
and numbers of samples; where two of them are mixed, some of its queries served by one and the rest by the other, the
line between them is reached as well. So each class offers the upper concave envelope of its points, and the budget goes
to the steepest gains first, over all classes together: nothing covers more (a linear program; the tests solve it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError
from lawful.plan.sampling.choosing import Sampler

Array = npt.NDArray[np.float64]

FINE, COARSE = 256, 2000
"""Samples that are tried one by one, and how many numbers beyond, evenly in the logarithm."""


@dataclass(frozen=True)
class QueryClass:
    """Queries of one kind: their ``share`` of all, and the samplers with their curves on them."""

    name: str
    share: float
    samplers: tuple[Sampler, ...]


@dataclass(frozen=True)
class ClassShare:
    """What a share of a class's queries gets: ``samples`` of ``sampler`` (None: no answer)."""

    share: float
    sampler: Sampler | None
    samples: int


@dataclass(frozen=True)
class ClassPlan:
    """How one class is served: one way, or two that are mixed; its mean coverage and price a query."""

    name: str
    share: float
    served: tuple[ClassShare, ...]
    coverage: float
    price: float


@dataclass(frozen=True)
class ClassSpread:
    """How a budget is spread over classes of queries: coverage and price are means over all queries.

    ``gain`` is what one more unit of the budget would add to the coverage.
    """

    classes: tuple[ClassPlan, ...]
    coverage: float
    price: float
    gain: float


@dataclass(frozen=True)
class _Step:
    """A piece of a class's envelope, from one of its points to the next."""

    of: int
    start: int
    price: float
    gain: float

    @property
    def slope(self) -> float:
        return self.gain / self.price


def spread(classes: Sequence[QueryClass], *, budget: float | None = None, target: float | None = None) -> ClassSpread:
    """The most coverage for a mean ``budget`` a query, or the least budget that covers ``target``.

    Raises InputError for shares that do not add up to 1, ``FailedToAnswer`` for a target beyond all samplers.
    """
    if (target is None) == (budget is None):
        raise InputError("samples are spread for a budget a query or for a target of coverage: give one of them")
    if abs(math.fsum(c.share for c in classes) - 1.0) > 1e-6 or any(c.share <= 0 for c in classes):
        raise InputError("classes of queries: shares are positive and add up to 1, got "
                         f"{', '.join(f'{c.name} {c.share:g}' for c in classes)}")
    points = [_envelope(c) for c in classes]
    steps = sorted((_Step(i, j, c.share * float(price[j + 1] - price[j]), c.share * float(gain[j + 1] - gain[j]))
                    for i, (c, (price, gain, _)) in enumerate(zip(classes, points, strict=True))
                    for j in range(len(price) - 1)), key=lambda s: -s.slope)
    most = math.fsum(s.gain for s in steps)
    if target is not None and target > most:
        raise FailedToAnswer(f"no spread of samples covers {target:g}: all that the classes have covers {most:.3g}")
    if budget is not None:
        positive("budget of a query", budget, "the unit of the prices")
    left = float(target if budget is None else budget)  # type: ignore[arg-type]  # one of them is given
    reached = [0.0] * len(classes)
    slope = 0.0
    for s in steps:
        size = s.gain if budget is None else s.price
        part = min(1.0, left / size) if size > 0 else 1.0
        reached[s.of] = s.start + part
        left -= part * size
        if part < 1.0:
            slope = s.slope
            break
    plans = tuple(_plan(c, point, at) for c, point, at in zip(classes, points, reached, strict=True))
    coverage, price = (math.fsum(p.share * value for p, value in zip(plans, values, strict=True))
                       for values in ([p.coverage for p in plans], [p.price for p in plans]))
    return ClassSpread(plans, coverage, price, slope)


def tried(most: int) -> Array:
    """The numbers of samples that are tried: each up to ``FINE``, then evenly in the logarithm."""
    fine = np.arange(1, min(FINE, most) + 1)
    coarse = np.round(np.geomspace(FINE, most, COARSE)) if most > FINE else fine
    numbers: Array = np.unique(np.concatenate([fine, coarse])).astype(float)
    return numbers


def _envelope(c: QueryClass) -> tuple[Array, Array, list[tuple[Sampler | None, int]]]:
    """Prices, coverages and ways of the upper concave envelope, from no answer at no price."""
    if not c.samplers:
        raise InputError(f"class {c.name}: give at least one sampler")
    price, cover, way = [0.0], [0.0], [(None, 0)]  # type: list[float], list[float], list[tuple[Sampler | None, int]]
    for s in c.samplers:
        k = tried(s.most)
        price += (s.per_query + k * s.per_sample).tolist()
        cover += np.asarray(s.curve(k), dtype=float).tolist()
        way += [(s, int(n)) for n in k]
    kept: list[int] = []
    for i in np.lexsort((-np.array(cover), np.array(price))):
        if kept and cover[i] <= cover[kept[-1]]:
            continue
        while len(kept) > 1 and (cover[i] - cover[kept[-2]]) * (price[kept[-1]] - price[kept[-2]]) >= (
                cover[kept[-1]] - cover[kept[-2]]) * (price[i] - price[kept[-2]]):
            kept.pop()
        kept.append(int(i))
    return np.array([price[i] for i in kept]), np.array([cover[i] for i in kept]), [way[i] for i in kept]


def _plan(c: QueryClass, point: tuple[Array, Array, list[tuple[Sampler | None, int]]], at: float) -> ClassPlan:
    price, cover, ways = point
    low = int(at)
    part = at - low
    parts = [(1.0 - part, low), *([(part, low + 1)] if part > 1e-12 else [])]
    return ClassPlan(c.name, c.share, tuple(ClassShare(share, *ways[i]) for share, i in parts),
                     float(sum(share * cover[i] for share, i in parts)),
                     float(sum(share * price[i] for share, i in parts)))

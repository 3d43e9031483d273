"""The search behind discovery: a beam over the grammar, each law judged by what it forecasts.

Every law is fitted at once to all runs and to the runs below each cut (a row of weights each), from starts that
keep its parent's coefficients and spread the new ones over a lattice. What a law promises is seen on that lattice
alone, with the linear coefficients solved for; those that promise most are fitted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.discovery.grammar import Blueprint, Structure, blueprint, grow, shrink
from lawful.fit.discovery.trial import ROUNDING, Arena, Trial, basis, project, trial

Array = npt.NDArray[np.float64]

BEAM = 3
"""Structures grown at each step for what they forecast, and as many for how closely they follow all runs."""

FITTED = 30
"""Structures fitted at each step: those that promise most."""

MOST_COEFFICIENTS = 16
"""Coefficients of a law; on short tables, one less than half the runs."""

POINTS = 400
"""Lattice points over a law's new coefficients, at most."""

SPREAD = (0, 3, 12)
"""Which of the lattice points, ordered by promise, a fit starts from: not all side by side."""


@dataclass(frozen=True)
class Promise:
    """A structure seen on the lattice: how closely it may follow the runs, as ``Trial.evidence``; where to start."""

    structure: Structure
    value: float
    starts: Array


def search(arena: Arena, budget: int, progress: Callable[[str], None] | None = None) -> list[Trial]:
    """The laws fitted on the way from the constant up, best first; at most ``budget`` of them.

    Children of the two sorts of parents wait in lanes of their own, and each step fits as many from either.
    """
    constant = trial(Structure(), np.zeros((1, 0)), arena)
    if constant is None:
        return []
    pool: dict[object, Trial] = {constant.structure.key: constant}
    seen: set[object] = {Structure().key}
    grown: set[object] = set()
    lanes: tuple[dict[object, Promise], ...] = ({}, {})
    for step in itertools.count(1):
        for parents, waiting in zip(_parents(pool.values(), grown, arena), lanes, strict=True):
            for promise in (p for parent in parents for p in _children(parent, seen, arena)):
                key = promise.structure.key
                waiting[key] = min(waiting.get(key, promise), promise, key=lambda p: p.value)
        chosen = {p.structure.key: p for waiting in lanes
                  for p in sorted(waiting.values(), key=lambda p: p.value)[: FITTED // 2]}
        chosen |= {p.structure.key: p for p in _smaller(ranked(pool.values())[0], seen, arena)}
        if not chosen:
            break
        for key, promise in list(chosen.items())[: budget - len(seen)]:
            seen.add(key)
            for waiting in lanes:
                waiting.pop(key, None)
            if (found := trial(promise.structure, promise.starts, arena)) is not None:
                pool[key] = found
        if progress is not None:
            best = ranked(pool.values())[0]
            progress(f"step {step}: {len(seen)} laws tried, best held-out error {best.error:.4g} with "
                     f"{best.complexity} coefficients")
        if len(seen) >= budget:
            break
    return ranked(pool.values())


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Trials, best first."""
    return sorted(trials, key=lambda t: (t.score, t.complexity))


def _parents(pool: Iterable[Trial], grown: set[object], arena: Arena) -> tuple[list[Trial], list[Trial]]:
    """The trials to grow next: those that forecast best, and those that follow all runs best, and soon may forecast."""
    trials = list(pool)
    lanes: list[list[Trial]] = []
    for order in (ranked(trials), sorted(trials, key=lambda t: (t.evidence(arena), t.complexity))):
        lanes.append([t for t in order if t.structure.key not in grown][:BEAM])
        grown |= {t.structure.key for t in lanes[-1]}
    return lanes[0], lanes[1]


def _children(parent: Trial, seen: set[object], arena: Arena) -> Iterator[Promise]:
    most = min(MOST_COEFFICIENTS, len(arena.observed) // 2 - 1)
    for child in grow(parent.structure, arena.axes):
        if child.key not in seen and len(blueprint(child, arena.axes).names) <= most:
            yield screen(child, parent, arena)


def screen(structure: Structure, parent: Trial, arena: Arena) -> Promise:
    """What ``structure`` promises beside its ``parent``: the best of a lattice over the coefficients that are new.

    The linear coefficients are solved for, and the parent's others may move to first order. The runs are weighted
    as the penalty weights the parent's residuals, and so the promise is a share of what the parent leaves.
    """
    plan = blueprint(structure, arena.axes)
    points = _points(plan, parent)
    weights = arena.penalty.above(parent.residuals)
    moving = np.broadcast_to(parent.gradients, (len(points), *parent.gradients.shape))
    columns = np.concatenate([basis(plan, points, arena), moving], axis=1)
    left = project(columns, arena.observed / arena.unit, weights[None])[1][0]
    share = (left.min() + 1e-30) / (float(weights @ parent.residuals**2) + 1e-30)
    follows = math.log(parent.misfit * math.sqrt(share) + ROUNDING * arena.spread)
    return Promise(structure, follows + 0.5 * arena.price(structure, len(plan.names)), _spread(points, left))


def _spread(points: Array, left: Array) -> Array:
    """A few points to start from: the one that leaves least, and others of promise that do not all lie beside it."""
    return points[np.argsort(left, kind="stable")[[i for i in SPREAD if i < len(points)]]]


def _smaller(best: Trial, seen: set[object], arena: Arena) -> Iterator[Promise]:
    """The structures with one part less than ``best``, to start from what its other coefficients are."""
    values = best.coefficients[0, len(best.plan.basis):]
    slots = list(best.plan.slots.values())
    for structure in shrink(best.structure):
        if structure.key not in seen:
            plan = blueprint(structure, arena.axes)
            wanted = list(plan.slots.values())
            kept = [list(chosen) for chosen in itertools.combinations(range(len(slots)), len(wanted))
                    if [slots[i] for i in chosen] == wanted]
            points = np.array([values[chosen] for chosen in kept]).reshape(len(kept), len(wanted))
            left = project(basis(plan, points, arena), arena.observed / arena.unit, arena.weights[:1])[1][0]
            yield Promise(structure, -math.inf, _spread(points, left))


def _points(plan: Blueprint, parent: Trial) -> Array:
    """Values of the nonlinear coefficients to start from: the parent's own, and a lattice over the new ones."""
    known = dict(zip(parent.plan.names, parent.coefficients[0].tolist(), strict=True))
    grids = [(known[name],) if name in known else slot.grid for name, slot in plan.slots.items()]
    while math.prod(map(len, grids)) > POINTS:
        widest = max(range(len(grids)), key=lambda j: len(grids[j]))
        kept = np.linspace(0, len(grids[widest]) - 1, len(grids[widest]) - 1).round().astype(int)
        grids[widest] = tuple(grids[widest][i] for i in kept)
    return np.array(list(itertools.product(*grids))).reshape(math.prod(map(len, grids)), len(grids))

"""Points of a frontier: which are dominated, where further ones are wanted, and which are shown.

Goals are compared as shares of their ``spans``, the least and the most of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.plan.solving.newton import Array, Rows

POINTS = {2: 24, 3: 60}
"""Plans of a frontier of so many goals; of more goals as many as of three."""

WIDE = 0.7
"""Neighbours lie far apart beyond this share of the distance that an even spread of ``POINTS`` would give them."""

NEAR = 1e-3
"""Goals of two plans that differ by less, relatively, are one plan."""

Spans = tuple[Array, Array]


@dataclass(frozen=True)
class Points:
    """Optima: coordinates, combination of choices, multipliers, bounds and goals, a row each."""

    x: Array
    combination: Rows
    multipliers: Array
    bounds: Array
    goals: Array

    def take(self, rows: Any) -> Points:
        """Those in ``rows``."""
        return Points(*(getattr(self, name)[rows] for name in ("x", "combination", "multipliers", "bounds", "goals")))

    def beside(self, other: Points) -> Points:
        """These and the others."""
        return Points(*(np.concatenate([getattr(self, name), getattr(other, name)])
                         for name in ("x", "combination", "multipliers", "bounds", "goals")))

    def best_of_each(self) -> list[int]:
        """The places of those that are the best in each goal."""
        return list(dict.fromkeys(self.goals.argmin(axis=0).tolist()))

    def undominated(self) -> Points:
        """Those that no other is at least as good as in every goal."""
        order = np.lexsort(self.goals.T[::-1])
        kept: list[int] = []
        for i in order:
            if not kept or not (self.goals[kept] <= self.goals[i] + 1e-9).all(axis=1).any():
                kept.append(int(i))
        return self.take(kept)


def scaled(goals: Array, spans: Spans) -> Array:
    """Goals as shares of their span."""
    low, high = spans
    return np.array((goals - low) / np.maximum(high - low, 1e-12))


def bounds_between(found: Points, spans: Spans) -> Array:
    """Bounds between neighbours that lie far apart, where there are two goals; none where there are more."""
    goals = scaled(found.goals, spans)
    if goals.shape[1] != 2:
        return np.zeros((0, goals.shape[1] - 1))
    order, length = _along(goals)
    wide = np.flatnonzero(length > WIDE * length.sum() / POINTS[2])
    one, other = found.goals[order[wide], 1], found.goals[order[wide + 1], 1]
    return np.array(0.5 * (one + other))[:, None]


def even_bounds(found: Points, spans: Spans) -> Array:
    """Bounds at even distances along the line through the points, where there are two goals."""
    order, length = _along(scaled(found.goals, spans))
    along = np.concatenate([[0.0], np.cumsum(length)])
    steps = np.linspace(0.0, along[-1], POINTS[2])[1:-1]
    return np.array(np.interp(steps, along, found.goals[order, 1]))[:, None]


def _along(goals: Array) -> tuple[Rows, Array]:
    """The order of points by their first goal, and the distance from each to the next."""
    order = np.argsort(goals[:, 0])
    return order, np.linalg.norm(np.diff(goals[order], axis=0), axis=1)


def spread_out(found: Points, spans: Spans) -> Points:
    """Evenly spread points: the ends of every goal, then again and again what lies farthest from those taken."""
    goals = scaled(found.goals, spans)
    taken = found.best_of_each()
    far = np.min([np.abs(goals - goals[i]).max(axis=1) for i in taken], axis=0)
    apart_by = np.abs(found.goals[:, None] - found.goals[None]).max(axis=2)
    while len(taken) < POINTS.get(goals.shape[1], POINTS[3]):
        open_ = np.where((apart_by[:, taken] < NEAR).any(axis=1), -1.0, far)
        i = int(open_.argmax())
        if open_[i] <= 0.0:
            break
        taken.append(i)
        far = np.minimum(far, np.abs(goals - goals[i]).max(axis=1))
    chosen = found.take(taken)
    return chosen.take(np.lexsort(chosen.goals.T[::-1]))

"""Many constrained minima at once, each from a point near its own: Newton's method on the conditions of optimality.

A minimum of f under g <= 0 (or g = 0) and limits of the variables is where

    grad f + sum_i lam_i grad g_i = 0,    lam_i >= 0,    lam_i g_i = 0

with the multipliers lam of the constraints that bind. Each step guesses what binds, from the multipliers and from what
is broken (the primal-dual active set, Hintermueller, Ito and Kunisch 2002, SIAM J. Optim. 13), and solves the linear
equations that then remain, for all cases in one call. Derivatives are differences, so that any law and cost will do.

A case that does not arrive says so; nothing here is a substitute for a method that cannot fail, only faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Function = Callable[[Array, Rows], tuple[Array, Array]]
"""Points ``(case, point, variable)`` and which cases they are, to values ``(case, point)`` and gaps ``(constraint,
case, point)``: at most 0 where an inequality holds, 0 where an equality does."""

FEASIBLE = 1e-7
"""What a constraint may be broken by and still hold."""

STEP = 1e-4
"""Half of the stretch over which differences are taken: second ones are good to 1e-7, first ones to 1e-8."""

REACH = 2.0
"""The most that a variable moves in one step: a factor of 7 where it is in logarithms."""

ARRIVED = 1e-6
"""A step this short is the last: the error left is of the order of its square."""

SHORTER = np.array([1.0, 0.5, 0.25, 0.1, 0.03, 0.01])
"""Shares of a step that are tried where a case starts far from its minimum."""


@dataclass(frozen=True)
class Followed:
    """Where each case came: point ``(case, variable)``, value ``(case,)``, gaps ``(constraint, case)``, multipliers
    ``(case, constraint)``, and whether it is a minimum ``(case,)``."""

    x: Array
    value: Array
    gaps: Array
    multipliers: Array
    arrived: Mask


def broken(gaps: Array, equal: Mask) -> Array:
    """By how much constraints are broken: at most 0 where an inequality holds, 0 where an equality does."""
    return np.where(equal.reshape(-1, *[1] * (gaps.ndim - 1)), np.abs(gaps), gaps)


def follow(function: Function, start: Array, low: Array, high: Array, equal: Mask, cases: Rows | None = None,
           multipliers: Array | None = None, steps: int = 30, search: bool = True, near: float = ARRIVED) -> Followed:
    """The minimum that lies near each ``start`` ``(case, variable)``.

    ``low`` and ``high`` are the limits of the variables, ``(variable,)`` or one for each case; ``cases`` the numbers
    by which ``function`` knows them. ``search`` tries shorter steps too, for starts that are far; ``multipliers``
    ``(case, constraint)`` say what bound at a start that is the minimum of a problem nearby.
    """
    x = np.clip(start, low, high)
    if not len(x):
        empty = np.zeros((0, len(equal)))
        return Followed(x, np.zeros(0), empty.T, empty, np.zeros(0, dtype=bool))
    cases = np.arange(len(x)) if cases is None else cases
    low, high = (np.broadcast_to(end, x.shape) for end in (low, high))
    lam = np.zeros((len(x), len(equal))) if multipliers is None else multipliers.copy()
    arrived = np.zeros(len(x), dtype=bool)
    left = np.arange(len(x))
    with np.errstate(all="ignore"):
        for _ in range(steps):
            if not len(left):
                break
            ends = low[left], high[left]
            here = _Here.of(function, x[left], cases[left], *ends)
            move, found, settled = here.step(lam[left], *ends, equal)
            size = np.abs(move).max(axis=1, initial=0.0)
            good = np.isfinite(size) & np.isfinite(here.value)
            last = good & settled & (size < near) & (broken(here.gaps, equal) < near + FEASIBLE).all(axis=0)
            if search:
                move = _shortened(function, x[left], move, cases[left], found, *ends, equal, size)
            x[left] = np.where(good[:, None], np.clip(x[left] + move, *ends), x[left])
            lam[left] = np.where(good[:, None], found, 0.0)
            arrived[left[last]] = True
            left = left[good & ~last]
        value, gaps = function(x[:, None, :], cases)
    arrived &= np.isfinite(value[:, 0]) & (broken(gaps, equal)[:, :, 0] <= FEASIBLE).all(axis=0)
    return Followed(x, value[:, 0].copy(), gaps[:, :, 0], lam, arrived)


@dataclass(frozen=True)
class _Here:
    """Values and derivatives where the cases stand: gradients ``(case, ..., variable)``, second derivatives."""

    x: Array
    value: Array        # (case,)
    gaps: Array         # (constraint, case)
    slope: Array        # (1 + constraint, case, variable): of the value first
    bend: Array         # (1 + constraint, case, variable, variable)

    @staticmethod
    def of(function: Function, x: Array, cases: Rows, low: Array, high: Array) -> _Here:
        """By differences about each point, moved inwards where it lies on a limit, beyond which nothing need exist."""
        n = x.shape[1]
        h = np.minimum(STEP, (high - low) / 4.0)
        centre = np.clip(x, low + h, high - h)
        first, second, around = _stencil(n)
        points = np.concatenate([x[:, None, :], centre[:, None, :] + around * h[:, None, :]], axis=1)
        value, gaps = function(points, cases)
        both = np.concatenate([value[None], gaps])
        middle, up, down, cross = (both[:, :, 1:2], both[:, :, 2 : 2 + n], both[:, :, 2 + n : 2 + 2 * n],
                                   both[:, :, 2 + 2 * n :])
        bend = np.empty((*both.shape[:2], n, n))
        bend[..., np.arange(n), np.arange(n)] = (up + down - 2.0 * middle) / h**2
        mixed = (cross - up[..., first] - up[..., second] + middle) / (h[:, first] * h[:, second])
        bend[..., first, second] = mixed
        bend[..., second, first] = mixed
        slope = (up - down) / (2.0 * h) + (bend @ (x - centre)[None, :, :, None])[..., 0]
        return _Here(x, both[0, :, 0], both[1:, :, 0], slope, bend)

    def step(self, lam: Array, low: Array, high: Array, equal: Mask) -> tuple[Array, Array, Mask]:
        """The step to where the equations of what binds are solved, the multipliers there, and whether their signs say
        that it was guessed right what binds."""
        binds = equal | (lam + self.gaps.T > 0.0)
        kept = np.flatnonzero(binds.any(axis=0))
        lam = np.where(equal, lam, np.maximum(lam, 0.0))
        pull = self.slope[0] + np.einsum("bm,mbn->bn", lam, self.slope[1:])
        bend = self.bend[0] + np.einsum("bm,mbij->bij", lam, self.bend[1:])
        held = ((self.x <= low) & (pull > 0.0)) | ((self.x >= high) & (pull < 0.0))
        move, found = self._solved(bend, binds[:, kept], kept, held)
        bent = np.einsum("bi,bij,bj->b", move, bend, move) < 0.0
        odd = np.flatnonzero(bent | (np.abs(move).max(axis=1, initial=0.0) > REACH) | ~np.isfinite(move).all(axis=1))
        odd = odd[np.isfinite(bend[odd]).all(axis=(1, 2))]
        if len(odd):   # curved downwards, or nearly flat: take its size for the curvature, so that the step goes down
            w, v = np.linalg.eigh(bend[odd])
            upward = (v * np.maximum(np.abs(w), 1e-6)[:, None, :]) @ v.transpose(0, 2, 1)
            part = _Here(self.x[odd], self.value[odd], self.gaps[:, odd], self.slope[:, odd], self.bend[:, odd])
            move[odd], found[odd] = part._solved(upward, binds[odd][:, kept], kept, held[odd])
        far = np.maximum(np.abs(move).max(axis=1, initial=0.0) / REACH, 1.0)
        whole = np.zeros_like(lam)
        whole[:, kept] = found
        pull = self.slope[0] + np.einsum("bm,mbn->bn", whole, self.slope[1:])
        settled = ((whole >= 0.0) | equal).all(axis=1) & ~(
            held & (((self.x <= low) & (pull < 0.0)) | ((self.x >= high) & (pull > 0.0)))).any(axis=1)
        return move / far[:, None], whole, settled

    def _solved(self, bend: Array, binds: Mask, kept: Rows, held: Mask) -> tuple[Array, Array]:
        """Newton's equations with ``held`` variables left where they are and multipliers of what does not bind at 0."""
        (cases, n), m = self.x.shape, len(kept)
        slopes = self.slope[1 + kept].transpose(1, 0, 2) * binds[:, :, None]      # (case, constraint, variable)
        matrix = np.zeros((cases, n + m, n + m))
        right = np.zeros((cases, n + m))
        free = ~held
        matrix[:, :n, :n] = bend * free[:, :, None]
        matrix[:, :n, n:] = slopes.transpose(0, 2, 1) * free[:, :, None]
        matrix[:, n:, :n] = slopes
        diagonal = np.arange(n + m)
        matrix[:, diagonal, diagonal] += np.concatenate([np.where(held, 1.0, 1e-9), np.where(binds, -1e-11, 1.0)], 1)
        right[:, :n] = -self.slope[0] * free
        right[:, n:] = np.where(binds, -self.gaps[kept].T, 0.0)
        usable = np.isfinite(matrix).all(axis=(1, 2)) & np.isfinite(right).all(axis=1)
        matrix[~usable], right[~usable] = np.eye(n + m), np.nan
        try:
            solved = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:   # one that is exactly singular spoils the call for all
            solved = (np.linalg.pinv(matrix) @ right[:, :, None])[:, :, 0]
        return solved[:, :n], solved[:, n:]


@cache
def _stencil(n: int) -> tuple[Rows, Rows, Array]:
    """The pairs of ``n`` variables, and the points of the differences: the middle, both sides, and a corner a pair."""
    one = np.eye(n)
    first, second = np.triu_indices(n, 1)
    return first, second, np.concatenate([np.zeros((1, n)), one, -one, one[first] + one[second]])


def _shortened(function: Function, x: Array, move: Array, cases: Rows, lam: Array, low: Array, high: Array, equal: Mask,
               size: Array) -> Array:
    """The share of each step that does most for value and constraints together; a short step is taken whole."""
    points = np.clip(x[:, None, :] + SHORTER[:, None] * move[:, None, :], low[:, None], high[:, None])
    value, gaps = function(points, cases)
    weight = 0.02 + 2.0 * np.abs(lam).max(axis=1, initial=0.0)
    merit = value + weight[:, None] * np.maximum(broken(gaps, equal), 0.0).sum(axis=0)
    best = SHORTER[np.argmin(np.where(np.isfinite(merit), merit, np.inf), axis=1)]
    return np.where(size < 1e-3, 1.0, best)[:, None] * move

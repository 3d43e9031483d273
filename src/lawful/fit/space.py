"""The change of variable that keeps coefficients within their limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.laws.base import Limit

Array = npt.NDArray[np.float64]


NEAREST = 1e-12
"""The distance that a coefficient keeps from a limit, relative to it."""

TOUCHING = 1e-6
"""The distance from a limit, relative to it, at which a coefficient is reported as lying there."""


@dataclass(frozen=True)
class Space:
    """The change of variable that keeps each coefficient within its limits.

    (low, inf) becomes low + exp(u), (-inf, high) high - exp(u), (low, high) a logistic function of u; the
    whole line stays as it is.
    """

    limits: tuple[Limit, ...]

    def coefficients(self, u: Array) -> Array:
        """Coefficients ``(batch, coefficient)`` from unbounded ``u`` of the same shape."""
        return self.open(u)[0]

    def open(self, u: Array) -> tuple[Array, Array, Array]:
        """Coefficients, and the first and second derivative of each in its own ``u``, all of ``u``'s shape."""
        if all(limit.low == 0.0 and np.isinf(limit.high) for limit in self.limits):  # nearly every law
            e = _exp(u)
            return e, e, e
        columns = [_from_free(limit, u[:, j]) for j, limit in enumerate(self.limits)]
        c, first, second = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
        return c, first, second

    def stride(self, u: Array) -> Array:
        """The longest step from ``u``: 2 in a logarithm, twice its own size for a coefficient that is its own."""
        whole = np.array([np.isinf(limit.low) and np.isinf(limit.high) for limit in self.limits])
        longest: Array = np.where(whole, np.maximum(2.0, 2.0 * np.abs(u)), 2.0)
        return longest

    def at_limit(self, c: Array) -> list[int]:
        """Which of the coefficients ``(coefficient,)`` ran into a limit; 0 and infinity are not such limits."""
        found = []
        for j, limit in enumerate(self.limits):
            ends = [end for end in (limit.low, limit.high) if end != 0.0 and np.isfinite(end)]
            if any(abs(c[j] - end) <= TOUCHING * max(abs(end), abs(c[j])) for end in ends):
                found.append(j)
        return found

    def free(self, c: Array) -> Array:
        """The inverse of ``coefficients``."""
        u = np.empty_like(c)
        for j, limit in enumerate(self.limits):
            x = c[:, j]
            if np.isinf(limit.high) and np.isinf(limit.low):
                u[:, j] = x
            elif np.isinf(limit.high):
                u[:, j] = np.log(np.maximum(x - limit.low, 1e-300))
            elif np.isinf(limit.low):
                u[:, j] = np.log(np.maximum(limit.high - x, 1e-300))
            else:
                share = np.clip((x - limit.low) / (limit.high - limit.low), 1e-12, 1 - 1e-12)
                u[:, j] = np.log(share / (1 - share))
        return u


def _exp(u: Array) -> Array:
    """exp(u), kept within what a double can hold."""
    e: Array = np.exp(np.clip(u, -690.0, 690.0))
    return e


def _from_free(limit: Limit, u: Array) -> tuple[Array, Array, Array]:
    """One coefficient with its slope and curvature; never so near a limit that rounding would put it there."""
    if np.isinf(limit.high) and np.isinf(limit.low):
        return u, np.ones_like(u), np.zeros_like(u)
    if np.isinf(limit.high):
        e = np.maximum(_exp(u), NEAREST * abs(limit.low))
        return limit.low + e, e, e
    if np.isinf(limit.low):
        e = np.maximum(_exp(u), NEAREST * abs(limit.high))
        return limit.high - e, -e, -e
    s = 1.0 / (1.0 + np.exp(-np.clip(u, -27.0, 27.0)))
    width = limit.high - limit.low
    return limit.low + width * s, width * s * (1 - s), width * s * (1 - s) * (1 - 2 * s)

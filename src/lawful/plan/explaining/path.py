"""The split of a change along a way from 0 to 1: the integral of each part's rate, which sum to the change.

``along(function)`` takes Gauss-Legendre points on stretches of the way. What the parts of a stretch sum to is known
beforehand, the difference of its two ends, so that a stretch is halved until they do: kinks are found by themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer

Array = npt.NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]
"""From places on the way ``(place,)`` to values ``(row, place)`` and the rates of all parts ``(row, part, place)``."""

NODES, WEIGHTS = (0.5 * (x + shift) for x, shift in zip(np.polynomial.legendre.leggauss(12), (1.0, 0.0), strict=True))
"""Twelve points on a stretch of length 1: exact for polynomials up to the 23rd power."""

CLOSE = 1e-11
"""What the parts of a stretch may miss its change by, relative to the value: rounding."""

HALVINGS = 45
"""After these a stretch is shorter than rounding; what then still changes is a jump."""


def along(function: Function) -> Array:
    """The part of each in the change from 0 to 1, ``(row, part)``; a row that has no finite value stays so.

    Raises ``FailedToAnswer`` where the value jumps on the way.
    """
    total = np.zeros(())
    stretches = [(0.0, 1.0, HALVINGS)]
    while stretches:
        low, high, left = stretches.pop()
        values, rates = function(np.concatenate([[low], low + (high - low) * NODES, [high]]))
        parts: Array = np.asarray((rates[:, :, 1:-1] * WEIGHTS).sum(axis=2) * (high - low))
        missed = np.abs(parts.sum(axis=1) - (values[:, -1] - values[:, 0]))
        known = np.isfinite(missed)
        if (missed[known] <= CLOSE * np.abs(values[:, 0][known])).all():
            total = np.asarray(total + parts)
        elif left:
            middle = 0.5 * (low + high)
            stretches += [(low, middle, left - 1), (middle, high, left - 1)]
        else:
            raise FailedToAnswer(f"the outcome jumps at {low:.6g} of the way: a path cannot split a jump; use shapley")
    return total

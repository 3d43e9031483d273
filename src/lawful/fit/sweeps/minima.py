"""A local polynomial about a minimum that has to be found first: the mathematics of one bowl.

    y = y* + 1/2 (x - x*)' H (x - x*) + cubic terms          x (run, d), y (run,)

What to use when: order 3 wherever the runs carry it, because bowls are skewed (a learning rate too high costs more
than one as much too low) and a parabola drawn through a skewed bowl misses its minimum to the gentle side; order 2
where they do not; order 1, squares without products, where they do not carry that either.

Runs far above the minimum (diverged ones most of all) say nothing of where it lies. Two weights per run care for
that, and both follow from the fit, so the fit is iterated:

- the kernel 1 - excess / window (Epanechnikov's), with the excess over y* that the bowl expects of the run, not the
  one observed: a run that was merely unlucky is not thrown out for it;
- Huber's weight on the residual; and none for a run observed more than ``DIVERGED`` windows up, wherever it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Exponents = npt.NDArray[np.int64]

HUBER = 1.345
"""Residuals beyond so many standard deviations weigh less: 95 % as precise as least squares on Gaussian noise. (A
weight that falls to 0 takes the steep side of a skewed bowl for outliers.)"""

DIVERGED = 2.0
"""A run so many windows above the lowest is none of the bowl's."""

ROUNDS, SETTLED = 100, 1e-5
"""Rounds of the weights at most, and the change of a weight at which they have settled."""

NEWTON = 12
"""Newton steps from the centre of the runs to the minimum: quadratic convergence needs fewer, or has none."""


def monomials_of(dimensions: int, order: int) -> Exponents:
    """The exponents of a bowl's monomials, ``(coefficient, d)``. Order 1 has squares and no products."""
    rows = [np.bincount(term, minlength=dimensions) for n in range(max(order, 2) + 1)
            for term in map(list, combinations_with_replacement(range(dimensions), n))]
    return np.array([row for row in rows if order > 1 or row.sum() < 2 or row.max() == 2], dtype=np.int64)


def basis(x: Array, monomials: Exponents, *by: int) -> Array:
    """The monomials at x ``(..., d)``, differentiated by the coordinates ``by``: ``(..., coefficient)``."""
    exponents, factor = monomials.copy(), np.ones(len(monomials))
    for coordinate in by:
        factor *= exponents[:, coordinate]
        exponents[:, coordinate] = np.maximum(exponents[:, coordinate] - 1, 0)
    values: Array = factor * np.prod(x[..., None, :] ** exponents, axis=-1)
    return values


def gradient(x: Array, monomials: Exponents) -> Array:
    """The monomials' first derivatives, ``(..., d, coefficient)``."""
    return np.stack([basis(x, monomials, i) for i in range(x.shape[-1])], axis=-2)


def hessian(x: Array, monomials: Exponents, c: Array) -> Array:
    """The second derivatives at x ``(..., d)`` for coefficients ``(..., coefficient)``: ``(..., d, d)``."""
    d = range(x.shape[-1])
    return np.stack([np.stack([(basis(x, monomials, i, j) * c).sum(-1) for j in d], -1) for i in d], -2)


def descend(x: Array, monomials: Exponents, c: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """The minima near x, a row a polynomial, by Newton's method; and which rows have one there."""
    x = x.copy()
    step = np.zeros_like(x)
    found = np.ones(len(x), dtype=bool)
    for _ in range(NEWTON):
        H = hessian(x, monomials, c)
        found &= np.linalg.eigvalsh(H)[:, 0] > 0
        if not found.any():
            break
        slope = (gradient(x[found], monomials) * c[found, None, :]).sum(-1)
        step[found] = np.linalg.solve(H[found], slope[..., None])[..., 0]
        x[found] -= step[found]
        if np.abs(step[found]).max() < 1e-10:
            break
    return x, found & (np.abs(step).max(axis=1) < 1e-6)


@dataclass(frozen=True)
class Minimum:
    """A polynomial about its minimum, or without one (``position`` None).

    ``coefficients`` of ``monomials`` hold about ``centre``; ``spread`` is their covariance for noise of standard
    deviation 1. ``noise`` is the runs' own, with ``freedom`` degrees of freedom; ``weights`` ``(run,)`` are 0 outside
    the window.
    """

    centre: Array
    monomials: Exponents
    coefficients: Array
    spread: Array
    noise: float
    freedom: float
    weights: Array
    position: Array | None

    @cached_property
    def _at(self) -> Array:
        assert self.position is not None
        return self.position - self.centre

    @property
    def value(self) -> float:
        """y*."""
        return float(basis(self._at, self.monomials) @ self.coefficients)

    def above(self, away: Array) -> float:
        """The polynomial's height over y* at x* + ``away``, ``(d,)``."""
        return float(basis(self._at + away, self.monomials) @ self.coefficients) - self.value

    @property
    def curvature(self) -> Array:
        """H at the minimum, ``(d, d)``."""
        return hessian(self._at, self.monomials, self.coefficients)

    @property
    def unit_covariance(self) -> Array:
        """The covariance of (x*, y*), ``(d + 1, d + 1)``, for noise of standard deviation 1, by the delta method.

        The slope is 0 at the minimum whatever the coefficients are: dx* = -H^-1 (slopes of the monomials) dc, and
        dy* = (the monomials) dc.
        """
        moves = -np.linalg.solve(self.curvature, gradient(self._at, self.monomials))
        jacobian = np.vstack([moves, basis(self._at, self.monomials)])
        covariance: Array = jacobian @ self.spread @ jacobian.T
        return covariance

    def draws(self, count: int, noise: float, freedom: float, seed: int) -> Array:
        """``(draw, d + 1)`` values of (x*, y*) from Student's t with ``freedom``; NaN where a draw has no minimum."""
        rng = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(self.spread)
        step = rng.standard_normal((count, len(values))) @ (vectors * np.sqrt(np.clip(values, 0.0, None))).T
        c = self.coefficients + noise * step * np.sqrt(freedom / rng.chisquare(freedom, size=(count, 1)))
        x, found = descend(np.tile(self._at, (count, 1)), self.monomials, c)
        drawn = np.column_stack([self.centre + x, (basis(x, self.monomials) * c).sum(-1)])
        return np.where(found[:, None], drawn, np.nan)


def local_minimum(x: Array, y: Array, window: float, order: int) -> Minimum | None:
    """The bowl through the runs within ``window`` of its own minimum; None where their x do not determine one.

    The kernel starts from the excess over the lowest run and settles on that over the fitted minimum; a polynomial
    that loses its minimum on the way is returned without ``position``.
    """
    monomials = monomials_of(x.shape[1], order)
    kernel = np.clip(1.0 - (y - y.min()) / window, 0.0, None)
    sound = y - y.min() <= DIVERGED * window
    centre = np.average(x, axis=0, weights=kernel)
    X = basis(x - centre, monomials)
    at, trust = np.zeros((1, x.shape[1])), np.ones(len(y))
    for _ in range(ROUNDS):
        root = np.sqrt(kernel * trust)
        c, _, rank, _ = np.linalg.lstsq(X * root[:, None], y * root, rcond=1e-9)
        if rank < X.shape[1]:
            return None
        at, found = descend(at, monomials, c[None])
        if not found[0]:
            return _finish(centre, monomials, c, X, y, kernel, None)
        new = sound * _kernel(x - centre - at, (X - basis(at, monomials)) @ c, hessian(at, monomials, c)[0], window)
        if (new > 0).sum() <= len(c):
            break
        trusted = 1.0 / np.maximum(1.0, np.abs(_standard(y - X @ c, new, len(c))))
        if max(np.abs(new - kernel).max(), np.abs(trusted - trust).max()) < SETTLED:
            break
        kernel = 0.5 * (kernel + new)  # half steps: the kernel's edge moves with the fit
        kernel[kernel < SETTLED] = 0.0
        trust = trusted
    return _finish(centre, monomials, c, X, y, kernel, centre + at[0])


def _kernel(away: Array, expected: Array, H: Array, window: float) -> Array:
    """Epanechnikov's kernel. A cubic falls again far out: the quadratic part alone bounds what counts as near."""
    quadratic = 0.5 * np.einsum("ri,ij,rj->r", away, H, away)
    kernel: Array = np.clip(1.0 - np.maximum(quadratic, expected) / window, 0.0, 1.0)
    return kernel


def _standard(residuals: Array, kernel: Array, coefficients: int) -> Array:
    """Residuals in units of Huber's bound; the scale is that of the middle of the residuals inside the kernel, which
    a fit of few runs makes smaller than the noise."""
    inside = np.abs(residuals[kernel > 0])
    few = len(inside) / max(len(inside) - coefficients, 1)
    standard: Array = residuals / (HUBER * (1.4826 * float(np.median(inside)) * np.sqrt(few) + 1e-12))
    return standard


def _finish(centre: Array, monomials: Exponents, c: Array, X: Array, y: Array, kernel: Array,
            position: Array | None) -> Minimum:
    """The fit with the covariance of a weighted M-estimator: E psi**2 / (E psi')**2 takes the place of the variance,
    psi being the clipped residual, and the kernel alone stands in the sandwich."""
    weighted = X * kernel[:, None]
    bread = np.linalg.inv(X.T @ weighted)
    left = np.eye(len(y)) - X @ bread @ weighted.T  # residuals = left @ noise
    r = y - X @ c
    size = np.abs(_standard(r, kernel, len(c)))
    variance = float(kernel @ (r / np.maximum(1.0, size)) ** 2) / max(float(kernel @ (left**2).sum(axis=1)), 1e-300)
    slope = float(kernel @ (size <= 1.0)) / float(kernel.sum())
    runs = float(kernel.sum() ** 2 / (kernel @ kernel))  # as many as these would be at equal weights
    return Minimum(centre, monomials, c, bread @ (weighted.T @ weighted) @ bread,
                   float(np.sqrt(variance)) / max(slope, 0.2), max(runs - X.shape[1], 1.0), kernel, position)

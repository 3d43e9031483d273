"""One form fitted to a curve together with its departure: mode, evidence and draws for each size of the latter.

In the unbounded variables u of the coefficients, with the noise's variance s**2 integrated out under a scaled inverse
chi-squared prior of ``FREEDOM`` degrees of freedom about ``USUAL_NOISE``,

    log p(u | data) = -(n + nu) / 2 log(S(u) + nu s_0**2) + log prior(u),       S the whitened squares and the scatter.

The prior is normal in each u: the span in which a search for the coefficient starts (``Limit.start``) is its central
80 %. Two kinds are exceptions. A floor, which adds itself to the law everywhere, is expected at about half of the
last point, within a factor of seven either way (80 %). A plain scale, whose span is wider than ``A_SCALE``, has a
flat prior.
The evidence and the draws are Laplace's, the draws weighted anew by importance (Student's t about the mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.choice.discrepancy import RATIOS, Discrepancy
from lawful.fit.choice.points import Points
from lawful.fit.problem import Problem
from lawful.fit.starts import Lattice
from lawful.laws.base import Law
from lawful.laws.expressions import Tape, differentiate

Array = npt.NDArray[np.float64]

NORMAL_80 = 1.2815515655446004
"""Half the central 80 % of the standard normal."""

FLOOR_SHARE, FLOOR_SPREAD = 0.5, 1.5
"""The floor expected, as a share of the last point, and the spread of its logarithm."""

A_SCALE = np.log(1e4)
"""A start that spans more than this in u says nothing of where the coefficient lies: it is a scale."""

USUAL_NOISE, FREEDOM = 1e-3, 1.0
"""The noise of a run's logarithm expected beforehand, and for how many runs that expectation counts."""

STARTS, MAX_STEPS, DONE = 8, 60, 1e-5
"""Starts of each size of departure, Newton steps at most, and the gain in log posterior at which they end."""

STUCK = 1e3
"""The damping at which the best start that no longer gains is taken to have arrived."""

TAIL = 5.0
"""Degrees of freedom of the proposal for draws."""


@dataclass(frozen=True)
class Mode:
    """The most likely coefficients under one size of departure, with what is needed to draw about them.

    ``u`` are the unbounded coefficients, ``precision`` the curvature there, ``evidence`` the log of the marginal
    likelihood, ``squares`` S of the module's text with the prior's part.
    """

    discrepancy: Discrepancy
    u: Array
    precision: Array
    evidence: float
    squares: float


class Kriged:
    """A form over one quantity on a curve's points: its posterior, a size of departure at a time."""

    def __init__(self, law: Law, points: Points) -> None:
        x = np.exp(points.x)
        self.points = points
        self.problem = Problem(law, {law.inputs[0]: x}, np.exp(points.y))
        formula, self.names = law.expression(), self.problem.names
        slopes = [differentiate(formula, name) for name in self.names]
        self._tape = Tape([formula, *slopes], {law.inputs[0]: x})
        self.mean, self.spread = self._prior()
        self.count = float(points.runs.sum()) + FREEDOM

    def _prior(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each u, the latter infinite where the prior is flat."""
        space = self.problem.space
        low, high = (space.free(np.array([[limit.start[end] for limit in space.limits]]))[0] for end in (0, 1))
        mean, spread = 0.5 * (low + high), 0.5 * (high - low) / NORMAL_80
        spread[high - low > A_SCALE] = np.inf
        _, slopes = self._slopes(space.coefficients(np.where(np.isfinite(mean), mean, 0.0)[None, :]))
        value = np.exp(self._logs(space.coefficients(mean[None, :])))
        for j, limit in enumerate(space.limits):
            adds_itself = np.allclose(slopes[0, j] * value[0], 1.0, rtol=1e-9) and limit.low == 0.0
            if adds_itself and np.isinf(limit.high):
                mean[j], spread[j] = np.log(FLOOR_SHARE) + self.points.y[-1], FLOOR_SPREAD
        return mean, spread

    def _slopes(self, c: Array) -> tuple[Array, Array]:
        """log y - log law ``(batch, point)``, and its slopes in each coefficient ``(batch, coefficient, point)``."""
        with np.errstate(all="ignore"):
            value, *slopes = self._tape({name: c[:, j : j + 1] for j, name in enumerate(self.names)})
            shape = (len(c), len(self.points.x))
            residuals = self.points.y - np.log(np.broadcast_to(value, shape))
            J = np.stack([np.broadcast_to(slope / value, shape) for slope in slopes], axis=1)
        return residuals, np.nan_to_num(J, nan=0.0, posinf=0.0, neginf=0.0)

    def _logs(self, c: Array) -> Array:
        with np.errstate(all="ignore"):
            return self.points.y + self.problem.misfit(c)

    def log_posterior(self, u: Array, part: Discrepancy) -> tuple[Array, Array]:
        """Up to a constant, ``(batch,)``, and S, at ``u`` ``(batch, coefficient)``."""
        residuals = -self.problem.misfit(self.problem.space.coefficients(u))
        squares = np.sum((np.nan_to_num(residuals, nan=1e9, posinf=1e9, neginf=-1e9) @ part.whitener.T) ** 2, axis=1)
        squares = squares + self.points.scatter + FREEDOM * USUAL_NOISE**2
        squares = np.where(np.isfinite(squares), squares, 1e30)
        prior = np.sum(((u - self.mean) / self.spread) ** 2, axis=1)
        return -0.5 * self.count * np.log(squares) - 0.5 * prior, squares

    def modes(self, ratios: Sequence[float] = RATIOS) -> list[Mode]:
        """The mode under each size of departure, by damped Gauss-Newton steps from several starts, all as one batch."""
        parts = [Discrepancy(self.points, ratio) for ratio in ratios]
        starts = self.problem.space.free(Lattice.of(self.problem).best(None, STARTS)[0])
        near = np.where(np.isfinite(self.spread), self.mean, 0.0)
        reach = np.where(np.isfinite(self.spread), 3.0 * self.spread, np.inf)
        starts = np.clip(starts, near - reach, near + reach)
        found = []
        for part in parts:
            u, value = self._climb(starts.copy(), part)
            best = int(np.argmax(value))
            found.append(self._mode(part, u[best : best + 1]))
        return found

    def _climb(self, u: Array, part: Discrepancy) -> tuple[Array, Array]:
        damping = np.full(len(u), 1e-2)
        value, squares = self.log_posterior(u, part)
        longest = self.problem.space.stride(u)
        for _ in range(MAX_STEPS):
            g, H = self._normal(u, squares, part.whitener)
            scale = np.einsum("bii->bi", H) + 1e-12
            H = H + damping[:, None, None] * scale[:, :, None] * np.eye(u.shape[1])
            step = np.clip(np.linalg.solve(H, g[:, :, None])[:, :, 0], -longest, longest)
            tried, tried_squares = self.log_posterior(u + step, part)
            better = tried > value
            gain = np.where(better, tried - value, 0.0)
            u = np.where(better[:, None], u + step, u)
            value, squares = np.where(better, tried, value), np.where(better, tried_squares, squares)
            damping = np.clip(np.where(better, 0.2 * damping, 5.0 * damping), 1e-10, 1e10)
            if gain.max() < DONE and (better.all() or damping[np.argmax(value)] > STUCK):
                break
        return u, value

    def _normal(self, u: Array, squares: Array, whitener: Array) -> tuple[Array, Array]:
        """The gradient of the log posterior in u, and its curvature as Gauss and Newton have it."""
        c, first, _ = self.problem.space.open(u)
        residuals, J = self._slopes(c)
        J = (J * first[:, :, None]) @ whitener.T
        r = np.nan_to_num(residuals @ whitener.T)
        rate = self.count / squares
        g = np.einsum("bjp,bp->bj", J, r) * rate[:, None] - (u - self.mean) / self.spread**2
        H = np.einsum("bjp,bkp->bjk", J, J) * rate[:, None, None] + np.diag(1.0 / self.spread**2)
        return g, H

    def _mode(self, part: Discrepancy, u: Array) -> Mode:
        value, squares = self.log_posterior(u, part)
        _, H = self._normal(u, squares, part.whitener)
        H = H[0] + 1e-9 * np.diag(np.diag(H[0]) + 1e-9)
        known = np.isfinite(self.spread)
        evidence = (value[0] - 0.5 * part.log_determinant - 0.5 * np.linalg.slogdet(H)[1]
                    - np.log(self.spread[known]).sum() + 0.5 * np.log(2 * np.pi) * (~known).sum())
        return Mode(part, u[0], H, float(evidence), float(squares[0]))

    def law(self, mode: Mode) -> Law:
        """The law of a mode."""
        found: Law = self.problem.law.with_coefficients(self.problem.space.coefficients(mode.u[None, :])[0].tolist())
        return found

    def draws(self, mode: Mode, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """``count`` draws of the coefficients ``(draw, coefficient)`` and of the noise of a run ``(draw,)``."""
        root = np.linalg.cholesky(np.linalg.inv(mode.precision))
        many = 4 * count + 64
        z = rng.standard_normal((many, len(mode.u)))
        chi = rng.chisquare(TAIL, many) / TAIL
        u = mode.u + (z / np.sqrt(chi)[:, None]) @ root.T
        value, squares = self.log_posterior(u, mode.discrepancy)
        distance = np.sum(z**2, axis=1) / chi
        weight = value + 0.5 * (TAIL + len(mode.u)) * np.log1p(distance / TAIL)
        weight = np.exp(weight - weight.max())
        kept = rng.choice(many, size=count, p=weight / weight.sum())
        noise = np.sqrt(squares[kept] / rng.chisquare(self.count, count))
        return self.problem.space.coefficients(u[kept]), noise

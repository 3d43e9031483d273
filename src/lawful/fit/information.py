"""The covariance of an estimate from the curvature at its optimum, for any penalty.

Of an estimate that minimises a sum of penalties rho(r_i), J the slopes of the residuals,

    V = tau**2 (J'WJ)**-1,    tau**2 = mean psi**2 / (mean psi')**2,    psi = rho'

(Huber 1964). psi' is a step where the penalty has corners and the runs are few, so its mean is that of
psi's rise over half a noise to either side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.objective import Objective
from lawful.fit.problem import Joint, Problem
from lawful.fit.result import noise_about

Array = npt.NDArray[np.float64]

RIDGE = 1e-10
"""What is added to the unit diagonal of the information, so that directions nobody measured stay finite."""


@dataclass(frozen=True)
class Information:
    """In the unbounded variables: the ``covariance`` ``(coefficient, coefficient)`` of the estimate.

    ``rate`` is what 2 (F - F_min) is multiplied by to be chi-squared with one degree of freedom a coefficient, and
    ``unit`` is tau**2, the variance that one run counts with.
    """

    covariance: Array
    rate: float
    unit: float


def information(problem: Problem | Joint, c: Array, penalty: Objective, weights: Array | None = None) -> Information:
    """The information at coefficients ``c`` ``(coefficient,)``, under ``weights`` ``(run,)`` or ones.

    The covariance is that of n - p degrees of freedom.
    """
    w = np.ones(problem.runs) if weights is None else weights
    if problem.prior is not None:
        w = w * problem.prior
    _, first, _ = problem.space.open(problem.space.free(c[None, :]))
    J = np.nan_to_num(problem.gradients(c) * first[0][:, None])
    r = problem.residuals(c[None, :])[0]
    n, p = w.sum(), len(c)
    half = max(0.5 * noise_about(r, p), 1e-12)
    rise = (penalty.slope(r + half) - penalty.slope(r - half)) / (2.0 * half)
    mean_rise = max(float(np.average(rise, weights=w)), 1e-12)
    mean_square = float(np.average(penalty.slope(r) ** 2, weights=w)) * n / max(n - p, 1.0)
    G = (J * w) @ J.T
    size = np.sqrt(np.diag(G)) + 1e-300
    inverse = np.linalg.inv(G / size[:, None] / size[None, :] + RIDGE * np.eye(p))
    covariance = mean_square / mean_rise**2 * inverse / size[:, None] / size[None, :]
    return Information(0.5 * (covariance + covariance.T), mean_rise / max(mean_square, 1e-300),
                       mean_square / mean_rise**2)

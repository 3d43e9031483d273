"""The arithmetic of 1,000 refits: what numpy needs for it, in cache, and for nothing else.

Two counts stand beside each other. ``evaluations`` times the arithmetic of one evaluation is the floor of the
algorithm: 1,000 robust fits, each from the estimate to convergence, take some twelve evaluations each.
One evaluation of each refit and no lattice is the floor of any solver at all: it would have to know the answer
and do no more than check it.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from lawful.fit import fit
from lawful.fit.problem import Problem
from lawful.fit.resampling import CHECKED_RESAMPLES
from lawful.fit.solver import CHUNK

REFITS = 1000

PER_POINT = {"exp": 2, "log": 1, "divide": 1, "elementwise": 40, "matrix": 35}
"""What one run in one fit at one step needs for value, gradient and Hessian of the additive law.

exp: N**-alpha, D**-beta; log: of the law; divide: 1 / law. elementwise, multiplications and additions: law 4,
residual 1, Huber value and slope 6, weights 3, sum 1, Jacobian 6, its weighted copy 6, second derivatives 5,
their four weighted sums 8. matrix, multiply-adds: Hessian 25, gradient 5, diagonal scale 5.
"""

LATTICE_POINTS, LATTICE_PAIRS = 196, 10
"""The global starts of the refits that have one: a product of weights (refit, run) with (run, pairs x points)."""


def evaluations(runs: Any) -> int:
    """How many (fit, run) points the solver evaluates for 1,000 refits, the point fit left out."""
    counted = [0]
    plain = Problem.derivatives

    def counting(self: Problem, u: Any, weights: Any, penalty: Any) -> Any:
        counted[0] += len(u) * len(self.observed)
        return plain(self, u, weights, penalty)

    Problem.derivatives = counting  # type: ignore[method-assign]
    try:
        fit("chinchilla", runs, bootstrap=0)
        alone, counted[0] = counted[0], 0
        fit("chinchilla", runs, bootstrap=REFITS)
    finally:
        Problem.derivatives = plain  # type: ignore[method-assign]
    return counted[0] - alone


def floor(points: int, runs: int, lattice: bool = True) -> float:
    """CPU seconds that numpy needs for the arithmetic of ``points`` evaluations, and of the lattice, in cache."""
    batch = CHUNK // runs
    chunk = batch * runs
    x = np.random.default_rng(0).uniform(0.5, 1.5, chunk)
    out, other = np.empty(chunk), np.ones(chunk)
    jacobian = np.ones((batch, 5, runs))
    weights, basis = np.ones((CHECKED_RESAMPLES, runs)), np.ones((runs, LATTICE_PAIRS * LATTICE_POINTS))
    start = time.process_time()
    for _ in range(round(points / chunk)):
        for _ in range(PER_POINT["exp"]):
            np.exp(x, out=out)
        for _ in range(PER_POINT["log"]):
            np.log(x, out=out)
        np.divide(other, x, out=out)
        for _ in range(PER_POINT["elementwise"] // 2):
            np.multiply(x, other, out=out)
            np.add(out, other, out=out)
        np.matmul(jacobian, jacobian.transpose(0, 2, 1))
        np.matmul(jacobian, jacobian[:, :2].transpose(0, 2, 1))
    if lattice:
        np.matmul(weights, basis)
    return time.process_time() - start

"""What people use elsewhere, given what every other method is given; ``lawful.bench.recipes`` has the curves' own.

- ``approach3``: Hoffmann et al. 2022 (arXiv:2203.15556), L-BFGS-B of scipy on the Huber loss of the log;
- ``last_points``: a straight line in logs through the largest runs;
- ``boosting``: gradient boosted trees of scikit-learn on logs, no law: they cannot go beyond what they saw.

None has an interval.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lawful.bench.question import Answer, Question
from lawful.bench.recipes import along, line
from lawful.errors import MissingExtra, RunsError
from lawful.fit.origins import Array

STARTS = 225
"""Starts of approach 3, every twentieth of the 4,500 of the paper: of those, 8 to 31 % arrive (``lawful bench
speed``)."""

DELTA = 1e-3
"""Where the Huber loss of approach 3 turns linear: the paper's."""

LAST = 0.25
"""The share of the runs, in order of scale, that ``last_points`` draws its line through; 3 at least."""

SPAN = 2.0
"""The largest run over the smallest that the line goes through, at least: one budget alone has no slope."""

LATTICE = tuple(itertools.product(
    (0.0, 5.0, 10.0, 15.0, 20.0, 25.0), (0.0, 5.0, 10.0, 15.0, 20.0, 25.0), (-1.0, -0.5, 0.0, 0.5, 1.0),
    (0.0, 0.5, 1.0, 1.5, 2.0), (0.0, 0.5, 1.0, 1.5, 2.0)))
"""a, b, e, alpha, beta: the 4,500 starts of Hoffmann et al. 2022, appendix D.4."""

TOLERANCES: Any = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 2000}
"""scipy's ftol is relative to max(|f|, 1), and f is 1e-3 here: 1e-14 means 1e-11 of the objective."""


def recipe_value(theta: Array, log_n: Array, log_d: Array, log_loss: Array) -> tuple[float, Array]:
    """The summed Huber loss of LSE(a - alpha log N, b - beta log D, e) - log L, and its gradient."""
    a, b, e, alpha, beta = theta
    terms = np.empty((3, len(log_n)))
    terms[0], terms[1], terms[2] = a - alpha * log_n, b - beta * log_d, e
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    r = top + np.log(total) - log_loss
    share /= total
    psi = np.clip(r, -DELTA, DELTA)
    size = np.abs(r)
    value = np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA)).sum()
    on_a, on_b, on_e = share * psi
    return float(value), np.array([on_a.sum(), on_b.sum(), on_e.sum(), -(on_a @ log_n), -(on_b @ log_d)])


def descend(start: Sequence[float], log_runs: tuple[Array, ...]) -> tuple[float, Array]:
    """The least objective that L-BFGS-B reaches from ``start``, and where; ``log_runs`` are log N, log D, log L."""
    from scipy.optimize import minimize

    def value(theta: Array) -> tuple[float, Array]:
        return recipe_value(theta, *log_runs)

    with np.errstate(over="ignore"):
        found = minimize(value, np.array(start), method="L-BFGS-B", jac=True, options=TOLERANCES)
    return float(found.fun), np.asarray(found.x, dtype=float)


def approach3(asked: Question) -> Answer:
    """L = E + A/N^alpha + B/D^beta from ``STARTS`` starts."""
    if not {"params", "tokens"} <= asked.at.keys():
        raise RunsError("approach 3 takes params and tokens")
    log_runs = tuple(np.log(asked.train[name]) for name in ("params", "tokens", asked.target))
    reached = [descend(start, log_runs) for start in LATTICE[:: len(LATTICE) // STARTS]]
    _, (a, b, e, alpha, beta) = min(reached, key=lambda pair: pair[0])
    log_n, log_d = (np.log(asked.at[name]) for name in ("params", "tokens"))
    return Answer(np.exp(np.logaddexp(np.logaddexp(a - alpha * log_n, b - beta * log_d), e)))


# -------------------------------------------------------------------------------------------- no theory

def last_points(asked: Question) -> Answer:
    """A power law of the product of the inputs through the largest runs: more of them where those are one budget."""
    x, at = (np.prod([quantities[name] for name in asked.inputs], axis=0) for quantities in (asked.train, asked.at))
    y = asked.train[asked.target]
    order = np.argsort(x, kind="stable")
    least = int(np.searchsorted(x[order], x.max() / SPAN))  # the first run within the span
    last = order[min(len(x) - max(3, round(LAST * len(x))), max(least - 1, 0)) :]
    if np.ptp(x[last]) == 0:
        return Answer(np.full(len(at), np.exp(np.mean(np.log(y)))))
    return Answer(np.exp(along(line(np.log(x[last]), np.log(y[last])), np.log(at))))


def boosting(asked: Question) -> Answer:
    """Gradient boosted trees with scikit-learn's defaults, on logarithms where all values are positive."""
    try:
        from sklearn.ensemble import GradientBoostingRegressor
    except ImportError:
        raise MissingExtra("boosting", "bench") from None
    model = GradientBoostingRegressor(random_state=asked.seed)
    y, seen, at = asked.train[asked.target], *(
        np.stack([quantities[name] for name in asked.inputs], axis=1) for quantities in (asked.train, asked.at))
    positive = y.min() > 0
    if min(seen.min(), at.min()) > 0:
        seen, at = np.log(seen), np.log(at)
    found = model.fit(seen, np.log(y) if positive else y).predict(at)
    return Answer(np.exp(found) if positive else np.asarray(found, dtype=float))

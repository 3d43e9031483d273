"""Whether slices of a table differ by more than chance, where few clusters of runs share their luck.

The law fitted to all runs is taken as true. Let every slice have coefficients of its own: do these, to first order,
explain more of the residuals than they do once each cluster's residuals have had their sign drawn at random? This is
the score wild cluster bootstrap of Kline and Santos 2012 ("A score based approach to wild bootstrap inference"),
studentised.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SIGNS = 4999
"""Drawings of the clusters' signs: a p of 0.05 is then good to 0.003."""


def chance(slopes: Array, columns: Array, residuals: Array, clusters: npt.NDArray[np.int64],
           places: npt.NDArray[np.int64], seed: int) -> float:
    """How often signs at random make the slices differ as much.

    ``slopes`` are those of all coefficients, ``(run, coefficient)``, ``columns`` those of the coefficients that may
    differ; ``clusters`` and ``places`` number the cluster and the slice of each run from 0.
    """
    inside = [places == k for k in range(1, int(places.max()) + 1)]
    own = _rest(slopes, np.concatenate([columns * k[:, None] for k in inside], axis=1))
    scores = np.zeros((int(clusters.max()) + 1, own.shape[1]))
    np.add.at(scores, clusters, own * _rest(slopes, residuals)[:, None])
    spread = np.linalg.pinv(scores.T @ scores, hermitian=True)
    drawn = np.random.default_rng(seed).choice([-1.0, 1.0], (SIGNS, len(scores))) @ scores
    seen = scores.sum(axis=0)
    statistic = np.einsum("si,ij,sj->s", drawn, spread, drawn)
    as_large = statistic >= seen @ spread @ seen * (1.0 - 1e-9)      # the signs that were seen may be drawn again
    return float((1 + as_large.sum()) / (1 + SIGNS))


def _rest(slopes: Array, y: Array) -> Array:
    """What is left of ``y`` once the coefficients that all runs share have explained what they can."""
    return np.asarray(y - slopes @ np.linalg.lstsq(slopes, y, rcond=None)[0])

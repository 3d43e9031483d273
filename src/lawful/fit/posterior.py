"""The posterior of the coefficients under the same objective, by emcee.

    log p(u) = -k F(u),   flat within ``BOX`` standard errors of the optimum,

u the unbounded variables and k the rate that makes 2 k (F - F_min) chi-squared (``lawful.fit.information``):
for least squares this is the normal likelihood with the noise at its estimate, for a robust penalty the
quasi-posterior whose curvature is the estimate's. A flat prior on u is flat on the logarithm of a
positive coefficient; the box keeps it proper where the runs set no end (a floor that may be nothing).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lawful.fit.information import information
from lawful.fit.resampling import Draws
from lawful.fit.search import Job

Array = npt.NDArray[np.float64]

BOX = 12.0
"""Half the width of the prior, in standard errors of each unbounded variable."""

ENSEMBLES = 4
"""Independent ensembles, started apart, so that R-hat compares chains that know nothing of one another."""

STEPS, BURN = 3600, 400
"""Steps of each ensemble, and those left out at its start."""


def posterior(job: Job, point: Array, count: int, seed: int) -> Draws:
    """``count`` draws of the posterior, with split R-hat and effective sample size of each coefficient in ``about``."""
    import emcee

    sample = job.sample
    known = information(sample, point[0], job.penalty)
    u, errors = sample.space.free(point)[0], np.sqrt(np.diag(known.covariance))
    prior = sample.prior

    def log_probability(places: Array) -> Array:
        inside = (np.abs(places - u) <= BOX * errors).all(axis=1)
        with np.errstate(all="ignore"):
            penalties = job.penalty.value(sample.residuals(sample.space.coefficients(places)))
        total = penalties.sum(axis=1) if prior is None else penalties @ prior
        return np.where(inside & np.isfinite(total), -known.rate * total, -np.inf)

    rng = np.random.default_rng(seed)
    walkers = 4 * len(u)
    chains = []
    for _ in range(ENSEMBLES):
        start = rng.multivariate_normal(u, known.covariance, size=walkers, check_valid="ignore", method="eigh")
        sampler = emcee.EnsembleSampler(walkers, len(u), log_probability, vectorize=True, moves=[
            (emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)])
        sampler.random_state = np.random.RandomState(rng.integers(2**31)).get_state()
        sampler.run_mcmc(np.clip(start, u - 0.9 * BOX * errors, u + 0.9 * BOX * errors), STEPS)
        chains.append(sampler.get_chain(discard=BURN))
    chain = np.stack(chains)  # (ensemble, step, walker, coefficient)
    r_hat, size = split_r_hat(chain.transpose(0, 2, 1, 3).reshape(-1, *chain[0, :, 0].shape)), effective_size(chain)
    flat = chain.reshape(-1, len(u))
    draws = sample.space.coefficients(flat[rng.choice(len(flat), count, replace=count > len(flat))])
    return Draws(draws, about={
        "r_hat": dict(zip(sample.names, r_hat.tolist(), strict=True)),
        "ess": dict(zip(sample.names, size.tolist(), strict=True)),
    })


def split_r_hat(chains: Array) -> Array:
    """Split R-hat of ``(chain, step, coefficient)``, each chain cut in half (Gelman et al. 2013, section 11.4)."""
    half = chains.shape[1] // 2
    parts = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = parts.var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=1).var(axis=0, ddof=1)
    ratio: Array = np.sqrt((half - 1) / half + between / np.maximum(within, 1e-300))
    return ratio


def effective_size(chain: Array) -> Array:
    """How many independent draws a chain ``(ensemble, step, walker, coefficient)`` is worth: emcee's time."""
    from emcee.autocorr import integrated_time

    total = np.zeros(chain.shape[-1])
    for ensemble in chain:
        time = integrated_time(ensemble, tol=0)
        total += ensemble.shape[0] * ensemble.shape[1] / np.maximum(time, 1.0)
    return total

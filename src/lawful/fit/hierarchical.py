"""``fit_hierarchical(form, runs, pool, by)``: coefficients that differ between groups, but not by much.

Between sharing an exponent over all groups (``fit_groups``) and fitting each alone lies drawing it from a
population: with u the coefficient's unbounded variable (its logarithm, for a positive one),

    u_g = mu + tau z_g,   z_g ~ N(0, 1),   mu ~ N(u_shared, 1),   tau ~ half-N(``SPREAD``)

and every other coefficient of a group ~ N(its value when shared, ``WIDE``). Residuals of the log are Student's
t with 4 degrees of freedom, their width half-normal about five times that of the shared fit. Groups with few
runs borrow from the rest as much as the groups are seen to agree. Sampled by NUTS (NumPyro, extra ``bayes``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, MissingExtra
from lawful.fit.groups import GroupedFit, fit_groups
from lawful.fit.objective import FREEDOM
from lawful.fit.posterior import split_r_hat
from lawful.fit.resampling import Draws
from lawful.fit.result import Fit
from lawful.fit.uncertainty import doubts
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.results import Caveat, Interval, interval, to_plain
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

SPREAD = 0.3
"""The prior's standard deviation of tau: groups whose exponents differ by a third are nothing unusual."""

WIDE = 3.0
"""The prior's standard deviation of a group's own coefficients, in natural logs."""

CHAINS, WARM_UP, STEPS = 4, 600, 600


@dataclass(frozen=True)
class HierarchicalFit:
    """A law for each group, and the population that its ``pool`` coefficients come from.

    ``centre`` is exp(mu) and ``spread`` tau, each with its interval; the groups' fits have posterior draws, row k of
    each from one draw of all, and their laws stand at the posterior medians.
    """

    groups: GroupedFit
    centre: Mapping[str, Interval]
    spread: Mapping[str, Interval]

    @property
    def warnings(self) -> tuple[Caveat, ...]:
        """What the reader must know."""
        return self.groups.warnings

    def to_dict(self) -> dict[str, Any]:
        """The fits as data: the contract of ``lawful fit --pool ... --json``."""
        return {**self.groups.to_dict(), "schema": "lawful.hierarchical_fit/1", "centre": to_plain(self.centre),
                "spread": to_plain(self.spread)}

    def __repr__(self) -> str:
        lines = [f"{name} over {self.groups.by}: centre {i.value:.4g} [{i.low:.4g}, {i.high:.4g}], spread "
                 f"{self.spread[name].value:.2g} [{self.spread[name].low:.2g}, {self.spread[name].high:.2g}] in the log"
                 for name, i in self.centre.items()]
        return "\n".join(lines + [f"\n{label}\n{fit!r}" for label, fit in self.groups.fits.items()])


def fit_hierarchical(form: str | Law | type[Law], runs: RunTable, pool: Sequence[str], by: str, *,
                     bootstrap: int = 1000, seed: int = 0, level: float = 0.9, **options: Any) -> HierarchicalFit:
    """Fit ``form`` to each group of ``runs`` by the column ``by``, ``pool`` drawn from a population over the groups.

    ``bootstrap`` is the number of posterior draws kept; the other options are those of ``fit_groups``, whose fit
    with ``pool`` shared is where the priors are centred. Raises as it does, and ``MissingExtra`` without NumPyro.
    """
    try:
        import jax
        import numpyro
        from numpyro.infer import MCMC, NUTS, init_to_value
    except ImportError:
        raise MissingExtra("a hierarchical fit", "bayes") from None
    law = find_form(form)
    if not law.output.positive:
        raise InputError(f"{law.form} gives {law.output.name}, which may be negative: hierarchical fits are of the log")
    if any(limit.low != 0.0 or np.isfinite(limit.high) for limit in law.limits().values()):
        raise InputError(f"{law.form} has coefficients that are not simply positive: hierarchical fits pool logarithms")
    shared = fit_groups(law, runs, pool, by, bootstrap=0, level=level, seed=seed, **options)
    labels = list(shared.fits)
    tables = {label: runs.take(runs.label(by) == label) for label in labels}
    free = [name for name in law.names() if name not in shared.fits[labels[0]].fixed]
    own = [name for name in free if name not in pool]
    at = {label: {n: float(np.log(fit.law.coefficients[n])) for n in free} for label, fit in shared.fits.items()}
    noise = max(float(np.median([fit.noise for fit in shared.fits.values()])), 1e-9)

    def model() -> None:
        import jax.numpy as jnp
        import numpyro.distributions as dist

        sigma = noise * numpyro.sample("width", dist.HalfNormal(5.0))
        drawn: dict[str, Any] = {}
        for name in pool:
            mu = numpyro.sample(f"mu_{name}", dist.Normal(at[labels[0]][name], 1.0))
            tau = numpyro.sample(f"tau_{name}", dist.HalfNormal(SPREAD))
            z = numpyro.sample(f"z_{name}", dist.Normal(jnp.zeros(len(labels)), 1.0))
            drawn[name] = numpyro.deterministic(f"u_{name}", mu + tau * z)
        for name in own:
            centre = jnp.array([at[label][name] for label in labels])
            drawn[name] = numpyro.sample(f"u_{name}", dist.Normal(centre, WIDE))
        for g, label in enumerate(labels):
            values = {**shared.fits[label].law.coefficients, **{n: jnp.exp(u[g]) for n, u in drawn.items()}}
            output = law.with_coefficients(values).at({n: jnp.asarray(tables[label][n]) for n in law.inputs})
            observed = np.log(tables[label][law.output.name])
            numpyro.sample(f"log_{g}", dist.StudentT(FREEDOM, jnp.log(output), sigma), obs=observed)

    with jax.enable_x64(True):
        start: dict[str, Any] = {f"u_{n}": np.array([at[label][n] for label in labels]) for n in own}
        start |= {f"mu_{n}": at[labels[0]][n] for n in pool} | {f"tau_{n}": 0.1 for n in pool} | {"width": 1.0}
        kernel = NUTS(model, dense_mass=True, target_accept_prob=0.9, init_strategy=init_to_value(values=start))
        chains = MCMC(kernel, num_warmup=WARM_UP, num_samples=STEPS, num_chains=CHAINS, chain_method="sequential",
                      progress_bar=False)
        chains.run(jax.random.PRNGKey(seed))
        sampled = {name: np.asarray(v) for name, v in chains.get_samples(group_by_chain=True).items()}
    kept = np.linspace(0, CHAINS * STEPS - 1, max(bootstrap, 1)).astype(int)
    about = _about({f"{n}[{label}]": sampled[f"u_{n}"][..., g] for n in free for g, label in enumerate(labels)})
    groups = {label: _posterior(shared.fits[label], free, np.stack(
        [np.exp(sampled[f"u_{n}"][..., g].reshape(-1)[kept]) for n in free], axis=1), tables[label], about)
        for g, label in enumerate(labels)}
    flat = {name: values.reshape(-1) for name, values in sampled.items() if values.ndim == 2}
    centre, spread = ({n: interval(float(np.median(v)), v, level) for n in pool for v in [change(flat[f"{kind}_{n}"])]}
                      for kind, change in (("mu", np.exp), ("tau", np.asarray)))
    warnings = (*shared.warnings, *doubts(Draws(np.zeros((0, 0)), about=about)))
    return HierarchicalFit(replace(shared, shared=(), fits=groups, warnings=warnings), centre, spread)


def _about(chains: Mapping[str, Array]) -> dict[str, Any]:
    """Split R-hat and effective sample size of each ``(chain, step)``, by name."""
    from numpyro.diagnostics import effective_sample_size

    return {"method": "hierarchical",
            "r_hat": {name: float(split_r_hat(v[:, :, None])[0]) for name, v in chains.items()},
            "ess": {name: float(effective_sample_size(v)) for name, v in chains.items()}}


def _posterior(fit: Fit, free: Sequence[str], drawn: Array, table: RunTable, about: Mapping[str, Any]) -> Fit:
    """A group's fit at its posterior medians, with its draws."""
    full = np.tile(np.array(list(fit.law.coefficients.values()), dtype=float), (len(drawn), 1))
    full[:, [fit.law.names().index(name) for name in free]] = drawn
    law = fit.law.with_coefficients(np.median(full, axis=0).tolist())
    expected = np.asarray(law.at(table.quantities), dtype=float)
    residuals = np.log(table[law.output.name]) - np.log(expected)
    return replace(fit, law=law, draws=full, residuals=residuals, uncertainty=dict(about))

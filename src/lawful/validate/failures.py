"""Known failure modes of scaling laws that a table of runs shows: each a check ``(fit, runs) -> findings``.

``FAILURE_CHECKS`` lists them. A check speaks only where the table holds the evidence: a column of experts, warm-up
steps, unique tokens, two counts of params. Titles, actions and papers come from ``lawful.validate.modes``; the
thresholds here are consequences for the answer, from published laws where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from lawful.fit.result import Fit
from lawful.laws import law
from lawful.quantities import resolve_columns
from lawful.runs import Array, RunTable
from lawful.validate.departures import departures, shapes
from lawful.validate.findings import Finding, Severity, rows_text
from lawful.validate.modes import as_finding
from lawful.validate.table_checks import FIXED_RATIO_SPREAD

MOVED = 0.05
"""Relative change of an exponent with the counting of params at which it matters: of 0.5, a twentieth moves the optimal
params by a fifth over three decades of compute."""

SMALL = 1e8
"""Params below which embeddings are a fifth of a usual model and more (``pearce2024_reconciling``)."""

LONG_WARMUP, UNEVEN_WARMUP = 0.2, 2.0
"""Share of a run spent warming up that is called long: four times that of Porian et al. (as many tokens as params, a
twentieth at 20 tokens per parameter); and how much longer it must be, as a share, in some runs than in others."""

RATE_FACTOR = 2.0
"""Factor between the best learning rates of the table's ends at which one for all is wrong: within it the loss hardly
moves (Li et al. 2025 call the optimum broad)."""

LEAST_WORTH, OVERHEAD = 0.75, 0.2
"""What a run's tokens must be worth in its batches: 1 / (1 + B / B_crit) by the definition of McCandlish et al. 2018.
Zhang et al. 2024 call critical the batch that takes a fifth more tokens, which is a fifth of that B_crit."""

CHOSEN = frozenset({"opt", "optimal", "best"})
"""Words of a header that say its runs were chosen for their outcome."""

FEW_PASSES = 4.0
"""Passes over the data up to which they are nearly as good as new (Muennighoff et al. 2023)."""


def embeddings(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Two counts of params, or one without embeddings, whose logarithms rise at different rates over the runs."""
    if "params" not in fit.law.inputs:
        return
    counts = _counts(runs)
    if counts is None:
        return
    without, total, how = counts
    if len(np.unique(total)) < 3:
        return
    slope = float(np.polyfit(np.log(total), np.log(without), 1)[0])
    if abs(slope - 1.0) < MOVED:
        return
    share = 1.0 - without / total
    on_total = bool(np.allclose(runs["params"], total))  # as the papers advise: then only to be kept in mind
    yield as_finding("embedding_share", Severity.NOTE if on_total else Severity.CAUTION,
                     f"embeddings are {100 * share[np.argmin(total)]:.0f} % of the smallest model and "
                     f"{100 * share[np.argmax(total)]:.0f} % of the largest{how}: an exponent of params differs by "
                     f"{100 * abs(slope - 1):.0f} % between the two counts, and the law is fitted "
                     f"{'with' if on_total else 'without'} them")


def _counts(runs: RunTable) -> tuple[Array, Array, str] | None:
    """Params without and with embeddings, ``(run,)`` each, and how one of them was found."""
    found = runs.quantities
    without, total, how = found.get("nonembedding_params"), found.get("total_params"), ""
    if "params" in runs.columns:
        if "nonembedding_params" in resolve_columns([runs.columns["params"].column]):  # mapped from such a column
            without = found["params"]
        elif total is None:
            total = found["params"]
    if without is None and total is not None and {"width", "vocab_size"} <= set(runs.quantities):
        without, how = total - runs["vocab_size"] * runs["width"], " (vocabulary times width)"
    elif without is not None and total is None:
        total = np.asarray(law("pearce2024_reconciling")(nonembedding_params=without), dtype=float)
        how = " (estimated for a usual shape: the table counts without them)"
    if without is None or total is None or not np.all((without > 0) & (without < total)):
        return None
    return without, total, how


def small(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """A table of small models alone: a note, for laws of language."""
    if {"params", "tokens"} <= set(fit.law.inputs) and runs["params"].max() < SMALL:
        yield as_finding("small_models", Severity.NOTE, f"the largest has {runs['params'].max():.3g} params")


def warmup(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Warm-up that is a large share of some runs and a small one of others."""
    share = _warmup_share(runs)
    if share is None:
        return
    long = share > LONG_WARMUP
    if long.sum() >= 2 and share.max() > UNEVEN_WARMUP * share.min():
        rows = tuple(runs.rows[long].tolist())
        yield as_finding("long_warmup", Severity.CAUTION,
                         f"{rows_text(rows)}: {100 * share[long].min():.0f} to {100 * share.max():.0f} % of the steps; "
                         f"{100 * share.min():.2g} % in the run of the shortest share", rows)


def _warmup_share(runs: RunTable) -> Array | None:
    """The share of each run spent warming up, from whichever columns tell it, ``(run,)``."""
    for header, whole in (("warmup_fraction", None), ("warmup_ratio", None), ("warmup_share", None),
                          ("warmup_tokens", "tokens"), ("warmup_steps", "steps")):
        values = _numbers(runs, header)
        if values is None:
            continue
        if whole is None:
            return values
        if whole in runs:
            return np.asarray(values / runs[whole])
        if whole == "steps" and {"tokens", "batch_tokens"} <= set(runs.quantities):
            return np.asarray(values * runs["batch_tokens"] / runs["tokens"])
    return None


def learning_rate(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """One learning rate for sizes whose best rates differ, by a published law of them."""
    if not {"learning_rate", "params", "tokens"} <= set(runs.quantities) or "learning_rate" in fit.law.inputs:
        return
    rates, params = runs["learning_rate"], runs["params"]
    carried = any("mup" in str(v).lower().replace("-", "").replace("μ", "mu") for name in runs.labels
                  if name.lower().startswith("param") for v in np.unique(runs.labels[name]))
    if carried or rates.min() <= 0 or rates.max() > 1.001 * rates.min() or len(np.unique(params)) < 3:
        return
    best = np.asarray(law("steplaw2025:learning_rate")(params=params, tokens=runs["tokens"]), dtype=float)
    factor = float(best.max() / best.min())
    if factor > RATE_FACTOR:
        yield as_finding("one_learning_rate", Severity.CAUTION,
                         f"{rates[0]:g} in all {len(runs)} runs, of {params.min():.3g} to {params.max():.3g} params; "
                         f"by the law of Li et al. the best rates of these runs differ {factor:.2g} times")


def batch(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Runs whose batch lies above what the published laws of the critical batch give."""
    if not {"batch_tokens", "tokens"} <= set(runs.quantities) or "batch_tokens" in fit.law.inputs:
        return
    critical = np.asarray(law("zhang2024_critical_batch")(tokens=runs["tokens"]), dtype=float) / OVERHEAD
    if "loss" in runs:
        critical = np.maximum(critical, law("kaplan2020_critical_batch")(loss=runs["loss"]))
    worth = 1.0 / (1.0 + runs["batch_tokens"] / critical)
    large = worth < LEAST_WORTH
    if large.any():
        rows = tuple(runs.rows[large].tolist())
        yield as_finding("large_batch", Severity.CAUTION,
                         f"{rows_text(rows)}: in batches of up to {runs['batch_tokens'][large].max():.3g} their tokens "
                         f"are worth as little as {100 * worth.min():.0f} % of as many in small ones, by published "
                         "laws of the critical batch", rows)


def frontier(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Runs that vary params and tokens together: optima, or a compute-optimal ladder without its losers."""
    if not {"params", "tokens"} <= set(fit.law.inputs) or not {"params", "tokens"} <= runs.columns.keys():
        return
    x, y = np.log10(runs["params"]), np.log10(runs["tokens"])
    chosen = [c.column for name, c in runs.columns.items() if name in ("params", "tokens", fit.law.output.name)
              and set(re.split(r"[^a-z]+", c.column.lower())) & CHOSEN]
    if chosen:
        yield as_finding("frontier_only", Severity.CAUTION,
                         f"{', '.join(chosen)} by name hold the best of several runs")
        return
    if len(np.unique(x)) < 4 or np.std(y - x) < FIXED_RATIO_SPREAD:  # a fixed ratio has a finding of its own
        return
    slope, start = np.polyfit(x, y, 1)
    spread = float(np.std(y - slope * x - start))
    if slope > 0 and spread < FIXED_RATIO_SPREAD:
        yield as_finding("frontier_only", Severity.SERIOUS,
                         f"tokens follow params^{slope:.2f} to within {spread:.3f} decades in all {len(runs)} runs")


def repeats(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Runs of several passes over their data, under a law that takes every token for new."""
    passes = _passes(runs)
    if passes is None or {"unique_tokens", "epochs"} & set(fit.law.inputs) or "tokens" not in fit.law.inputs:
        return
    if passes.max() < 1.5:  # a pass and a bit is a rounding of the corpus' size
        return
    most, worn = float(passes.max()), passes > FEW_PASSES
    rows = tuple(runs.rows[worn if worn.any() else passes >= 1.5].tolist())
    decay = law("muennighoff2023_data_constrained").law.coefficients["R_D_star"]
    worth = (1.0 + decay * (1.0 - np.exp((1.0 - most) / decay))) / most
    yield as_finding("repeated_data", Severity.CAUTION if worn.any() else Severity.NOTE,
                     f"{rows_text(rows)}: up to {most:.3g} passes over the data, whose tokens are worth "
                     f"{100 * worth:.0f} % of as many new ones by the law of Muennighoff et al.", rows)


def _passes(runs: RunTable) -> Array | None:
    """Passes over the data, ``(run,)``."""
    if {"tokens", "unique_tokens"} <= set(runs.quantities) and runs["unique_tokens"].min() > 0:
        return np.asarray(runs["tokens"] / runs["unique_tokens"])
    return runs.quantities.get("epochs")


def _numbers(runs: RunTable, header: str) -> Array | None:
    """The column or quantity ``header`` as positive numbers, or None where there is no such thing."""
    if header in runs.quantities:
        values = runs[header]
    else:
        label = next((name for name in runs.labels if name.lower() == header), None)
        if label is None:
            return None
        try:
            values = runs.labels[label].astype(float)
        except ValueError:
            return None
    return values if np.all(np.isfinite(values) & (values > 0)) else None


FAILURE_CHECKS: tuple[Callable[[Fit, RunTable], Iterator[Finding]], ...] = (
    frontier, departures, repeats, embeddings, warmup, learning_rate, batch, small, shapes,
)

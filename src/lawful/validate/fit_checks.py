"""What a fitted law shows about its runs: outliers, divergence, trends, coefficients nobody can tell.

Each check is a generator ``(fit, runs) -> findings``; ``FIT_CHECKS`` lists them. Residuals are log
observed minus log fitted, in units of the fit's robust noise, so that one bad run cannot hide itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.result import Fit, FitStatus
from lawful.runs import LOSSES, RunTable
from lawful.validate.emergent import emergent
from lawful.validate.findings import Finding, Severity, rows_text
from lawful.validate.regimes import regimes
from lawful.validate.tuning import two_groups, under_tuned

OUTLIER = 5.0
"""Noise units beyond which a run is an outlier: one in a million, were the noise Gaussian."""

DIVERGED = 0.10
"""Log loss above the law at which a lone outlier is called diverged: no seed does that."""

FEW = 0.05
"""Share of the runs up to which bad ones are accidents; beyond it the law is wrong for them."""

FEW_RUNS = 3
"""Runs that are few in any table."""

TREND = 4.5
"""Standard errors at which the typical residual of a bin, or of a group, departs from the rest."""

MOST_BINS, RUNS_A_BIN = 6, 8
"""Bins along a variable in which a trend is looked for, and the runs that each must hold."""

MOST_GROUPS, MOST_NUMBERED = 8, 3
"""Values of a label up to which its runs are compared as groups; of one that holds numbers, fewer."""

WORTH_NAMING = 0.2
"""Noise units below which a departure, however certain, changes nothing."""

VAGUE = 2.0
"""An exponent whose interval spans more than this ratio is not determined."""


def outliers(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Runs far from the law; those far above it diverged."""
    floor = 1e-9 + fit.noise
    far = (np.abs(fit.residuals) > OUTLIER * floor) & (np.abs(fit.residuals) > 1e-6)
    high = far & (fit.residuals > DIVERGED)
    if high.sum() > max(FEW * len(high), FEW_RUNS):
        high = np.zeros_like(far)
    others = far & ~high
    if high.any():
        rows = tuple(runs.rows[high].tolist())
        worst = float(np.exp(fit.residuals[high].max()) - 1)
        yield Finding(
            "diverged", Severity.CAUTION, "One run diverged" if len(rows) == 1 else f"{len(rows)} runs diverged",
            f"{rows_text(rows)}: loss up to {100 * worst:.0f} % above the law, where runs scatter by "
            f"{100 * fit.noise:.2g} %",
            "look at the curve; leave it out with --where and say so (the Huber loss bears with a few)", rows)
    if others.any():
        rows = tuple(runs.rows[others].tolist())
        many = others.mean() > FEW
        yield Finding(
            "outliers", Severity.CAUTION,
            "One run lies far from the law" if len(rows) == 1 else f"{len(rows)} runs lie far from the law",
            f"{rows_text(rows)}: off by up to {100 * np.abs(fit.residuals[others]).max():.2g} %, where runs scatter "
            f"by {100 * fit.noise:.2g} %",
            "so many mean that the law is wrong for them, not the runs: look at what they share" if many else
            "check them; refit without them and compare the plan", rows)


def identification(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Coefficients that the runs do not determine."""
    if fit.status in (FitStatus.NOT_IDENTIFIED, FitStatus.AT_BOUND):
        yield Finding(
            "not_identified", Severity.SERIOUS, "The runs do not determine every coefficient",
            f"{fit.status.sentence}; condition of the scaled information matrix {fit.search.condition:.2g}",
            "add runs that vary params and tokens independently, or fit a form with fewer coefficients")
        return
    if not len(fit.draws):
        return
    exponents = {name: i for name, i in fit.intervals.items() if name.startswith(("alpha", "beta"))}
    vague = {name: i for name, i in exponents.items() if not (i.low > 0 and i.high / i.low < VAGUE)}
    if vague:
        named = ", ".join(f"{name} in [{i.low:.2g}, {i.high:.2g}]" for name, i in vague.items())
        wild = any(i.high > 5 * max(i.low, 1e-3) for i in vague.values())
        yield Finding(
            "not_identified", Severity.SERIOUS if wild else Severity.CAUTION,
            f"The runs hardly determine {', '.join(vague)}", f"{named} at {100 * fit.level:g} %",
            "add small, cheap runs at both ends of the range; a forecast beyond the runs rests on these numbers")
    if fit.n_runs < 3 * len(fit.law.names()):
        yield Finding(
            "few_runs", Severity.CAUTION, f"{fit.n_runs} runs for {len(fit.law.names())} coefficients",
            "three runs a coefficient is the least on which bootstrap intervals mean what they say",
            f"add at least {3 * len(fit.law.names()) - fit.n_runs} runs")


def choice(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """A form that was chosen, and could have been another."""
    for note in fit.warnings:
        if note.code == "selected":
            yield Finding(
                "selected", Severity.CAUTION, "These runs cannot tell several forms apart", note.message,
                "compare what each form says of the question (--form); runs nearer to it tell them apart")


def trends(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Residuals that follow a variable, whether the law takes it or not."""
    bins = min(MOST_BINS, len(runs) // RUNS_A_BIN)
    for name, values in runs.quantities.items():
        if name in (*LOSSES, fit.law.output.name) or len(np.unique(values)) < 3 or bins < 2:
            continue
        at = np.digitize(values, np.unique(np.quantile(values, np.arange(1, bins) / bins)))
        departures = _departures(fit, at)
        if departures is None:
            continue
        taken = name in fit.law.inputs or name == "compute"
        shown = ", ".join(f"{100 * d:+.2g} %" for d in departures)
        yield Finding(
            "trend", Severity.CAUTION, f"Residuals follow {name}",
            f"typical residual from the lowest to the highest {name}: {shown}",
            f"the form bends wrongly along {name}: try another form, or a narrower range" if taken else
            f"the law does not take {name}, and it matters: hold it fixed, tune it per size, or filter with --where")


def groups(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Groups of runs, by label, that lie off the common law."""
    for name, labels in runs.labels.items():
        values, at = np.unique(labels, return_inverse=True)
        if not 2 <= len(values) <= (MOST_NUMBERED if _numeric(values) else MOST_GROUPS):
            continue
        departures = _departures(fit, at)
        if departures is None:
            continue
        shown = ", ".join(f"{v} {100 * d:+.2g} %" for v, d in zip(values, departures, strict=True))
        yield Finding(
            "group_offset", Severity.CAUTION, f"Runs differ by {name}", f"typical residual by {name}: {shown}",
            f"fit each {name} on its own with --where: one law through several kinds of run is a law of none")


def _numeric(values: npt.NDArray[Any]) -> bool:
    """Whether labels are numbers: then more than a few of them are a scale, not groups."""
    try:
        values.astype(float)
    except ValueError:
        return False
    return True


def _departures(fit: Fit, group: npt.NDArray[Any]) -> list[float] | None:
    """The median residual of each group, if one differs from the rest beyond chance and beyond triviality.

    Chance is judged by the spread within the groups: what sets groups apart must not hide itself in the noise.
    """
    kinds, at, counts = np.unique(group, return_inverse=True, return_counts=True)
    if len(kinds) < 2 or counts.min() < 4:
        return None
    medians = np.array([np.median(fit.residuals[at == k]) for k in range(len(kinds))])
    freedom = len(at) / max(len(at) - len(kinds) - len(fit.law.names()), 1)
    within = 1.4826 * float(np.median(np.abs(fit.residuals - medians[at]))) * np.sqrt(freedom)
    # of a median from the centre of all medians, under Gaussian noise
    errors = 1.2533 * within * np.sqrt(1 / counts - 1 / counts.sum())
    centre = np.average(medians, weights=counts)
    if np.any((np.abs(medians - centre) > TREND * errors) & (np.abs(medians - centre) > WORTH_NAMING * fit.noise)):
        return [float(m) for m in medians]
    return None


FIT_CHECKS: tuple[Callable[[Fit, RunTable], Iterator[Finding]], ...] = (
    outliers, identification, choice, regimes, emergent, under_tuned, two_groups, trends, groups,
)

"""Metrics that look emergent: a sharp accuracy over a smooth loss.

Of runs in the order of their loss, an accuracy stands at chance for long and then rises within a short stretch of the
loss, which itself falls evenly all the while. What leaps is the metric: thresholds and exact matches turn an even gain
into a leap (Schaeffer et al. 2023, arXiv:2304.15004). The loss can be forecast from the runs before the leap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lawful.fit.result import Fit
from lawful.runs import RunTable
from lawful.validate.findings import Finding, Severity

Array = npt.NDArray[np.float64]

METRICS = ("accuracy", "coverage", "error")
SMOOTH = ("loss", "bits_per_byte")

SHARP = 0.4
"""Share of the fall of the log loss within which most of the metric's rise must happen; were it even, 0.7."""

LATE = 0.3
"""Share of the fall of the log loss that must pass before the rise begins."""

FROM, TO = 0.15, 0.85
"""The rise is from and to these shares of the metric's range."""

DIVERGED = 0.1
"""Log outcome above the law beyond which a run is left out: one that diverged stretches the loss's way down."""

RISE, CERTAIN = 0.1, 4.0
"""The metric's range must exceed this, and this many times its scatter between neighbours."""


def emergent(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """A metric that rises late and at once where the loss falls evenly; more than a note where it is what is fitted."""
    smooth = next((name for name in SMOOTH if name in runs), None)
    if smooth is None or len(runs) < 12:
        return
    kept = fit.residuals < DIVERGED if len(fit.residuals) == len(runs) and fit.relative else np.full(len(runs), True)
    progress = -np.log(runs[smooth][kept])
    for name in METRICS:
        if name not in runs:
            continue
        found = _leap(progress, (-runs[name] if name == "error" else runs[name])[kept])
        if found is None:
            continue
        begin, end = found
        fitted = fit.law.output.name == name or (fit.law.output.name == "task_loss" and smooth not in runs)
        top = float(np.exp(-progress.min()))
        ratio = float(np.ptp(progress))
        first, last = (top * float(np.exp(-share * ratio)) for share in (begin, end))
        yield Finding(
            "emergent", Severity.CAUTION if fitted else Severity.NOTE,
            f"The {name} leaps where the {smooth} falls evenly",
            f"most of its change comes as the {smooth} goes from {first:.3g} to {last:.3g}, "
            f"{100 * (end - begin):.0f} % of the way from {top:.3g} to {top * np.exp(-ratio):.3g}; before that it "
            "stands still", f"forecast the {smooth} (it can be seen to fall before the leap), then read the {name} "
            f"off the {smooth}; a finer metric shows no leap (arXiv:2304.15004)")


def _leap(progress: Array, metric: Array) -> tuple[float, float] | None:
    """The shares of the progress at which a late and sharp rise begins and ends; None where there is none."""
    order = np.argsort(progress, kind="stable")
    x = (progress[order] - progress.min()) / max(float(np.ptp(progress)), 1e-12)
    width = max(3, len(x) // 12) | 1
    padded = np.pad(metric[order], width // 2, mode="edge")
    y = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    rise = float(y.max() - y.min())
    scatter = float(np.median(np.abs(np.diff(metric[order]))))
    if rise < max(RISE, CERTAIN * scatter):
        return None
    share = (y - y.min()) / rise
    begin, end = x[np.flatnonzero(share <= FROM).max()], x[np.flatnonzero(share >= TO).min()]
    return (float(begin), float(end)) if LATE <= begin <= end <= begin + SHARP else None

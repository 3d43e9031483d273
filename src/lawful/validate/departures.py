"""Runs of several kinds under a law of params and tokens: sparse, quantised, distilled, of other data or contexts.

A column is evidence where it varies and the law does not take it, or where it holds throughout a value that laws of
dense models do not have in mind. Which columns those are stands with each mode (``lawful.validate.modes``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.result import Fit
from lawful.runs import RunTable
from lawful.validate.findings import Finding, Severity
from lawful.validate.modes import MODES, as_finding

MOST_KINDS = 20
"""Distinct values of a label up to which it sorts runs into kinds; beyond, it names them."""

EVALUATED = frozenset({"eval", "val", "valid", "validation", "test", "downstream", "target"})
"""Words of a header that speak of evaluation: its data sets are no property of the training."""

SHAPE_SPREAD = 0.2
"""Decades (standard deviation) of width over depth among models of one size from which shapes vary: Kaplan et al. 2020
saw the loss move by a few per cent over a factor of forty."""


def departures(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Columns that say the runs are of kinds between which a law of params and tokens does not hold."""
    for mode in MODES.values():
        if not (mode.columns or mode.labels) or mode.code in ("repeated_data", "shape_change"):
            continue
        if any(_matches(taken, mode.columns) for taken in fit.law.inputs):
            continue
        if mode.code == "vocabulary_change" and not fit.law.output.name.startswith("loss"):
            continue  # other outcomes do not count per token
        seen = [*_quantities(runs, mode.columns, mode.ordinary), *_kinds(runs, mode.labels, mode.absent)]
        if mode.code == "experts":
            seen += _two_sizes(runs)
        if seen:
            varies = any(several for _, several in seen)
            yield as_finding(mode.code, Severity.CAUTION if varies else Severity.NOTE, "; ".join(s for s, _ in seen))


def _quantities(runs: RunTable, columns: tuple[str, ...], ordinary: tuple[float, ...]) -> Iterator[tuple[str, bool]]:
    """What each of ``columns`` says, and whether it varies; one value throughout counts where it is no ordinary one."""
    for name, values in runs.quantities.items():
        if not _matches(name, columns):
            continue
        low, high = float(values.min()), float(values.max())
        if high - low > 1e-6 * abs(high):
            yield f"{name} runs from {low:.4g} to {high:.4g}", True
        elif ordinary and low not in ordinary:
            yield f"{name} is {low:.4g} throughout: the law is one of such models alone", False


def _kinds(runs: RunTable, headers: tuple[str, ...], absent: bool) -> Iterator[tuple[str, bool]]:
    """What each label called like one of ``headers`` says, where it sorts the runs into a few kinds.

    Empty cells are a kind where they say that a run is without it (``absent``), and else unknown.
    """
    for name in runs.labels:
        if not _called(name, headers, runs):
            continue
        values, at, counts = _sorted_out(runs.labels[name])
        kinds = values if absent else values[values != ""]
        if 1 < len(kinds) <= max(MOST_KINDS, len(runs) // 4) and not _names_sizes(runs, at):
            shown = ", ".join(f"{v or 'empty'} ({c})" for v, c in zip(values[:5], counts[:5], strict=True))
            yield f"{name} is {shown}" + (f" and {len(values) - 5} more" if len(values) > 5 else ""), True


def _sorted_out(labels: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64], list[int]]:
    """The distinct labels in order, which of them each run has ``(run,)``, and how many runs each has.

    As ``np.unique`` says it, without sorting a million strings.
    """
    counted = Counter(labels.tolist())
    values = sorted(counted)
    place = {value: i for i, value in enumerate(values)}
    at = np.fromiter((place[value] for value in labels.tolist()), np.int64, len(labels))
    return np.array(values), at, [counted[value] for value in values]


def _called(name: str, headers: tuple[str, ...], runs: RunTable) -> bool:
    """Whether a label's header is one of ``headers``, or has one among its words and holds words itself."""
    if name.lower() in headers:
        return True
    words = set(re.split(r"[^a-z]+", name.lower()))
    if not words & set(headers) or words & EVALUATED:
        return False
    return not any(_is_number(value) for value in runs.labels[name][:9])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names_sizes(runs: RunTable, at: npt.NDArray[Any]) -> bool:
    """Whether a label, by number ``at``, only names the sizes (or each run): then it sorts nothing else."""
    kinds = int(at.max()) + 1
    if kinds == len(at):
        return True
    if "params" not in runs:
        return False
    sizes, size = np.unique(runs["params"], return_inverse=True)
    return len(sizes) == kinds == len(np.unique(size * kinds + at))


def _two_sizes(runs: RunTable) -> list[tuple[str, bool]]:
    """All params over those a token uses, where a table has both and their ratio varies."""
    whole = next((name for name in ("total_params", "params") if name in runs.columns), None)
    if whole is None or "active_params" not in runs.columns:
        return []
    ratio = runs[whole] / runs["active_params"]
    if ratio.max() < 1.05 * ratio.min():
        return []
    return [(f"{whole} is {ratio.min():.3g} to {ratio.max():.3g} times active_params", True)]


def shapes(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Models of one size and very different shapes: a note, since loss depends weakly on the shape."""
    if not {"width", "depth", "params"} <= set(runs.quantities) or {"width", "depth"} & set(fit.law.inputs):
        return
    aspect = np.log10(runs["width"] / runs["depth"])
    if len(np.unique(runs["params"])) < 4:
        return
    slope, start = np.polyfit(np.log10(runs["params"]), aspect, 1)
    spread = float(np.std(aspect - slope * np.log10(runs["params"]) - start))
    if spread > SHAPE_SPREAD:
        yield as_finding("shape_change", Severity.NOTE,
                       f"width over depth runs from {10**aspect.min():.3g} to {10**aspect.max():.3g}, and by "
                       f"{spread:.2f} decades (standard deviation) among models of one size")


def _matches(name: str, columns: tuple[str, ...]) -> bool:
    """Whether a quantity is one of ``columns``, of which ``mixture.`` is a family."""
    return any(name == c or (c.endswith(".") and name.startswith(c)) for c in columns)

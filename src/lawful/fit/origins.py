"""Rolling origins: cuts of a table at growing scale, small runs below and larger runs above.

``axis`` says what scale is for a table: compute where the law takes both params and tokens, the one
quantity of a law in one, and otherwise the product of the inputs that span at least half a decade.
``origins`` gives the cuts along it. The same cuts serve the choice between forms, the calibration of
intervals and the back-test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.readings import budget_groups
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

MOST_CUTS = 6
"""Cuts made where the scale does not fall into budgets."""

FIRST, LAST = 0.3, 0.9
"""The shares of the runs, ordered by scale, below the first cut and below the last."""

SPANS = 0.5
"""Decades that a quantity must span to count as scale when a law has several inputs."""


@dataclass(frozen=True)
class Origin:
    """One cut: masks ``(run,)`` of the runs to fit and of those to predict, and the scale of the cut."""

    train: npt.NDArray[np.bool_]
    test: npt.NDArray[np.bool_]
    scale: float


def scale_inputs(quantities: Mapping[str, Array]) -> tuple[str, ...]:
    """The inputs of a law whose product is its scale, among the ``quantities`` of its runs.

    Compute, or params and tokens, or whichever are positive and span ``SPANS`` decades, or all positive ones.
    """
    if "compute" in quantities:
        return ("compute",)
    if {"params", "tokens"} <= quantities.keys():
        return ("params", "tokens")
    spans = {name: np.log10(values.max() / values.min()) for name, values in quantities.items() if values.min() > 0}
    return tuple(name for name, span in spans.items() if span >= SPANS) or tuple(spans)


def axis(runs: RunTable, inputs: Sequence[str]) -> Array:
    """The scale of each run, ``(run,)``: positive, so that its logarithm measures how far a forecast reaches.

    The column compute of a law in params and tokens; the order of the runs where no input is positive.
    """
    names = scale_inputs({name: runs[name] for name in inputs})
    if set(names) == {"params", "tokens"} and "compute" in runs:
        return runs["compute"]
    scale: Array = np.prod([runs[name] for name in names], axis=0) if names else np.arange(1.0, len(runs) + 1.0)
    return scale


def origins(scale: Array, fewest: int) -> tuple[Origin, ...]:
    """The cuts along ``scale``, each with at least ``fewest`` runs below it and one above.

    At the top of every budget where the runs fall into budgets, otherwise at quantiles.
    """
    groups = budget_groups(scale)
    if len(groups) >= 3 and sum(len(g) for g in groups) >= 0.8 * len(scale):
        tops = [float(scale[g].max()) for g in groups[1:-1]]  # one budget alone says nothing of compute
    else:
        tops = sorted({float(np.quantile(scale, q, method="lower")) for q in np.linspace(FIRST, LAST, MOST_CUTS)})
    cuts = (Origin(below, ~below, top) for top in tops for below in [scale <= top])
    return tuple(cut for cut in cuts if cut.train.sum() >= fewest and cut.test.any())

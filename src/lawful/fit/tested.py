"""How far beyond its runs a fit has been put to the test, and how right it was there, as a stated limit.

A fit's ``Record`` (``lawful.fit.record``) holds what its form forecast of the table's larger runs from the smaller
ones. From it follow steps (x, y), each read "this fit has been right within x % up to y decades":

- the last y is the longest horizon that at least ``FEWEST`` forecasts reached, of at least ``CUTS`` origins; beyond
  it the fit is untested;
- the others are multiples of ``STEP``, as far as each step holds ``FEWEST`` forecasts of its own;
- x is the largest over the steps so far of the ``SHARE`` quantile of the size of their errors, the
  ceil(``SHARE`` (n + 1))-th smallest of n, as in conformal prediction (Vovk et al. 2005). So x holds at every
  horizon up to y and not only on average over them.

How far ``aside`` of the runs it was tested, where no larger scale lies, follows likewise from where the forecast runs
lay: as far as ``FEWEST`` of them did, or ``NOVEL``.

That is what happened, not a promise: origins lower down saw fewer runs than the fit itself, which makes x larger
than what it will do, and the forecasts of one origin share its luck, so that they count for less than their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.reach import NOVEL, Evidence
from lawful.fit.record import Record

SHARE = 0.9
"""The share of forecasts that a stated error holds."""

FEWEST = 9
"""Forecasts that a step rests on: of fewer, not even the largest error holds ``SHARE`` of the next ones."""

CUTS = 2
"""Origins that the longest horizon was reached from: the forecasts of one share their luck."""

STEP = 0.5
"""Decades of a step."""


@dataclass(frozen=True)
class Step:
    """Up to ``decades`` beyond the runs that they saw, forecasts were right within ``error``."""

    decades: float
    error: float


@dataclass(frozen=True)
class Tested:
    """How far a fit was tested, by ``steps`` of growing horizon and error; none where it is untested beyond its runs.

    An error is of the log, or of the output itself [``unit``] where ``relative`` is False; it held ``SHARE`` of the
    ``forecasts`` from ``origins``. ``aside`` is how far from the runs it was tested in decades that do not lead to
    larger scale.
    """

    steps: tuple[Step, ...]
    forecasts: int
    origins: int
    aside: float
    relative: bool = True
    unit: str = ""

    @property
    def decades(self) -> float:
        """How far it was tested: 0 for a fit that is untested beyond its runs."""
        return self.steps[-1].decades if self.steps else 0.0

    def sentence(self, horizon: float = 0.0) -> str:
        """The limit for a question ``horizon`` decades beyond the runs: the step it falls in, and the last one."""
        if not self.steps:
            return (f"this fit is untested beyond its runs: rolling origins on its table gave {self.forecasts} "
                    f"forecasts from {self.origins} origins, and {FEWEST} from {CUTS} are the least")
        first = next((step for step in self.steps if step.decades >= horizon), self.steps[-1])
        said = [f"within {self._size(step.error)} up to {step.decades:.1f} decades beyond the runs it saw"
                for step in dict.fromkeys((first, self.steps[-1]))]
        said[1:] = [text.removesuffix(" beyond the runs it saw") for text in said[1:]]
        return (f"this fit has been right {' and '.join(said)} ({100 * SHARE:g} % of {self.forecasts} forecasts from "
                f"{self.origins} rolling origins); beyond that it is untested")

    def _size(self, error: float) -> str:
        return f"{100 * math.expm1(error):.2g} %" if self.relative else f"{error:.2g} {self.unit}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The limit as data."""
        return {"decades": self.decades, "aside": self.aside, "steps": [vars(step) for step in self.steps],
                "share": SHARE, "forecasts": self.forecasts, "origins": self.origins}


def reach_tested(record: Record, evidence: Evidence, relative: bool = True, unit: str = "") -> Tested:
    """How far the fit with this ``record`` and ``evidence`` was tested; its errors are logs if ``relative``."""
    ahead = record.take(np.isfinite(record.error) & (record.horizon > 0))
    farthest = np.sort([part.horizon.max() for part in ahead.cuts()])
    if len(ahead) < FEWEST or len(farthest) < CUTS:
        return Tested((), len(ahead), len(farthest), NOVEL, relative, unit)
    asides = np.sort(evidence.asides(np.unique(ahead.cut)))
    aside = max(float(asides[-FEWEST]) if len(asides) >= FEWEST else 0.0, NOVEL)
    last = float(min(np.sort(ahead.horizon)[-FEWEST], farthest[-CUTS]))
    size, steps, error = np.abs(ahead.error), list[Step](), 0.0
    for low, high in pairwise(_ends(ahead.horizon, last)):
        error = max(error, _holding(size[(ahead.horizon > low) & (ahead.horizon <= high)]))
        steps.append(Step(min(high, last), error))
    return Tested(tuple(steps), len(ahead), len(farthest), aside, relative, unit)


def _ends(horizon: npt.NDArray[np.float64], last: float) -> list[float]:
    """Where steps begin and end, each with ``FEWEST`` forecasts; the last, which may be longer, holds all beyond."""
    ends = [0.0]
    for end in np.arange(STEP, last - 0.2 * STEP, STEP).tolist():
        if np.sum((horizon > ends[-1]) & (horizon <= end)) >= FEWEST and np.sum(horizon > end) >= FEWEST:
            ends.append(end)
    return [*ends, math.inf]


def _holding(sizes: npt.NDArray[np.float64]) -> float:
    """The size that holds ``SHARE`` of forecasts like these."""
    return float(np.sort(sizes)[min(math.ceil(SHARE * (len(sizes) + 1)), len(sizes)) - 1])

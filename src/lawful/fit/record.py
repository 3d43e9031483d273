"""How a fit's own form did at forecasting the larger runs of its table from the smaller: its errors, kept.

Every fit is made again with only the runs below each of several cuts (``lawful.fit.origins``), and asked about
the runs above. What came of it is a ``Record``: the drift of a fit is measured on it (``lawful.fit.calibrate``),
and so is how far a fit has been right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MOST_KEPT = 300
"""Forecasts that a fit keeps of its record: a few hundred say what thousands would, and a saved fit stays small."""


def _none() -> Array:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Record:
    """Forecasts of a table's larger runs from its smaller ones; all arrays ``(forecast,)``, the cuts one by one.

    ``cut`` is the scale of the largest run below the cut, ``horizon`` the decades of scale from there to the run,
    ``error`` log observed minus log forecast (observed minus forecast where residuals are that), ``spread`` the
    standard deviation that the coefficients' own uncertainty gives the forecast, and ``noise`` that of one run
    about the law below the cut.
    """

    cut: Array = field(default_factory=_none)
    horizon: Array = field(default_factory=_none)
    error: Array = field(default_factory=_none)
    spread: Array = field(default_factory=_none)
    noise: Array = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.error)

    def cuts(self) -> tuple[Record, ...]:
        """The record of each cut, the smallest first."""
        return tuple(self.take(self.cut == top) for top in np.unique(self.cut))

    def take(self, rows: npt.NDArray[Any]) -> Record:
        """The forecasts that ``rows`` selects."""
        return Record(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def thinned(self, most: int = MOST_KEPT) -> Record:
        """At most ``most`` forecasts, evenly spaced through each cut in order of horizon, each cut its share."""
        if len(self) <= most:
            return self
        order = np.lexsort((self.horizon, self.cut))
        return self.take(order[np.linspace(0, len(self) - 1, most).round().astype(np.int64)])

    def to_dict(self) -> dict[str, Any]:
        """The record as data, a list a field."""
        return {f.name: getattr(self, f.name).tolist() for f in fields(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Record:
        """The record that ``to_dict`` described."""
        return Record(**{f.name: np.array(data[f.name], dtype=float) for f in fields(Record)})


NO_RECORD = Record()
"""The record of a fit whose table has no room for cuts, or of which none was asked."""

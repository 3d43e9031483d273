"""What is found in each cell of a sweep: a bowl in its hyper-parameters with its optimum, or why there is none."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.sweeps.cells import Indices
from lawful.fit.sweeps.minima import Minimum
from lawful.results import Interval

Array = npt.NDArray[np.float64]

FACTORS = (0.25, 0.5, 2.0, 4.0)
"""How far off a hyper-parameter is set where its price is given."""


class BowlStatus(enum.Enum):
    """What came of a cell; each has a sentence."""

    OK = "ok"
    EDGE = "edge"
    NO_MINIMUM = "no_minimum"
    TOO_FEW = "too_few"
    DIVERGED = "diverged"
    CONFOUNDED = "confounded"

    @property
    def sentence(self) -> str:
        """What the status means."""
        return {
            "ok": "the optimum lies inside the grid",
            "edge": "the optimum lies at or beyond an edge of the grid",
            "no_minimum": "the runs show no minimum",
            "too_few": "too few runs or values for a bowl",
            "diverged": "too few runs are left beside those that diverged",
            "confounded": "the hyper-parameters vary together, so that their effects cannot be told apart",
        }[self.value]


@dataclass(frozen=True)
class Bowl:
    """One cell: its optimum with its doubt, or why there is none.

    ``rows`` are the indices of its runs and ``best`` is the lowest of them as it was made. ``shape`` is the fitted
    polynomial in the logs of the hyper-parameters, None without an optimum; ``draws`` ``(draw, d + 1)`` hold log x*
    and log L*. ``noise`` is the standard deviation of a run's log loss, shared with the other cells; ``used`` runs
    lie within ``window`` of the minimum.
    """

    cell: Mapping[str, float | str]
    over: tuple[str, ...]
    status: BowlStatus
    reason: str
    rows: Indices
    best: Mapping[str, float]
    shape: Minimum | None = None
    order: int = 0
    window: float = math.nan
    noise: float = math.nan
    draws: Array | None = None
    level: float = 0.9

    @property
    def n_runs(self) -> int:
        """How many runs the cell holds."""
        return len(self.rows)

    @property
    def used(self) -> int:
        """How many runs the bowl stands on."""
        return 0 if self.shape is None else int((self.shape.weights > 0).sum())

    @property
    def log_optimum(self) -> Array:
        """log x*, ``(d,)``; NaN without an optimum."""
        if self.shape is None or self.shape.position is None:
            return np.full(len(self.over), np.nan)
        return self.shape.position

    @cached_property
    def covariance(self) -> Array:
        """The covariance of (log x*, log L*), ``(d + 1, d + 1)``; NaN without an optimum."""
        if self.shape is None:
            return np.full((len(self.over) + 1, len(self.over) + 1), np.nan)
        return self.noise**2 * self.shape.unit_covariance

    @cached_property
    def optimum(self) -> dict[str, Interval]:
        """Each hyper-parameter's best value with its interval, and ``loss`` there; empty without an optimum."""
        if self.shape is None or self.draws is None:
            return {}
        centre = np.exp([*self.log_optimum, self.shape.value])
        std = centre * np.sqrt(np.diag(self.covariance))
        tail = 50.0 * (1.0 - self.level)
        with np.errstate(over="ignore"):  # the rare draw of an ill-determined bowl
            low, high = np.exp(np.nanpercentile(self.draws, [tail, 100.0 - tail], axis=0))
        return {name: Interval(*map(float, row))
                for name, *row in zip((*self.over, "loss"), centre, std, low, high, strict=True)}

    def excess(self, **at: float) -> float:
        """The relative loss above the minimum at these hyper-parameters; those not given stand at their optimum.

        The fitted polynomial inside the window; its quadratic part alone beyond, where a cubic may fall again.
        """
        if self.shape is None:
            return math.nan
        away = np.array([math.log(at[name]) - x if name in at else 0.0
                         for name, x in zip(self.over, self.log_optimum, strict=True)])
        quadratic = 0.5 * float(away @ self.shape.curvature @ away)
        full = self.shape.above(away) if quadratic <= self.window else quadratic
        with np.errstate(over="ignore"):
            return float(np.expm1(full))

    def to_dict(self) -> dict[str, Any]:
        """The cell as data."""
        return {
            "cell": dict(self.cell), "status": self.status.value, "reason": self.reason, "n_runs": self.n_runs,
            "used": self.used, "best": dict(self.best), "optimum": {k: vars(v) for k, v in self.optimum.items()},
            "curvature": None if self.shape is None else self.shape.curvature.tolist(),
            "order": self.order, "window": self.window, "noise": self.noise,
        }


@dataclass(frozen=True)
class Bowls:
    """The bowls of a table, a cell each, in order of the cells."""

    over: tuple[str, ...]
    cells: tuple[str, ...]
    bowls: tuple[Bowl, ...]
    level: float = 0.9
    source: str = "runs"

    def having(self, *statuses: str) -> tuple[Bowl, ...]:
        """The bowls with one of these statuses."""
        return tuple(b for b in self.bowls if b.status.value in statuses)

    def price(self, factors: Sequence[float] = FACTORS) -> dict[str, dict[float, float]]:
        """What a mis-set hyper-parameter costs: the median over ``ok`` cells of the relative loss above the minimum,
        by hyper-parameter and by the factor between it and its optimum, the others standing at theirs."""
        found = self.having("ok")
        return {name: {f: float(np.median([b.excess(**{name: f * math.exp(b.log_optimum[i])}) for b in found]))
                       for f in factors} for i, name in enumerate(self.over)} if found else {}

    def to_dict(self) -> dict[str, Any]:
        """The cells as data."""
        return {"schema": "lawful.bowls/1", "source": self.source, "over": list(self.over), "cells": list(self.cells),
                "level": self.level, "bowls": [b.to_dict() for b in self.bowls]}

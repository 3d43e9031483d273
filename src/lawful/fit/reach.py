"""Where a question lies among the runs of a fit, all its quantities at once, and how far that fit was tested.

Each quantity of a question may lie within its own span and the question still be new: tokens per parameter that
were never tried, compute beyond every run though params and tokens are not. So a fit keeps ``Evidence``, a few dozen
of its runs that tell where their convex hull lies, in decades (log10) of each quantity. ``Evidence.place`` gives the
distance of a question from that hull, in two parts: towards larger scale, where rolling origins have tested the
form on its own table (``lawful.fit.record``), and aside, where nothing has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.origins import scale_inputs

Array = npt.NDArray[np.float64]

KEPT = 64
"""Points of the hull that are kept, and points of its inside: all runs of a table of no more."""

DIRECTIONS = 256
"""Directions in which the outermost run of a longer table is looked for: at 256 around a circle the hull is missed by
less than 0.7 % of its longest edge, always inwards."""

LONG, BLOCK = 100_000, 4096
"""Runs from which on a quarter of the directions must do, and runs that are looked at together."""

SLACK = 0.01
"""Decades within which a question counts as inside: 2 %, what rounding a count to two digits may move it by."""

NOVEL = 0.1
"""Decades aside of the hull within which no combination counts as new: a factor of 1.26 in one quantity, what the
sizes on a ladder scatter about it."""


@dataclass(frozen=True)
class Joint:
    """Where a question lies among the runs; every distance in decades, 0 inside.

    ``hull`` is the distance from the convex hull of the runs, ``aside`` its part that does not lead to larger scale.
    ``scale`` is how far the product of the scale's quantities exceeds that of every run, ``ratio`` how far the
    tokens per parameter lie outside those tried (None for a law that does not take both). ``nearest`` is a run
    that lies ``distance`` away, the nearest of those kept.
    """

    hull: float
    aside: float
    scale: float
    ratio: float | None
    nearest: Mapping[str, float]
    distance: float

    def to_dict(self) -> dict[str, Any]:
        """The place as data."""
        return {"hull": self.hull, "aside": self.aside, "scale": self.scale, "ratio": self.ratio,
                "nearest": dict(self.nearest), "distance": self.distance}


@dataclass(frozen=True, eq=False)
class Evidence:
    """The runs of a table as points ``(point, input)``: its hull, and some of its inside.

    A point is in decades, log10 of each of ``inputs``; of an input that is not positive, in widths of its span,
    which ``widths`` holds (0 for decades). ``scale`` are the inputs whose product is the scale, ``top`` the log10 of
    its largest value, ``ratio`` the span of log10 tokens per parameter.
    """

    inputs: tuple[str, ...] = ()
    points: Array = field(default_factory=lambda: np.zeros((0, 0)))
    widths: tuple[float, ...] = ()
    scale: tuple[str, ...] = ()
    top: float = 0.0
    ratio: tuple[float, float] | None = None

    def place(self, at: Mapping[str, float]) -> Joint | None:
        """Where the question ``at`` lies; None for a fit that kept no evidence."""
        if not len(self.points):
            return None
        asked = np.array([at[name] for name in self.inputs], dtype=float)
        logs = np.array(self.widths) == 0
        if (asked[logs] <= 0).any():  # a column of one's own, asked about where it has no logarithm
            return Joint(math.inf, math.inf, 0.0, None, self._run(0), math.inf)
        q = np.where(logs, np.log10(np.where(logs, asked, 1.0)), asked / np.where(logs, 1.0, self.widths))
        hull, aside = self._outside(q)
        beyond = sum(math.log10(at[name]) for name in self.scale) - self.top if self.scale else 0.0
        distances = np.linalg.norm(q - self.points, axis=1)
        nearest = int(np.argmin(distances))
        return Joint(hull, aside, beyond if beyond > SLACK else 0.0, self._ratio(at), self._run(nearest),
                     float(distances[nearest]))

    def _run(self, row: int) -> dict[str, float]:
        """One of the points as quantities."""
        return {name: float(10.0**v if width == 0 else v * width)
                for name, v, width in zip(self.inputs, self.points[row], self.widths, strict=True)}

    def asides(self, cuts: Array) -> Array:
        """How far aside of the runs below each of these scales the runs above it lay, ``(run above a cut,)``.

        So far aside a fit was tested that was made again below each of the ``cuts``. Of a long table, of the runs kept.
        """
        size = self.points[:, [name in self.scale for name in self.inputs]].sum(axis=1)
        found = []
        for cut in np.log10(cuts):
            below = size <= cut + 1e-3  # points are rounded
            if below.any():
                part = replace(self, points=self.points[below], ratio=None)
                found += [part._outside(q)[1] for q in self.points[~below]]
        return np.array(found)

    def _outside(self, q: Array) -> tuple[float, float]:
        """The distance of the point ``q`` from the hull, and the part of it that does not lead to larger scale."""
        outwards = _from_hull(q - self.points)
        hull = float(np.linalg.norm(outwards))
        if hull <= SLACK:
            return 0.0, 0.0
        up = np.array([float(name in self.scale) for name in self.inputs])
        along = max(float(outwards @ up), 0.0) / math.sqrt(max(up.sum(), 1.0))
        aside = math.sqrt(max(hull**2 - along**2, 0.0))
        return hull, aside if aside > SLACK else 0.0

    def _ratio(self, at: Mapping[str, float]) -> float | None:
        if self.ratio is None:
            return None
        asked = math.log10(at["tokens"] / at["params"])
        beyond = max(self.ratio[0] - asked, asked - self.ratio[1])
        return beyond if beyond > SLACK else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The evidence as data."""
        return {"inputs": list(self.inputs), "points": self.points.tolist(), "widths": list(self.widths),
                "scale": list(self.scale), "top": self.top, "ratio": None if self.ratio is None else list(self.ratio)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Evidence:
        """The evidence that ``to_dict`` described."""
        points = np.array(data["points"], dtype=float).reshape(len(data["points"]), len(data["inputs"]))
        ratio = None if data["ratio"] is None else (data["ratio"][0], data["ratio"][1])
        return Evidence(tuple(data["inputs"]), points, tuple(data["widths"]), tuple(data["scale"]), data["top"], ratio)


NO_EVIDENCE = Evidence()
"""The evidence of a fit that kept none: saved before it was kept."""


def evidence(quantities: Mapping[str, Array]) -> Evidence:
    """What is kept of the runs with these ``quantities``, ``(run,)`` each."""
    inputs = tuple(quantities)
    logs = [bool(values.min() > 0) for values in quantities.values()]
    widths = tuple(0.0 if log else float(np.ptp(values)) for log, values in zip(logs, quantities.values(), strict=True))
    x = np.stack([np.log10(values) if log else values / width
                  for log, width, values in zip(logs, widths, quantities.values(), strict=True)], axis=1)
    scale = tuple(name for name in scale_inputs(quantities) if quantities[name].min() > 0)
    top = float(sum(x[:, inputs.index(name)] for name in scale).max()) if scale else 0.0  # type: ignore[union-attr]
    ratio = None
    if {"params", "tokens"} <= set(inputs) and all(logs):
        r = x[:, inputs.index("tokens")] - x[:, inputs.index("params")]
        ratio = float(r.min()), float(r.max())
    kept = x if len(x) <= KEPT else x[np.union1d(_outermost(x), _spread(x))]
    return Evidence(inputs, np.unique(np.round(kept, 4), axis=0), widths, scale, top, ratio)


def _outermost(x: Array) -> npt.NDArray[np.int64]:
    """The rows of ``x`` that lie outermost in one of many directions, at most ``KEPT``: those in most directions."""
    if x.shape[1] == 1:
        return np.array([x.argmin(), x.argmax()])
    centred = x - x.mean(axis=0)
    lengths, axes = np.linalg.eigh(centred.T @ centred)
    round_ = centred @ (axes / np.sqrt(np.maximum(lengths, 1e-9 * lengths.max())))  # a thin cloud has corners too
    count = DIRECTIONS if len(x) < LONG else DIRECTIONS // 4
    if x.shape[1] == 2:
        angle = np.arange(count) * (2.0 * np.pi / count)
        directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    else:
        directions = np.random.default_rng(0).standard_normal((count, x.shape[1]))
    far, best = np.zeros(count, dtype=np.int64), np.full(count, -np.inf)
    for first in range(0, len(x), BLOCK):
        reach = directions @ round_[first : first + BLOCK].T
        row = reach.argmax(axis=1)
        value = reach[np.arange(count), row]
        far = np.where(value > best, first + row, far)
        best = np.maximum(best, value)
    rows, often = np.unique(far, return_counts=True)
    return np.asarray(rows[np.argsort(-often, kind="stable")[:KEPT]])


def _spread(x: Array) -> npt.NDArray[np.int64]:
    """One row of ``x`` from each cell of the finest grid that has no more than ``KEPT`` cells with a run."""
    some = np.linspace(0, len(x) - 1, min(len(x), 4096)).astype(np.int64)  # of a long table an evenly spaced part
    from_low = x[some] - x[some].min(axis=0)
    cell = 0.05
    while True:
        number = np.zeros(len(some), dtype=np.int64)
        for column in np.floor(from_low / cell).astype(np.int64).T:
            number = number * (int(column.max()) + 1) + column
        rows = np.unique(number, return_index=True)[1]
        if len(rows) <= KEPT:
            return np.asarray(some[rows])
        cell *= 1.5


def _from_hull(away: Array) -> Array:
    """The shortest of the convex combinations of the rows of ``away``: from the hull's nearest point to the question.

    That is the non-negative w with least |away' w|**2 + (sum w - 1)**2, divided by its sum (Lawson & Hanson 1974,
    chapter 23): exact for any number of dimensions, and for points in one line or one plane.
    """
    from scipy.optimize import nnls

    w, _ = nnls(np.vstack([away.T, np.ones(len(away))]), np.append(np.zeros(away.shape[1]), 1.0))
    shortest: Array = w @ away / w.sum()
    return shortest

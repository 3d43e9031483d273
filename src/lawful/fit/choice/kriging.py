"""The forecast of a curve by several forms, each with its departure: ``Kriging``, and ``krige`` that makes one.

The weight of a form goes with the root of its evidence: the points of a curve hang together more than any of the
models has it, so that their likelihood is tempered (Miller and Dunson 2019); that of a size of departure hardly with
its evidence at all (``SIZE_POWER``). The forecast is the median of the mixture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from lawful.fit.choice.combination import Combination
from lawful.fit.choice.discrepancy import RATIOS, SIZE_POWER, Discrepancy
from lawful.fit.choice.kriged import Kriged, Mode
from lawful.fit.choice.points import Points
from lawful.laws.base import Law

if TYPE_CHECKING:
    from lawful.fit.result import Fit

Array = npt.NDArray[np.float64]

POWER = 0.5
"""The power of the evidence that a form's weight goes with. On the development half of the public curves
(docs/selecting.md) powers from 0.2 to 1 forecast alike."""

FEWEST_DRAWS = 600
"""Draws of the mixture, at least: its median and its tails are read from them."""


@dataclass(frozen=True)
class Member:
    """One form under one size of departure: its most likely ``law``, its ``evidence`` and ``weight``, and its draws.

    ``draws`` are the coefficients ``(draw, coefficient)``, ``noise`` the standard deviation of a run's logarithm
    ``(draw,)``.
    """

    law: Law
    ratio: float
    weight: float
    evidence: float
    draws: Array
    noise: Array

    def logs(self, quantities: Mapping[str, Any]) -> Array:
        """The log of the law under every draw, ``(draw, point)``; NaN where it has none."""
        law = self.law.with_coefficients([self.draws[:, j : j + 1] for j in range(self.draws.shape[1])])
        with np.errstate(all="ignore"):
            logs: Array = np.log(np.broadcast_to(law.at(quantities), (len(self.draws), len(quantities[law.inputs[0]]))))
        return np.where(np.isfinite(logs), logs, np.nan)


@dataclass(frozen=True)
class Kriging(Combination):
    """Forms over one quantity on the ``points`` of a curve, each with its departure carried on beyond them.

    The draws of a form are many according to its weight. Each is one curve, its departure beyond the points all to one
    side; runs scatter about it each on its own.
    """

    kind: ClassVar[str] = "kriging"

    points: Points
    members: tuple[Member, ...]
    seed: int = 0

    @property
    def weights(self) -> dict[str, float]:
        """The share of each form, over all sizes of departure."""
        shares: dict[str, float] = {}
        for member in self.members:
            shares[member.law.form] = shares.get(member.law.form, 0.0) + member.weight
        return dict(sorted(shares.items(), key=lambda pair: -pair[1]))

    def expected(self, quantities: Mapping[str, Any]) -> Array:
        """The median of the mixture, ``(point,)``."""
        median: Array = np.nanmedian(self.outputs(quantities), axis=0)
        return median

    def outputs(self, quantities: Mapping[str, Any]) -> Array:
        """Draws of the curve itself: law and departure."""
        return self._drawn(quantities, 0.0)

    def new_runs(self, quantities: Mapping[str, Any]) -> Array:
        """Draws of one more run: law, departure and noise."""
        return self._drawn(quantities, 1.0)

    def _drawn(self, quantities: Mapping[str, Any], noise: float) -> Array:
        name = self.members[0].law.inputs[0]
        x = np.atleast_1d(np.asarray(quantities[name], dtype=float))
        rng, scatter = np.random.default_rng(self.seed + 1), np.random.default_rng(self.seed + 2)
        found = []
        for member, part in zip(self.members, self._departures, strict=True):
            weights, left = part.carried(np.log(x))
            residuals = self.points.y - member.logs({name: np.exp(self.points.x)})
            drawn = member.noise * rng.standard_normal(len(residuals))
            departure = residuals @ weights.T + drawn[:, None] * np.sqrt(left)
            found.append(np.exp(member.logs({name: x}) + departure
                                + noise * member.noise[:, None] * scatter.standard_normal(departure.shape)))
        return np.concatenate(found)

    @cached_property
    def _departures(self) -> tuple[Discrepancy, ...]:
        known = {member.ratio: Discrepancy(self.points, member.ratio) for member in self.members}
        return tuple(known[member.ratio] for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """The points, and every member."""
        return {"kind": self.kind, "points": self.points.to_dict(), "seed": self.seed, "members": [
            {**member.law.to_dict(), "ratio": member.ratio, "weight": member.weight,
             "evidence": member.evidence, "draws": member.draws.tolist(),
             "noise": member.noise.tolist()} for member in self.members]}

    @classmethod
    def of(cls, data: Mapping[str, Any], fit: Fit) -> Kriging:
        """The kriging that was saved; ``fit`` adds nothing to it."""
        x, y, runs = (np.array(data["points"][name], dtype=float) for name in ("x", "y", "runs"))
        return cls(Points(x, y, runs, 0.0), tuple(
            Member(Law.from_dict(each), float(each["ratio"]), float(each["weight"]), float(each["evidence"]),
                   np.array(each["draws"], dtype=float).reshape(len(each["noise"]), -1),
                   np.array(each["noise"], dtype=float)) for each in data["members"]), int(data["seed"]))


@dataclass(frozen=True)
class Judged:
    """Forms on a curve, most evident first: the log ``evidence`` of each, and the ``forecast`` of all together."""

    laws: tuple[Law, ...]
    evidence: tuple[float, ...]
    forecast: Kriging


def krige(points: Points, laws: Sequence[Law], count: int, seed: int) -> Judged:
    """The forms ``laws`` fitted to ``points``, with ``count`` draws (at least ``FEWEST_DRAWS``) among them.

    A form of which no mode has a finite evidence is left out.
    """
    rng = np.random.default_rng(seed)
    fitted: list[tuple[float, Kriged, list[Mode]]] = []
    for law in laws:
        form = Kriged(law, points)
        modes = [mode for mode in form.modes(RATIOS) if np.isfinite(mode.evidence)]
        if modes:
            evidence = float(np.logaddexp.reduce([mode.evidence for mode in modes]) - np.log(len(RATIOS)))
            fitted.append((evidence, form, modes))
    fitted.sort(key=lambda each: -each[0])
    shares = np.exp([POWER * (evidence - fitted[0][0]) for evidence, _, _ in fitted])
    members = []
    for share, (_, form, modes) in zip(shares / shares.sum(), fitted, strict=True):
        sizes = np.exp([SIZE_POWER * (mode.evidence - modes[0].evidence) for mode in modes])
        for size, mode in zip(sizes / sizes.sum(), modes, strict=True):
            weight = float(share * size)
            if drawn := round(weight * max(count, FEWEST_DRAWS)):
                draws, noise = form.draws(mode, drawn, rng)
                members.append(Member(form.law(mode), mode.discrepancy.ratio, weight, mode.evidence, draws, noise))
    return Judged(tuple(form.problem.law for _, form, _ in fitted), tuple(e for e, _, _ in fitted),
                  Kriging(points, tuple(members), seed))

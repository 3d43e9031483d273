"""Matched pairs: runs of two arms at the same sizes, and what their outcomes differ by.

A cell is a set of quantities at which runs were made; its pair is the mean log outcome of the arm's runs
less that of the reference's. The mean over the cells is the effect at the sizes tried: it assumes no law.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from lawful.errors import RunsError
from lawful.fit.comparing.contrast import POWER
from lawful.quantities import format_number, quantity
from lawful.results import Interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

SAME_SIZE = 0.01
"""Sizes that differ by less than this, relatively, are one: what rounding and vocabularies do to a count."""


@dataclass(frozen=True)
class Pair:
    """One cell: where, how many runs of the reference and of the arm, and the arm's outcome less the reference's."""

    at: Mapping[str, float]
    runs: tuple[int, int]
    difference: float


@dataclass(frozen=True)
class Paired:
    """The pairs of one arm and the reference, and the mean of their differences.

    ``effect`` is the mean with a Student interval. ``noise`` is the standard deviation of one run about its cell,
    read off repeats within cells (``noise_from`` is ``seeds``) or, where these are fewer, off the scatter of the pairs
    (``pairs``: it then holds what the effect itself varies by from size to size). ``seeds`` is how many runs of
    each arm at each of these sizes would decide an effect as large as this one; None where it is zero or unknown.
    """

    pairs: tuple[Pair, ...]
    unmatched: tuple[int, int]
    effect: Interval
    noise: float
    noise_from: str
    seeds: int | None

    @property
    def distinguishable(self) -> bool | None:
        """Whether the effect's interval excludes none; None where one pair alone says nothing of noise."""
        return None if math.isnan(self.effect.low) else bool(self.effect.low > 0 or self.effect.high < 0)


def seeds_needed(effect: float, noise: float, pairs: int, level: float, power: float = POWER) -> int | None:
    """Runs of each arm at each of ``pairs`` sizes that find ``effect`` with probability ``power``.

        s = 2 noise**2 (z((1 + level) / 2) + z(power))**2 / (pairs effect**2), rounded up

    since the mean of ``pairs`` differences of means over s runs has the variance 2 noise**2 / (pairs s); z is the
    normal quantile, the test two-sided at ``level``. With fewer than some ten runs in all the noise itself is
    uncertain and one more seed is wise. None for no effect, or where the noise is not known.
    """
    if effect == 0 or not math.isfinite(noise):
        return None
    z = NormalDist().inv_cdf(0.5 + 0.5 * level) + NormalDist().inv_cdf(power)
    return max(1, math.ceil(2.0 * (noise * z / effect) ** 2 / pairs))


def cells(runs: RunTable, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """The cell of each run, ``(run,)``: runs whose ``names`` agree to within ``SAME_SIZE`` share one."""
    parts = [_steps(runs[name]) for name in names]
    _, cell = np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)
    return cell.reshape(-1).astype(np.int64)


def _steps(values: Array) -> npt.NDArray[np.int64]:
    """Equal numbers for values with no gap of more than ``SAME_SIZE`` between them."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    gaps = np.diff(ordered) > SAME_SIZE * np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    step = np.empty(len(values), dtype=np.int64)
    step[order] = np.concatenate([[0], np.cumsum(gaps)])
    return step


def paired(runs: RunTable, outcome: Array, first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_],
           names: Sequence[str], level: float, labels: tuple[str, str]) -> Paired:
    """The pairs of the runs ``second`` and ``first`` (masks) at equal ``names``, and the effect they show.

    ``outcome`` is what is compared, ``(run,)``: log loss. Raises ``RunsError`` where no size is common to both.
    """
    cell = cells(runs, names)
    common = np.intersect1d(cell[first], cell[second])
    if not len(common):
        sizes = "; ".join(f"{label} at {_sizes(runs, mask, names)}"
                          for label, mask in zip(labels, (first, second), strict=True))
        raise RunsError(f"{runs.source}: {labels[0]} and {labels[1]} have no size in common: {sizes}; pair on fewer "
                        "quantities with --pair, or fit each arm and use lawful compare")
    inside = [[outcome[mask & (cell == c)] for c in common] for mask in (first, second)]
    differences = np.array([b.mean() - a.mean() for a, b in zip(*inside, strict=True)])
    pairs = tuple(
        Pair({n: float(runs[n][cell == c].mean()) for n in names}, (len(a), len(b)), float(d))
        for c, a, b, d in zip(common, *inside, differences, strict=True))
    noise, source, error, freedom = _noise(differences, inside)
    effect = float(differences.mean())
    half = _student(freedom, level) * error
    unmatched = tuple(int(np.sum(mask & ~np.isin(cell, common))) for mask in (first, second))
    return Paired(tuple(sorted(pairs, key=lambda p: tuple(p.at.values()))), (unmatched[0], unmatched[1]),
                  Interval(effect, error, effect - half, effect + half), noise, source,
                  seeds_needed(effect, noise, len(pairs), level))


def _noise(differences: Array, inside: list[list[Array]]) -> tuple[float, str, float, int]:
    """The noise of one run, where it was read, the standard error of the mean difference, its degrees of freedom."""
    k = len(differences)
    repeats = sum(len(x) - 1 for arm in inside for x in arm)
    if repeats >= max(1, k - 1):
        noise = math.sqrt(sum(float(((x - x.mean()) ** 2).sum()) for arm in inside for x in arm) / repeats)
        return noise, "seeds", noise * math.sqrt(sum(1.0 / len(x) for arm in inside for x in arm)) / k, repeats
    if k < 2:
        return math.nan, "pairs", math.nan, 0
    scatter = float(differences.std(ddof=1))
    per_pair = sum(1.0 / len(x) for arm in inside for x in arm) / k  # 2 where every cell holds one run of each
    return scatter / math.sqrt(per_pair), "pairs", scatter / math.sqrt(k), k - 1


def _student(freedom: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + 0.5 * level)) if freedom else math.nan


def _sizes(runs: RunTable, mask: npt.NDArray[np.bool_], names: Sequence[str]) -> str:
    spans = ((name, runs[name][mask].min(), runs[name][mask].max()) for name in names)
    return ", ".join(f"{name} {format_number(low, 3, quantity(name, names).unit)} to "
                     f"{format_number(high, 3, quantity(name, names).unit)}" for name, low, high in spans)

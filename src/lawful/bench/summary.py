"""What the scores of a benchmark come to: by method, in pairs, by horizon, and beside what others published.

Nothing is dropped. A method that failed on a series, or took too long, is charged the worst score that any other
method has there; one that needs what is not installed is listed and not compared. Scores are compared as losses,
lower is better: of R2 that is 1 - R2.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lawful.bench.metrics import BINS, LEVELS, Score

TIE = 1e-6
"""Losses that differ by less than this share are a tie: two ways to one optimum."""

NEAR = 1.1
"""How many times a published score still counts as equal to it."""

Losses = Mapping[str, Mapping[str, float]]
"""Losses by series and method, failures charged."""


@dataclass(frozen=True)
class Line:
    """One method on a set of series: its ``median`` and ``mean`` loss, and the share of series it is ``best`` on."""

    method: str
    series: int
    median: float
    mean: float
    best: float
    failed: int
    timeouts: int
    not_run: int
    seconds: float


@dataclass(frozen=True)
class Pair:
    """``method`` beside ``rival``: on how many series it is better, on how many they tie, and the mean ratio.

    ``ratio`` is the geometric mean over series of the method's loss by the rival's: below 1, the method is ahead.
    """

    method: str
    rival: str
    series: int
    better: int
    ties: int
    ratio: float
    median: float
    rival_median: float
    mean: float
    rival_mean: float

    @property
    def ahead(self) -> bool:
        """Whether the method is ahead in every way: median, mean, and on more than half of the series that differ."""
        more = self.better > 0.5 * (self.series - self.ties)
        return self.median < self.rival_median and self.mean < self.rival_mean and more


@dataclass(frozen=True)
class Held:
    """What the intervals of a method held at one horizon.

    ``points`` of ``series`` series; ``coverage`` at each level over all points, ``by_series`` the mean over series of
    each one's coverage; ``width`` that of the 90 % interval, ``crps`` and ``log_score``, all means over points.
    """

    method: str
    horizon: str
    series: int
    points: int
    coverage: tuple[float, ...]
    by_series: tuple[float, ...]
    width: float
    crps: float
    log_score: float


def loss(score: Score) -> float | None:
    """The score as a loss, None where there is none."""
    if not score.answered or score.score is None:
        return None
    return 1.0 - score.score if score.metric == "r2" else score.score


def losses(scores: Iterable[Score]) -> dict[str, dict[str, float]]:
    """Losses by series (named with its task) and method, failures charged; series that nobody answered are left out."""
    by_series: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        if score.status != "not_run":
            by_series[f"{score.task}: {score.series}"].append(score)
    found = {}
    for name, asked in by_series.items():
        known = {score.method: value for score in asked if (value := loss(score)) is not None}
        if known:
            worst = max(known.values())
            found[name] = {score.method: known.get(score.method, worst) for score in asked}
    return found


def shares(found: Losses, methods: Sequence[str]) -> dict[str, float]:
    """The share of series on which each of ``methods`` has the least loss of them, ties divided; NaN of one alone."""
    best = dict.fromkeys(methods, 0.0)
    compared = [{m: row[m] for m in methods if m in row} for row in found.values()]
    compared = [row for row in compared if len(row) > 1]
    if not compared:
        return dict.fromkeys(methods, math.nan)
    for row in compared:
        least = min(row.values())
        first = [m for m, value in row.items() if value <= least + TIE * abs(least)]
        for method in first:
            best[method] += 1.0 / (len(first) * len(compared))
    return best


def lines(scores: Sequence[Score]) -> tuple[Line, ...]:
    """A line for each method, in the order of their medians; those that could not be run come last."""
    found = losses(scores)
    methods = list(dict.fromkeys(score.method for score in scores))
    best = shares(found, methods)
    made = []
    for method in methods:
        own = [score for score in scores if score.method == method]
        values = [row[method] for row in found.values() if method in row]
        ended = Counter(score.status for score in own)
        made.append(Line(method, len(own), *_middle(values), best[method], ended["failed"], ended["timeout"],
                         ended["not_run"], statistics.median(score.seconds for score in own)))
    return tuple(sorted(made, key=lambda line: (math.isnan(line.median), line.median)))


def pairs(scores: Sequence[Score], method: str) -> tuple[Pair, ...]:
    """``method`` beside each other method, over the series that both were asked about."""
    found = losses(scores)
    made = []
    for rival in dict.fromkeys(score.method for score in scores):
        both = [(row[method], row[rival]) for row in found.values() if method in row and rival in row]
        if rival == method or not both:
            continue
        same = [abs(a - b) <= TIE * max(abs(a), abs(b)) for a, b in both]
        ratios = [math.log(a / b) for a, b in both if a > 0 and b > 0]
        (median, mean), (other, rival_mean) = (_middle([pair[i] for pair in both]) for i in (0, 1))
        made.append(Pair(method, rival, len(both),
                         sum(a < b and not tie for (a, b), tie in zip(both, same, strict=True)), sum(same),
                         math.exp(statistics.fmean(ratios)) if ratios else math.nan, median, other, mean, rival_mean))
    return tuple(made)


def held(scores: Sequence[Score]) -> tuple[Held, ...]:
    """What the intervals of each method that has any held, by horizon and over all of them."""
    made = []
    for method in dict.fromkeys(score.method for score in scores):
        own = [score for score in scores if score.method == method and score.answered]
        for horizon in (*BINS, "all"):
            parts = [[part for name, part in score.bins.items() if horizon in (name, "all") and "hits" in part]
                     for score in own]
            found = [part for part in parts if part]
            if found:
                made.append(_held(method, horizon, found))
    return tuple(made)


def _held(method: str, horizon: str, parts: Sequence[Sequence[Mapping[str, object]]]) -> Held:
    """``parts`` are the bins of each series."""
    counts = [_sum(bins, "n") for bins in parts]
    hits = [[_sum(bins, "hits", level) for level in range(len(LEVELS))] for bins in parts]
    points = sum(counts)
    width, crps, log_score = (math.fsum(_sum(bins, name) for bins in parts) / points
                              for name in ("width", "crps", "log_score"))
    return Held(method, horizon, len(parts), int(points),
                tuple(sum(row[i] for row in hits) / points for i in range(len(LEVELS))),
                tuple(statistics.fmean(row[i] / n for row, n in zip(hits, counts, strict=True))
                      for i in range(len(LEVELS))), width, crps, log_score)


def _sum(bins: Sequence[Mapping[str, object]], name: str, at: int | None = None) -> float:
    values = [part[name] for part in bins]
    numbers = [value[at] if at is not None and isinstance(value, list) else value for value in values]
    return math.fsum(n if isinstance(n, (int, float)) else math.nan for n in numbers)


def beside(scores: Sequence[Score], reference: Mapping[str, Mapping[str, float]], method: str) -> tuple[int, int, int]:
    """On how many series ``method`` is better than its published score, within 10 % of it, and worse."""
    better = near = worse = 0
    for score in scores:
        known = reference.get(score.series, {}).get(method)
        if score.method != method or known is None:
            continue
        value = loss(score)
        if value is None or value > NEAR * known:
            worse += 1
        elif value < known / NEAR:
            better += 1
        else:
            near += 1
    return better, near, worse


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Median and mean, NaN of nothing."""
    return (statistics.median(values), statistics.fmean(values)) if values else (math.nan, math.nan)

"""Runs that could have been better: one-sided residuals, optima at the edge of their grid, two kinds in one table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lawful.fit.result import Fit
from lawful.fit.sweeps.cells import cells_of
from lawful.runs import RunTable
from lawful.validate.findings import Finding, Severity
from lawful.validate.shapes import Curved, span

Array = npt.NDArray[np.float64]

TAIL = 0.1
"""Quantile, from either end, by which lopsidedness is told."""

FEW, FEW_RUNS = 0.05, 3
"""Share, or number, of the runs that may have gone wrong for reasons of their own."""

WILD = 5.0
"""Noises beyond which a few runs are left out: they went wrong for reasons of their own."""

CERTAIN = 12.0
"""Gain in twice the log likelihood at which shortfalls are certain: of 240 clean tables the largest was 10.1."""

LEAST_NOISE = -2.0
"""Log of the least share of the scatter that is noise: an edge without noise could be laid through chosen runs."""

APART, IN_BETWEEN, SMALLER = 5.0, 0.1, 0.12
"""Two groups lie this many scatters apart, with at most this share of the runs in the middle third between them, and
each holds this share or more. Gaussian noise cut in two lies 2.7 apart, with a law made anew beside it up to 4.3."""

ROUNDS = 10
"""Times that the law is made again beside the two heaps: one law through both smears them."""

ALIKE = 2.5
"""Ratio of the scatters of two kinds of run; a long tail cut off a heap scatters more."""

TUNED = ("learning_rate", "batch_tokens", "weight_decay")
"""What is swept in grids to tune a run."""

EDGE_SHARE, EDGE_CHANCE = 0.5, 0.01
"""Share of the settings whose best value is the last of its grid, and the chance of so many if it did not matter."""


def under_tuned(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Residuals with a long tail above and none below: runs fall short of the law by as much as they were mistuned."""
    r = fit.residuals
    if len(r) < 20 or not fit.relative or fit.law.output.name not in ("loss", "task_loss", "bits_per_byte", "error"):
        return
    kept = np.abs(r - np.median(r)) <= WILD * fit.noise
    if (~kept).sum() > max(FEW_RUNS, FEW * len(r)):
        kept = np.full(len(r), True)
    slopes = Curved(fit, {name: runs[name] for name in fit.law.inputs}).slopes()
    basis = span(np.column_stack([slopes, np.ones(len(r))]))[kept]
    ratio, cost = frontier_test(r[kept], basis)
    if ratio < CERTAIN or ratio - frontier_test(-r[kept], basis)[0] < CERTAIN:  # tails on both sides are noise
        return
    low, middle, high = np.quantile(r, (TAIL, 0.5, 1 - TAIL))
    if high - middle <= middle - low:
        return
    swept = next((name for name in TUNED if name in runs and len(np.unique(runs[name])) > 2), None)
    yield Finding(
        "under_tuned", Severity.CAUTION, "Many runs fall short of what their scale allows",
        f"a tenth of the runs lie {100 * (high - middle):.2g} % or more above the middle, a tenth "
        f"{100 * (middle - low):.2g} % or more below it: noise is even, mistuning is one-sided; runs lose "
        f"{100 * cost:.2g} % on average",
        (f"find the best {swept} of each setting with lawful optima, or " if swept else "tune the runs, or ")
        + "fit the lower edge of the runs with --loss frontier: what a tuned run would reach")


def frontier_test(residuals: Array, basis: Array) -> tuple[float, float]:
    """Twice the log likelihood that one-sided shortfalls gain on even noise alone, and their mean, in residuals.

        residual = law's own change + noise + shortfall,    noise Gaussian, shortfall exponential

    The law's change lies in the span of ``basis`` ``(run, direction)``. The composed error of stochastic frontiers
    (Aigner, Lovell and Schmidt 1977). Without shortfalls the gain is 0 in half of tables and chi-squared with one
    degree of freedom in the others, somewhat more where runs are few.
    """
    from scipy.optimize import minimize
    from scipy.special import log_ndtr

    coefficients = np.linalg.lstsq(basis, residuals, rcond=1e-9)[0]
    even = residuals - basis @ coefficients
    n, sigma = len(residuals), float(even.std())
    if sigma <= 0 or np.mean(even**3) <= 0:
        return 0.0, 0.0
    unit = basis / np.maximum(np.abs(basis).max(axis=0), 1e-12)
    start = np.linalg.lstsq(unit, residuals / sigma, rcond=1e-9)[0]
    alone = 0.5 * n * (1.0 + np.log(2 * np.pi))  # in units of sigma

    def badness(v: Array) -> float:
        s, t = np.exp(np.clip(v[-2:], LEAST_NOISE, 4.0))
        x = residuals / sigma - unit @ v[:-2]
        return float(np.sum(np.log(t) - s**2 / (2 * t**2) + x / t - log_ndtr(x / s - s / t)))

    found = []
    for share in (0.6, 0.9):  # of the scatter that is shortfall: its standard deviation is its mean
        shift = np.linalg.lstsq(unit, np.full(n, share), rcond=1e-9)[0]
        found.append(minimize(badness, [*(start - shift), 0.5 * np.log(1 - share**2), np.log(share)], method="BFGS"))
    best = min(found, key=lambda m: float(m.fun))
    return 2.0 * (alone - float(best.fun)), float(sigma * np.exp(best.x[-1]))


def two_groups(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """Residuals that fall into two heaps with little between them: two kinds of run, which no column may tell."""
    if len(fit.residuals) < 16 or fit.noise < 1e-6:
        return
    slopes = Curved(fit, {name: runs[name] for name in fit.law.inputs}).slopes()
    r = fit.residuals
    for _ in range(ROUNDS):
        upper = _upper_heap(r)
        beside = np.column_stack([slopes, np.ones(len(r)), upper])
        again = fit.residuals - beside[:, :-1] @ np.linalg.lstsq(beside, fit.residuals, rcond=1e-9)[0][:-1]
        r, settled = again, np.array_equal(_upper_heap(again), upper)
        if settled:
            break
    upper = _upper_heap(r)
    heaps = r[~upper], r[upper]
    centres, widths = [float(h.mean()) for h in heaps], [float(h.std(ddof=1)) for h in heaps]
    apart = centres[1] - centres[0]
    freedom = max(len(r) - slopes.shape[1] - 2, 1)
    scatter = float(np.sqrt(sum((len(h) - 1) * w**2 for h, w in zip(heaps, widths, strict=True)) / freedom))
    between = float(np.mean((r > centres[0] + apart / 3) & (r < centres[1] - apart / 3)))
    if apart < APART * scatter or between > IN_BETWEEN or max(widths) > ALIKE * min(widths):
        return
    alone = fit.residuals - beside[:, :-1] @ np.linalg.lstsq(beside[:, :-1], fit.residuals, rcond=1e-9)[0]
    gain = len(r) * np.log(float(np.sum(alone**2)) / (freedom * scatter**2)) + 2 * sum(
        len(h) * np.log(len(h) / len(r)) for h in heaps)
    if frontier_test(fit.residuals, span(beside[:, :-1]))[0] > gain:
        return  # one heap with a long tail
    rows = tuple(runs.rows[upper if 2 * upper.sum() <= len(r) else ~upper].tolist())
    yield Finding(
        "two_groups", Severity.CAUTION, "The runs are of two kinds",
        f"{len(heaps[0])} and {len(heaps[1])} runs lie {100 * apart:.2g} % apart, {apart / scatter:.1f} times the "
        f"scatter within either, and {100 * between:.0f} % of the runs lie between",
        "find what tells them apart (corpus, tokenizer, schedule, code), write it in a column, and fit each kind alone",
        rows)


def _upper_heap(r: Array) -> npt.NDArray[np.bool_]:
    """The upper of the two heaps into which residuals fall with the least scatter within, as a mask."""
    s, n = np.sort(r), len(r)
    least = max(3, int(np.ceil(SMALLER * n)))
    cut = np.arange(least, n - least + 1)
    sums = np.cumsum(s)
    between = sums[cut - 1] ** 2 / cut + (sums[-1] - sums[cut - 1]) ** 2 / (n - cut)
    return np.asarray(r >= s[int(cut[np.argmax(between)])])


def grid_edge(runs: RunTable) -> Iterator[Finding]:
    """Settings run over a grid of a hyper-parameter, whose best value is mostly the last of the grid."""
    if "loss" not in runs:
        return
    for name in TUNED:
        keys = [key for key in ("params", "tokens") if key in runs]
        if name not in runs or not keys or len(np.unique(runs[name])) < 3:
            continue
        grids = []
        for _, rows in cells_of(runs, keys):
            values = np.unique(runs[name][rows])
            if len(values) >= 3:
                best = runs[name][rows][np.argmin(runs["loss"][rows])]
                grids.append((len(values), best == values[0], best == values[-1]))
        if len(grids) < 3:
            continue
        chance = float(np.mean([1 / size for size, _, _ in grids]))
        for side, at in (("smallest", [low for _, low, _ in grids]), ("largest", [high for _, _, high in grids])):
            if np.mean(at) >= EDGE_SHARE and _at_least(int(np.sum(at)), len(at), chance) < EDGE_CHANCE:
                yield Finding(
                    "grid_edge", Severity.CAUTION, f"The best {name} lies at the edge of its grid",
                    f"in {np.sum(at)} of {len(at)} settings that were run at three or more, the {side} did best",
                    "extend the grid: every loss here is above what a tuned run would reach (lawful optima says by "
                    "how much); until then fit the best of each setting, with --loss frontier")


def _at_least(k: int, n: int, chance: float) -> float:
    """The chance of ``k`` or more of ``n``."""
    from scipy.stats import binom

    return float(binom.sf(k - 1, n, chance))

"""Whether the residuals of a fit have a shape, and which: a break, a bow, a plateau, a floor.

Each shape is one more term of the law, in the unit of its residuals:

    a break     log L = log law + g max(0, x - x0), or with the law held above x0: g max(0, x0 - x)
    a bow       log L = log law + g (x - middle)**2
    a plateau   L = min(law, cap),      a floor   L = max(law, floor)

x is the log of params, tokens, compute or whatever else the law takes. ``shape_test`` asks first whether there is any,
by the largest of the score statistics of all terms and places; the places are not identified without the term (Davies
1977), so that its distribution is simulated, exactly for Gaussian noise: the statistics are projections of one vector.
``best_shape`` then fits law and term together, for every kind, and takes the one with the least BIC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lawful.errors import LawfulError
from lawful.fit.engine import fit as refit
from lawful.fit.result import Fit, noise_about
from lawful.laws.base import Law
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

CLIP = 3.0
"""Noises to which residuals are clipped: a few bad runs are no shape."""

PLACES = 12
"""Places along a variable at which a break is looked for, at quantiles of its runs."""

FEWEST, LEAST, SIDE = 4, 0.08, 2
"""Runs, their share of all, and distinct values of the variable, that must lie to either side of a break."""

GAP = 0.3
"""Mean steps between runs along the variable, below which two values are one: its rounding breaks no budget."""

SIMULATED = 4000
"""Draws of the largest score under the law alone."""

ENDS = (0.1, 0.2, 0.3, 0.4)
"""Shares of the runs beyond which a plateau or a floor is tried as a start."""

HUBER = 1.345
"""Noises beyond which a residual counts linearly when a shape is fitted."""


LIKELY = 6
"""Kinds of term and variables that are fitted, those of the largest scores."""

MOST_STEPS, ENOUGH = 50, 1e-5
"""Evaluations in which a shape must be fitted, and the relative change that ends it."""

BOLDER = 2.5
"""How much larger a term may be than it looks once the law has bent to hide it."""


@dataclass(frozen=True)
class Axes:
    """The variables along which shapes are looked for, as logs ``(run,)`` by name, and what the law was fitted to."""

    along: Mapping[str, Array]
    inputs: Mapping[str, Array]
    observed: Array

    @staticmethod
    def of(fit: Fit, runs: RunTable) -> Axes:
        """The law's inputs, and compute where it takes params and tokens."""
        inputs = {name: runs[name] for name in fit.law.inputs}
        values = {name: v for name, v in inputs.items() if v.min() > 0 and len(np.unique(v)) >= 2 * SIDE}
        if {"params", "tokens"} <= set(inputs) and "compute" in runs:
            values["compute"] = runs["compute"]
        observed = runs[fit.law.output.name]
        return Axes({name: np.log(v) for name, v in values.items()}, inputs,
                    np.log(observed) if fit.relative else observed)


@dataclass(frozen=True)
class Term:
    """One term beside the law: its ``kind``, the variable it lies ``along`` (none for a plateau or a floor), the
    ``place`` in that variable's log (or in the outcome), and its ``size``."""

    kind: str
    along: str | None
    place: float
    size: float

    def added(self, x: Array | None, base: Array) -> Array:
        """The law's log outcomes ``base`` with the term, where the variable's log is ``x``."""
        if self.kind == "plateau":
            return np.minimum(base, self.place)
        if self.kind == "floor":
            return np.maximum(base, self.place)
        assert x is not None
        return base + self.size * _direction(self.kind, x, self.place)


@dataclass(frozen=True)
class Shape:
    """The law and the term that fit best together; ``gain`` is by how much their BIC lies below the law's own."""

    term: Term
    law: Law
    noise: float
    gain: float
    relative: bool

    def outcome(self, quantities: Mapping[str, Array]) -> Array:
        """The log outcomes of law and term at ``quantities``."""
        with np.errstate(all="ignore"):  # a law through a column that is no loss
            base = np.asarray(self.law.at({name: quantities[name] for name in self.law.inputs}), float)
            base = np.log(base) if self.relative else base
        if self.term.along is None:
            return self.term.added(None, base)
        x = quantities.get(self.term.along)
        if x is None:
            x = 6.0 * quantities["params"] * quantities["tokens"]
        return self.term.added(np.log(x), base)


def _direction(kind: str, x: Array, place: float) -> Array:
    """What a term of size 1 adds."""
    if kind == "bow":
        return np.asarray((x - place) ** 2)
    return np.maximum(0.0, x - place if kind == "break" else place - x)


def _levels(x: Array) -> Array:
    """The distinct values of a variable, each group of values that differ by hardly anything as its middle."""
    ordered = np.sort(x)
    apart = np.flatnonzero(np.diff(ordered) > GAP * np.ptp(x) / max(len(x) - 1, 1)) + 1
    return np.array([group.mean() for group in np.split(ordered, apart)])


def _candidates(axes: Axes) -> Iterator[tuple[str, str, float]]:
    """Every kind of term along every variable, with the places to try."""
    for name, x in axes.along.items():
        yield "bow", name, float(x.max() + x.min()) / 2
        distinct = _levels(x)
        between = (distinct[SIDE - 1 : -SIDE] + distinct[SIDE : len(distinct) - SIDE + 1]) / 2
        fewest = max(FEWEST, round(LEAST * len(x)))
        inner = [place for place in between if fewest <= (x < place).sum() <= len(x) - fewest]
        if not inner:
            continue
        for place in np.unique(np.quantile(inner, np.linspace(0, 1, PLACES))):
            yield "break", name, float(place)
            yield "break_below", name, float(place)


@dataclass(frozen=True)
class Curved:
    """A law as a function of unbounded variables: logs of its positive coefficients, the others as they are."""

    fit: Fit
    inputs: Mapping[str, Array]

    @cached_property
    def free(self) -> list[int]:
        """Which coefficients were fitted."""
        return [i for i, name in enumerate(self.fit.law.names()) if name not in self.fit.fixed]

    @cached_property
    def _all(self) -> Array:
        return np.array(list(self.fit.law.coefficients.values()), float)

    @cached_property
    def start(self) -> Array:
        """The fitted coefficients, as variables."""
        c = self._all[self.free]
        return np.where(c > 0, np.log(np.where(c > 0, c, 1.0)), c)

    @cached_property
    def _ends(self) -> Array:
        """What each coefficient must stay between, ``(2, coefficient)``."""
        limits = [self.fit.law.limits()[name] for name in self.fit.law.names()]
        return np.nextafter([[limit.low for limit in limits], [limit.high for limit in limits]], [[np.inf], [-np.inf]])

    def law(self, u: Array) -> Law:
        """The law at variables ``u``, drawn in to its limits."""
        c = self._all.copy()
        c[self.free] = np.where(c[self.free] > 0, np.exp(np.clip(u, -300, 300)), u)
        c[self.free] = np.clip(c, *self._ends)[self.free]
        return self.fit.law.with_coefficients(list(c))

    def __call__(self, u: Array) -> Array:
        """The outcomes, logs of them where the fit is of logs, ``(run,)``."""
        with np.errstate(all="ignore"):
            value = np.asarray(self.law(u).at(self.inputs), float) + 0.0 * next(iter(self.inputs.values()))
            return np.nan_to_num(np.log(value) if self.fit.relative else value, nan=1e3, posinf=1e3, neginf=-1e3)

    def again(self, observed: Array, kept: npt.NDArray[np.bool_] | None = None) -> Array | None:
        """The variables of the law fitted to other outcomes, of the runs ``kept``; None where that cannot be done."""
        kept = np.full(len(observed), True) if kept is None else kept
        if kept.sum() < 2 * len(self.start):
            return None
        law, fixed = self.fit.law, {name: self.fit.law.coefficients[name] for name in self.fit.fixed}
        outcome = np.exp(np.clip(observed, -600, 600)) if self.fit.relative else observed
        table = RunTable.of(**{name: v[kept] for name, v in self.inputs.items()}, **{law.output.name: outcome[kept]})
        try:
            found = refit(law, table, bootstrap=0, fixed=fixed)
        except LawfulError:
            return None
        c = np.array(list(found.law.coefficients.values()), float)[self.free]
        return np.where(self._all[self.free] > 0, np.log(np.maximum(c, 1e-300)), c)

    def slopes(self) -> Array:
        """The derivative of every outcome by every variable at the fit, ``(run, variable)``."""
        step = 1e-5
        columns = [(self(self.start + step * e) - self(self.start - step * e)) / (2 * step)
                   for e in np.eye(len(self.start))]
        return np.stack(columns, axis=1)


def shape_test(fit: Fit, axes: Axes) -> tuple[float, list[tuple[str, str, float]]]:
    """The p-value of the largest score of all terms, and the terms by their scores, the largest first.

    1 and no terms where the runs leave nothing to test with.
    """
    n = len(fit.residuals)
    slopes = Curved(fit, axes.inputs).slopes()
    basis = span(slopes)
    tried = list(_candidates(axes))
    if not tried or n - basis.shape[1] < 6:
        return 1.0, []
    level = axes.observed - fit.residuals
    ends = [(level - np.quantile(level, 1 - s), np.quantile(level, s) - level) for s in ENDS]
    terms = np.stack([*(_direction(kind, axes.along[name], place) for kind, name, place in tried),
                      *(np.maximum(0.0, side) for end in ends for side in end)], axis=1)
    tried += [(kind, "", s) for s in ENDS for kind in ("plateau", "floor")]
    terms = terms - terms.mean(axis=0)
    whole = np.linalg.norm(terms, axis=0)
    terms = terms - basis @ (basis.T @ terms)
    left = np.linalg.norm(terms, axis=0)
    kept = left > 0.02 * whole  # what the law's own coefficients cannot imitate
    if not kept.any():
        return 1.0, []
    tried, terms = [t for t, k in zip(tried, kept, strict=True) if k], terms[:, kept] / left[kept]
    clipped = np.clip(fit.residuals, -CLIP * fit.noise, CLIP * fit.noise)
    r = clipped - basis @ (basis.T @ clipped)
    seen = np.abs(terms.T @ r) / np.linalg.norm(r)
    within = span(terms)
    rng = np.random.default_rng(0)
    inside = rng.standard_normal((within.shape[1], SIMULATED))
    outside = rng.chisquare(max(n - basis.shape[1] - within.shape[1], 0) + 1e-9, SIMULATED)
    drawn = np.abs((terms.T @ within) @ inside).max(axis=0) / np.sqrt((inside**2).sum(axis=0) + outside)
    p = (1.0 + float((drawn >= seen.max()).sum())) / (1.0 + SIMULATED)
    return p, [tried[i] for i in np.argsort(-seen)]


def span(columns: Array) -> Array:
    """An orthonormal basis of the columns' span, ``(run, rank)``, each column scaled to one first."""
    scaled = columns / (np.linalg.norm(columns, axis=0) + 1e-300)
    u, s, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(u[:, s > 1e-7 * s[0]])


def best_shape(fit: Fit, axes: Axes, ranked: list[tuple[str, str, float]]) -> Shape | None:
    """The law and the term that fit the runs best together, by BIC; None where no term gains on the law alone.

    Of each kind and variable the place with the largest score is the start; the place is fitted too.
    """
    curved = Curved(fit, axes.inputs)
    first: dict[tuple[str, str], float] = {}
    for kind, name, place in ranked:
        first.setdefault((kind, name), place)
    likely = [(kind, name, place) for (kind, name), place in first.items() if name][:LIKELY]
    found = [_fitted(curved, axes, kind, name, place) for kind, name, place in likely]
    for kind, shares in (("plateau", [1 - s for s in ENDS[::2]]), ("floor", list(ENDS[::2]))):
        found += [_fitted(curved, axes, kind, None, float(np.quantile(axes.observed, s))) for s in shares]
    noise = min(noise_about(r, len(curved.start) + 1) for _, _, r, _ in found)
    n = len(axes.observed)
    base = _badness(fit.residuals, noise)
    scored = [(base - _badness(r, noise) - extra * np.log(n), term, law)
              for term, law, r, extra in found]
    gain, term, law = max(scored, key=lambda s: s[0])
    return Shape(term, law, noise, gain, fit.relative) if gain > 0 else None


def _badness(residuals: Array, noise: float) -> float:
    """Twice the negative log likelihood, Huber's, in units of ``noise``."""
    z = np.abs(residuals) / max(noise, 1e-12)
    return float(np.where(z <= HUBER, z**2, 2 * HUBER * z - HUBER**2).sum())


def _fitted(curved: Curved, axes: Axes, kind: str, name: str | None, place: float
            ) -> tuple[Term, Law, Array, int]:
    """The term and the law that fit best from this start, what they leave, and how many coefficients the term has."""
    from scipy.optimize import least_squares

    x = None if name is None else axes.along[name]
    scale = max(curved.fit.noise, 1e-6)
    p = len(curved.start)
    placed, sized = kind != "bow", x is not None
    low, high = -np.inf, np.inf
    if x is not None and placed:
        places = [at for other, along, at in _candidates(axes) if (other, along) == (kind, name)]
        low, high = min(places), max(places)

    def term(v: Array) -> Term:
        at = float(np.clip(v[p + sized], low, high)) if placed else place
        return Term(kind, name, at, float(v[p]) if sized else 0.0)

    def misfit(v: Array) -> Array:
        return np.asarray((axes.observed - term(v).added(x, curved(v[:p]))) / scale)

    solved = [least_squares(misfit, np.concatenate([law, [size] * sized, [place] * placed]), loss="huber",
                            f_scale=HUBER, x_scale="jac", max_nfev=MOST_STEPS, ftol=ENOUGH, xtol=ENOUGH, gtol=ENOUGH)
              for law, size in _starts(curved, axes, kind, x, place)]
    best = min(solved, key=lambda s: float(s.cost)).x
    return term(best), curved.law(best[:p]), scale * misfit(best), sized + placed


def _starts(curved: Curved, axes: Axes, kind: str, x: Array | None, place: float) -> Iterator[tuple[Array, float]]:
    """Laws, as variables, and sizes of the term, to start from: a law bent to fit a shape may lie in another valley.

    The fitted law; the law of the runs on the moving side of a plateau or a floor; for other terms the law of runs
    freed of a term of ``BOLDER`` times the size that the scores suggest.
    """
    yield curved.start, 0.0
    if x is None:
        moving = axes.observed < place if kind == "plateau" else axes.observed > place
        if (law := curved.again(axes.observed, moving)) is not None:
            yield law, 0.0
        return
    direction = _direction(kind, x, place)
    beside = np.column_stack([curved.slopes(), direction])
    size = float(np.linalg.lstsq(beside, curved.fit.residuals, rcond=1e-9)[0][-1])
    if (law := curved.again(axes.observed - BOLDER * size * direction)) is not None:
        yield law, BOLDER * size

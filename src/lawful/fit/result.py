"""What a fit returns: a law with draws, a status, and the residuals it leaves."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.fit.choice.combination import Combination
from lawful.fit.drift import NO_DRIFT, Drift
from lawful.fit.reach import NO_EVIDENCE, Evidence
from lawful.fit.record import NO_RECORD, Record
from lawful.fit.tested import Tested, reach_tested
from lawful.laws.base import Allocation, Law, Region
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]

MIDDLE, NORMAL = 0.8, 1.2815515655446004
"""The quantile of |residual| that noise is read from, and the standard normal's: gross outliers lie beyond it."""

LISTED = 10_000
"""Residuals that a saved fit lists: a million of them are no use to anyone."""

CLIP = 3.0
"""Residuals beyond this many noises count as this large in a new run: a gross outlier is not its usual noise."""


class FitStatus(enum.Enum):
    """How a fit ended; each has a sentence."""

    CONVERGED = "converged"
    AT_BOUND = "at_bound"
    OUT_OF_STEPS = "out_of_steps"
    NOT_IDENTIFIED = "not_identified"

    @property
    def sentence(self) -> str:
        """What the status means."""
        return {
            "converged": "the solver converged and the runs determine every coefficient",
            "at_bound": "a coefficient ran to the edge of its limits, where it no longer matters",
            "out_of_steps": "the solver ran out of steps: treat the coefficients as a starting point",
            "not_identified": "the runs do not determine every coefficient: many sets fit equally well",
        }[self.value]


def region_of(quantities: Mapping[str, Array]) -> Region:
    """The span of each of a table's quantities."""
    return Region(**{name: (float(values.min()), float(values.max())) for name, values in quantities.items()})


def noise_about(residuals: Array, coefficients: int) -> float:
    """The standard deviation of one run about the law, from the quantile ``MIDDLE`` of |residual|, ``(run,)``.

    Widened for the ``coefficients`` that the residuals paid for.
    """
    n = len(residuals)
    middle = float(np.quantile(np.abs(residuals), MIDDLE)) / NORMAL
    return middle * float(np.sqrt(n / max(n - coefficients, 1)))


@dataclass(frozen=True)
class Search:
    """How thoroughly the optimum was looked for.

    ``starts`` were polished and ``agree`` of them reached the best objective; ``condition`` is that of
    the scaled information matrix; of the resamples, ``resamples_converged`` is the share that did.
    """

    starts: int
    agree: int
    condition: float
    resamples_converged: float
    resamples_agree: float


@dataclass(frozen=True)
class Fit:
    """A law fitted to runs, with its doubt.

    ``draws`` is ``(draw, coefficient)`` in the order of ``law.names()``: each row the law of one bootstrap
    resample. ``residuals`` are log observed minus log fitted, ``(run,)`` (observed minus fitted where the
    output may be negative). ``noise`` is the standard deviation of one residual, robustly estimated.
    ``record`` is how the form did at forecasting the larger of these runs from the smaller. ``combination`` are the
    forms that forecast together where ``auto`` chose the law: ``expected``, ``expectations`` and ``new_runs`` are then
    theirs, all else is the law's own. ``options`` are the limits, and the columns of weights, noise and clusters, that
    the fit was made with.
    """

    law: Law
    draws: Array
    status: FitStatus
    region: Region
    objective: Mapping[str, Any]
    residuals: Array
    noise: float
    n_runs: int
    level: float = 0.9
    search: Search = field(default_factory=lambda: Search(1, 1, 1.0, 1.0, 1.0))
    warnings: tuple[Caveat, ...] = ()
    fixed: tuple[str, ...] = ()
    source: str = "runs"
    seed: int = 0
    drift: Drift = NO_DRIFT
    record: Record = NO_RECORD
    evidence: Evidence = NO_EVIDENCE
    uncertainty: Mapping[str, Any] = field(default_factory=lambda: {"method": "bootstrap"})
    combination: Combination | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sample(self) -> Law:
        """The law with every draw as its coefficients: columns ``(draw, 1)``."""
        return self.law.with_coefficients([self.draws[:, j : j + 1] for j in range(self.draws.shape[1])])

    def __call__(self, **quantities: Any) -> Any:
        """The fitted law's output."""
        return self.law(**quantities)

    def fitted(self, observed: Array) -> Array:
        """The fitted outputs behind ``residuals``, given the ``observed`` ones, ``(run,)``."""
        return observed * np.exp(-self.residuals) if self.relative else observed - self.residuals

    @property
    def intervals(self) -> dict[str, Interval]:
        """Each coefficient with its bootstrap standard deviation and percentile interval."""
        return {name: interval(value, self.draws[:, j], self.level)
                for j, (name, value) in enumerate(self.law.coefficients.items())}

    @property
    def derived(self) -> dict[str, Interval]:
        """The exponents of the optimal params and tokens in compute, where the law divides compute."""
        draws = self.derived_draws
        best = self.law.allocation_exponents(self._typical_compute()) if draws else ()
        return {name: interval(float(v), draws[name], self.level) for name, v in zip(draws, best, strict=True)}

    @property
    def derived_draws(self) -> dict[str, Array]:
        """The draws of the exponents that ``derived`` gives intervals for, ``(draw,)`` each."""
        if not self.law.splits_compute:
            return {}
        draws = self.sample.allocation_exponents(self._typical_compute())
        return dict(zip(("params_exponent", "tokens_exponent"), map(np.ravel, draws), strict=True))

    def _typical_compute(self) -> float:
        low_high = [self.region.spans[name] for name in ("params", "tokens")]
        return float(6.0 * np.prod([np.sqrt(a * b) for a, b in low_high]))

    def outputs(self, quantities: Mapping[str, Any]) -> Array:
        """The law's output under every draw, ``(draw, point)``, at quantities that are floats or ``(point,)``."""
        points = {name: np.atleast_1d(np.asarray(quantities[name], dtype=float)) for name in self.law.inputs}
        with np.errstate(all="ignore"):
            values = self.sample(**points)
        return np.broadcast_to(values, (len(self.draws), len(next(iter(points.values())))))

    def expected(self, quantities: Mapping[str, Any]) -> Array:
        """The forecast at quantities that are floats or ``(point,)``: the law's output, or that of the combination."""
        if self.combination is not None:
            return self.combination.expected(quantities)
        return np.atleast_1d(np.asarray(self.law.at(quantities), dtype=float))

    def expectations(self, quantities: Mapping[str, Any]) -> Array:
        """Draws of what is ``expected``, ``(draw, point)``."""
        return self.outputs(quantities) if self.combination is None else self.combination.outputs(quantities)

    def new_runs(self, quantities: Mapping[str, Any]) -> Array:
        """Like ``outputs``, for runs yet to be made: each draw carries the noise of one more run, and the drift.

        The noise is drawn from this fit's own residuals, widened for the coefficients they paid for; the drift
        is what the law's form is wrong by at that distance beyond the runs (``lawful.fit.drift``). A combination
        draws from its own.
        """
        if self.combination is not None:
            return self.combination.new_runs(quantities)
        outputs = self.outputs(quantities)
        spread = np.sqrt(self.n_runs / max(self.n_runs - self.draws.shape[1] + len(self.fixed), 1))
        rng = np.random.default_rng(self.seed + 1)
        usual = np.clip(self.residuals - np.median(self.residuals), -CLIP * self.noise, CLIP * self.noise)
        noise: Array = spread * rng.choice(usual, size=outputs.shape)
        noise = noise + self.drift.sample(rng, quantities, outputs.shape)
        return outputs * np.exp(noise) if self.relative else outputs + noise

    @cached_property
    def tested(self) -> Tested:
        """How far beyond its runs the fit was tested on its own table, and how right it was."""
        return reach_tested(self.record, self.evidence, self.relative, self.law.output.unit)

    @property
    def relative(self) -> bool:
        """Whether residuals are of the logarithm."""
        return self.law.output.positive and self.objective["name"] != "squares"

    def allocate(self, compute: float) -> tuple[Allocation, dict[str, Interval]]:
        """The best split of ``compute`` [FLOP], and intervals on params, tokens and the output there."""
        best = self.law.allocate(compute)
        sample = self.sample.allocate(compute)
        # The loss at the split one would choose today, under each law the runs allow: not each law's own optimum.
        outcome = self.outputs({"params": best.params, "tokens": best.tokens})
        return best, {
            "params": interval(best.params, np.ravel(sample.params), self.level),
            "tokens": interval(best.tokens, np.ravel(sample.tokens), self.level),
            self.law.output.name: interval(best.output, np.ravel(outcome), self.level),
        }

    def at_level(self, level: float) -> Fit:
        """The same fit, its intervals read at another ``level``."""
        if not 0.0 < level < 1.0:
            raise InputError(f"--level must lie between 0 and 1, got {level:g}")
        return replace(self, level=level)

    def to_dict(self) -> dict[str, Any]:
        """The fit as data: the contract of ``lawful fit --json``, and enough to rebuild it."""
        return {
            "schema": "lawful.fit/1", "form": self.law.form, "settings": self.law.settings,
            "formula": self.law.formula(), "status": self.status.value,
            "coefficients": {name: vars(i) for name, i in self.intervals.items()},
            "level": self.level, "objective": dict(self.objective), "n_runs": self.n_runs,
            "output": self.law.output.name, "noise": self.noise, "region": self.region.to_dict(),
            "derived": {name: vars(i) for name, i in self.derived.items()},
            "search": vars(self.search), "drift": self.drift.to_dict(), "record": self.record.to_dict(),
            "evidence": self.evidence.to_dict(), "uncertainty": dict(self.uncertainty),
            "fixed": list(self.fixed), "source": self.source, "seed": self.seed,
            "warnings": [vars(w) for w in self.warnings],
            "residuals": self._listed().tolist(), "draws": self.draws.tolist(),
            "combination": None if self.combination is None else self.combination.to_dict(),
            "options": dict(self.options),
        }

    def _listed(self) -> Array:
        """The residuals as they are saved: of a long table an evenly spaced part."""
        if len(self.residuals) <= LISTED:
            return self.residuals
        return self.residuals[np.linspace(0, len(self.residuals) - 1, LISTED).astype(np.int64)]

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Fit:
        """The fit that ``to_dict`` described; ``InputError`` when the data is no fit."""
        if data.get("schema") != "lawful.fit/1":
            raise InputError(f"not a saved fit: schema is {data.get('schema')!r}, expected 'lawful.fit/1'")
        try:
            law = Law.from_dict({**data, "coefficients": {k: v["value"] for k, v in data["coefficients"].items()}})
            fit = Fit(
                law=law, draws=np.array(data["draws"], dtype=float).reshape(-1, len(law.names())),
                status=FitStatus(data["status"]), region=Region(**{k: tuple(v) for k, v in data["region"].items()}),
                objective=data["objective"], residuals=np.array(data["residuals"], dtype=float),
                noise=data["noise"], n_runs=data["n_runs"], level=data["level"], search=Search(**data["search"]),
                warnings=tuple(Caveat(**w) for w in data["warnings"]), fixed=tuple(data["fixed"]),
                source=data["source"], seed=data["seed"],
                drift=Drift.from_dict(data["drift"]) if "drift" in data else NO_DRIFT,
                record=Record.from_dict(data["record"]) if "record" in data else NO_RECORD,
                evidence=Evidence.from_dict(data["evidence"]) if "evidence" in data else NO_EVIDENCE,
                uncertainty=data.get("uncertainty", {"method": "bootstrap"}), options=data.get("options", {}),
            )
            combined = data.get("combination")
            return fit if combined is None else replace(fit, combination=Combination.from_dict(combined, fit))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise InputError(f"a saved fit that cannot be read: {type(problem).__name__} {problem}; "
                             "save it again with lawful fit -o fit.json") from None

    def __repr__(self) -> str:
        wide = max(len(n) for n in self.law.names())
        unit = f"   [{self.law.output.unit}]" if self.law.output.unit else ""
        lines = [f"{self.law.formula()}{unit}",
                 f"{self.status.value}: {self.n_runs} runs, {self.objective['name']} {self.objective['value']:.6g}, "
                 f"noise {100 * self.noise:.2g} %"]
        lines += [f"  {name:<{wide}}  {i.value:<12.6g} ± {i.std:<10.3g} "
                  f"{100 * self.level:g} % [{i.low:.5g}, {i.high:.5g}]"
                  for name, i in (self.intervals | self.derived).items()]
        return "\n".join(lines)

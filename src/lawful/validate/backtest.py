"""``backtest(runs, form)``: fit below a compute, predict above it, and see how it went.

Rolling origin: the runs are cut at growing compute; each cut fits on all runs up to it and predicts
every larger run, with an interval for a new run. Two baselines stand beside: the last value (nothing
improves on the best run so far) and a power law in compute alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, RunsError
from lawful.fit import Fit, fit
from lawful.fit.choice.candidates import candidates, is_auto, outcome, over
from lawful.fit.origins import origins
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.runs import Array, RunTable
from lawful.validate.findings import Finding, Severity

FEWEST_TO_FIT = 3
"""Runs beyond the number of coefficients that a cut needs below it."""

TOLERATED = 0.15
"""Shortfall of coverage below the level at which a back-test warns: few predictions are no precise count."""


@dataclass(frozen=True)
class Prediction:
    """One run predicted from smaller ones, with the interval for a new run."""

    row: int
    compute: float
    horizon_decades: float
    observed: float
    predicted: float
    low: float
    high: float


@dataclass(frozen=True)
class Cut:
    """One origin: ``form`` fitted on ``train`` runs up to ``train_compute_max``, tested on the ``test`` runs above."""

    train: int
    train_compute_max: float
    predictions: tuple[Prediction, ...]
    baselines: Mapping[str, float]   # root mean square log error
    form: str

    @property
    def test(self) -> int:
        """How many runs it predicted."""
        return len(self.predictions)

    def to_dict(self) -> dict[str, Any]:
        """The cut as data."""
        errors = _log_errors(self.predictions)
        return {
            "form": self.form, "train": self.train, "test": self.test, "train_compute_max": self.train_compute_max,
            "horizon_decades": max(p.horizon_decades for p in self.predictions),
            "rmse_log": _rms(errors), "bias_log": float(errors.mean()), "coverage": _coverage(self.predictions),
            "baselines": dict(self.baselines), "predictions": [vars(p) for p in self.predictions],
        }


@dataclass(frozen=True)
class Backtest:
    """How a form would have done on these runs, cut by cut, beside the baselines."""

    form: str
    level: float
    cuts: tuple[Cut, ...]
    source: str = "runs"

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Every prediction of every cut."""
        return tuple(p for cut in self.cuts for p in cut.predictions)

    @property
    def rmse_log(self) -> float:
        """The root mean square error of the log, over all predictions."""
        return _rms(_log_errors(self.predictions))

    @property
    def coverage(self) -> float:
        """The share of runs that fell within their interval."""
        return _coverage(self.predictions)

    def baseline(self, name: str) -> float:
        """A baseline's root mean square log error over the same predictions."""
        squares = sum(cut.test * cut.baselines[name] ** 2 for cut in self.cuts)
        return float(np.sqrt(squares / len(self.predictions)))

    def to_dict(self) -> dict[str, Any]:
        """The back-test as data: the contract of ``lawful backtest --json``."""
        return {
            "schema": "lawful.backtest/1", "form": self.form, "level": self.level, "source": self.source,
            "cuts": [cut.to_dict() for cut in self.cuts],
            "summary": {"rmse_log": self.rmse_log, "coverage": self.coverage, "predictions": len(self.predictions),
                        "horizon_decades": max(p.horizon_decades for p in self.predictions)},
            "baselines": {name: {"rmse_log": self.baseline(name)} for name in self.cuts[0].baselines},
        }


def backtest(runs: RunTable, form: str | Law | type[Law] = "chinchilla", *, level: float = 0.9,
             bootstrap: int = 200, seed: int = 0, **options: Any) -> Backtest:
    """Rolling-origin forecasts of ``form`` along compute; ``options`` are those of ``fit``.

    With ``auto`` each cut chooses its form from the runs below it alone. Raises ``FailedToAnswer`` where no cut
    leaves enough runs below it to fit and one above it to predict.
    """
    laws, target = _asked(form, runs)
    name = str(form) if is_auto(form) else laws[0].form
    runs.need(target, "compute", *(i for law in laws for i in law.inputs))
    if not laws[0].output.positive:
        raise FailedToAnswer(f"{runs.source}: no back-test of {target}: its errors are measured on the logarithm, and "
                             f"{target} may be negative")
    fewest = min(len(law.names()) for law in laws) + FEWEST_TO_FIT
    cuts: list[Cut] = []
    for cut in origins(runs["compute"], fewest):
        train, test, top = runs.take(cut.train), runs.take(cut.test), cut.scale
        try:
            fitted = fit(form, train, bootstrap=bootstrap, seed=seed, level=level, **options)
        except RunsError:  # too few distinct sizes so low: the next cut has more
            continue
        cuts.append(Cut(len(train), top, _predict(fitted, test, top, target), _baselines(train, test, target),
                        fitted.law.form))
    if not cuts:
        raise FailedToAnswer(f"{runs.source}: no back-test is possible: {name} needs {fewest} runs of differing "
                             f"sizes below a cut and one above it; the table has {len(runs)} runs")
    return Backtest(name, level, tuple(cuts), runs.source)


def _asked(form: str | Law | type[Law], runs: RunTable) -> tuple[tuple[Law, ...], str]:
    """The law, or with ``auto`` those to choose among, and the outcome that is predicted."""
    if is_auto(form):
        target = outcome(runs)
        return candidates(runs, target, over(str(form))), target
    law = find_form(form)
    return (law,), law.output.name


def backtest_findings(tested: Backtest) -> Iterator[Finding]:
    """What a back-test says against using the law: intervals too narrow, or a baseline that did better."""
    shares = f"the {100 * tested.level:g} % interval held {100 * tested.coverage:.0f} % of {len(tested.predictions)}"
    if tested.coverage < tested.level - TOLERATED:
        yield Finding(
            "backtest_coverage", Severity.CAUTION, "Intervals were too narrow in the back-test",
            f"{shares} predictions of larger runs",
            "read the interval of a forecast as a lower bound on its doubt: the form is not exactly right; runs nearer "
            "the question shorten the reach")
    names = [name for name in tested.cuts[0].baselines if tested.baseline(name) < tested.rmse_log]
    if names:
        better = ", ".join(f"{name.replace('_', ' ')} {100 * tested.baseline(name):.2g} %" for name in names)
        yield Finding(
            "backtest_baseline", Severity.CAUTION, "A baseline predicted larger runs better than the law",
            f"error of the law {100 * tested.rmse_log:.2g} %; of the {better}",
            "do not extrapolate with this form from these runs: drop the smallest runs (--where) or try another form")


def _predict(fitted: Fit, test: RunTable, top: float, target: str) -> tuple[Prediction, ...]:
    at = {name: test[name] for name in fitted.law.inputs}
    values = fitted.expected(at)
    tail = 50.0 * (1.0 - fitted.level)
    sampled = fitted.new_runs(at) if len(fitted.draws) else np.full((1, len(values)), np.nan)
    low, high = np.nanpercentile(sampled, [tail, 100.0 - tail], axis=0)
    return tuple(
        Prediction(int(test.rows[i]), float(test["compute"][i]), float(np.log10(test["compute"][i] / top)),
                   float(test[target][i]), float(values[i]), float(low[i]), float(high[i]))
        for i in np.argsort(test["compute"], kind="stable")
    )


def _baselines(train: RunTable, test: RunTable, target: str) -> dict[str, float]:
    observed = np.log(test[target])
    last = np.log(train[target].min())
    power = fit("power_law:compute", train, bootstrap=0)
    predicted = np.log(np.asarray(power(compute=test["compute"]), dtype=float))
    return {"last_value": _rms(observed - last), "power_law_compute": _rms(observed - predicted)}


def _log_errors(predictions: tuple[Prediction, ...]) -> Array:
    return np.array([np.log(p.observed / p.predicted) for p in predictions])


def _rms(errors: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _coverage(predictions: tuple[Prediction, ...]) -> float:
    return float(np.mean([p.low <= p.observed <= p.high for p in predictions]))

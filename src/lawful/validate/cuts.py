"""What a back-test returns: every prediction of every cut, and what sums them up.

Errors and scores are of the logarithm of the outcome, so that they are shares: 0.01 is about 1 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lawful.errors import InputError
from lawful.fit.result import Array
from lawful.results import Caveat
from lawful.validate.horizons import Horizon, Scored, by_horizon, held, pit_histogram
from lawful.validate.regret import Regret, summary_of


@dataclass(frozen=True)
class Prediction(Scored):
    """One run predicted from others, with the interval for a new run.

    ``horizon`` is how far it lies beyond the fitted runs, in the unit of the back-test's axis; ``compute`` is NaN in a
    table without. ``quantiles`` of the forecast are at ``horizons.QUANTILES``, None without draws; ``pit``, ``crps``
    and ``log_score`` are those of ``lawful.validate.scores``, of the log of the outcome.
    """

    row: int
    compute: float
    horizon: float
    observed: float
    predicted: float
    low: float
    high: float
    quantiles: tuple[float, ...] | None = None
    pit: float = float("nan")
    crps: float = float("nan")
    log_score: float = float("nan")

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Prediction:
        """The prediction that a cut's ``to_dict`` described; null is NaN."""
        quantiles = data.get("quantiles")
        numbers = {name: _number(data.get(name)) for name in ("compute", "horizon", "observed", "predicted", "low",
                                                              "high", "pit", "crps", "log_score")}
        return Prediction(row=int(data["row"]), quantiles=quantiles and tuple(map(float, quantiles)), **numbers)


@dataclass(frozen=True)
class Cut:
    """One origin: ``form`` fitted on ``train`` runs, tested on the runs of ``predictions``.

    ``train_max`` is the largest value along the axis among the fitted runs, ``train_compute_max`` their largest
    compute (NaN without); ``left_out`` is the group that was predicted, where the table was divided by groups.
    """

    train: int
    train_compute_max: float
    predictions: tuple[Prediction, ...]
    baselines: Mapping[str, float]   # root mean square log error
    form: str
    train_max: float = float("nan")
    left_out: str | None = None

    @property
    def test(self) -> int:
        """How many runs it predicted."""
        return len(self.predictions)

    def to_dict(self, unit: str = "decades") -> dict[str, Any]:
        """The cut as data; ``horizon_decades`` is null where the axis' ``unit`` is another."""
        errors = log_errors(self.predictions)
        furthest = max(p.horizon for p in self.predictions)
        shown = {"form": self.form, "train": self.train, "test": self.test, "left_out": self.left_out,
                 "train_max": self.train_max, "train_compute_max": self.train_compute_max, "horizon": furthest,
                 "horizon_decades": furthest if unit == "decades" else None, "rmse_log": _rms(errors),
                 "bias_log": float(errors.mean()), "coverage": _coverage(self.predictions),
                 "baselines": dict(self.baselines)}
        in_decades = [{"horizon_decades": p.horizon if unit == "decades" else None} for p in self.predictions]
        return {**shown, "predictions": [vars(p) | d for p, d in zip(self.predictions, in_decades, strict=True)]}


@dataclass(frozen=True)
class Backtest:
    """How a form would have done on these runs, cut by cut, beside the baselines.

    ``along`` is the axis of the horizons and ``unit`` their unit; ``left_out`` the column whose groups were predicted
    each from the others; ``top`` the largest value along the axis. ``regrets`` say what following the forecasts at
    larger budgets would have cost.
    """

    form: str
    level: float
    cuts: tuple[Cut, ...]
    source: str = "runs"
    along: str = "compute"
    unit: str = "decades"
    left_out: str | None = None
    top: float = float("nan")
    regrets: tuple[Regret, ...] = ()
    warnings: tuple[Caveat, ...] = field(default=())

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Every prediction of every cut."""
        return tuple(p for cut in self.cuts for p in cut.predictions)

    @property
    def rmse_log(self) -> float:
        """The root mean square error of the log, over all predictions."""
        return _rms(log_errors(self.predictions))

    @property
    def coverage(self) -> float:
        """The share of runs that fell within their interval; NaN where there are no intervals."""
        return _coverage(self.predictions)

    @property
    def horizons(self) -> tuple[Horizon, ...]:
        """The scores by distance beyond the fitted runs, nearest first."""
        return by_horizon([(cut.predictions, k) for k, cut in enumerate(self.cuts)], self.level, self.unit)

    def baseline(self, name: str) -> float:
        """A baseline's root mean square log error over the same predictions; NaN where it failed at a cut."""
        squares = sum(cut.test * cut.baselines[name] ** 2 for cut in self.cuts)
        return float(np.sqrt(squares / len(self.predictions)))

    def to_dict(self) -> dict[str, Any]:
        """The back-test as data: the contract of ``lawful backtest --json``."""
        furthest, predictions = max(p.horizon for p in self.predictions), self.predictions
        return {
            "schema": "lawful.backtest/1", "form": self.form, "level": self.level, "source": self.source,
            "along": self.along, "unit": self.unit, "left_out": self.left_out, "top": self.top,
            "cuts": [cut.to_dict(self.unit) for cut in self.cuts],
            "summary": {"rmse_log": self.rmse_log, "coverage": self.coverage, "predictions": len(predictions),
                        "horizon": furthest, "horizon_decades": furthest if self.unit == "decades" else None,
                        "width": float(np.mean([p.width for p in predictions])),
                        "crps": float(np.mean([p.crps for p in predictions])),
                        "log_score": float(np.mean([p.log_score for p in predictions]))},
            "baselines": {name: {"rmse_log": self.baseline(name)} for name in self.cuts[0].baselines},
            "horizons": [h.to_dict() for h in self.horizons], "pit": pit_histogram(predictions),
            "regret": {"summary": summary_of(self.regrets), "rows": [vars(r) for r in self.regrets]},
            "warnings": [vars(w) for w in self.warnings],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Backtest:
        """The back-test that ``to_dict`` described; ``InputError`` when the data is something else."""
        if not isinstance(data, Mapping) or data.get("schema") != "lawful.backtest/1":
            came = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise InputError(f"not a saved back-test: schema is {came!r}, expected 'lawful.backtest/1'; save one with "
                             "lawful backtest RUNS -o backtest.json")
        try:
            cuts = tuple(
                Cut(c["train"], _number(c["train_compute_max"]),
                    tuple(map(Prediction.from_dict, c["predictions"])),
                    {name: _number(v) for name, v in c["baselines"].items()}, c["form"], _number(c["train_max"]),
                    c["left_out"]) for c in data["cuts"])
            lost = tuple(map(Regret.from_dict, data["regret"]["rows"]))
            return Backtest(data["form"], data["level"], cuts, data["source"], data["along"], data["unit"],
                            data["left_out"], _number(data["top"]), lost,
                            tuple(Caveat(**w) for w in data["warnings"]))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise InputError(f"a saved back-test that cannot be read: {type(problem).__name__} {problem}; save it "
                             "again with lawful backtest RUNS -o backtest.json") from None


def log_errors(predictions: tuple[Prediction, ...]) -> Array:
    """log observed - log predicted of each, ``(prediction,)``."""
    return np.array([p.error for p in predictions])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _rms(errors: Array) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _coverage(predictions: tuple[Prediction, ...]) -> float:
    return held(predictions, [(p.low, p.high) for p in predictions])

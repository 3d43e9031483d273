"""Fitting laws to runs: ``fit(form, runs) -> Fit``, ``forecast(law, ...) -> Forecast``."""

from lawful.fit.engine import fit
from lawful.fit.forecast import Forecast, forecast
from lawful.fit.result import Fit, FitStatus

__all__ = ["Fit", "FitStatus", "Forecast", "fit", "forecast"]

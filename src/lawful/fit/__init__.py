"""Fitting laws to runs: ``fit(form, runs) -> Fit``, ``fit_groups``, ``discover``, ``forecast(law) -> Forecast``."""

import sys
from types import ModuleType
from typing import Any

from lawful.fit.discovery import Discovery, discover
from lawful.fit.engine import fit
from lawful.fit.forecast import Forecast, forecast
from lawful.fit.groups import GroupedFit, fit_groups
from lawful.fit.result import Fit, FitStatus

__all__ = ["Discovery", "Fit", "FitStatus", "Forecast", "GroupedFit", "discover", "fit", "fit_groups", "forecast"]


class _Callable(ModuleType):
    """This folder, which called is its function: importing it must not take ``lawful.fit(...)`` away."""

    def __call__(self, *args: Any, **options: Any) -> Fit:
        return fit(*args, **options)


sys.modules[__name__].__class__ = _Callable

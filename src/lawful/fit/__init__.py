"""Fitting laws to runs: ``fit(form, runs) -> Fit``, ``fit_groups``, ``discover``, ``forecast(law) -> Forecast``."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lawful.fit.engine import fit
from lawful.fit.forecast import Forecast, forecast
from lawful.fit.result import Fit, FitStatus

if TYPE_CHECKING:
    from lawful.fit.discovery.discover import Discovery, discover
    from lawful.fit.groups import GroupedFit, fit_groups

__all__ = ["Discovery", "Fit", "FitStatus", "Forecast", "GroupedFit", "discover", "fit", "fit_groups", "forecast"]


def __getattr__(name: str) -> Any:
    """The names that few need, from modules that take a while to import."""
    if name in ("discover", "Discovery"):
        from lawful.fit.discovery import discover as discovery

        return getattr(discovery, name)
    if name in ("fit_groups", "GroupedFit"):
        from lawful.fit import groups

        return getattr(groups, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """This folder, which called is its function: importing it must not take ``lawful.fit(...)`` away."""

    def __call__(self, *args: Any, **options: Any) -> Fit:
        return fit(*args, **options)


sys.modules[__name__].__class__ = _Callable

"""Scaling laws that people can plan with: fit, check, forecast, plan.

>>> import lawful
>>> lawful.law("hoffmann2022_approach3")(params=70e9, tokens=1.4e12)  # doctest: +ELLIPSIS
1.9366...
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "RunTable": "lawful.runs",
    "fit": "lawful.fit.engine", "Fit": "lawful.fit.result", "forecast": "lawful.fit.forecast",
    "Law": "lawful.laws.base", "law": "lawful.laws.registry", "form": "lawful.laws.registry",
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    """The public names, imported when first used: ``import lawful`` itself costs nothing."""
    if name not in _WHERE:
        raise AttributeError(f"module 'lawful' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)

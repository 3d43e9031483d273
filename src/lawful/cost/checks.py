"""The one check that every figure in this folder passes: a positive, finite number."""

from __future__ import annotations

import math
from numbers import Real

from lawful.errors import InputError


def positive(name: str, value: object, unit: str) -> float:
    """``value`` as a float; raises InputError where it is not a positive, finite number."""
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and number > 0:
            return number
    raise InputError(f"{name} must be a positive number of {unit}, got {value!r}.")

"""The draws of a fit as plain columns, and in the groups that tools for posterior draws read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.fit.result import Fit

Array = npt.NDArray[np.float64]


def draw_columns(fit: Fit) -> dict[str, Array]:
    """A column for each coefficient and each derived exponent, ``(draw,)``, in the order of the draws.

    Raises ``InputError`` for a fit without draws.
    """
    if not len(fit.draws):
        raise InputError("the fit has no draws: it was made with --bootstrap 0; fit again with --bootstrap 1000")
    return {name: fit.draws[:, j] for j, name in enumerate(fit.law.names())} | fit.derived_draws


def draw_groups(fit: Fit) -> dict[str, Any]:
    """The draws in the groups of an InferenceData: what ArviZ's ``from_dict`` takes, ``schema`` and ``attrs`` aside.

    ``posterior`` maps each coefficient and exponent to ``(chain, draw)``, one chain; ``observed_data`` holds the
    residuals of the runs, ``(run,)``, since a fit does not hold the runs themselves; ``attrs`` says what was fitted.
    The draws of a bootstrap are independent: there are no ``sample_stats``.
    """
    residual = "log_residual" if fit.law.output.positive else "residual"
    return {
        "schema": "lawful.draws/1",
        "posterior": {name: values[None, :] for name, values in draw_columns(fit).items()},
        "observed_data": {residual: fit.residuals},
        "attrs": {"form": fit.law.form, "formula": fit.law.formula(), "output": fit.law.output.label(),
                  "status": fit.status.value, "objective": str(fit.objective["name"]), "source": fit.source,
                  "n_runs": fit.n_runs, "seed": fit.seed},
    }

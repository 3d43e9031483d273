"""The choice along one quantity: forms weighed by their evidence on the curve, and their forecast together.

Rolling origins serve tables in several quantities. Along a curve they mislead: it leaves a plateau, falls, and
flattens, so that the forms that forecast its middle from its beginning are not those that forecast what comes after
its end. A curve is long enough instead to say how far each form departs from it (``lawful.fit.choice.kriging``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, RunsError
from lawful.fit.choice.candidates import label
from lawful.fit.choice.kriging import Judged, krige
from lawful.fit.choice.points import pooled
from lawful.fit.engine import concluded
from lawful.fit.objective import objective
from lawful.fit.prepare import prepare
from lawful.fit.resampling import Draws
from lawful.fit.result import Fit
from lawful.fit.search import make_job
from lawful.fit.solver import Solution
from lawful.laws.base import Law
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

LOSS = "log_squares"
"""What the errors of a curve's points are, once its departure is accounted for."""

OWN: Mapping[str, tuple[Any, ...]] = {
    "loss": ("huber_log", LOSS), "uncertainty": ("bootstrap",), "fixed": (None, {}), "limits": (None, {}),
    "weights": (None,), "noise": (None,), "cluster": (None,)}
"""The options of ``fit`` at which a curve is kriged: any other says what is wanted of one law, and rolling origins
choose among such."""


@dataclass(frozen=True)
class CurveChoice:
    """The chosen form's ``fit``, which holds the forecast of all; forms ``judged``; how many ``points`` were used."""

    fit: Fit
    judged: Judged
    points: int
    left_out: Mapping[str, str]


def is_curve(runs: RunTable, laws: Sequence[Law], options: Mapping[str, Any]) -> bool:
    """Whether the laws are over one and the same quantity, on a logarithm, and nothing else is asked for."""
    inputs = {law.inputs for law in laws}
    if len(inputs) != 1 or len(laws[0].inputs) != 1 or not all(law.output.positive for law in laws):
        return False
    if any(options.get(name, own[0]) not in own for name, own in OWN.items() if not _array(options.get(name))):
        return False
    if any(_array(options.get(name)) for name in OWN):
        return False
    return bool((runs[laws[0].inputs[0]] > 0).all() and (runs[laws[0].output.name] > 0).all())


def _array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def choose_curve(runs: RunTable, laws: Sequence[Law], *, level: float = 0.9, bootstrap: int = 1000, seed: int = 0,
                 **_: Any) -> CurveChoice:
    """The most evident of ``laws`` on ``runs``, and the forecast by all that these can carry.

    Raises ``RunsError`` where they carry none, ``FailedToAnswer`` where none has a finite value.
    """
    penalty = objective(LOSS)
    left_out: dict[str, str] = {}
    carried = []
    for law in laws:
        try:
            prepare(law, runs, penalty, fixed={}, limits={}, weights=None, noise=None)
            carried.append(law)
        except RunsError as why:
            left_out[label(law)] = str(why)
    if not carried:
        raise RunsError(f"{runs.source}: {len(runs)} runs carry no form: "
                        + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    points = pooled(runs[carried[0].inputs[0]], runs[carried[0].output.name])
    judged = krige(points, carried, bootstrap, seed)
    if not judged.laws:
        raise FailedToAnswer(f"{runs.source}: no form has a finite value on these runs: "
                             + ", ".join(label(law) for law in carried))
    fit = _fit(runs, judged, level, bootstrap, seed)
    return CurveChoice(replace(fit, combination=judged.forecast), judged, len(points.x), left_out)


def _fit(runs: RunTable, judged: Judged, level: float, bootstrap: int, seed: int) -> Fit:
    """The fit of the most evident form: its most likely law, and its draws under every size of departure."""
    penalty, form = objective(LOSS), judged.laws[0].form
    members = [member for member in judged.forecast.members if member.law.form == form]
    problem, notes = prepare(judged.laws[0], runs, penalty, fixed={}, limits={}, weights=None, noise=None)
    job = make_job(problem, penalty)
    law = max(members, key=lambda member: member.evidence).law
    c = np.array([[law.coefficients[name] for name in problem.names]])
    drawn = np.concatenate([member.draws for member in members])
    kept = np.random.default_rng(seed).choice(len(drawn), size=bootstrap)
    value = penalty.value(job.problem.residuals(c)).sum(axis=1)
    found = concluded(runs, problem, job, Solution(c, value, np.array([True]), 0), 1, Draws(drawn[kept]), level=level,
                      seed=seed)
    warnings = [w for w in found.warnings if w.code != "starts_disagree"]  # the departure has starts of its own
    return replace(found, warnings=(*notes, *warnings), record=found.record.thinned(),
                   uncertainty={"method": "kriging"})

"""The target of a mixture: a weighted sum of the losses on several domains, or the worst of them, as one fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lawful.errors import InputError
from lawful.fit import Fit
from lawful.fit.reach import NO_EVIDENCE
from lawful.fit.record import NO_RECORD
from lawful.laws.base import Law, field_types
from lawful.laws.composed import intersection
from lawful.laws.expressions import exp, log, maximum
from lawful.results import once

SOFT = 1e-3
"""Nats over which the worst loss is rounded: what is minimised exceeds it by at most SOFT ln(number of losses)."""


@dataclass(frozen=True)
class TargetLoss(Law):
    """A weighted sum of losses, or the worst of them: what a mixture is chosen for.

        L = w_1 L_1 + ... + w_n L_n,     or     SOFT log(exp(L_1 / SOFT) + ... + exp(L_n / SOFT))     [nats/token]

    Its class is made for the laws at hand, with all their coefficients.
    """

    form: ClassVar[str] = "target_loss"
    listed: ClassVar[bool] = False
    parts: ClassVar[Mapping[str, Law]]
    weights: ClassVar[Mapping[str, float] | None]    # None: the worst loss

    @property
    def inputs(self) -> tuple[str, ...]:
        """What any of the laws takes."""
        return tuple(dict.fromkeys(name for part in self.parts.values() for name in part.inputs))

    def losses(self, quantities: Mapping[str, Any]) -> dict[str, Any]:
        """The loss that each law gives, by its name."""
        return {name: part.with_coefficients({c: getattr(self, _own(i, c)) for c in part.names()}).at(quantities)
                for i, (name, part) in enumerate(self.parts.items())}

    def __call__(self, **quantities: Any) -> Any:
        """The target at these quantities."""
        losses = self.losses(quantities)
        if self.weights is not None:
            return sum(self.weights[name] * loss for name, loss in losses.items())
        top: Any = None
        for loss in losses.values():
            top = loss if top is None else maximum(top, loss)
        return top + SOFT * log(sum(exp((loss - top) / SOFT) for loss in losses.values()))


def _own(part: int, coefficient: str) -> str:
    return f"of_{part}_{coefficient}"


def target(laws: Mapping[str, Fit], weights: Mapping[str, float] | None = None, worst: bool = False) -> Fit:
    """The fits of ``laws`` as one fit of the target: equal weights unless given, or the worst loss of all.

    Draws are joined row by row: fits to one table with one seed were resampled alike. How far beyond its runs the
    target was tested is not known. Raises ``InputError`` for weights of losses that no law gives, and negative ones.
    """
    if not laws:
        raise InputError("a mixture is chosen for a loss: give at least one law")
    if weights is not None and (worst or set(weights) != set(laws) or min(weights.values()) < 0):
        raise InputError(f"weights are one for each of {', '.join(laws)}, none below 0, and none beside worst; got "
                         f"{', '.join(f'{name} {weight:g}' for name, weight in weights.items())}")
    total = sum(weights.values()) if weights else float(len(laws))
    shared = None if worst else {name: (weights[name] if weights else 1.0) / total for name in laws}
    fields: list[tuple[str, Any]] = []
    values: dict[str, float] = {}
    for i, fit in enumerate(laws.values()):
        typed = field_types(type(fit.law))
        fields += [(_own(i, name), typed[name]) for name in fit.law.names()]
        values |= {_own(i, name): value for name, value in fit.law.coefficients.items()}
    form = dataclasses.make_dataclass(
        "Target", fields, bases=(TargetLoss,), frozen=True, kw_only=True,
        namespace={"__module__": __name__, "__doc__": TargetLoss.__doc__, "weights": shared,
                   "parts": {name: fit.law for name, fit in laws.items()}})
    first, fits = next(iter(laws.values())), tuple(laws.values())
    rows = min(len(fit.draws) for fit in fits)
    return replace(
        first, law=form(**values), draws=np.hstack([fit.draws[:rows] for fit in fits]),
        region=intersection(*(fit.region for fit in fits)), residuals=np.concatenate([fit.residuals for fit in fits]),
        noise=max(fit.noise for fit in fits), n_runs=sum(fit.n_runs for fit in fits), combination=None,
        record=NO_RECORD, evidence=NO_EVIDENCE, source=", ".join(dict.fromkeys(fit.source for fit in fits)),
        warnings=once(w for fit in fits for w in fit.warnings))

"""What to train on: the shares of the domains with the least target loss, ``mix(laws, domains)``.

``laws`` is one fit of the target loss against the shares, or a fit for each domain of the loss on it; the target is
then their weighted sum, or the worst of them. Shares sum to 1, stay where the runs were unless told otherwise, and no
domain is repeated beyond ``max_epochs``. Forms for any number of domains are in ``lawful.laws.mixtures``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.bisection import turn
from lawful.plan.data.target import TargetLoss, target
from lawful.plan.decide import Decision, decide
from lawful.plan.problem import Problem, Variable
from lawful.plan.variables import SHARE
from lawful.quantities import format_number

Ends = tuple[float | None, float | None]
"""The least and the largest share of a domain; None for where the runs ended."""

EPOCHS = 4.0
"""Passes over a domain that are allowed where nobody says: up to four are nearly as good as fresh data (2305.16264)."""


@dataclass(frozen=True)
class Mixed:
    """The best mixture, the losses it gives, and those of the ``baseline`` that it was weighed against.

    ``limited`` names the domains whose data run out: their share is all that ``max_epochs`` passes over them give.
    """

    decision: Decision
    shares: Mapping[str, float]
    losses: Mapping[str, float]
    baseline: Mapping[str, float]
    baseline_losses: Mapping[str, float]
    limited: tuple[str, ...] = ()
    worst: bool = False
    epochs: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def loss(self) -> float:
        """The target at the best mixture."""
        return self.decision.metrics[self.decision.problem.outcome]

    @cached_property
    def baseline_loss(self) -> float:
        """The target at the baseline."""
        law = self.decision.problem.law.law
        return float(law.at({**self.decision.metrics, **_named(self.baseline)}))


def mix(laws: Fit | Published | Mapping[str, Fit], domains: Sequence[str], *,
        weights: Mapping[str, float] | None = None, worst: bool = False, at: Mapping[str, float] | None = None,
        bounds: Mapping[str, Ends] | None = None, unique: Mapping[str, float] | None = None,
        max_epochs: float = EPOCHS, baseline: Mapping[str, float] | None = None, level: float | None = None) -> Mixed:
    """The shares of ``domains`` with the least target loss, everything else held ``at`` its value.

    A share stays within its ``bounds``, (low, high); an end that is None or not given is where the runs ended, if the
    law knows that, and else 0 or 1. ``unique`` are the distinct tokens of domains: beside ``tokens`` in ``at``, a share
    is at most unique x max_epochs / tokens. The ``baseline`` is equal shares unless given.

    Raises ``InputError`` for shares or bounds of other domains and a baseline that does not sum to 1,
    ``FailedToAnswer`` where the data do not suffice for the tokens, and as ``target`` and ``decide``.
    """
    held = dict(at or {})
    for given in (bounds, unique, baseline):
        if other := [name for name in given or {} if name not in domains]:
            raise InputError(f"{', '.join(other)}: no domain of the mixture, which has {', '.join(domains)}")
    law = target(laws, weights, worst) if isinstance(laws, Mapping) else laws
    even = dict(baseline or dict.fromkeys(domains, 1.0 / len(domains)))
    if abs(sum(even.values()) - 1.0) > 1e-6:
        raise InputError(f"the shares of the baseline sum to {sum(even.values()):g}, not to 1")
    spans = {name: _span(law, name, bounds or {}) for name in domains}
    most = _most(unique, held, max_epochs)
    limited = {name: (min(low, most.get(name, 1.0)), min(high, most.get(name, 1.0)))
               for name, (low, high) in spans.items()}
    if sum(high for _, high in limited.values()) < 1.0 and most:
        enough = held["tokens"] * sum(high for _, high in limited.values())
        raise FailedToAnswer(f"the data do not suffice: {format_number(held['tokens'])} tokens are to be seen, and "
                             f"{max_epochs:g} passes over the domains give {format_number(enough)} within their bounds")
    shares = tuple(Variable(SHARE + name, low, high) for name, (low, high) in limited.items())
    others = tuple(Variable(name, value, value) for name, value in held.items())
    made = decide(Problem(law, (*shares, *others)), level)
    best = {name: made.decision[SHARE + name] for name in domains}
    out = tuple(name for name in most if best[name] > most[name] * (1 - 1e-4))
    passes = {name: best[name] * held["tokens"] / count for name, count in (unique or {}).items()} if most else {}
    return Mixed(made, best, _losses(law, made.metrics), even, _losses(law, {**made.metrics, **_named(even)}), out,
                 worst, passes)


def carry_on(first: Mapping[str, float], second: Mapping[str, float], tokens: float) -> dict[str, float]:
    """The best shares for ``tokens``, carried on from the best tokens of each domain at two smaller budgets.

        log D_i = log D_i'' + e (log D_i'' - log D_i'),     with e so that the D_i sum to ``tokens``

    ``first`` and ``second`` are the D_i' and D_i'', the smaller budget first. Where one step is as long as the other,
    e = 1, this is D'' D'' / D' of Kang et al. 2024. Raises ``InputError`` for other domains, counts that are not
    positive, and budgets that do not grow.
    """
    if set(first) != set(second):
        raise InputError(f"two scales are of the same domains, got {', '.join(first)} and {', '.join(second)}")
    for counts in (first, second):
        for name, count in counts.items():
            positive(f"tokens of {name}", count, "tokens")
    if not 0.0 < sum(first.values()) < sum(second.values()) < positive("tokens", tokens, "tokens"):
        raise InputError("a mixture is carried on from two scales to a larger one: tokens grow from one to the next")
    start = np.log([second[name] for name in first])
    step = start - np.log([first[name] for name in first])

    def fewer(steps: float) -> bool:
        return bool(np.exp(start + steps * step).sum() < tokens)

    low, high = 0.0, 1.0
    while fewer(high):
        low, high = high, 2.0 * high
    best = np.exp(start + turn(fewer, low, high)[1] * step)
    return dict(zip(first, (best / best.sum()).tolist(), strict=True))


def _named(shares: Mapping[str, float]) -> dict[str, float]:
    return {SHARE + name: share for name, share in shares.items()}


def _losses(law: Fit | Published, metrics: Mapping[str, float]) -> dict[str, float]:
    inner = law.law
    if not isinstance(inner, TargetLoss):
        return {"target": float(inner.at(metrics))}
    return {name: float(loss) for name, loss in inner.losses(metrics).items()}


def _span(law: Fit | Published, name: str, bounds: Mapping[str, Ends]) -> tuple[float, float]:
    """Between which shares a domain is looked for."""
    first, last = law.region.spans.get(SHARE + name, (0.0, 1.0))
    low, high = bounds.get(name, (None, None))
    return max(0.0, first) if low is None else low, min(1.0, last) if high is None else high


def _most(unique: Mapping[str, float] | None, held: Mapping[str, float], epochs: float) -> dict[str, float]:
    """The largest share of each domain that its data allow."""
    if not unique:
        return {}
    if "tokens" not in held:
        raise InputError("how often a domain repeats depends on the tokens: give tokens beside the domains' own")
    return {name: min(1.0, count * epochs / held["tokens"]) for name, count in unique.items()}

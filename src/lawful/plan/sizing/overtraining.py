"""Smaller models trained for longer: what they cost in training, and what they save ever after.

What to use when: ``overtrain(law, compute, ratios)`` for the price of given tokens per parameter, once at the same
compute and once at the same loss; ``furthest(law, compute, extra)`` for how far one may go; ``compute_for`` for the
compute that a loss, or the optimal model of a size, takes. All on the optimum of laws of params and tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError
from lawful.laws.base import Allocation, Law
from lawful.plan.bisection import turn
from lawful.quantities import FLOP_PER_PARAM_TOKEN

LEAST, MOST = 1e6, 1e36
"""Compute [FLOP] between which an answer is sought: beyond what anyone trains, both ways."""


@dataclass(frozen=True)
class OverTrained:
    """A model at ``ratio`` tokens per parameter beside the compute-optimal one.

    ``loss_increase`` is its loss above that of the optimum for the same compute; ``compute_times`` its training
    compute, and ``params_times`` its size (and so the FLOP of every token that it writes), over those of the
    compute-optimal model of the same loss.
    """

    ratio: float
    params: float
    tokens: float
    loss: float
    train_flop: float
    loss_increase: float
    compute_times: float
    params_times: float


def compute_for(law: Law, *, loss: float | None = None, params: float | None = None,
                within: tuple[float, float] = (LEAST, MOST)) -> float:
    """The compute [FLOP] of the compute-optimal model with this ``loss``, or with so many ``params``.

    It is sought ``within`` two amounts. Raises ``FailedToAnswer`` for a loss that no compute there reaches,
    ``InputError`` unless one of the two is given.
    """
    if (loss is None) == (params is None):
        raise InputError("compute_for: give a loss or params, one of them")
    if params is not None:
        size = positive("params", params, "parameters")
        return math.exp(_first(lambda c: _best(law, c).params >= size, f"a compute-optimal model of {size:.4g} params",
                               within))
    goal = positive("loss", loss, "nats/token")
    return math.exp(_first(lambda c: _best(law, c).output <= goal, f"a loss of {goal:.6g}", within))


def overtrain(law: Law, compute: float, ratios: Sequence[float]) -> tuple[OverTrained, ...]:
    """``compute`` spent at each of ``ratios`` tokens per parameter, beside spending it at the optimum.

    The form of Gadre et al. 2024 (arXiv:2403.08540), for any law of params and tokens. Raises ``LawError`` for a law
    of anything else.
    """
    best = law.allocate(positive("compute", compute, "FLOP"))
    found = []
    for ratio in ratios:
        params = math.sqrt(compute / FLOP_PER_PARAM_TOKEN / positive("tokens_per_param", ratio, "tokens/param"))
        loss = float(law(params=params, tokens=ratio * params))
        equal = law.allocate(compute_for(law, loss=loss))
        found.append(OverTrained(ratio, params, ratio * params, loss, compute, loss - float(best.output),
                                 compute / float(equal.compute), params / float(equal.params)))
    return tuple(found)


def as_good(law: Law, loss: float, ratio: float) -> OverTrained:
    """The model of ``ratio`` tokens per parameter with this ``loss``, beside the compute-optimal one.

    Raises ``FailedToAnswer`` where no model of that ratio reaches the loss.
    """
    best = law.allocate(compute_for(law, loss=loss))

    def params(log_compute: float) -> float:
        return math.exp(0.5 * (log_compute - math.log(FLOP_PER_PARAM_TOKEN * ratio)))

    log_compute = _first(lambda c: float(law(params=params(c), tokens=ratio * params(c))) <= loss,
                         f"a loss of {loss:.6g} at {ratio:g} tokens per parameter")
    size, spent = params(log_compute), math.exp(log_compute)
    reached = float(law(params=size, tokens=ratio * size))
    return OverTrained(ratio, size, ratio * size, reached, spent, reached - float(law.allocate(spent).output),
                       spent / float(best.compute), size / float(best.params))


def furthest(law: Law, compute: float, extra: float) -> OverTrained:
    """The smallest model as good as the optimum of ``compute``, for at most ``extra`` of that compute more.

    ``extra`` is a share: 0.1 is ten per cent. Raises as ``overtrain``.
    """
    positive("extra", extra, "share of the compute")
    best = law.allocate(positive("compute", compute, "FLOP"))
    goal, spent = float(best.output), compute * (1.0 + extra)

    def worse(log_params: float) -> bool:
        params = math.exp(log_params)
        return float(law(params=params, tokens=spent / FLOP_PER_PARAM_TOKEN / params)) > goal

    low, high = 0.0, math.log(float(best.params))   # at the optimal size more compute is better, at one param worse
    params = math.exp(turn(worse, low, high)[1])
    tokens = spent / FLOP_PER_PARAM_TOKEN / params
    loss = float(law(params=params, tokens=tokens))
    return OverTrained(tokens / params, params, tokens, loss, spent, loss - float(law.allocate(spent).output),
                       1.0 + extra, params / float(best.params))


def _best(law: Law, log_compute: float) -> Allocation:
    return law.allocate(math.exp(log_compute))


def _first(reached: Callable[[float], bool], what: str, within: tuple[float, float] = (LEAST, MOST)) -> float:
    """The least logarithm of compute from which on ``reached`` holds."""
    low, high = map(math.log, within)
    if not reached(high):
        raise FailedToAnswer(f"no compute up to {within[1]:.4g} FLOP gives {what}")
    return turn(lambda c: not reached(c), low, high)[1]

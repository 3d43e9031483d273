"""Where two modalities trained together begin to help one another: the law of Aghajanyan et al. 2023.

At one size and half and half, the mean loss is that of each alone, less the synergy C, plus what they cost one another
for want of size, A / N**alpha, and of data, B / D**beta (form ``mixed_modal``). ``barrier`` says where synergy begins,
``gain`` what joining adds at a point, by cause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, LawError
from lawful.fit.comparing.compare import spread
from lawful.laws.base import Law
from lawful.laws.multimodal import MixedModalLoss
from lawful.plan.laws import LawLike, coefficient_rows
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.results import Interval

Array = npt.NDArray[np.float64]
PairLaw = LawLike | MixedModalLoss
"""A fit, or a law with numbers of one's own."""


def pair_of(pair: PairLaw) -> MixedModalLoss:
    """The law of competition and synergy in ``pair``; ``LawError`` where it is another."""
    law = pair if isinstance(pair, Law) else pair.law
    if not isinstance(law, MixedModalLoss):
        raise LawError(f"a pair of modalities is a fit of the form mixed_modal, got {law.form}")
    return law


@dataclass(frozen=True)
class Barrier:
    """Where two modalities trained together begin to do better than each alone at that size: N and D, and 6 N D.

    Infinite where they never do; ``certain`` is the share of draws in which they do somewhere, None without draws.
    """

    params: Interval
    tokens: Interval
    compute: Interval
    certain: float | None


def barrier(pair: PairLaw, *, params: float | None = None, tokens: float | None = None, level: float = 0.9) -> Barrier:
    """Where synergy begins: A / N**alpha + B / D**beta = C.

    At given ``params`` the tokens of both modalities that it takes, at given ``tokens`` the params; with neither the
    cheapest run that reaches it, where alpha A / N**alpha = beta B / D**beta.
    """
    if params is not None and tokens is not None:
        raise InputError("give params or tokens, or neither for the cheapest run: the barrier follows from one")
    C, A, alpha, B, beta = _rows(pair).T
    with np.errstate(all="ignore"):
        left = np.full(len(C), math.nan) if params is None and tokens is None else (
            C - A * params**-alpha if params is not None else C - B * float(tokens or 0.0) ** -beta)
        if params is not None:
            N, D = np.full(len(C), params), _inverse(B, left, beta)
        elif tokens is not None:
            N, D = _inverse(A, left, alpha), np.full(len(C), tokens)
        else:
            N = _inverse(A, C * beta / (alpha + beta), alpha)
            D = _inverse(B, C * alpha / (alpha + beta), beta)
        compute = FLOP_PER_PARAM_TOKEN * N * D
    reached = np.isfinite(N) & np.isfinite(D)
    params_at, tokens_at, compute_at = (spread(float(x[0]), x[1:], level) for x in (N, D, compute))
    return Barrier(params_at, tokens_at, compute_at, float(reached[1:].mean()) if len(C) > 1 else None)


def _rows(pair: PairLaw) -> Array:
    """The coefficients, then those of the draws, ``(row, coefficient)``; raises as ``pair_of``."""
    form = pair_of(pair)
    return np.array([list(form.coefficients.values())]) if isinstance(pair, Law) else coefficient_rows(pair)


def _inverse(scale: Array, value: Array, exponent: Array) -> Array:
    """The x at which scale / x**exponent = value: infinite for a value of 0 or less."""
    return np.where(value > 0, (scale / np.where(value > 0, value, 1.0)) ** (1.0 / exponent), np.inf)


def gain(pair: PairLaw, params: float, tokens: float, level: float = 0.9) -> dict[str, Interval]:
    """What training two modalities together adds to the mean of their losses alone, by cause; it sums to ``change``.

    ``synergy`` is -C, ``size`` A / N**alpha and ``data`` B / D**beta: what they cost one another for want of either.
    """
    C, A, alpha, B, beta = _rows(pair).T
    causes = {"synergy": -C, "size": A * params**-alpha, "data": B * tokens**-beta}
    causes["change"] = np.asarray(sum(causes.values()))
    return {name: spread(float(x[0]), x[1:], level) for name, x in causes.items()}

"""Decisions about bits: of training, of what is served, and the data beyond which rounding undoes what they gain.

What to use when: ``trained_in`` for a model that multiplies in few bits from the start, ``rounded_to`` for one that is
rounded after training, ``quantised_to`` for one that learns to be rounded; each is a ``Way``, for
``lawful.plan.gains.weighing`` to weigh against the same model in 16 bits. ``best_bits`` compares bits of training,
``critical_tokens`` says how long a model that will be rounded may be trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lawful.errors import LawError
from lawful.plan.costs.extras import BITS, FULL_BITS
from lawful.plan.decide import Decision, best_metrics, decide
from lawful.plan.gains.weighing import Way
from lawful.plan.laws import LawLike
from lawful.plan.problem import Problem, Variable

MOST_TOKENS = 1e18
"""Where the search for the tokens that rounding bears ends: beyond any text there is."""


def in_bits(problem: Problem, bits: float) -> Problem:
    """``problem`` with weights, activations and cache of training held at so many bits.

    Raises ``LawError`` for a law that takes no bits.
    """
    named = [name for name in BITS if name in problem.inner.inputs]
    if not named:
        raise LawError(f"{problem.inner.form} takes no bits of training: take a law that does, as "
                       "kumar2024_precision_training, or put the module on it: KEY+precision")
    kept = tuple(v for v in problem.variables if v.name not in BITS)
    return replace(problem, variables=(*kept, *(Variable(name, bits, bits) for name in named)))


def best_bits(problem: Problem, choices: Sequence[float]) -> tuple[Decision, ...]:
    """The decision of ``problem`` at each of the bits of training, the best first.

    Under a limit of ``bit_flop``, C = 6/16 N D P, this is what Kumar et al. 2024 decide (arXiv:2411.04330, 4.3).
    Raises as ``in_bits`` and ``decide``.
    """
    made = [decide(in_bits(problem, bits)) for bits in choices]
    goal = problem.minimise[0]
    return tuple(sorted(made, key=lambda d: float(problem.goal({goal: np.array(d.metrics[goal])}, goal))))


def trained_in(bits: float, problem: Problem) -> Way:
    """The model of ``problem`` trained and served in so many bits, against 16."""
    return Way(f"trained in {bits:g} bits", in_bits(problem, bits), in_bits(problem, FULL_BITS),
               "weights, activations and cache have as many bits in training as in serving")


def rounded_to(bits: float, damage: LawLike, problem: Problem) -> Way:
    """The model of ``problem`` trained as it is, its weights rounded afterwards to so many bits.

    ``damage`` gives the loss that this adds from params, tokens and ``post_bits``.
    """
    return Way(f"rounded to {bits:g} bits after training", with_damage(problem, damage, {"post_bits": bits}), problem,
               "weights alone are rounded, once, without further training")


def quantised_to(bits: float, damage: LawLike, problem: Problem, group_size: float = 128.0) -> Way:
    """The model of ``problem`` whose training knows that it will be rounded to so many bits.

    ``damage`` gives the loss that this adds from params, tokens and ``group_size``, weights that share a scale.
    Training takes as long as without (Kumar et al. 2024, section 4.2).
    """
    return Way(f"quantisation-aware training for {bits:g} bits",
               with_damage(problem, damage, {"post_bits": bits, "group_size": group_size}), problem,
               f"groups of {group_size:g} weights share a scale, whose own bits are not counted")


def with_damage(problem: Problem, damage: LawLike, held: Mapping[str, float]) -> Problem:
    """``problem`` with what ``damage`` adds to its loss, the quantities ``held`` being decided."""
    kept = tuple(v for v in problem.variables if v.name not in held)
    return replace(problem, variables=(*kept, *(Variable(name, value, value) for name, value in held.items())),
                   then=(*problem.then, damage))


def critical_tokens(base: LawLike, damage: LawLike, params: float, post_bits: float) -> float | None:
    """The tokens beyond which longer training raises the loss of the rounded model; None where none are in sight.

    Where the slope of the base law in tokens is that of the damage; in closed form, with B / D**beta and
    C_T D**gamma_D / N**gamma_N exp(-P / gamma):

        D = (beta B N**gamma_N exp(P / gamma) / (gamma_D C_T))**(1 / (gamma_D + beta))

    Kumar et al. 2024 (arXiv:2411.04330), equation 13. Found here by ``decide``, for any two such laws.
    """
    held = {"params": params, **{name: FULL_BITS for name in BITS if name in base.law.inputs}}
    variables = (*(Variable(name, value, value) for name, value in held.items()), Variable("tokens", 1e6, MOST_TOKENS))
    found = best_metrics(with_damage(Problem(base, variables), damage, {"post_bits": post_bits}))
    return found["tokens"] if found is not None and found["tokens"] < 0.999 * MOST_TOKENS else None

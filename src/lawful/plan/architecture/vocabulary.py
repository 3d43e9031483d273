"""How large a vocabulary: three published approaches, and what another size costs in loss.

A vocabulary of V entries has V x width parameters, which cost compute like any other: more entries write a text in
fewer tokens, and leave less compute for tokens. Tao et al. 2024 give three ways to the best size: off the compute
(approach 1), off the rest of the model (approach 2), and as the minimum of a loss at the compute that there is
(approach 3). The first two hold where data and model grow together; the third also where they do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lawful.cost.checks import positive
from lawful.laws import registry
from lawful.plan.bisection import turn
from lawful.plan.decide import decide
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.quantities import FLOP_PER_PARAM_TOKEN

LOSS = "tao2024_vocabulary:approach3"
BY_COMPUTE, BY_PARAMS = "tao2024_vocabulary:approach1_vocab", "tao2024_vocabulary:approach2"
SIZE = "tao2024_vocabulary:approach1_params"
"""The laws of Tao et al. 2024; the last is the best size without vocabulary at some compute."""

ENTRIES = (256.0, 1e8)
"""Between which vocabularies are looked for: all bytes, and more than anybody has trained."""


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary for a model: its entries and parameters, and the normalised loss by approach 3.

    ``law`` is what it follows from. The loss is relative to a unigram model with the same vocabulary, so that
    vocabularies compare; lower is better, and it is negative.
    """

    law: str
    size: float
    params: float
    normalised_loss: float


def optimal_compute(params: float) -> float:
    """The compute [FLOP] for which ``params`` without vocabulary are the best size, by approach 1: N = k C**a."""
    best = registry.law(SIZE).law
    return float((positive("params", params, "parameters without vocabulary") / best(compute=1.0))
                 ** (1.0 / best.coefficients["a"]))


def best_vocabularies(params: float, width: float, compute: float | None = None) -> tuple[Vocabulary, ...]:
    """The best vocabulary for a model of ``params`` without vocabulary, by approaches 1, 2 and 3.

    ``compute`` [FLOP] is that of the training, vocabulary included; left out, it is what that size is best for.
    Approach 1 reads the vocabulary off this compute, approach 2 knows the size alone, approach 3 decides: the least
    loss with ``vocab_size`` free and as many tokens as the compute leaves.
    """
    positive("width", width, "hidden units")
    compute = optimal_compute(params) if compute is None else positive("compute", compute, "FLOP")
    loss = registry.law(LOSS)
    problem = Problem(
        loss, (Variable("params", params, params), Variable("width", width, width), Variable("vocab_size", *ENTRIES),
               Variable("tokens", 1.0, compute)), constraints=(Constraint("train_flop", "<=", compute),))
    entries = {
        BY_COMPUTE: float(registry.law(BY_COMPUTE)(compute=compute)) / width,
        BY_PARAMS: float(registry.law(BY_PARAMS)(params=params)) / width,
        LOSS: decide(problem).decision["vocab_size"],
    }
    return tuple(judged(size, params, width, compute, key) for key, size in entries.items())


def judged(size: float, params: float, width: float, compute: float, law: str = "") -> Vocabulary:
    """A vocabulary of ``size`` entries, with the loss of approach 3 at the tokens that ``compute`` leaves."""
    held = positive("vocab_size", size, "entries") * width
    tokens = compute / (FLOP_PER_PARAM_TOKEN * (params + held))
    return Vocabulary(law, size, held, float(registry.law(LOSS)(params=params, vocab_params=held, tokens=tokens)))


def compute_worth(size: float, params: float, width: float, compute: float) -> float:
    """The share of ``compute`` with which the best vocabulary gives what ``size`` gives with all of it: 1 at its best.

    By approach 3, by bisection; the model without vocabulary stays as it is.
    """
    wanted = judged(size, params, width, compute).normalised_loss

    def worse(log_share: float) -> bool:
        budget = compute * math.exp(log_share)
        return min(judged(size * factor, params, width, budget).normalised_loss for factor in FACTORS) >= wanted

    return math.exp(turn(worse, math.log(LEAST), 0.0, halvings=40)[1])


LEAST = 1e-3
"""The least share of the compute that ``compute_worth`` gives."""

FACTORS = tuple(2.0 ** (step / 8) for step in range(-64, 65))
"""Sizes that ``compute_worth`` looks at, relative to the one asked about: over 8 powers of 2 to either side."""

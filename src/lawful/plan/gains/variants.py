"""Ways to get more of a model for its memory or compute, each beside the plain model of the same law.

What to use when: ``experts`` and ``fine_grained`` for mixtures of experts, ``idle_experts`` for the share of them that
idles, ``sparse_weights`` for zeros trained in, ``taught`` for a student of a teacher, ``pruned`` for a trained model
that is cut and trained on. All give a ``Way``, for ``lawful.plan.gains.weighing`` to weigh under the limits they are
given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lawful.laws.registry import law as published
from lawful.plan.costs.rates import Rates
from lawful.plan.gains.weighing import Way
from lawful.plan.laws import LawLike
from lawful.plan.problem import SPANS, Constraint, Problem, Variable
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Limits = Sequence[Constraint]

EXPERTS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Experts to choose from: those that the joint law was fitted on."""

GRANULARITY = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Granularities to choose from: those that were run."""

SPARSITY = (0.5, 0.75, 0.875)
"""Shares of zeros to choose from: those that were run."""

IDLE = (0.5, 0.75, 0.875, 0.9375, 0.96875)
"""Shares of idle experts to choose from: one of 2, 4, 8, 16, 32 at work, within those that were fitted."""


TAUGHT = 20.0
"""Tokens per param of a student at least: the fewest that were run, and a law of distillation is nonsense far below."""


def problem_of(law: LawLike, limits: Limits, rates: Rates, *decided: Variable) -> Problem:
    """The problem of deciding ``law`` within ``limits``: ``decided`` as they say, params and tokens free."""
    named = {v.name for v in decided}
    free = (Variable.parse(f"{name}={span}") for name, span in SPANS.items()
            if name in law.law.inputs and name not in named)
    return Problem(law, (*free, *decided), constraints=tuple(limits), rates=rates)


def held(name: str, value: float) -> Variable:
    """The quantity ``name`` held at ``value``."""
    return Variable(name, value, value)


def experts(limits: Limits, rates: Rates, choices: Sequence[float] = EXPERTS, law: LawLike | None = None) -> Way:
    """A mixture of experts, one of them for each token, against the dense model of the same law.

    By the joint law of Ludziejewski et al. 2025, or a ``law`` of params, tokens and experts of your own.
    """
    law = law or published("ludziejewski2025_joint_moe")
    return Way("mixture of experts", problem_of(law, limits, rates, Variable.among("experts", choices)),
               problem_of(law, limits, rates, held("experts", 1.0)))


def fine_grained(limits: Limits, rates: Rates, choices: Sequence[float] = GRANULARITY) -> Way:
    """Experts cut finer, at 64 times the params of a dense model, routing paid for; Krajewski et al. 2024."""
    fine, dense = (published(f"krajewski2024_fine_grained:{kind}") for kind in ("moe", "dense"))
    finer = Variable.among("granularity", choices)
    return Way("fine-grained mixture of experts", problem_of(fine, limits, rates, finer),
               problem_of(dense, limits, rates),
               "64 times expansion; communication between devices is not counted")


def idle_experts(limits: Limits, rates: Rates, choices: Sequence[float] = IDLE) -> Way:
    """A mixture by the share of its experts that idles, against none idle; Abnar et al. 2025."""
    law = published("abnar2025_moe_sparsity")
    return Way("share of idle experts", problem_of(law, limits, rates, Variable.among("sparsity", choices)),
               problem_of(law, limits, rates, held("sparsity", 0.0)))


def sparse_weights(limits: Limits, rates: Rates, choices: Sequence[float] = SPARSITY,
                   law: LawLike | None = None) -> Way:
    """Weights pruned while they train, paid for as a dense model of all of them, against none; Frantar et al. 2023."""
    law = law or published("frantar2023_sparse:t5_c4")
    return Way("sparse weights", problem_of(law, limits, rates, Variable.among("sparsity", choices)),
               problem_of(law, limits, rates, held("sparsity", 0.0)),
               "gains in speed need hardware that skips zeros")


def taught(limits: Limits, rates: Rates, teacher: tuple[float, float] | None = None) -> Way:
    """A student of a teacher, against the same law without one; Busbridge et al. 2025.

    ``teacher`` are the params and tokens of one that exists, and ``rates.teacher`` says what of it is paid for; without
    one the teacher is chosen, trained for this student alone, and paid for whole.
    """
    law = published("busbridge2025_distillation:taught")
    limits = (*limits, Constraint("tokens_per_param", ">=", TAUGHT))
    plain = problem_of(published("busbridge2025_distillation:supervised"), limits, rates)
    if teacher is None:
        rates = replace(rates, teacher="trained")
        free = [Variable(f"teacher_{name}", *law.region.spans[f"teacher_{name}"]) for name in ("params", "tokens")]
        return Way("student of a teacher trained for it", problem_of(law, limits, rates, *free), plain)
    size, tokens = teacher
    known = (held("teacher_params", size), held("teacher_tokens", tokens))
    return Way("student of a teacher that exists", problem_of(law, limits, rates, *known), plain)


def pruned(law: LawLike, scratch: LawLike, limits: Limits, rates: Rates, params: float, loss: float,
           choices: Sequence[float]) -> Way:
    """A trained model of ``params`` and ``loss``, cut by one of ``choices`` and trained on, against one from scratch.

    ``law`` gives the loss after post-training, as a fit of ``prune_recover`` to your own runs (Chen et al. 2024 confirm
    no coefficients), ``scratch`` that of a small model on the same data. What is cut costs no FLOP and no memory, and a
    limit of tokens is one of post-training.
    """
    known = (held("params", params), held("initial_loss", loss), Variable.among("sparsity", choices),
             Variable("finetune_tokens", 1e6, 1e15))
    after = [replace(c, metric="finetune_tokens") if c.metric == "tokens" else c for c in limits]
    return Way("pruned and trained on", problem_of(law, after, replace(rates, skips_zeros=True), *known),
               problem_of(scratch, limits, rates))


def best_share(law: LawLike, params: float, compute: float) -> float:
    """The best share of zeros for so many non-zero ``params`` at ``compute`` FLOP, 0 where zeros do not pay.

    Of (a_S (1 - S)**b_S + c_S) / N**b_N + (a_D / D)**b_D with D = C (1 - S) / (6 N), all weights being paid for:

        1 - S = (b_D a_D**b_D N**b_N / (a_S b_S))**(1 / (b_S + b_D)) (C / (6 N))**(-b_D / (b_S + b_D))

    Frantar et al. 2023, section 3.2. For a law of the form ``sparse``.
    """
    c = law.law.coefficients
    scale = c["b_D"] * c["a_D"] ** c["b_D"] * params ** c["b_N"] / (c["a_S"] * c["b_S"])
    kept = (scale * (compute / (FLOP_PER_PARAM_TOKEN * params)) ** -c["b_D"]) ** (1.0 / (c["b_S"] + c["b_D"]))
    return float(max(0.0, 1.0 - kept))

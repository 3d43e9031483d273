"""Question 6: whether experts, zeros, a teacher or pruning are worth it under limits of memory and compute.

Each way is weighed against the plain model of its own law (``lawful.plan.gains.weighing``), never against another
paper's loss. What lies far beyond the runs behind its law is listed, and not recommended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lawful.errors import InputError, LawError, unknown
from lawful.fit import Fit
from lawful.fit.forecast import FAR
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, decide
from lawful.plan.gains import variants
from lawful.plan.gains.variants import Limits, held, problem_of
from lawful.plan.gains.weighing import Gain, Way, weigh_all
from lawful.plan.laws import LawLike, law_name, of_params_and_tokens
from lawful.plan.problem import Constraint
from lawful.plan.questions.gained import laws_of, limits_of, option_of, shown, size_text
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.spending import budget_limits
from lawful.quantities import format_number
from lawful.results import Caveat

WAYS = ("experts", "fine_grained", "idle_experts", "sparse_weights", "taught", "pruned")
"""What can be weighed."""

WORTH = 1.1
"""What a way must save for it to be recommended: the laws' own errors are worth a tenth of the budget and more."""


@dataclass(frozen=True)
class Asked:
    """The section ``[sparsity]`` of a situation."""

    memory_bytes: float | None = None
    "Bytes that the weights may take in serving, 2 for each: 80e9."
    tokens: float | None = None
    "Tokens there are to train on, at most: 10T."
    ways: tuple[str, ...] = ("experts", "fine_grained", "sparse_weights", "taught")
    "What to weigh: experts, fine_grained, idle_experts, sparse_weights, taught, pruned."
    experts: tuple[float, ...] = variants.EXPERTS
    "Numbers of experts to choose from: [2, 8, 32]."
    moe_law: LawLike | None = None
    "Your own law of params, tokens and experts: fit.json."
    teacher_params: float | None = None
    "Params of a teacher that exists: 70B. Without one the teacher is trained for the student alone."
    teacher_tokens: float | None = None
    "Tokens that the teacher was trained on: 15T."
    teacher: str = "runs"
    "What of an existing teacher is paid for: runs (it reads every token of the student) or stored (nothing)."
    pruning_law: LawLike | None = None
    "Your own fit of prune_recover, for pruned: p2.json. No coefficients of it are confirmed."
    pruned_params: float | None = None
    "Params of the trained model that may be pruned: 8B."
    pruned_loss: float | None = None
    "Loss of that model, on the data of your fits: 2.1."
    pruned_shares: tuple[float, ...] = (0.15, 0.25, 0.35)
    "Shares of its weights to cut."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The way that saves the most of the budget within the limits, and what the others would give.

    Raises ``InputError`` without a budget, ``FailedToAnswer`` where no dense model keeps the limits.
    """
    situation.compute()
    if asked.moe_law is not None:
        of_params_and_tokens(asked.moe_law, "[sparsity] moe_law", ("experts",))
        if "experts" not in asked.moe_law.law.inputs:
            raise LawError(f"[sparsity] moe_law: {law_name(asked.moe_law)} knows no experts; give a law of params, "
                           "tokens and experts")
    limits = (*budget_limits(situation.budget), *_limits(asked))
    law = situation.loss_law("besiroglu2024_refit")
    of_params_and_tokens(law, "sparsity", ("experts",))
    one = [held("experts", 1.0)] if "experts" in law.law.inputs else []
    dense = decide(problem_of(law, limits, situation.rates, *one))
    gains, refused = weigh_all(_ways(situation, asked, limits))
    near = [gain for gain in gains if gain.reach is not None and gain.reach <= FAR]
    best = near[0] if near and near[0].factor > WORTH else None
    others = [_option(gain) for gain in gains if gain is not best]
    outcome = dense.problem.outcome
    plain = Option("dense", dense.decision, {"times_budget": 1.0, **shown(dense)}, dense.intervals,
                   f"{outcome} {dense.metrics[outcome]:.4g}; by {dense.law}")
    first = [plain, *others] if best is None else [_option(best), plain, *others]
    incomparable = Caveat("incomparable", "losses of different laws are losses on different corpora: compare "
                          "times_budget, each against the plain model of its own law")
    left_out = tuple(Caveat("not_weighed", text) for text in refused)
    return Recommendation(
        "sparsity", _answer(best, dense, gains), tuple(first),
        laws_of([*([best.made] if best else []), dense, *(gain.made for gain in gains)]),
        (incomparable, *left_out, *limits_of(gains[:1] if best is None else [best])), _measure(best),
        best.made.assumptions if best else dense.assumptions)


def _limits(asked: Asked) -> Iterator[Constraint]:
    if asked.memory_bytes is not None:
        yield Constraint("memory_bytes", "<=", asked.memory_bytes)
    if asked.tokens is not None:
        yield Constraint("tokens", "<=", asked.tokens)


def _ways(situation: Situation, asked: Asked, limits: Limits) -> Iterator[Way]:
    for name in asked.ways:
        match name:
            case "experts":
                own = situation.law if situation.law and "experts" in situation.law.law.inputs else None
                yield variants.experts(limits, situation.rates, asked.experts, asked.moe_law or own)
            case "fine_grained":
                yield variants.fine_grained(limits, situation.rates)
            case "idle_experts":
                yield variants.idle_experts(limits, situation.rates)
            case "sparse_weights":
                yield variants.sparse_weights(limits, situation.rates)
            case "taught":
                yield variants.taught(limits, *_teacher(situation.rates, asked))
            case "pruned":
                yield _pruned(situation, asked, limits)
            case _:
                raise unknown("way", name, WAYS, where="in [sparsity] ways")


def _teacher(rates: Rates, asked: Asked) -> tuple[Rates, tuple[float, float] | None]:
    if (asked.teacher_params is None) != (asked.teacher_tokens is None):
        raise InputError("[sparsity] teacher_params and teacher_tokens go together: what the teacher is, and what it "
                         "was trained on")
    if asked.teacher_params is None or asked.teacher_tokens is None:
        return rates, None
    return replace(rates, teacher=asked.teacher), (asked.teacher_params, asked.teacher_tokens)


def _pruned(situation: Situation, asked: Asked, limits: Limits) -> Way:
    if asked.pruning_law is None or asked.pruned_params is None or asked.pruned_loss is None or situation.law is None:
        raise InputError("[sparsity] pruned needs pruning_law, pruned_params and pruned_loss, and a law of your own at "
                         "the top: no coefficients of the P2 law are confirmed, so nothing else can be weighed")
    return variants.pruned(asked.pruning_law, situation.law, limits, situation.rates, asked.pruned_params,
                           asked.pruned_loss, asked.pruned_shares)


def _option(gain: Gain) -> Option:
    """The gain as an option, without the losses themselves: those of different laws are not to be read down a table."""
    option, outcome = option_of(gain), gain.made.problem.outcome
    return replace(option, gives={name: value for name, value in option.gives.items()
                                  if name not in (outcome, f"plain_{outcome}", "difference")})


def _answer(best: Gain | None, dense: Decision, gains: tuple[Gain, ...]) -> str:
    if best is not None:
        decided = ", ".join(f"{name} {format_number(value)}" for name, value in best.made.decision.items()
                            if name not in ("params", "tokens"))
        return f"Train a {best.way.name} ({decided}), {size_text(best.made)}: {best.answer}."
    why = "nothing was weighed" if not gains else (
        f"the best of the others, {gains[0].way.name}, saves too little or lies too far beyond its runs: "
        f"{gains[0].answer}")
    return f"Train a dense model, {size_text(dense)}: {why}."


def _measure(best: Gain | None) -> tuple[str, ...]:
    """What to find out first, by what is recommended."""
    if best is None:
        return ("Whether the limits are real: with twice the memory, or a teacher that exists, ask again.",)
    own = isinstance(best.way.problem.law, Fit)
    fit = () if own else ("Train both at two sizes or more, a tenth of the plan's compute in all, on your own data, "
                          f"and fit {best.made.problem.inner.form}: the gain is that of another corpus and recipe.",)
    by_way = {
        "experts": "The time of a step beside that of a dense model of as many active params: what travels between "
                   "devices costs time and no FLOP.",
        "sparse": "What your device gains from zeros: most gain nothing below 2:4.",
        "student": "The loss of the teacher on your data, and whether a weaker one teaches the student better: the "
                   "capacity gap.",
        "pruned": "Two lengths of post-training at one share of cut weights: whether the loss still falls."}
    return (*fit, *(text for word, text in by_way.items() if word in best.way.name))


TOPIC = Topic("sparsity", 6, "Are sparse models worth it?", Asked, recommend)

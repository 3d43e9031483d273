"""Downscaling: the smallest model that does the job, and whether several small ones would do better than one.

``downscale`` is the question by itself: the smallest model that reaches a target within a budget, memory and data, what
it costs over the compute-optimal one, and what an ensemble at equal compute would have to gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lawful.errors import InputError, LawError
from lawful.laws import registry
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, decide
from lawful.plan.laws import LawLike, law_caveats, law_name, of_params_and_tokens
from lawful.plan.problem import SPANS, parse_problem
from lawful.plan.questions.size import DEFAULT
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.sizing.ensembles import Ensemble, pruned, split
from lawful.plan.spending import budget_limits
from lawful.quantities import format_number
from lawful.results import Caveat, once

SCORE = "gadre2024_downstream:c4_46task"
"""The law that makes an error of a loss where the target is one and the user brings no law of scores."""

MEASURED = 0.26
"""The gain of an ensemble [nats/token] as it was measured on language models: 300M params on 200M distinct tokens.

0.05 / 0.3**1.02 + 3.431 less the limit of 3.34 (Kim et al. 2025, arXiv:2509.14786, sections 3 and 4). Data were so
scarce there that one large model over-fits. Where every byte was new, 0.10 to 0.12 nats/byte for models of 2e4 to 7e4
params, 30 to 58 % of what an ensemble needed (``benchmarks/ensembles.py``).
"""


@dataclass(frozen=True)
class Asked:
    """What the model must do, and what it may take. Without a target it is the best that the budget can train."""

    target_loss: float | None = None
    "Loss to reach [nats/token]."
    target_error: float | None = None
    "Or share of wrong answers to reach, through a law of scores."
    score_law: LawLike | None = None
    "Law that makes an error, or an accuracy, of the loss; a published average over 46 tasks where left out."
    max_memory: float | None = None
    "Bytes that the weights may take: 16e9."
    unique_tokens: float | None = None
    "Distinct training tokens there are, each to be seen once: 1T."
    most_tokens_per_param: float = 1000.0
    "How far to over-train at most: laws have few runs beyond 1,000 tokens per parameter."
    members: tuple[int, ...] = (2, 4, 8)
    "Numbers of small models to weigh against one."
    ensemble_gain: float | None = None
    "What members without end gain over one [nats/token], where you have measured it."
    pruning_law: LawLike | None = None
    "A fit of the law of pruning and recovery (chen2024_p2), to weigh members pruned from the one model."
    recovery_tokens: float = 1e9
    "Tokens of post-training after pruning, each member."


@dataclass(frozen=True)
class Downscaled:
    """The ``smallest`` model that meets the target, the ``easiest`` to train, the ``cheapest`` with serving, if any.

    ``narrow`` are ensembles that share the params of the easiest, ``apart`` those that share its compute, ``from_one``
    those pruned from it.
    """

    loss: float
    smallest: Decision
    easiest: Decision
    cheapest: Decision | None
    narrow: tuple[Ensemble, ...]
    apart: tuple[Ensemble, ...]
    from_one: tuple[Ensemble, ...] = ()


def downscale(law: LawLike, subject: Sequence[str], rates: Rates | None = None, then: Sequence[LawLike] = (),
              members: Sequence[int] = (2, 4, 8), pruning: LawLike | None = None,
              recovery_tokens: float = 1e9) -> Downscaled:
    """The smallest model that keeps every constraint of ``subject``, the target among them.

    ``subject`` is as ``lawful plan`` has it: "loss<=2.1", "memory_bytes<=8e9". Raises ``LawError`` for a law not of
    params and tokens, ``FailedToAnswer`` where no model keeps them all.
    """
    of_params_and_tokens(law, "downscaling", loss=True)
    rates = rates or Rates()

    def best(goal: str) -> Decision:
        return decide(parse_problem(law, _vary(), subject, goal, rates, then))

    smallest, easiest = best("params"), best("train_flop")
    cheapest = best("usd" if "usd" in smallest.metrics else "total_flop") if rates.serve_tokens else None
    one = easiest.metrics
    narrow, apart = (split(law.law, one["params"], one["tokens"], members, by) for by in ("params", "compute"))
    cut = () if pruning is None else pruned(pruning.law, one["params"], one["loss"], members, recovery_tokens)
    return Downscaled(one["loss"], smallest, easiest, cheapest, narrow, apart, cut)


def _vary() -> list[str]:
    return [f"{name}={span}" for name, span in SPANS.items()]


# --------------------------------------------------------------------------------------------------- the topic

def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The smallest model that meets the target, with what it costs, and ensembles beside it.

    Raises ``InputError`` for two targets, or neither a target nor a budget; ``FailedToAnswer`` where none meets it,
    naming the constraint that cannot be kept and the nearest that could.
    """
    law = situation.loss_law(DEFAULT)
    of_params_and_tokens(law, "downscaling", loss=True)
    subject, then = _subject(situation, asked, law)
    made = downscale(law, subject, situation.rates, then, asked.members, asked.pruning_law, asked.recovery_tokens)
    options = _options(made, asked)
    laws = (law_name(law), *(law_name(t) for t in then), *([law_name(asked.pruning_law)] if asked.pruning_law else []))
    at = made.smallest.metrics
    limits = once((*(c for one in (law, *then) for c in law_caveats(one, at)), *_unmeasured(asked)))
    return Recommendation("downscaling", _answer(made, asked), options, laws, limits,
                          tuple(_first(asked)), made.smallest.assumptions)


def _subject(situation: Situation, asked: Asked, law: LawLike) -> tuple[list[str], list[LawLike]]:
    """What must hold, as the command line writes it, and the law of scores where one is needed."""
    if asked.target_loss is not None and asked.target_error is not None:
        raise InputError("[downscaling]: give target_loss or target_error, not both")
    if asked.target_error is not None and not 0.0 < asked.target_error < 1.0:
        raise InputError(f"[downscaling] target_error: a share between 0 and 1, got {asked.target_error:g}; if in per "
                         "cent, divide by 100")
    if not asked.members:
        raise InputError("[downscaling] members: give at least one number of models, as [2, 4, 8]")
    limits = [f"tokens_per_param<={asked.most_tokens_per_param!r}"]
    if asked.max_memory is not None:
        limits.append(f"memory_bytes<={asked.max_memory!r}")
    if asked.unique_tokens is not None:
        limits.append(f"tokens<={asked.unique_tokens!r}")
    budget = budget_limits(situation.budget)
    then: list[LawLike] = []
    if asked.target_error is not None:
        then = [asked.score_law or registry.law(SCORE)]
        score = then[0].law
        if "loss" not in score.inputs or score.output.name not in ("error", "accuracy"):
            raise LawError(f"[downscaling] score_law: {law_name(then[0])} gives {score.output.name} from "
                           f"{', '.join(score.inputs)}; give a law of an error, or an accuracy, from loss")
        target = f"error<={asked.target_error!r}"
    elif asked.target_loss is not None:
        target = f"loss<={asked.target_loss!r}"
    else:
        situation.compute()
        # as good as the best model of half the budget: the other half buys the smaller size
        half = [f"{c.metric}<={c.bound / 2!r}" for c in budget]
        best = decide(parse_problem(law, _vary(), [*half, *limits], rates=situation.rates))
        target = f"loss<={best.metrics['loss']!r}"
    return [target, *(f"{c.metric}<={c.bound!r}" for c in budget), *limits], then


def _answer(made: Downscaled, asked: Asked) -> str:
    small, easy = made.smallest.metrics, made.easiest.metrics
    said = (f"The smallest model is {_n(small['params'])} params on {_n(small['tokens'])} tokens: loss "
            f"{small['loss']:.4f}, {100 * small['params'] / easy['params']:.3g} % of the params of the easiest to "
            f"train ({_n(easy['params'])}) for {small['train_flop'] / easy['train_flop']:.3g} times its training.")
    if made.cheapest is not None:
        goal = made.cheapest.problem.minimise[0]
        said += (f" With what is to be served {_n(made.cheapest.metrics['params'])} is cheapest in the whole, "
                 f"{100 * (1 - made.cheapest.metrics[goal] / easy[goal]):.3g} % below the easiest.")
    least = min(made.narrow, key=lambda e: e.gain_needed)
    said += (f" {least.members} models of {_n(least.params)} instead, at equal compute, would have to gain "
             f"{least.gain_needed:.2g} nats/token from one another")
    gain = asked.ensemble_gain
    if gain is None:
        return said + f" (once measured on scarce data: {MEASURED:g}): measure that before you build one."
    best = min((*made.narrow, *made.from_one), key=lambda e: e.loss(gain) - e.one)
    reached = best.loss(gain)
    if reached >= best.one:
        return said + f": with {gain:g} no ensemble pays."
    return said + f": with {gain:g}, {best.members} of {_n(best.params)} reach {reached:.4f}, below its {best.one:.4f}."


def _options(made: Downscaled, asked: Asked) -> tuple[Option, ...]:
    found = [_decided("smallest", made.smallest), _decided("easiest to train", made.easiest)]
    if made.cheapest is not None:
        found.append(_decided("cheapest to train and serve", made.cheapest))
    for kind, ensembles in (("that share its params", made.narrow), ("that share its compute", made.apart),
                            ("pruned from it", made.from_one)):
        for e in ensembles:
            gives = {"member_loss": e.member_loss, "gain_needed": e.gain_needed, "train_flop": e.train_flop,
                     "serve_params": e.serve_params}
            if asked.ensemble_gain is not None:
                gives["loss"] = e.loss(asked.ensemble_gain)
            found.append(Option(f"{e.members} models {kind}", {"params": e.params, "tokens": e.tokens}, gives,
                                note="beside the easiest to train; params and tokens of one member"))
    return tuple(found)


def _decided(name: str, made: Decision) -> Option:
    gives = {metric: value for metric, value in made.metrics.items() if metric not in made.decision and value}
    held = f"{', '.join(made.binding)} bind{'s' * (len(made.binding) == 1)}" if made.binding else ""
    return Option(name, made.decision, gives, dict(made.intervals), held)


def _unmeasured(asked: Asked) -> tuple[Caveat, ...]:
    if asked.ensemble_gain is not None:
        return ()
    return (Caveat("ensemble_unmeasured", "what an ensemble gains is not published for models trained once over "
                   "fresh data: its law was fitted to small image classifiers (arXiv:2007.08483), and to 300M params "
                   "on 200M distinct tokens (arXiv:2509.14786); models of 2e4 to 7e4 params gained 30 to 58 % of what "
                   "they needed (benchmarks/ensembles.py)"),)


def _first(asked: Asked) -> list[str]:
    found = ["The smallest model's loss at its tokens per parameter, at a tenth of the size: laws promise too much of "
             "long training (arXiv:2401.00448)."]
    if asked.ensemble_gain is None:
        found.append("Two seeds of a small model, their logits averaged: what they gain over one is half of the gain "
                     "that the options ask for.")
    if asked.pruning_law is None:
        found.append("Pruning and recovery at two rates and two lengths, fitted as chen2024_p2: the survey's route to "
                     "small models, whose coefficients nobody has published.")
    return found


def _n(value: float) -> str:
    return format_number(value)


TOPIC = Topic("downscaling", 6, "How small can the model be?", Asked, recommend)

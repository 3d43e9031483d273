"""Question 7: in how many bits to train, and to how many to round: with size and data, under memory and a budget.

Each way is weighed against the same model in 16 bits, by the law it was fitted with. Those that rest on one loss law,
the user's own where there is one, are compared by the loss itself, and the best of them is recommended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lawful.errors import LawError
from lawful.laws.registry import law as published
from lawful.plan.costs.extras import BITS, FULL_BITS
from lawful.plan.decide import Decision, decide
from lawful.plan.gains.bits import critical_tokens, quantised_to, rounded_to, trained_in
from lawful.plan.gains.variants import held, problem_of
from lawful.plan.gains.weighing import Gain, Way, weigh_all
from lawful.plan.laws import LawLike, law_name, of_params_and_tokens
from lawful.plan.problem import Constraint, Problem
from lawful.plan.questions.gained import laws_of, limits_of, option_of, shown, size_text
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.spending import budget_limits
from lawful.quantities import format_number
from lawful.results import Caveat

BASE = "kumar2024_precision_training"
"""The law of loss by bits where the user has none: weights, activations and cache in training."""

BIT_FLOP = ("Where bits of training are decided, the budget is in 6/16 x params x tokens x bits (arXiv:2411.04330, "
            "equation 5; its authors find less saved in practice).")
"""How training in few bits is paid for where no device says."""

QAT = {"W4A16": 4.0}
"""Formats of quantisation-aware training that are weighed, by the bits of a weight."""


@dataclass(frozen=True)
class Asked:
    """The section ``[precision]`` of a situation."""

    memory_bytes: float | None = None
    "Bytes that the weights may take in serving: 4e9."
    params: float | None = None
    "Params of the model where its size is settled: 8B."
    tokens: float | None = None
    "Tokens it is trained on where they are settled: 15T."
    train_bits: tuple[float, ...] = (8.0,)
    "Bits to weigh for training, of weights, activations and cache alike: [8, 4]."
    post_bits: tuple[float, ...] = (8.0, 4.0, 3.0)
    "Bits to weigh for weights that are rounded after training: [8, 4, 3]."
    damage_law: LawLike | None = None
    "Your own fit of the loss that your quantiser adds, of params, tokens and post_bits (ptq_damage): damage.json."
    group_size: float = 128.0
    "Weights that share a scale in quantisation-aware training."
    most_added: float = 0.01
    "Loss that fewer bits may add where params and tokens are both settled [nats/token]."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The bits of training and after it that gain the most within the limits, and what other bits would give.

    Raises ``InputError`` without a budget, ``FailedToAnswer`` where no model in 16 bits keeps the limits.
    """
    situation.compute()
    base = situation.loss_law(BASE)
    of_params_and_tokens(base, "precision", BITS)
    damage = asked.damage_law or published("kumar2024_ptq")
    if "post_bits" not in damage.law.inputs or damage.law.output.name != "added_loss":
        raise LawError(f"[precision] damage_law: {law_name(damage)} gives {damage.law.output.name} from "
                       f"{', '.join(damage.law.inputs)}; give a law of the added_loss by post_bits, as ptq_damage")
    full = decide(_problem(base, situation, asked))
    gains, refused = weigh_all(_ways(base, damage, situation, asked))
    best = _best(gains, base, full, asked)
    gives = {full.problem.outcome: full.metrics[full.problem.outcome], "times_budget": 1.0, **shown(full)}
    plain = Option("16 bits throughout", full.decision, gives, full.intervals, f"by {full.law}")
    others = [option_of(gain) for gain in gains if gain is not best]
    chosen = full if best is None else best.made
    counted = (BIT_FLOP,) if best is not None and best.way.currency == "bit_flop" else ()
    limits = (*(Caveat("not_weighed", text) for text in refused),
              *limits_of(gains[:1] if best is None else [best]))
    return Recommendation(
        "precision", f"{_answer(best, full, gains, asked)} {_bears(base, damage, chosen, asked)}".strip(),
        (plain, *others) if best is None else (option_of(best), plain, *others),
        laws_of([chosen, full, *(gain.made for gain in gains)]), limits, _measure(best, asked),
        (*counted, *chosen.assumptions, *_second_opinion(chosen, asked)))


def _problem(law: LawLike, situation: Situation, asked: Asked, currency: str | None = None) -> Problem:
    """The problem of ``law`` in 16 bits under the situation's limits; a budget in FLOP is one of ``currency``."""
    known = [held(name, value) for name, value in (("params", asked.params), ("tokens", asked.tokens)) if value]
    limits = [replace(c, metric=currency) if currency and c.metric == "train_flop" else c
              for c in budget_limits(situation.budget)]
    if asked.memory_bytes is not None:
        limits.append(Constraint("memory_bytes", "<=", asked.memory_bytes))
    full = [held(name, FULL_BITS) for name in BITS if name in law.law.inputs]
    return problem_of(law, limits, situation.rates, *known, *full)


def _ways(base: LawLike, damage: LawLike, situation: Situation, asked: Asked) -> Iterator[Way]:
    plain = _problem(base, situation, asked)
    for bits in asked.post_bits:
        yield rounded_to(bits, damage, plain)
    # a FLOP in fewer bits is cheaper: without a device whose peaks say by how much, in proportion to the bits
    takes_bits = base if set(BITS) & set(base.law.inputs) else published(BASE)
    cheaper = _problem(takes_bits, situation, asked, "bit_flop")
    for bits in asked.train_bits:
        yield trained_in(bits, cheaper)
    for name, bits in QAT.items():
        aware = base if situation.law is not None else published("chen2025_qat:bf16")
        yield quantised_to(bits, published(f"chen2025_qat:{name}"), _problem(aware, situation, asked), asked.group_size)


def _best(gains: tuple[Gain, ...], base: LawLike, full: Decision, asked: Asked) -> Gain | None:
    """The least loss among the ways that rest on the ``base`` law, where it is less than in 16 bits.

    Where size and data are settled no way is better in loss: what takes the fewest bytes without adding too much.
    """
    if asked.params is not None and asked.tokens is not None:
        kept = [gain for gain in gains if gain.difference <= asked.most_added
                and gain.made.metrics["memory_bytes"] < full.metrics["memory_bytes"]]
        return min(kept, key=lambda gain: (gain.made.metrics["memory_bytes"], gain.difference), default=None)
    outcome = full.problem.outcome
    same = [gain for gain in gains if gain.way.problem.law is base]
    best = min(same, key=lambda gain: gain.made.metrics[outcome], default=None)
    return best if best is not None and best.made.metrics[outcome] < full.metrics[outcome] else None


def _answer(best: Gain | None, full: Decision, gains: tuple[Gain, ...], asked: Asked) -> str:
    if best is None:
        why = "nothing else was weighed" if not gains else (
            f"within these limits fewer bits gain nothing; the nearest is {gains[0].way.name}: {gains[0].answer}")
        return f"Train {size_text(full)} in 16 bits and serve it so: {why}."
    if asked.params is not None and asked.tokens is not None:
        held = [format_number(made.metrics["memory_bytes"]) for made in (best.made, full)]
        return (f"Keep {size_text(best.made)} in fewer bits, {best.way.name}: it adds {max(best.difference, 0.0):.2g} "
                f"to the loss and takes {held[0]} bytes in place of {held[1]}.")
    made, paid = best.made.metrics, ""
    if best.way.currency == "bit_flop" and made["train_flop"] > made["bit_flop"]:
        paid = f" Its {made['train_flop']:.3g} FLOP in few bits count as {made['bit_flop']:.3g} of the budget."
    return f"Train {size_text(best.made)}, {best.way.name}: {best.answer}.{paid}"


def _bears(base: LawLike, damage: LawLike, chosen: Decision, asked: Asked) -> str:
    """How much training a model of the chosen size bears before rounding costs more than it gains."""
    params = chosen.decision["params"]
    try:
        found = {bits: critical_tokens(base, damage, params, bits) for bits in sorted(asked.post_bits) if bits < 8}
    except LawError:
        return ""
    said = [f"in {bits:g} bits beyond {format_number(tokens)}" for bits, tokens in found.items() if tokens is not None]
    return f"Rounded after training, {format_number(params)} params are made worse by more tokens: " \
           f"{' and '.join(said)}." if said else ""


def _second_opinion(chosen: Decision, asked: Asked) -> tuple[str, ...]:
    """What another published law says that rounding adds, where its bits are asked for."""
    other = published("ouyang2024_qid")
    at = {name: chosen.metrics[name] for name in ("params", "tokens")}
    low, high = other.region.spans["post_bits"]
    said = [f"{float(other(**at, post_bits=bits)):.3g} at {bits:g} bits" for bits in sorted(asked.post_bits)
            if low <= bits <= high]
    return (f"By {other.key}, for checkpoints of another family, rounding this model would add {' and '.join(said)} "
            "nats/token.",) if said else ()


def _measure(best: Gain | None, asked: Asked) -> tuple[str, ...]:
    """What to find out first."""
    rounding = ("Round checkpoints of two sizes at two lengths with your own quantiser, to the bits in question, and "
                "fit ptq_damage: other quantisers move the damage by several times.",)
    if best is None:
        return rounding
    if best.way.name.startswith("trained in"):
        return ("Train the smallest model of the plan in both precisions to the end: instabilities of few bits are not "
                "in the law, and floating-point formats differ from the integers it was fitted on.",
                "The time of a step in fewer bits: less is saved than the bits say.")
    return rounding if asked.damage_law is None else ()


TOPIC = Topic("precision", 7, "In how many bits?", Asked, recommend)

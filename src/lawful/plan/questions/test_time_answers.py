"""One kind of query: the model and the samples for it, with a verifier that is exact and with one that errs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lawful.errors import FailedToAnswer, InputError
from lawful.laws import registry
from lawful.plan.costs.rates import Rates
from lawful.plan.questions.test_time_notes import laws_of, limits_of, measure_first, money, samples_text
from lawful.plan.questions.test_time_sections import Asked
from lawful.plan.questions.topic import Option, Recommendation, Situation
from lawful.plan.sampling.answering import Model, Prices, latency
from lawful.plan.sampling.choosing import Choice, Sampler, choices, eras
from lawful.plan.sampling.verifiers import Verifier, voted
from lawful.quantities import format_number
from lawful.results import Caveat

WU = "wu2024_inference_scaling"
"""The law of the best size for a compute of inference."""

TRIED = 2000
"""Samples up to which every number is tried where a verifier errs: the best are few."""


def exact(asked: Asked, priced: Prices, situation: Situation) -> Recommendation:
    """The model and the samples with a verifier that does not err: cheapest to the target, or best for the budget."""
    found = choices(priced.samplers, target=asked.target or None, budget=asked.per_query or None)
    if asked.target and asked.queries:
        found.sort(key=lambda c: c.total(asked.queries))
    by_name = {m.name: m for m in asked.asked_models}
    best, unit = found[0], priced.unit
    answer = (f"Take {samples_text(best.samples)} a query of {best.sampler.name}: coverage "
              f"{best.coverage:.3g} for {money(best.price, unit)} a query, or {money(best.expected_price, unit)} "
              "stopping at the first that passes.")
    if len(found) > 1:
        other = found[1]
        answer += (f" {other.sampler.name} would take {other.samples:,} for {money(other.price, unit)}"
                   + ("." if asked.target else f" and cover {other.coverage:.3g}."))
    if asked.target and any(s.upfront for s in priced.samplers):
        answer += f" {_life(found)}"
    if asked.per_query and unit == "flop":
        size = float(registry.law(WU)(inference_compute=asked.per_query))
        answer += (f" On maths, where {format_number(asked.per_query)} FLOP a query are best spent is a model of "
                   f"{format_number(size)} params by {WU}, whose coefficients no primary source confirms here.")
    chosen = by_name[best.sampler.name]
    options = tuple(_option(c, by_name[c.sampler.name], unit, asked, situation.rates) for c in found)
    limits = (*_over_budget(best, unit, asked, situation), *limits_of([chosen], [best.samples], asked))
    return Recommendation("test_time", answer, options, laws_of([chosen]), limits, measure_first(asked),
                          priced.assumptions)


def _over_budget(best: Choice, unit: str, asked: Asked, situation: Situation) -> tuple[Caveat, ...]:
    """Where all queries together cost more than the budget."""
    usd = situation.budget.usd if situation.budget else None
    if usd is None or unit != "usd" or best.total(asked.queries) <= usd:
        return ()
    return (Caveat("over_budget", f"{format_number(asked.queries)} queries cost {best.total(asked.queries):.4g} "
                   f"dollars, training included, and the budget is {usd:.4g}"),)


def _life(found: Sequence[Choice]) -> str:
    """From how many queries on which model is the cheapest, training included."""
    parts = [f"{era.choice.sampler.name} from {format_number(era.queries)} queries on" if era.queries else
             era.choice.sampler.name for era in eras(found)]
    return f"Over its life, training included, the cheapest is {', then '.join(parts)}."


def _option(c: Choice, m: Model, unit: str, asked: Asked, rates: Rates) -> Option:
    gives = {"coverage": c.coverage, f"{unit}_per_query": c.price, f"{unit}_per_query_stopping": c.expected_price,
             "expected_samples": c.expected_samples}
    if asked.queries:
        gives[f"{unit}_over_life"] = c.total(asked.queries)
    if (seconds := latency(m, c.samples, asked.query, rates)) is not None:
        gives["latency_s"] = seconds
    spread_of = m.interval(c.samples)
    return Option(f"{m.name}, {samples_text(c.samples)}", _decided(m, c.samples), gives,
                  {} if spread_of is None else {"coverage": spread_of})


def _decided(m: Model, samples: int) -> dict[str, float]:
    return {"samples": float(samples), **({"params": m.params} if m.params else {})}


# ---------------------------------------------------------------------------------------- with a verifier that errs

def unsure(asked: Asked, priced: Prices) -> Recommendation:
    """The samples with the most right answers (less what wrong ones cost), model by model, of those paid for."""
    unit = priced.unit
    weighed = []
    by_name = {m.name: m for m in asked.asked_models}
    for s in priced.samplers:
        m = by_name[s.name]
        paid = math.floor((asked.per_query - s.per_query) / s.per_sample) if asked.per_query else s.most
        if min(s.most, paid) >= 1:
            weighed.append((m, _weigh(m, s, min(s.most, paid, TRIED), asked, unit)))
    if not weighed:
        raise FailedToAnswer(f"a budget of {asked.per_query:g} a query pays for no sample of any model")
    if asked.target:
        best = max(weighed, key=lambda pair: pair[1].gives["right"])[1]
        weighed = [pair for pair in weighed if pair[1].gives["right"] >= asked.target]
        if not weighed:
            raise FailedToAnswer(f"no number of samples up to {TRIED:,} answers {asked.target:g} rightly: the best is "
                                 f"{best.name} with {best.gives['right']:.3g}")
        weighed.sort(key=lambda pair: pair[1].gives[f"{unit}_per_query"])
    else:
        weighed.sort(key=lambda pair: asked.wrong_costs * pair[1].gives["wrong"] - pair[1].gives["right"])
    chosen, first = weighed[0]
    how = ("a vote" if asked.verifier == "vote" else
           f"a verifier that passes {asked.false_positive:.2g} of wrong samples")
    price = money(first.gives[f"{unit}_per_query"], unit)
    answer = (f"Take {first.name}: {first.gives['right']:.3g} of the queries are answered rightly and "
              f"{first.gives['wrong']:.3g} wrongly by {how}, for {price} a query.")
    if "ceiling" in first.gives:
        answer += f" No number of samples would answer more than {first.gives['ceiling']:.3g} rightly."
    return Recommendation("test_time", answer, tuple(option for _, option in weighed), laws_of([chosen]),
                          limits_of([chosen], [int(first.decision["samples"])], asked), measure_first(asked),
                          priced.assumptions)


def _weigh(m: Model, s: Sampler, most: int, asked: Asked, unit: str) -> Option:
    problems = m.problems
    if problems is None:
        what = "a vote" if asked.verifier == "vote" else "a verifier that errs"
        raise InputError(f"{m.name}: what {what} makes of samples follows from success rates problem by problem, and "
                         "not from a curve of coverage: give correct and drawn, rates, or difficulty")
    verifier = Verifier(asked.recall, asked.false_positive)
    if asked.verifier == "vote":
        numbers = np.arange(1.0, most + 1.0, 2.0)
        right = np.asarray(voted(problems, numbers))
        wrong = 1.0 - right
        extra = {}
    else:
        numbers = np.arange(1.0, most + 1.0)
        right, wrong = verifier.right(problems, numbers), verifier.wrong(problems, numbers)
        extra = {"ceiling": verifier.ceiling(problems)}
    worth = right - asked.wrong_costs * wrong
    enough = np.flatnonzero(right >= asked.target) if asked.target else np.array([], dtype=int)
    at = int(enough[0]) if len(enough) else int(np.argmax(worth))
    k = int(numbers[at])
    return Option(f"{m.name}, {samples_text(k)}", _decided(m, k),
                  {"right": float(right[at]), "wrong": float(wrong[at]),
                   f"{unit}_per_query": s.per_query + k * s.per_sample, "coverage": float(s.curve(float(k))), **extra})

"""Question 4, does it pay to spend at test time: which model, and how many samples a query.

The models are weighed by their curves of coverage and the price of a sample (``lawful.plan.sampling.choosing``);
classes of queries share a budget (``lawful.plan.sampling.queries``); a verifier that errs, or a vote, is taken at its
word (``lawful.plan.sampling.verifiers``).
"""

from __future__ import annotations

from dataclasses import replace

from lawful.errors import FailedToAnswer, InputError
from lawful.plan.costs.rates import Rates
from lawful.plan.questions.test_time_answers import exact, unsure
from lawful.plan.questions.test_time_classes import by_class
from lawful.plan.questions.test_time_sections import Asked, Class
from lawful.plan.questions.topic import Recommendation, Situation, Topic
from lawful.plan.sampling.answering import Prices, most_within, prices
from lawful.quantities import format_number

__all__ = ["TOPIC", "Asked", "Class", "recommend"]

VERIFIERS = ("exact", "imperfect", "vote")


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The model and the samples for each query, or for each class of queries.

    Raises ``InputError`` where it is not said what may answer or what is wanted, ``FailedToAnswer`` where nothing
    reaches it.
    """
    if bool(asked.target) == bool(asked.per_query):
        raise InputError("[test_time]: give target, a share of the queries, or per_query, what one may cost; not "
                         "both")
    if bool(asked.asked_models) == bool(asked.classes):
        raise InputError("[test_time]: give models, or classes of queries with their models")
    if len({m.name for m in asked.asked_models}) < len(asked.asked_models):
        raise InputError("[test_time] models: two have one name")
    if asked.verifier not in VERIFIERS:
        raise InputError(f"[test_time] verifier: known are {', '.join(VERIFIERS)}, got {asked.verifier!r}")
    if asked.classes:
        return by_class(situation.rates, asked)
    priced = _in_time(prices(asked.asked_models, asked.query, situation.rates), asked, situation.rates)
    if asked.verifier == "exact":
        return exact(asked, priced, situation)
    return unsure(asked, priced)


def _in_time(priced: Prices, asked: Asked, rates: Rates) -> Prices:
    """The samplers with no more samples than are written in time; those that write none are left out."""
    if not asked.max_latency_s:
        return priced
    most = [most_within(m, asked.max_latency_s, asked.query, rates) for m in asked.asked_models]
    kept = tuple(replace(s, most=min(s.most, k)) for s, k in zip(priced.samplers, most, strict=True) if k)
    if not kept:
        raise FailedToAnswer(f"no model writes {format_number(asked.tokens)} tokens within {asked.max_latency_s:g} s")
    return replace(priced, samplers=kept)


TOPIC = Topic("test_time", 4, "Does it pay to spend at test time?", Asked, recommend)

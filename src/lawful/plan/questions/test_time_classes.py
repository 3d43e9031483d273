"""Several kinds of query: the samples spread over their classes, beside one model with one number for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lawful.errors import InputError
from lawful.plan.costs.rates import Rates
from lawful.plan.questions.test_time_notes import laws_of, limits_of, measure_first, money, samples_text
from lawful.plan.questions.test_time_sections import Asked
from lawful.plan.questions.topic import Option, Recommendation
from lawful.plan.sampling.answering import prices
from lawful.plan.sampling.choosing import Choice, Sampler, choose
from lawful.plan.sampling.queries import ClassShare, ClassSpread, QueryClass, spread
from lawful.results import Caveat


def by_class(rates: Rates, asked: Asked) -> Recommendation:
    """The samples for each class of queries, so that together they cover the most, or cost the least."""
    if asked.verifier != "exact":
        raise InputError("[test_time]: samples are spread over classes for an exact verifier only")
    if asked.max_latency_s or any(m.train_tokens for c in asked.classes for m in c.models):
        raise InputError("[test_time]: max_latency_s and train_tokens are weighed for queries of one kind: leave them "
                         "out, or classes")
    priced = prices([m for c in asked.classes for m in c.models], asked.query, rates)
    unit, samplers = priced.unit, iter(priced.samplers)
    classes = [QueryClass(c.name, c.share, tuple(next(samplers) for _ in c.models)) for c in asked.classes]
    made = spread(classes, budget=asked.per_query or None, target=asked.target or None)
    alike = _alike(classes, made)
    options = [Option("spread over the classes", _decision(made),
                      {"coverage": made.coverage, f"{unit}_per_query": made.price})]
    if alike is not None:
        options.append(Option(f"{alike.sampler.name}, {samples_text(alike.samples)} for every query",
                              {"samples": float(alike.samples)},
                              {"coverage": alike.coverage, f"{unit}_per_query": alike.price}))
    parts = [f"{p.name}: {_ways(p.served)}" for p in made.classes]
    answer = (f"Spread the samples: {'; '.join(parts)}. That covers {made.coverage:.3g} for "
              f"{money(made.price, unit)} a query")
    answer += "." if alike is None else (f"; {alike.samples:,} of {alike.sampler.name} for every query would cover "
                                         f"{alike.coverage:.3g}.")
    used = [(m, s.samples) for c, p in zip(asked.classes, made.classes, strict=True) for m in c.models
            for s in p.served if s.sampler and s.sampler.name == m.name]
    told = Caveat("class_known", "the class of each query must be known before it is sampled; what telling it costs, "
                  "and the errors in it, are not counted")
    models, samples = [m for m, _ in used], [k for _, k in used]
    limits = (told, *limits_of(models, samples, asked))
    return Recommendation("test_time", answer, tuple(options), laws_of(models), limits, measure_first(asked),
                          priced.assumptions)


def _ways(served: Sequence[ClassShare]) -> str:
    """``3 of small``, or ``3 of small (70 %) and 4 of small (30 %)``."""
    texts = ["no answer" if s.sampler is None else f"{s.samples:,} of {s.sampler.name}" for s in served]
    return texts[0] if len(texts) == 1 else " and ".join(f"{text} ({100 * s.share:.2g} %)"
                                                         for text, s in zip(texts, served, strict=True))


def _decision(made: ClassSpread) -> dict[str, float]:
    return {f"samples.{p.name}": sum(s.share * s.samples for s in p.served) for p in made.classes}


def _alike(classes: Sequence[QueryClass], made: ClassSpread) -> Choice | None:
    """The best that one model with one number of samples for every query covers at the same price; None where no model
    serves all classes."""
    names = set.intersection(*({s.name for s in c.samplers} for c in classes))
    found = []
    for name in sorted(names):
        each = [(c.share, next(s for s in c.samplers if s.name == name)) for c in classes]

        def curve(k: object, each: list[tuple[float, Sampler]] = each) -> object:
            return sum(share * s.curve(k) for share, s in each)

        one = replace(each[0][1], curve=curve, most=min(s.most for _, s in each))
        paid = math.floor((made.price - one.per_query) / one.per_sample * (1 + 1e-9))
        if paid >= 1:
            found.append(choose(one, min(paid, one.most)))
    return max(found, key=lambda c: c.coverage, default=None)

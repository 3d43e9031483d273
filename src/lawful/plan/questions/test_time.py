"""Question 4, does it pay to spend at test time: which model, and how many samples a query.

The models are weighed by their curves of coverage and the price of a sample (``lawful.plan.sampling.choosing``);
classes of queries share a budget (``lawful.plan.sampling.queries``); a verifier that errs, or a vote, is taken at its
word (``lawful.plan.sampling.verifiers``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lawful.errors import FailedToAnswer, InputError
from lawful.fit import Fit
from lawful.laws import registry
from lawful.laws.published import Published
from lawful.plan.costs.rates import Rates
from lawful.plan.laws import law_caveats, law_name
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.sampling.answering import Model, Prices, Query, latency, most_within, prices
from lawful.plan.sampling.choosing import Choice, Sampler, choices, choose, eras
from lawful.plan.sampling.queries import QueryClass, Served, Spread, spread
from lawful.plan.sampling.verifiers import Verifier, voted
from lawful.quantities import format_number
from lawful.results import Caveat

VERIFIERS = ("exact", "imperfect", "vote")

WU = "wu2024_inference_scaling"

TRIED = 2000
"""Samples up to which every number is tried where a verifier errs: the best are few."""


@dataclass(frozen=True)
class Class:
    """Queries of one kind, with the models' success on them."""

    name: str
    "What to call them."
    share: float
    "Their share of all queries."
    models: tuple[Model, ...]
    "The models, with how well they answer queries of this kind."


@dataclass(frozen=True)
class Asked:
    """What a query is, what may answer it, and what is wanted: a target of coverage, or a budget a query."""

    models: tuple[Model, ...] = ()
    "The models to choose from."
    classes: tuple[Class, ...] = ()
    "Or kinds of queries with their shares, each with its own models."
    coverage: Fit | Published | None = None
    "Or one model alone: its law of coverage over samples."
    correct: tuple[float, ...] = ()
    "Or its right answers to each problem, among as many samples as `drawn` says."
    drawn: int = 0
    "Samples drawn for each problem."
    params: float = 0.0
    "Its parameters: a token costs twice as many FLOP."
    usd_per_sample: float = 0.0
    "Or its price of a sample in US dollars."
    target: float = 0.0
    "Share of the queries to be answered rightly."
    per_query: float = 0.0
    "Or what a query may cost on average, in US dollars, or in FLOP where nothing has a price."
    tokens: float = 1000.0
    "Tokens written for each sample."
    prompt: float = 0.0
    "Tokens of a query, read once."
    queries: float = 0.0
    "Queries over the models' life, to weigh training against."
    max_latency_s: float = 0.0
    "Seconds that a query may take, all its samples written at once; for models with a shape."
    verifier: str = "exact"
    "What picks the answer: exact, imperfect (with recall and false_positive) or vote."
    recall: float = 1.0
    "Share of right samples that an imperfect verifier passes."
    false_positive: float = 0.0
    "Share of wrong samples that it passes."
    wrong_costs: float = 0.0
    "What a wrong answer costs, in right ones."

    @property
    def asked_models(self) -> tuple[Model, ...]:
        """The models that are given, or the one that is told by itself."""
        if self.coverage is None and not self.correct:
            return self.models
        one = Model("the model", self.coverage, self.correct, self.drawn, params=self.params,
                    usd_per_sample=self.usd_per_sample)
        return (*self.models, one)

    @property
    def query(self) -> Query:
        """The tokens of a query."""
        return Query(self.tokens, self.prompt)


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
        return _by_class(situation.rates, asked)
    priced = _in_time(prices(asked.asked_models, asked.query, situation.rates), asked, situation.rates)
    if asked.verifier == "exact":
        return _exact(asked, priced, situation)
    return _unsure(asked, priced)


def _in_time(priced: Prices, asked: Asked, rates: Rates) -> Prices:
    """The samplers with no more samples than are written in time; those that write none are left out."""
    if not asked.max_latency_s:
        return priced
    most = [most_within(m, asked.max_latency_s, asked.query, rates) for m in asked.asked_models]
    kept = tuple(replace(s, most=min(s.most, k)) for s, k in zip(priced.samplers, most, strict=True) if k)
    if not kept:
        raise FailedToAnswer(f"no model writes {format_number(asked.tokens)} tokens within {asked.max_latency_s:g} s")
    return replace(priced, samplers=kept)


# ------------------------------------------------------------------------------------------- with an exact verifier

def _exact(asked: Asked, priced: Prices, situation: Situation) -> Recommendation:
    found = choices(priced.samplers, target=asked.target or None, budget=asked.per_query or None)
    if asked.target and asked.queries:
        found.sort(key=lambda c: c.total(asked.queries))
    by_name = {m.name: m for m in asked.asked_models}
    best, unit = found[0], priced.unit
    answer = (f"Take {_samples(best.samples)} a query of {best.sampler.name}: coverage "
              f"{best.coverage:.3g} for {_money(best.price, unit)} a query, or {_money(best.expected_price, unit)} "
              "stopping at the first that passes.")
    if len(found) > 1:
        other = found[1]
        answer += (f" {other.sampler.name} would take {other.samples:,} for {_money(other.price, unit)}"
                   + ("." if asked.target else f" and cover {other.coverage:.3g}."))
    if asked.target and any(s.upfront for s in priced.samplers):
        answer += f" {_life(found)}"
    if asked.per_query and unit == "flop":
        size = float(registry.law(WU)(inference_compute=asked.per_query))
        answer += (f" On maths, where {format_number(asked.per_query)} FLOP a query are best spent is a model of "
                   f"{format_number(size)} params by {WU}, whose coefficients no primary source confirms here.")
    chosen = by_name[best.sampler.name]
    options = tuple(_option(c, by_name[c.sampler.name], unit, asked, situation.rates) for c in found)
    limits = (*_over_budget(best, unit, asked, situation), *_limits([chosen], [best.samples], asked))
    return Recommendation("test_time", answer, options, _laws([chosen]), limits, _measure(asked), priced.assumptions)


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
    return Option(f"{m.name}, {_samples(c.samples)}", _decided(m, c.samples), gives,
                  {} if spread_of is None else {"coverage": spread_of})


def _decided(m: Model, samples: int) -> dict[str, float]:
    return {"samples": float(samples), **({"params": m.params} if m.params else {})}


# ---------------------------------------------------------------------------------------- with a verifier that errs

def _unsure(asked: Asked, priced: Prices) -> Recommendation:
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
    price = _money(first.gives[f"{unit}_per_query"], unit)
    answer = (f"Take {first.name}: {first.gives['right']:.3g} of the queries are answered rightly and "
              f"{first.gives['wrong']:.3g} wrongly by {how}, for {price} a query.")
    if "ceiling" in first.gives:
        answer += f" No number of samples would answer more than {first.gives['ceiling']:.3g} rightly."
    return Recommendation("test_time", answer, tuple(option for _, option in weighed), _laws([chosen]),
                          _limits([chosen], [int(first.decision["samples"])], asked), _measure(asked),
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
    return Option(f"{m.name}, {_samples(k)}", _decided(m, k),
                  {"right": float(right[at]), "wrong": float(wrong[at]),
                   f"{unit}_per_query": s.per_query + k * s.per_sample, "coverage": float(s.curve(float(k))), **extra})


# --------------------------------------------------------------------------------------------------- class by class

def _by_class(rates: Rates, asked: Asked) -> Recommendation:
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
        options.append(Option(f"{alike.sampler.name}, {_samples(alike.samples)} for every query",
                              {"samples": float(alike.samples)},
                              {"coverage": alike.coverage, f"{unit}_per_query": alike.price}))
    parts = [f"{p.name}: {_ways(p.served)}" for p in made.classes]
    answer = (f"Spread the samples: {'; '.join(parts)}. That covers {made.coverage:.3g} for "
              f"{_money(made.price, unit)} a query")
    answer += "." if alike is None else (f"; {alike.samples:,} of {alike.sampler.name} for every query would cover "
                                         f"{alike.coverage:.3g}.")
    used = [(m, s.samples) for c, p in zip(asked.classes, made.classes, strict=True) for m in c.models
            for s in p.served if s.sampler and s.sampler.name == m.name]
    told = Caveat("class_known", "the class of each query must be known before it is sampled; what telling it costs, "
                  "and the errors in it, are not counted")
    models, samples = [m for m, _ in used], [k for _, k in used]
    return Recommendation("test_time", answer, tuple(options), _laws(models), (told, *_limits(models, samples, asked)),
                          _measure(asked), priced.assumptions)


def _ways(served: Sequence[Served]) -> str:
    """``3 of small``, or ``3 of small (70 %) and 4 of small (30 %)``."""
    texts = ["no answer" if s.sampler is None else f"{s.samples:,} of {s.sampler.name}" for s in served]
    return texts[0] if len(texts) == 1 else " and ".join(f"{text} ({100 * s.share:.2g} %)"
                                                         for text, s in zip(texts, served, strict=True))


def _decision(made: Spread) -> dict[str, float]:
    return {f"samples.{p.name}": sum(s.share * s.samples for s in p.served) for p in made.classes}


def _alike(classes: Sequence[QueryClass], made: Spread) -> Choice | None:
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


# ------------------------------------------------------------------------------------------------ what is said of it

def _samples(count: int) -> str:
    return f"{count:,} sample{'s' * (count != 1)}"


def _money(price: float, unit: str) -> str:
    return f"{price:.3g} dollars" if unit == "usd" else f"{price:.3g} FLOP"


def _laws(models: Sequence[Model]) -> tuple[str, ...]:
    names = [law_name(m.coverage) if m.coverage is not None else
             f"{'success rates' if m.rates else 'Beta density of success rates'} of {m.name}" for m in models]
    return tuple(dict.fromkeys(names))


def _limits(models: Sequence[Model], samples: Sequence[int], asked: Asked) -> tuple[Caveat, ...]:
    found: list[Caveat] = []
    for m, k in zip(models, samples, strict=True):
        if m.coverage is not None:
            found += law_caveats(m.coverage, {"samples": float(k)})
        if m.correct and k > m.drawn:
            found.append(Caveat("beyond_samples", f"{m.name}: {k:,} samples are {k / m.drawn:.3g} times those that "
                                "were drawn; beyond them the fitted density decides, of which the problems that were "
                                "never solved say least"))
    if asked.verifier == "exact":
        found.append(Caveat("exact_verifier", "coverage counts where the right sample is known when it is seen, as by "
                            "tests or a proof checker: with false positives more samples come to a ceiling "
                            "(arXiv:2411.17501)"))
    elif asked.verifier == "vote":
        found.append(Caveat("binary_vote", "a vote is taken between right and wrong: where wrong answers differ among "
                            "themselves fewer right ones win (arXiv:2403.02419 makes the same assumption)"))
    else:
        found.append(Caveat("even_errors", "the verifier errs alike on every problem; it is found to pass more wrong "
                            "samples of the problems that a model finds hard (arXiv:2411.17501)"))
    return tuple(dict.fromkeys(found))


def _measure(asked: Asked) -> tuple[str, ...]:
    first = ["Draw 100 samples or more for 100 problems of your own queries: curves of other tasks do not carry over."]
    if asked.verifier == "exact":
        first.append("Read 50 samples that your verifier passed: the share of wrong ones among them is what verifier = "
                     "\"imperfect\" needs.")
    if asked.classes:
        first.append("Sort 100 queries into the classes by the means you will have, and count how often that is right.")
    return tuple(first)


TOPIC = Topic("test_time", 4, "Does it pay to spend at test time?", Asked, recommend)

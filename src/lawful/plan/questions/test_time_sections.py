"""What the section ``[test_time]`` takes, and the classes of queries in it."""

from __future__ import annotations

from dataclasses import dataclass

from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.sampling.answering import Model, Query


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

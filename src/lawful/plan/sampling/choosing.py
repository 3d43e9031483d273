"""Which model, and how many samples: ``choices(samplers, target=...)``, and what the demand makes of training.

A ``Sampler`` is a model with its curve of coverage and its prices, in any one unit (dollars, FLOP). With a verifier at
hand one may also ask for one sample after another and stop at the first that passes; the mean number of samples is then

    sum of 1 - coverage(j) over j = 0 .. k - 1          of k at most

which holds for every curve, since 1 - coverage(j) is the share of problems that need more than j.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError
from lawful.plan.bisection import fewest
from lawful.plan.sampling.coverage import Curve

MOST = 1_000_000
"""Samples a query beyond which nobody has measured a curve (arXiv:2407.21787 goes to 10,000)."""

PIECE = 4096
"""Numbers of samples that a curve is asked at once: it may take some hundred problems to each."""


@dataclass(frozen=True)
class Sampler:
    """A model that may be sampled: its curve, and what things cost, all in one unit.

    ``per_query`` is paid once a query (reading the prompt), ``per_sample`` for each sample, ``upfront`` once (training;
    0 for a model that is there). ``most`` is the largest number of samples to consider.
    """

    name: str
    curve: Curve
    per_sample: float
    per_query: float = 0.0
    upfront: float = 0.0
    most: int = MOST

    def __post_init__(self) -> None:
        positive(f"{self.name}: price of a sample", self.per_sample, "any unit")
        for what, price in (("of a query", self.per_query), ("upfront", self.upfront)):
            if price != 0:
                positive(f"{self.name}: price {what}", price, "any unit, or zero")
        if not 1 <= self.most <= MOST:
            raise InputError(f"{self.name}: samples are counted from 1 to {MOST:,}, got {self.most:g}")


@dataclass(frozen=True)
class Choice:
    """A sampler with a number of samples: coverage, price a query with all of them, and stopping at the first right.

    ``expected_samples`` and ``expected_price`` are those of stopping at the first sample that passes the verifier.
    """

    sampler: Sampler
    samples: int
    coverage: float
    price: float
    expected_samples: float
    expected_price: float

    def total(self, queries: float, stopping: bool = False) -> float:
        """Training and all queries together."""
        return self.sampler.upfront + queries * (self.expected_price if stopping else self.price)


def choose(sampler: Sampler, samples: int) -> Choice:
    """The choice of ``samples`` samples: what it covers and costs."""
    numbers = np.arange(1.0, samples)
    expected = 1.0 + math.fsum(float(np.sum(1.0 - np.asarray(sampler.curve(numbers[i : i + PIECE]))))
                               for i in range(0, len(numbers), PIECE))
    fixed = sampler.per_query
    return Choice(sampler, samples, float(sampler.curve(float(samples))), fixed + samples * sampler.per_sample,
                  expected, fixed + expected * sampler.per_sample)


def samples_for(curve: Curve, target: float, most: int = MOST) -> int | None:
    """The fewest samples whose coverage is ``target``; None where ``most`` are too few."""
    return fewest(lambda samples: float(curve(float(samples))) >= target, most)


def choices(samplers: Sequence[Sampler], *, target: float | None = None, budget: float | None = None) -> list[Choice]:
    """Each sampler with the fewest samples that cover ``target``, or the most that ``budget`` pays for; best first.

    Best is the cheapest query for a target, the most covered for a budget. Samplers that cannot are left out; raises
    ``FailedToAnswer`` where none can, with how far the best comes.
    """
    if (target is None) == (budget is None):
        raise InputError("samples are chosen for a target of coverage or for a budget a query: give one of them")
    found = []
    if target is not None:
        if not 0 < target < 1:
            raise InputError(f"target: coverage is a share between 0 and 1, got {target!r}; if in per cent, divide by "
                             "100")
        for s in samplers:
            if (k := samples_for(s.curve, target, s.most)) is not None:
                found.append(choose(s, k))
        if not found:
            best = max(samplers, key=lambda s: float(s.curve(float(s.most))))
            raise FailedToAnswer(f"no model covers {target:g}: {best.name} covers {best.curve(float(best.most)):.3g} "
                                 f"with {best.most:,} samples, the most that are considered")
        return sorted(found, key=lambda c: c.price)
    assert budget is not None
    positive("budget of a query", budget, "the unit of the prices")
    for s in samplers:
        if (paid := math.floor((budget - s.per_query) / s.per_sample * (1 + 1e-12))) >= 1:
            found.append(choose(s, min(paid, s.most)))
    if not found:
        least = min(s.per_query + s.per_sample for s in samplers)
        raise FailedToAnswer(f"a budget of {budget:g} a query pays for no sample: the cheapest costs {least:g}")
    return sorted(found, key=lambda c: -c.coverage)


@dataclass(frozen=True)
class Era:
    """From this many ``queries`` on, over the life of the models, ``choice`` is the cheapest, training included."""

    queries: float
    choice: Choice


def eras(options: Sequence[Choice], stopping: bool = False) -> list[Era]:
    """Which choice is cheapest, training included, as the number of queries grows from 0: the lower envelope of lines.

    A model that is dearer to train and cheaper to ask takes over where queries are many.
    """
    def price(c: Choice) -> float:
        return c.expected_price if stopping else c.price

    now = min(options, key=lambda c: (c.sampler.upfront, price(c)))
    found = [Era(0.0, now)]
    while cheaper := [c for c in options if price(c) < price(now)]:
        queries, _, now = min(((c.sampler.upfront - now.sampler.upfront) / (price(now) - price(c)), price(c), c)
                              for c in cheaper)
        found.append(Era(queries, now))
    return found


def matched_samples(scale: float, inference_per_pretraining: float) -> float:
    """How many times the tokens a small model may write a query for the compute of one ``scale`` times as large.

        scale + 3 (scale - 1) / R          R = tokens written over the model's life / tokens of its pre-training

    Both models pre-trained on the same tokens at 6 N D, and serving at 2 N a token. Snell et al. 2024,
    arXiv:2408.03314, section 7.
    """
    positive("scale", scale, "times the params")
    positive("inference_per_pretraining", inference_per_pretraining, "tokens per token")
    return scale + 3.0 * (scale - 1.0) / inference_per_pretraining

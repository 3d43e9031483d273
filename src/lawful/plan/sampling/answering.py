"""Models that may answer a query: how well, from what was measured, and what a sample costs.

``prices(models, rates, ...)`` makes samplers of them, all in dollars or all in FLOP; ``latency`` says how long so many
samples take at once, ``most_within`` how many may, where the model's shape is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lawful.cost import Budget, train_cost
from lawful.cost.serving import Serving, serve
from lawful.cost.shapes.models import model as known_shape
from lawful.errors import FailedToAnswer, InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.bisection import fewest
from lawful.plan.costs.extras import FORWARD_FLOP
from lawful.plan.costs.rates import Rates
from lawful.plan.sampling.choosing import MOST, Sampler
from lawful.plan.sampling.coverage import Curve, Difficulty, Problems, difficulty_draws, fit_difficulty, pass_at_k
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_number
from lawful.results import Interval, interval

TOGETHER = 32
"""Requests that are served at a time where prices come from the device's roofline."""

REPLICAS = (1, 2, 4, 8, 16, 32, 64)
"""Devices that may hold one copy of a model."""


@dataclass(frozen=True)
class Model:
    """A model that may answer: how well, in one of four ways, and at what price."""

    name: str
    "What to call it."
    coverage: Fit | Published | None = None
    "Its coverage: a law over samples, fitted or of the catalogue, as brown2024_coverage:swe_bench_lite."
    correct: tuple[float, ...] = ()
    "Or its right answers to each problem of a sample, among as many samples as `drawn` says."
    drawn: int = 0
    "Samples drawn for each problem of `correct`."
    difficulty: tuple[float, ...] = ()
    "Or the Beta density of its success rates: [a, b]."
    rates: tuple[float, ...] = ()
    "Or its success rates, problem by problem."
    params: float = 0.0
    "Parameters that a token passes through: a token costs twice as many FLOP."
    shape: str = ""
    "A published model of that shape, as llama-3-8b: price and latency then follow from the device's roofline."
    usd_per_sample: float = 0.0
    "Price of a sample in US dollars, where it is known."
    usd_per_million_tokens: float = 0.0
    "Or of a million tokens that it writes."
    train_tokens: float = 0.0
    "Tokens that it has still to be trained on, at 6 FLOP a parameter each; 0 for a model that is there."
    most: int = MOST
    "Samples a query to consider at most."

    @cached_property
    def fitted(self) -> Difficulty | None:
        """The density of its success rates, where counts or the density itself are given."""
        if self.correct:
            return fit_difficulty([self.drawn] * len(self.correct), self.correct)
        if self.difficulty:
            if len(self.difficulty) != 2:
                raise InputError(f"{self.name}: difficulty is [a, b], got {len(self.difficulty)} numbers")
            return Difficulty(*self.difficulty)
        return None

    @property
    def problems(self) -> Problems | None:
        """Success rates of single problems; None where only a curve is known."""
        if self.rates:
            return Problems.of(self.rates)
        return self.fitted.problems if self.fitted else None

    @property
    def curve(self) -> Curve:
        """Coverage as a function of samples. Raises InputError unless exactly one way is given."""
        ways = [name for name in ("coverage", "correct", "difficulty", "rates") if getattr(self, name)]
        if len(ways) != 1:
            raise InputError(f"{self.name}: say how well it answers in one way of coverage, correct with drawn, "
                             f"difficulty and rates; got {' and '.join(ways) or 'none'}")
        if self.coverage is not None:
            law = self.coverage.law
            if law.output.name != "coverage" or law.inputs != ("samples",):
                raise InputError(f"{self.name}: coverage is a law of coverage over samples, got {law.output.name} over "
                                 f"{', '.join(law.inputs)}")
            return lambda k: law(samples=k)
        found = self.fitted or self.problems
        assert found is not None
        return found

    def interval(self, samples: int) -> Interval | None:
        """The interval of the coverage: over the draws of a fit, or over the problems that were measured."""
        if isinstance(self.coverage, Fit) and len(self.coverage.draws):
            at = {"samples": float(samples)}
            return interval(float(self.coverage.expected(at)[0]), self.coverage.expectations(at), self.coverage.level)
        if not self.correct:
            return None
        drawn = [self.drawn] * len(self.correct)
        if samples <= self.drawn:
            return pass_at_k(drawn, self.correct, samples)[0]
        others = [float(d(samples)) for d in difficulty_draws(drawn, self.correct)]
        return interval(float(self.curve(samples)), others, 0.9)


@dataclass(frozen=True)
class Query:
    """What is asked: tokens read once, and written for each sample."""

    tokens: float
    prompt: float = 0.0


@dataclass(frozen=True)
class Prices:
    """The models as samplers, all in one ``unit``, usd or flop, and what that rests on."""

    unit: str
    samplers: tuple[Sampler, ...]
    assumptions: tuple[str, ...]


def prices(models: Sequence[Model], query: Query, rates: Rates) -> Prices:
    """The models as samplers: in dollars where each has a price or a device to run on, in FLOP where none has.

    Raises InputError where some have and others have not, or nothing says what a sample costs.
    """
    priced = [bool(m.usd_per_sample or m.usd_per_million_tokens or (rates.device and (m.shape or m.params)))
              for m in models]
    if any(priced) and not all(priced):
        raise InputError(f"{models[priced.index(False)].name}: other models have prices in dollars; give "
                         "usd_per_sample, usd_per_million_tokens, or params and a device in [budget]")
    if not any(priced) and (without := [m.name for m in models if not m.params]):
        raise InputError(f"{without[0]}: nothing says what a sample costs: give params, usd_per_sample or "
                         "usd_per_million_tokens")
    unit = "usd" if any(priced) else "flop"
    parts = [_prices(m, query, rates, unit) for m in models]
    said = [f"A sample writes {format_number(query.tokens)} tokens."]
    if query.prompt:
        said.append(f"A query has {format_number(query.prompt)} tokens, read once however many samples are written.")
    said += dict.fromkeys(sentence for *_, sentences in parts for sentence in sentences)
    return Prices(unit, tuple(Sampler(m.name, m.curve, sample, read, _training(m, rates, unit), m.most)
                              for m, (sample, read, _) in zip(models, parts, strict=True)), tuple(said))


def latency(m: Model, samples: int, query: Query, rates: Rates) -> float | None:
    """How long one query with all its samples written at once takes on the device [s].

    None without a shape and a device, or where the caches of so many samples do not fit into the devices that serve it.
    """
    if not (m.shape and rates.device):
        return None
    one = _served(m, query, rates, batch=1, samples=samples, devices=_replica(m, query, rates).devices)
    return one.request_s if one.fits else None


def most_within(m: Model, seconds: float, query: Query, rates: Rates) -> int:
    """The most samples of a query that are written within ``seconds``, all at once; 0 where not even one is.

    Raises InputError without a shape and a device.
    """
    if not (m.shape and rates.device):
        raise InputError(f"{m.name}: how long a query takes follows from a shape and a device: give shape, as "
                         "llama-3-8b, and a device in [budget]")

    def slow(samples: int) -> bool:
        taken = latency(m, samples, query, rates)
        return taken is None or taken > seconds

    too_many = fewest(slow, m.most)
    return m.most if too_many is None else too_many - 1


def _prices(m: Model, query: Query, rates: Rates, unit: str) -> tuple[float, float, tuple[str, ...]]:
    """The price of a sample, that of reading a query, and what they rest on."""
    if m.usd_per_sample:
        return m.usd_per_sample, 0.0, (f"A sample of {m.name} costs {m.usd_per_sample:g} dollars: as given.",)
    if m.usd_per_million_tokens:
        return (m.usd_per_million_tokens * query.tokens / 1e6, m.usd_per_million_tokens * query.prompt / 1e6,
                (f"A million tokens of {m.name} cost {m.usd_per_million_tokens:g} dollars: as given.",))
    if m.shape and rates.device is not None:
        one = _replica(m, query, rates)
        if one.usd_per_million_tokens is None:
            raise InputError(f"{m.name}: no price is known for the device; give usd_per_hour in [budget]")
        second = one.usd_per_million_tokens * one.tokens_per_second / 1e6 / TOGETHER
        return (second * (one.request_s - one.ttft_s), second * one.ttft_s,
                (f"{m.name} is served as {m.shape}, {TOGETHER} requests at a time on {one.devices} "
                 f"device{'s' * (one.devices > 1)}, by the roofline.",
                 *one.assumptions))
    token = _paid(FORWARD_FLOP * m.params, rates, rates.serve_mfu, unit, m.name)
    return (token * query.tokens, token * query.prompt,
            ("A token costs 2 FLOP a parameter, read or written"
             + (f", at {rates.serve_mfu:g} of the device's peak." if unit == "usd" else "."),))


def _replica(m: Model, query: Query, rates: Rates) -> Serving:
    """How the model is served on as few devices as hold it. Raises ``FailedToAnswer`` where no number does."""
    for devices in REPLICAS:
        one = _served(m, query, rates, batch=TOGETHER, devices=devices)
        if one.fits:
            return one
    raise FailedToAnswer(f"{m.name}: {m.shape} with {TOGETHER} requests of {query.prompt + query.tokens:g} tokens does "
                         f"not fit into {REPLICAS[-1]} devices")


def _served(m: Model, query: Query, rates: Rates, *, batch: int, samples: int = 1, devices: int = 1) -> Serving:
    assert rates.device is not None
    return serve(known_shape(m.shape), rates.device, batch=batch, prompt=max(round(query.prompt), 1),
                 output=max(round(query.tokens), 1), samples=samples, devices=devices,
                 usd_per_hour=(rates.options or {}).get("usd_per_hour"))


def _training(m: Model, rates: Rates, unit: str) -> float:
    """What training the model costs; 0 for one that is there."""
    if not m.train_tokens:
        return 0.0
    if not m.params:
        raise InputError(f"{m.name}: train_tokens needs params")
    if unit == "usd" and rates.device is None:
        raise InputError(f"{m.name}: train_tokens needs a device with a price in [budget]")
    return _paid(FLOP_PER_PARAM_TOKEN * m.params * m.train_tokens, rates, rates.mfu, unit, m.name)


def _paid(flop: float, rates: Rates, mfu: float, unit: str, name: str) -> float:
    """What ``flop`` FLOP cost on the device at ``mfu``; themselves where FLOP are the unit."""
    if unit == "flop":
        return flop
    usd = train_cost(flop, Budget(compute=1.0, device=rates.device, mfu=mfu, **(rates.options or {}))).usd
    if usd is None:
        raise InputError(f"{name}: no price is known for the device; give usd_per_hour in [budget]")
    return usd

"""Inference: samples per query, parallel streams, and the size of the model for a query's budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Scale
from lawful.laws.expressions import exp, log
from lawful.quantities import QUANTITIES, Quantity

_INF = float("inf")
_LN10 = 2.302585092994046


@dataclass(frozen=True)
class CoverageLaw(Law):
    """The share of problems that at least one of k samples solves: an exponentiated power law.

        coverage(k) = exp(a k**b),    a < 0, b < 0          [fraction]

    -a is -log(coverage) at one sample. It needs a verifier that knows the right sample: with one that
    errs, more samples come to nothing. The power law belongs to a set of problems of widely different
    difficulty; each one's failures fall exponentially. Brown et al. 2024, section 3; retellings print
    log c = a k**-b and do not say that a is negative.
    """

    form: ClassVar[str] = "coverage"
    aliases: ClassVar[tuple[str, ...]] = ("monkeys", "pass_at_k")
    output: ClassVar[Quantity] = QUANTITIES["coverage"]
    rises_with: ClassVar[tuple[str, ...]] = ("samples",)

    a: Annotated[float, Limit(-1e3, 0.0, (-12.0, -0.02))]     # log(coverage) at one sample
    b: Annotated[float, Limit(-10.0, 0.0, (-1.5, -0.02))]

    def __call__(self, samples: Any) -> Any:
        return exp(self.a * samples**self.b)


@dataclass(frozen=True)
class CoverageTail(Law):
    """The share of problems solved in k samples once most are: failures fall as a power of k.

        coverage(k) = 1 - A / k**b          [fraction]

    What problems whose error rates follow a Beta density near 1 give at large k; for few samples of
    hard problems use ``CoverageLaw``, to which it is close when coverage is high. Levi 2024.
    """

    form: ClassVar[str] = "coverage_tail"
    output: ClassVar[Quantity] = QUANTITIES["coverage"]
    rises_with: ClassVar[tuple[str, ...]] = ("samples",)

    A: Annotated[float, Limit(0.0, 1.0, (0.05, 0.98))]     # share unsolved at one sample, if the law held there
    b: Exponent

    def __call__(self, samples: Any) -> Any:
        return 1.0 - self.A / samples**self.b


@dataclass(frozen=True)
class QueryOptimalParams(Law):
    """The model size that uses a query's budget best.

        log10 C = slope log10 N + intercept,    so N(C) = 10**((log10 C - intercept) / slope)   [params]

    C is the FLOP spent on one question. For the tasks and strategies measured: with more samples the
    accuracy of voting saturates at what the model's answer distribution allows. Wu et al. 2024.
    """

    form: ClassVar[str] = "query_optimal_params"
    output: ClassVar[Quantity] = QUANTITIES["params"]
    rises_with: ClassVar[tuple[str, ...]] = ("inference_compute",)

    slope: Annotated[float, Limit(0.0, _INF, (0.3, 4.0))]
    intercept: Annotated[float, Limit(-_INF, _INF, (-10.0, 10.0))]     # log10 of FLOP for one parameter

    def __call__(self, inference_compute: Any) -> Any:
        return exp((log(inference_compute) - self.intercept * _LN10) / self.slope)


@dataclass(frozen=True)
class ParallelLoss(Law):
    """Loss of a model that runs P streams of one input at once and weighs their outputs.

        L(N, P) = E + (A / (N (k ln P + 1)))**alpha          [nats/token]

    P ``streams`` act like a model 1 + k ln P times as large. N counts no embeddings; data are fixed.
    Chen et al. 2025, equation 5.
    """

    form: ClassVar[str] = "parallel"
    aliases: ClassVar[tuple[str, ...]] = ("parscale",)
    falls_with: ClassVar[tuple[str, ...]] = ("params", "streams")

    E: Positive       # nats/token: what remains
    A: Scale          # params at which the second term is 1 nat/token
    alpha: Exponent
    k: Annotated[float, Limit(0.0, _INF, (0.02, 3.0))]

    def __call__(self, params: Any, streams: Any) -> Any:
        return self.E + (self.A / (params * (self.k * log(streams) + 1.0))) ** self.alpha

    def size_gain(self, streams: float) -> float:
        """How many times larger a model of one stream must be to equal one of ``streams``."""
        return float(1.0 + self.k * log(streams))

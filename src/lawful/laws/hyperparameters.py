"""Learning rate, batch size and weight decay: their best values.

What to use when: ``LearningRate`` and ``BatchSize`` for an optimum as a power of one quantity (``over``);
``LearningRateSurface`` where it depends on size and data; ``TunedChinchilla`` for the loss of every run of a sweep,
well tuned or not; ``StepsForBatch`` for the price of a larger batch. What a schedule of the learning rate does to the
loss is in ``lawful.laws.annealing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp, log
from lawful.laws.power import only
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class LearningRate(Law):
    """The best peak learning rate as a power of one quantity.

        eta(x) = c / x**p          [1]

    ``over`` names x. Bound to the optimiser, the schedule and the parametrisation it was tuned with. Over tokens p
    may be negative: published laws disagree on its sign.
    """

    form: ClassVar[str] = "learning_rate"
    output: ClassVar[Quantity] = QUANTITIES["learning_rate"]

    c: Annotated[float, Limit(0.0, float("inf"), (1e-4, 1e3))]     # learning rate at x = 1
    p: Annotated[float, Limit(-2.0, 2.0, (-0.8, 1.0))]
    over: str = "params"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        return self.c / only(self, args, quantities) ** self.p


@dataclass(frozen=True)
class LearningRateSurface(Law):
    """The best peak learning rate as a power of model size and of data.

        eta(N, D) = c N**-p D**q          [1]

    Published laws agree that p is positive; they disagree on the sign of q.
    """

    form: ClassVar[str] = "learning_rate_surface"
    output: ClassVar[Quantity] = QUANTITIES["learning_rate"]

    c: Annotated[float, Limit(0.0, float("inf"), (1e-4, 1e4))]     # learning rate at N = D = 1
    p: Annotated[float, Limit(-2.0, 2.0, (-0.5, 1.0))]
    q: Annotated[float, Limit(-2.0, 2.0, (-0.8, 0.8))]

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.c * tokens**self.q / params**self.p


@dataclass(frozen=True)
class BatchSize(Law):
    """The best, or the critical, batch size as a power of one quantity.

        B(x) = c x**g          [tokens]

    ``over`` names x.
    """

    form: ClassVar[str] = "batch_size"
    output: ClassVar[Quantity] = QUANTITIES["batch_tokens"]

    c: Annotated[float, Limit(0.0, float("inf"), (1e-4, 1e6))]     # tokens at x = 1
    g: Exponent
    over: str = "tokens"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        return self.c * only(self, args, quantities) ** self.g


@dataclass(frozen=True)
class TunedChinchilla(Law):
    """Loss over size, data, learning rate and batch at once: the best loss, times what mis-setting them costs.

        L = (E + A / N**alpha + B / D**beta) exp(c_eta (e**u - 1 - u) + c_batch v**2 / 2)          [nats/token]
        u = log(eta / eta*),    v = log(batch / batch*) - r u
        eta* = eta_0 (N / N_0)**-p (D / D_0)**q,    batch* = batch_0 (D / D_0)**g

    One fit to a whole sweep, where ``lawful.fit.sweeps.optima`` fits each cell and then the optima: it borrows strength
    between cells and needs no full grid in any, and it assumes that every bowl has the same width. e**u - 1 - u is
    u**2 / 2 near the optimum, rises as the learning rate itself above it and as its logarithm below: too high costs
    more than as much too low. r is how far the best batch follows the learning rate. N_0 and D_0 are choices: the
    size and the data at which eta_0 and batch_0 are stated.
    """

    form: ClassVar[str] = "tuned_chinchilla"

    E: Positive
    A: Positive
    alpha: Exponent
    B: Positive
    beta: Exponent
    eta_0: Annotated[float, Limit(0.0, float("inf"), (2e-4, 2e-2))]       # learning rate at N_0, D_0
    p: Annotated[float, Limit(-2.0, 2.0, (0.2, 1.0))]
    q: Annotated[float, Limit(-2.0, 2.0, (-0.1, 0.5))]
    batch_0: Annotated[float, Limit(0.0, float("inf"), (1e5, 4e6))]       # tokens at D_0
    g: Annotated[float, Limit(-2.0, 2.0, (0.2, 0.8))]
    c_eta: Annotated[float, Limit(0.0, float("inf"), (5e-3, 5e-2))]
    c_batch: Annotated[float, Limit(0.0, float("inf"), (5e-3, 5e-2))]
    r: Annotated[float, Limit(-3.0, 3.0, (-0.2, 0.8))]
    N_0: float = 1e9
    D_0: float = 2e10

    def __call__(self, params: Any, tokens: Any, learning_rate: Any, batch_tokens: Any) -> Any:
        size, data = params / self.N_0, tokens / self.D_0
        hot = learning_rate / (self.eta_0 * data**self.q / size**self.p)
        u = log(hot)
        v = log(batch_tokens / (self.batch_0 * data**self.g)) - self.r * u
        best = self.E + self.A / params**self.alpha + self.B / tokens**self.beta
        return best * exp(self.c_eta * (hot - 1.0 - u) + 0.5 * self.c_batch * v**2)


@dataclass(frozen=True)
class StepsForBatch(Law):
    """Steps to a given loss, for every batch size.

        S(B) = S_min (1 + B_crit / B)          [steps]

    The same as (S / S_min - 1) (E / E_min - 1) = 1 with E = S B tokens and B_crit = E_min / S_min: a batch of B_crit
    takes twice the fewest steps and twice the fewest tokens. B_crit is estimated by the gradient noise scale
    tr(Sigma) / |G|**2, a local measure that grows through training. McCandlish et al. 2018, equation 2.11.
    """

    form: ClassVar[str] = "steps_for_batch"
    output: ClassVar[Quantity] = QUANTITIES["steps"]
    falls_with: ClassVar[tuple[str, ...]] = ("batch_tokens",)

    S_min: Annotated[float, Limit(0.0, float("inf"), (1e1, 1e7))]     # steps at an unlimited batch
    B_crit: Annotated[float, Limit(0.0, float("inf"), (1e2, 1e8))]    # tokens

    def __call__(self, batch_tokens: Any) -> Any:
        return self.S_min * (1.0 + self.B_crit / batch_tokens)


@dataclass(frozen=True)
class DecayTimescale(Law):
    """The best averaging time of AdamW, as a share of the run.

        tau = c / (D / N)**p          [fraction]

    tau = B / (eta lambda D) for batch B, peak learning rate eta and weight decay lambda: the memory of the weights,
    seen as an exponential average of updates, over the length of the run. Bergsma et al. 2025.
    """

    form: ClassVar[str] = "decay_timescale"
    output: ClassVar[Quantity] = QUANTITIES["decay_timescale"]
    falls_with: ClassVar[tuple[str, ...]] = ("tokens",)
    rises_with: ClassVar[tuple[str, ...]] = ("params",)

    c: Positive       # share of the run at one token per parameter
    p: Exponent

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.c / (tokens / params) ** self.p


@dataclass(frozen=True)
class OptimalWeightDecay(Law):
    """The best weight decay of AdamW, from the best timescale.

        lambda = B (D / N)**p / (c eta D)          [1]

    ``DecayTimescale`` solved for lambda: in proportion to the batch, and in inverse proportion to the learning rate.
    Bergsma et al. 2025.
    """

    form: ClassVar[str] = "weight_decay"
    output: ClassVar[Quantity] = QUANTITIES["weight_decay"]
    rises_with: ClassVar[tuple[str, ...]] = ("batch_tokens",)
    falls_with: ClassVar[tuple[str, ...]] = ("learning_rate", "params")

    c: Positive       # share of the run at one token per parameter
    p: Exponent

    def __call__(self, params: Any, tokens: Any, batch_tokens: Any, learning_rate: Any) -> Any:
        return batch_tokens * (tokens / params) ** self.p / (self.c * learning_rate * tokens)

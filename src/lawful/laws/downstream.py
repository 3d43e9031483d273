"""Downstream scores: accuracy and error on tasks from loss or compute, and one loss from another.

What to use when: ``error_of_loss`` for averages over many tasks; ``accuracy_of_loss`` for one task from
its own loss; ``ladder_accuracy`` and ``accuracy_of_compute`` for both steps in one; ``loss_to_loss``
to carry a law to another data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Real
from lawful.laws.data import take
from lawful.laws.expressions import exp, log
from lawful.quantities import QUANTITIES, Quantity

Fraction = Annotated[float, Limit(0.0, 1.0, (0.05, 0.95))]
"""A share of answers, such as the rate of guessing."""

Steepness = Annotated[float, Limit(0.0, float("inf"), (0.1, 20.0))]
"""How sharply a score turns, per unit of capability."""


@dataclass(frozen=True)
class LossError(Law):
    """Average error over many tasks against the loss of the model.

        Err(L) = eps - k exp(-gamma L)          [fraction]

    L is ``loss`` on a held-out corpus, in the paper C4. It holds for averages of dozens of tasks, few
    single tasks follow it. Below L = log(k / eps) / gamma the error is negative: the form does not know
    that errors end at zero. Gadre et al. 2024, equation 5.
    """

    form: ClassVar[str] = "error_of_loss"
    output: ClassVar[Quantity] = QUANTITIES["error"]
    rises_with: ClassVar[tuple[str, ...]] = ("loss",)

    eps: Annotated[float, Limit(0.0, float("inf"), (0.2, 1.0))]  # error of a model that knows nothing
    k: Positive
    gamma: Annotated[float, Limit(0.0, float("inf"), (0.1, 5.0))]  # token/nat

    def __call__(self, loss: Any) -> Any:
        return self.eps - self.k * exp(-self.gamma * loss)


@dataclass(frozen=True)
class LossAccuracy(Law):
    """Accuracy on a task against the loss on its right answers: a logistic fall from best to guessing.

        acc(L) = b + a / (1 + exp(k (L - L_0)))          [fraction]

    L is ``loss``, of the right answer (per byte or per character in the papers; any one unit serves).
    Written with a > 0 and k > 0: Bhagia et al. 2024 allow both signs, which is the same curve. The second
    step of Llama 3's forecast as well (section 3.2.1).
    """

    form: ClassVar[str] = "accuracy_of_loss"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    falls_with: ClassVar[tuple[str, ...]] = ("loss",)

    b: Fraction      # accuracy where the loss is high: the rate of guessing
    a: Fraction      # what can be gained over b
    k: Annotated[float, Limit(0.0, 60.0, (0.1, 50.0))]    # token/nat
    L_0: Annotated[float, Limit(0.0, 10.0, (0.1, 6.0))]   # nats/token, half-way

    def __call__(self, loss: Any) -> Any:
        e = exp(self.k * (self.L_0 - loss))
        return self.b + self.a * e / (1.0 + e)


@dataclass(frozen=True)
class LogLoss(Law):
    """Loss that falls by the same amount with every multiple of one quantity.

        L(x) = a + b log x          [nats/token]

    ``over`` names x. A straight line for a stretch of scales: it goes below zero in the end. The first
    step of Llama 3's forecast, x being compute and L the loss of the right answer (section 3.2.1).
    """

    form: ClassVar[str] = "log_loss"

    a: Annotated[float, Limit(float("-inf"), float("inf"), (-10.0, 10.0))]  # nats/token at x = 1
    b: Annotated[float, Limit(-100.0, 0.0, (-1.0, -0.01))]                  # nats/token an e-fold
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (x,) = take(self, args, quantities)
        return self.a + self.b * log(x)


@dataclass(frozen=True)
class ComputeAccuracy(Law):
    """Accuracy against compute: a logistic curve in log C.

        acc(C) = b + a / (1 + (C_half / C)**s)          [fraction]

    What a loss linear in log C and an accuracy logistic in that loss give together: of their four
    inner coefficients only C_half and s can be told apart. Llama 3, section 3.2.1; within one family of
    models also Ruan et al. 2024, where capability is linear in log C.
    """

    form: ClassVar[str] = "accuracy_of_compute"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    rises_with: ClassVar[tuple[str, ...]] = ("compute",)

    b: Fraction      # the rate of guessing
    a: Fraction      # what can be gained over b
    C_half: Annotated[float, Limit(0.0, float("inf"), (1e18, 1e26))]  # FLOP, half-way
    s: Annotated[float, Limit(0.0, float("inf"), (0.05, 4.0))]

    def __call__(self, compute: Any) -> Any:
        return self.b + self.a / (1.0 + (self.C_half / compute) ** self.s)


@dataclass(frozen=True)
class LadderAccuracy(Law):
    """Accuracy on a task against size and tokens: an additive loss put through a logistic curve.

        acc(N, D) = b + a / (1 + exp(A / N**alpha + B / D**beta - c))          [fraction]

    The two steps of a model ladder in one. The steepness k of the second step has gone into A and B,
    which are k times those of the task loss, and c = k (L_0 - E): accuracies alone tell no more. Bhagia
    et al. 2024, the chained prediction.
    """

    form: ClassVar[str] = "ladder_accuracy"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    rises_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    b: Fraction
    a: Fraction
    A: Annotated[float, Limit(0.0, float("inf"), (1.0, 200.0))]
    alpha: Exponent
    B: Annotated[float, Limit(0.0, float("inf"), (1.0, 200.0))]
    beta: Exponent
    c: Annotated[float, Limit(-50.0, 50.0, (-3.0, 10.0))]

    def __call__(self, params: Any, tokens: Any) -> Any:
        e = exp(self.c - self.A / params**self.alpha - self.B / tokens**self.beta)
        return self.b + self.a * e / (1.0 + e)


@dataclass(frozen=True)
class CapabilityScore(Law):
    """Score on a task against the capability of a model, whatever its family and compute.

        acc(S) = h / (1 + exp(-(beta S + alpha)))          [fraction]

    S is ``capability``, the first principal component of standard benchmarks over many public models;
    the paper also uses three components. Within a family S is linear in log compute, with its own slope.
    Ruan et al. 2024, section 3.
    """

    form: ClassVar[str] = "score_of_capability"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    rises_with: ClassVar[tuple[str, ...]] = ("capability",)

    h: Annotated[float, Limit(0.0, float("inf"), (0.2, 1.0))]  # the best score
    beta: Steepness
    alpha: Real

    def __call__(self, capability: Any) -> Any:
        return self.h / (1.0 + exp(-(self.beta * capability + self.alpha)))


@dataclass(frozen=True)
class ExactMatch(Law):
    """Share of answers that are right to the last token, from the loss per token.

        acc = p**L = exp(-L loss)          [fraction],          p = exp(-loss)

    L is the length of the answer in tokens, each taken to be right with the same probability p. A loss
    that falls smoothly so looks like a sudden ability, and more so the longer the answer; a metric linear
    in p, such as the edit distance L (1 - p), shows no jump. Schaeffer et al. 2023, section 2.
    """

    form: ClassVar[str] = "exact_match"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    falls_with: ClassVar[tuple[str, ...]] = ("loss",)

    L: Annotated[float, Limit(0.0, float("inf"), (0.5, 200.0))]  # tokens in the answer

    def __call__(self, loss: Any) -> Any:
        return exp(-self.L * loss)


@dataclass(frozen=True)
class LinearAccuracy(Law):
    """Accuracy on a task as a straight line in the loss, past the point where the ability appears.

        acc(L) = w_0 + w_1 L          [fraction]

    L is ``loss``. Only for models beyond the threshold of emergence, which must be found first. Chen et
    al. 2024, the second step; the first is a power law of compute.
    """

    form: ClassVar[str] = "accuracy_linear"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    falls_with: ClassVar[tuple[str, ...]] = ("loss",)

    w_0: Positive
    w_1: Annotated[float, Limit(-100.0, 0.0, (-2.0, -0.02))]  # per nat/token

    def __call__(self, loss: Any) -> Any:
        return self.w_0 + self.w_1 * loss


@dataclass(frozen=True)
class LossToLoss(Law):
    """One loss as a shifted power of another: other training data, another test set, or both.

        L_1 = K (L_0 - E_0)**kappa + E_1          [nats/token]

    L_0 is ``loss.<source>``, above E_0, its floor; pairs are models of equal size and tokens (train to
    train) or one model (train to test). It carries a fitted law to new data for a few runs. Brandfonbrener
    et al. 2024, equation 3.
    """

    form: ClassVar[str] = "loss_to_loss"

    K: Positive
    kappa: Exponent
    E_0: Annotated[float, Limit(0.0, float("inf"), (0.05, 2.5))]  # nats/token: the floor of L_0
    E_1: Positive                                                 # nats/token: the floor of L_1
    source: str = "source"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The loss that is known."""
        return (f"loss.{self.source}",)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (known,) = take(self, args, quantities)
        return self.K * (known - self.E_0) ** self.kappa + self.E_1

"""Shape and kind of architecture: width, depth, context, and how they enter the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class ShapeLoss(Law):
    """Loss as a floor and one power law each in width, depth, model size and data.

        L(w, d, N, D) = E + A / w**alpha + B / d**beta + C / N**gamma + F / D**delta          [nats/token]

    Width and depth nearly fix N, so the terms share what they explain: use it to compare shapes, not to read one
    exponent. McLeish et al. 2025, the width-depth variant of approach 3.
    """

    form: ClassVar[str] = "shape_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("width", "depth", "params", "tokens")

    E: Positive       # nats/token
    A: Positive       # nats/token at w = 1
    alpha: Exponent
    B: Positive       # nats/token at d = 1
    beta: Exponent
    C: Positive       # nats/token at N = 1
    gamma: Exponent
    F: Positive       # nats/token at D = 1
    delta: Exponent

    def __call__(self, width: Any, depth: Any, params: Any, tokens: Any) -> Any:
        shape = self.A / width**self.alpha + self.B / depth**self.beta
        return self.E + shape + self.C / params**self.gamma + self.F / tokens**self.delta


@dataclass(frozen=True)
class AspectLoss(Law):
    """Chinchilla's loss times a factor of the ratio of width to depth.

        L(N, D, R) = (E + A / N**alpha + B / D**beta) (1 + eps R**gamma),    R = d / l          [nats/token]

    d is ``width`` and l is ``depth``. A wide, shallow model is faster to serve at the same N: the factor says what that
    costs in loss. As R falls to 0 the factor tends to 1: the form knows no model that is too deep. Bian et al. 2025.
    """

    form: ClassVar[str] = "aspect_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "depth")
    rises_with: ClassVar[tuple[str, ...]] = ("width",)

    E: Positive       # nats/token
    A: Positive       # nats/token at N = 1
    alpha: Exponent
    B: Positive       # nats/token at D = 1
    beta: Exponent
    eps: Annotated[float, Limit(0.0, float("inf"), (1e-6, 1e-1))]
    gamma: Exponent

    def __call__(self, params: Any, tokens: Any, width: Any, depth: Any) -> Any:
        base = self.E + self.A / params**self.alpha + self.B / tokens**self.beta
        return base * (1.0 + self.eps * (width / depth) ** self.gamma)


@dataclass(frozen=True)
class GatheredLoss(Law):
    """Chinchilla's loss with the two terms gathered under one more exponent.

        L(N, D) = E + (A / N**alpha + B / D**beta)**gamma          [nats/token]

    gamma = 1 is Chinchilla's law; another value bends the trade of N for D over a wide range of D / N.
    Beck et al. 2025.
    """

    form: ClassVar[str] = "gathered_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive       # nats/token
    A: Positive       # at N = 1, in nats/token to the power 1 / gamma
    alpha: Exponent
    B: Positive       # at D = 1, in the same unit
    beta: Exponent
    gamma: Annotated[float, Limit(0.0, float("inf"), (0.2, 2.0))]

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.E + (self.A / params**self.alpha + self.B / tokens**self.beta) ** self.gamma

    def optimal_params(self, product: Any) -> Any:
        """N* of Chinchilla's law with the same A, B, alpha and beta: the outer power moves no optimum."""
        total = self.alpha + self.beta
        return (self.alpha * self.A / (self.beta * self.B)) ** (1.0 / total) * product ** (self.beta / total)


@dataclass(frozen=True)
class TransitionWidth(Law):
    """The width above which more depth pays, at a given depth.

        d = exp(a + b l)          [hidden size]

    Below it, layers l add little; the width needed grows exponentially with depth. Kaplan et al. 2020 find little
    effect of shape at all. Levine et al. 2020.
    """

    form: ClassVar[str] = "transition_width"
    output: ClassVar[Quantity] = QUANTITIES["width"]
    rises_with: ClassVar[tuple[str, ...]] = ("depth",)

    a: Annotated[float, Limit(-float("inf"), float("inf"), (2.0, 8.0))]
    b: Annotated[float, Limit(0.0, float("inf"), (0.01, 0.3))]        # per layer

    def __call__(self, depth: Any) -> Any:
        return exp(self.a + self.b * depth)


@dataclass(frozen=True)
class AccuracyPower(Law):
    """Downstream accuracy as a power of compute, for one architecture.

        P(C) = k C**alpha          [fraction]

    A slope to compare architectures by: accuracy cannot exceed 1, so it holds only between the sizes compared. alpha
    may be negative. Tay et al. 2022.
    """

    form: ClassVar[str] = "accuracy_power"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]

    k: Annotated[float, Limit(0.0, float("inf"), (1e-8, 1e2))]        # accuracy at 1 FLOP
    alpha: Annotated[float, Limit(-1.0, 1.0, (-0.2, 0.4))]

    def __call__(self, compute: Any) -> Any:
        return self.k * compute**self.alpha

"""Language-model pre-training: the forms of loss as a function of model size, data and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lawful.laws.base import Exponent, Law, Positive, Scale
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class AdditiveLoss(Law):
    """Loss is a floor, plus one power law in model size, plus one in data.

        L(N, D) = E + A / N**alpha + B / D**beta          [nats/token]

    N is ``params`` and D is ``tokens``, each token seen once. The two terms do not interact, so the
    form says nothing about repeated data or learning-rate decay. Hoffmann et al. 2022, equation 2.
    """

    form: ClassVar[str] = "chinchilla"
    aliases: ClassVar[tuple[str, ...]] = ("additive", "hoffmann", "hoffmann2022")
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive       # nats/token: what remains when N and D grow without end
    A: Positive       # nats/token at N = 1
    alpha: Exponent
    B: Positive       # nats/token at D = 1
    beta: Exponent

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.E + self.A / params**self.alpha + self.B / tokens**self.beta

    def optimal_params(self, product: Any) -> Any:
        """N* = G (ND)**(beta / (alpha + beta)), G = (alpha A / (beta B))**(1 / (alpha + beta)); equation 4."""
        a, _ = self.allocation_exponents()
        G = (self.alpha * self.A / (self.beta * self.B)) ** (1.0 / (self.alpha + self.beta))
        return G * product**a

    def allocation_exponents(self, compute: float = 1e21) -> tuple[Any, Any]:
        """a = beta / (alpha + beta) and b = alpha / (alpha + beta), the same at every budget."""
        return self.beta / (self.alpha + self.beta), self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True)
class KaplanLoss(Law):
    """Kaplan's joint law: model size and data set size bottleneck one another.

        L(N, D) = ((N_c / N)**(alpha_N / alpha_D) + D_c / D)**alpha_D          [nats/token]

    N is non-embedding ``params`` in the original; D is the size of an early-stopped data set, so
    C = 6 N D is not the compute of the runs it was fitted on. Kaplan et al. 2020, equation 1.5; the
    additive form found in retellings is another law.
    """

    form: ClassVar[str] = "kaplan"
    aliases: ClassVar[tuple[str, ...]] = ("kaplan2020", "kaplan_joint")
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    N_c: Scale        # params at which the model alone allows 1 nat/token
    alpha_N: Exponent
    D_c: Scale        # tokens at which the data alone allow 1 nat/token
    alpha_D: Exponent

    def __call__(self, params: Any, tokens: Any) -> Any:
        return ((self.N_c / params) ** (self.alpha_N / self.alpha_D) + self.D_c / tokens) ** self.alpha_D

    def optimal_params(self, product: Any) -> Any:
        """N* = (g N_c**g N D / D_c)**(1 / (1 + g)) with g = alpha_N / alpha_D: where the two terms balance."""
        g = self.alpha_N / self.alpha_D
        return (g * self.N_c**g * product / self.D_c) ** (1.0 / (1.0 + g))

    def allocation_exponents(self, compute: float = 1e21) -> tuple[Any, Any]:
        """a = alpha_D / (alpha_N + alpha_D) and b = alpha_N / (alpha_N + alpha_D), at every budget."""
        total = self.alpha_N + self.alpha_D
        return self.alpha_D / total, self.alpha_N / total


@dataclass(frozen=True)
class OptimalParams(Law):
    """The compute-optimal model size as a power of compute.

        N_opt(C) = k C**a          [params]

    What a reading of runs gives when it fits no loss surface: approaches 1 and 2 of Hoffmann et al.
    2022. Tokens follow as C / (6 N_opt).
    """

    form: ClassVar[str] = "optimal_params"
    output: ClassVar[Quantity] = QUANTITIES["params"]
    rises_with: ClassVar[tuple[str, ...]] = ("compute",)

    k: Scale          # params at 1 FLOP
    a: Exponent

    def __call__(self, compute: Any) -> Any:
        return self.k * compute**self.a


@dataclass(frozen=True)
class StepsLoss(Law):
    """Loss after so many optimiser steps at a batch far above the critical one, data without end.

        L(N, S) = (N_c / N)**alpha_N + (S_c / S_min)**alpha_S          [nats/token]

    S_min is ``steps``, the fewest that reach the loss; S steps at batch B count as
    S / (1 + B_crit(L) / B). Kaplan et al. 2020, equation 1.6.
    """

    form: ClassVar[str] = "kaplan_steps"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "steps")

    N_c: Scale
    alpha_N: Exponent
    S_c: Scale        # steps
    alpha_S: Exponent

    def __call__(self, params: Any, steps: Any) -> Any:
        return (self.N_c / params) ** self.alpha_N + (self.S_c / steps) ** self.alpha_S


@dataclass(frozen=True)
class CriticalBatch(Law):
    """The batch at which time and compute trade evenly grows as the loss falls.

        B_crit(L) = B_star / L**(1 / alpha_B)          [tokens]

    Kaplan et al. 2020, equation 1.4.
    """

    form: ClassVar[str] = "critical_batch"
    output: ClassVar[Quantity] = QUANTITIES["batch_tokens"]
    falls_with: ClassVar[tuple[str, ...]] = ("loss",)

    B_star: Scale     # tokens: the critical batch at 1 nat/token
    alpha_B: Exponent

    def __call__(self, loss: Any) -> Any:
        return self.B_star / loss ** (1.0 / self.alpha_B)

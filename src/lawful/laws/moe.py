"""Mixtures of experts: loss as a function of size, data and how the experts are cut.

What to use when: ``RoutedLoss`` at fixed data; ``FineGrainedLoss`` for the granularity of the experts at
64 times expansion; ``JointMoeLoss`` for the number of experts with model and data; ``MoeSparsityLoss``
for the share of idle experts; ``FiveFactorMoeLoss`` for active and shared experts too. They count N
differently: see each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp, log

_INF = float("inf")
_LN10 = 2.302585092994046

Start = Annotated[float, Limit(0.0, _INF, (1.0, 8.0))]
"""Experts that E = 1 counts as, the overhead of routing included."""

Saturation = Annotated[float, Limit(0.0, _INF, (100.0, 1000.0))]
"""Experts beyond which more do not help."""


def saturating_experts(experts: Any, E_start: Any, E_max: Any) -> Any:
    """The number of experts that counts: from E_start at E = 1 towards E_max.

        1 / Eh = 1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max

    Clark et al. 2022, equation 6; used again by Ludziejewski et al. 2025, equation 4.
    """
    return 1.0 / (1.0 / (experts - 1.0 + 1.0 / (1.0 / E_start - 1.0 / E_max)) + 1.0 / E_max)


@dataclass(frozen=True)
class RoutedLoss(Law):
    """Loss of a routed model at fixed data: bilinear in the logs of size and experts.

        log10 L = a log10 N + b log10 Eh + c log10 N log10 Eh + d,    Eh saturating in E

    N is the ``params`` active per token, L is in nats/token, one expert a token, routing in every other
    block. c > 0: routing helps large models less, and stops helping at N = 10**(-b / c), which is very
    sensitive to rounding. Data were fixed at 130B tokens: at fixed N the law cannot say what more data
    would do. Clark et al. 2022, equation 1.
    """

    form: ClassVar[str] = "routed"
    aliases: ClassVar[tuple[str, ...]] = ("clark",)

    a: Annotated[float, Limit(-2.0, 0.5, (-0.3, 0.0))]
    b: Annotated[float, Limit(-2.0, 2.0, (-0.4, 0.1))]
    c: Annotated[float, Limit(-0.5, 0.5, (-0.02, 0.04))]
    d: Annotated[float, Limit(-10.0, 10.0, (0.0, 3.0))]     # log10 of nats/token at N = Eh = 1
    E_start: Start
    E_max: Saturation

    def __call__(self, params: Any, experts: Any) -> Any:
        N = log(params) / _LN10
        Eh = log(saturating_experts(experts, self.E_start, self.E_max)) / _LN10
        return exp(_LN10 * (self.a * N + self.b * Eh + self.c * N * Eh + self.d))


@dataclass(frozen=True)
class FineGrainedLoss(Law):
    """Loss of a mixture whose experts are cut finer: granularity lowers the capacity term.

        L(N, D, G) = c + (g / G**gamma + a) / N**alpha + b / D**beta          [nats/token]

    N is all ``params`` without embeddings, idle experts included, at a fixed expansion of 64; G is the
    width of the dense feed-forward layer over that of an expert. The cost of routing, which grows with
    G, is not in the loss. Krajewski et al. 2024, equation 9; retellings garble the brackets.
    """

    form: ClassVar[str] = "fine_grained_moe"
    aliases: ClassVar[tuple[str, ...]] = ("krajewski",)
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "granularity")

    a: Positive       # nats/token at N = 1 that granularity cannot remove
    alpha: Exponent
    b: Positive       # nats/token at D = 1
    beta: Exponent
    g: Positive       # nats/token at N = 1, G = 1 that it can
    gamma: Exponent
    c: Positive       # nats/token: what remains

    def __call__(self, params: Any, tokens: Any, granularity: Any) -> Any:
        capacity = self.g / granularity**self.gamma + self.a
        return self.c + capacity / params**self.alpha + self.b / tokens**self.beta


@dataclass(frozen=True)
class JointMoeLoss(Law):
    """Loss from active size, data and the number of experts together.

        L = a Eh**delta N**(alpha + gamma ln Eh) + b Eh**omega D**(beta + zeta ln Eh) + c     [nats/token]

    N is the ``params`` active per token; Eh saturates in E as in Clark's law; alpha and beta are
    negative. At any one E it is the additive law. One expert a token, no granularity, no shared experts.
    Ludziejewski et al. 2025, equation 6; some retellings flip the signs of all exponents.
    """

    form: ClassVar[str] = "joint_moe"

    a: Positive       # nats/token at N = Eh = 1
    alpha: Annotated[float, Limit(-2.0, 0.0, (-0.5, -0.05))]
    delta: Annotated[float, Limit(-3.0, 3.0, (-0.7, 0.3))]
    gamma: Annotated[float, Limit(-0.5, 0.5, (-0.03, 0.05))]
    b: Positive       # nats/token at D = Eh = 1
    beta: Annotated[float, Limit(-2.0, 0.0, (-0.5, -0.05))]
    omega: Annotated[float, Limit(-3.0, 3.0, (-0.3, 1.2))]
    zeta: Annotated[float, Limit(-0.5, 0.5, (-0.08, 0.03))]
    E_start: Start
    E_max: Saturation
    c: Positive       # nats/token: what remains

    def __call__(self, params: Any, tokens: Any, experts: Any) -> Any:
        Eh = saturating_experts(experts, self.E_start, self.E_max)
        model = self.a * Eh**self.delta * params ** (self.alpha + self.gamma * log(Eh))
        data = self.b * Eh**self.omega * tokens ** (self.beta + self.zeta * log(Eh))
        return model + data + self.c


@dataclass(frozen=True)
class MoeSparsityLoss(Law):
    """Loss from total size, data and the share of experts that idle.

        L = a / N**alpha + b / D**beta + c / (1 - S)**lam + d / ((1 - S)**delta N**gamma) + e   [nats/token]

    N is all ``params``, S = (E - K) / E the ``sparsity``: K of E experts are active. lam came out
    negative: its term falls with S while the next one rises. Memory and the cost of serving are left
    out. Abnar et al. 2025, equation 6.
    """

    form: ClassVar[str] = "moe_sparsity"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    alpha: Exponent
    beta: Exponent
    lam: Annotated[float, Limit(-3.0, 3.0, (-0.6, 0.6))]
    delta: Annotated[float, Limit(-3.0, 3.0, (-0.6, 0.6))]
    gamma: Exponent
    a: Positive       # nats/token at N = 1
    b: Positive       # nats/token at D = 1
    c: Positive       # nats/token, dense
    d: Positive       # nats/token at N = 1, dense
    e: Positive       # nats/token: what remains

    def __call__(self, params: Any, tokens: Any, sparsity: Any) -> Any:
        kept = 1.0 - sparsity
        return (self.a / params**self.alpha + self.b / tokens**self.beta + self.c / kept**self.lam
                + self.d / (kept**self.delta * params**self.gamma) + self.e)


@dataclass(frozen=True)
class ServedMoeLoss(Law):
    """Loss from base size, experts and data: an additive law with Clark's interaction.

        log L = log(a / N**alpha + b / E**beta + c / D**gamma + f) + d ln N ln E

    L is in nats/token; N is the ``params`` of the dense base model. Few experts serve cheapest; many
    smaller, over-trained ones come next. Yun et al. 2024; retellings print a / b + N**alpha / E**beta.
    """

    form: ClassVar[str] = "served_moe"
    falls_with: ClassVar[tuple[str, ...]] = ("tokens",)

    a: Positive       # nats/token at N = E = 1
    alpha: Exponent
    b: Positive       # nats/token at E = 1
    beta: Exponent
    c: Positive       # nats/token at D = 1
    gamma: Exponent
    f: Positive       # nats/token: what remains at E = 1
    d: Annotated[float, Limit(-0.1, 0.1, (-0.005, 0.005))]

    def __call__(self, params: Any, experts: Any, tokens: Any) -> Any:
        additive = self.a / params**self.alpha + self.b / experts**self.beta + self.c / tokens**self.gamma + self.f
        return additive * exp(self.d * log(params) * log(experts))


@dataclass(frozen=True)
class FiveFactorMoeLoss(Law):
    """Loss from total and active size, data, active experts and the share of them that is shared.

        L = (e G + f / G + m S**2 + n S) (1 / N**alpha + k / N_a**alpha + h N_a / N)
            + a / N**alpha + b / D**beta + c / N_a**alpha + eps          [nats/token]

    N is all ``params``, N_a ``active_params``, G the ``active_experts`` and S the ``shared_ratio``. The
    first bracket gives the best G = sqrt(f / e) and the best S = -n / (2 m) at any size; past them more
    hurts without bound. Zhao et al. 2025.
    """

    form: ClassVar[str] = "five_factor_moe"
    falls_with: ClassVar[tuple[str, ...]] = ("tokens",)

    e: Positive
    f: Positive
    m: Positive
    n: Annotated[float, Limit(-_INF, _INF, (-10.0, 0.0))]
    k: Annotated[float, Limit(0.0, _INF, (1e-4, 1.0))]
    h: Annotated[float, Limit(0.0, _INF, (1e-4, 1.0))]
    a: Positive       # nats/token at N = 1
    alpha: Exponent
    b: Positive       # nats/token at D = 1
    beta: Exponent
    c: Positive       # nats/token at N_a = 1
    eps: Positive     # nats/token: what remains

    def __call__(self, params: Any, active_params: Any, tokens: Any, active_experts: Any, shared_ratio: Any) -> Any:
        N, N_a, G, S = params, active_params, active_experts, shared_ratio
        shape = self.e * G + self.f / G + self.m * S**2.0 + self.n * S
        size = 1.0 / N**self.alpha + self.k / N_a**self.alpha + self.h * N_a / N
        return (shape * size + self.a / N**self.alpha + self.b / tokens**self.beta
                + self.c / N_a**self.alpha + self.eps)

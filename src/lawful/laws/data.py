"""Data: repetition, mixtures of domains, quality that wears out.

What to use when: ``data_constrained`` where tokens repeat; ``data_mixing`` for the loss against the
proportions at one scale, ``mixture_additive`` or ``d_cpt`` where size and tokens move as well;
``critical_mixture`` for how much of a new domain continued training bears; ``quality_decay`` for
filtered pools seen several times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Exponent, Law, Limit, Positive, Real, Scale
from lawful.laws.expressions import exp, expm1, log, minimum
from lawful.quantities import QUANTITIES, Quantity, quantity

Slope = Annotated[float, Limit(float("-inf"), float("inf"), (-6.0, 6.0))]
"""The effect of a proportion inside an exponential: any sign."""


def take(law: Law, args: tuple[Any, ...], quantities: dict[str, Any]) -> list[Any]:
    """The values a law was called with, in the order of its inputs, by position or by name.

    For laws whose inputs depend on a setting. Raises ``LawError`` for anything missing or left over.
    """
    given = dict(zip(law.inputs, args, strict=False)) | quantities
    if len(given) != len(args) + len(quantities) or set(given) != set(law.inputs):
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}; got {', '.join(quantities) or len(args)}")
    return [given[name] for name in law.inputs]


@dataclass(frozen=True)
class RepeatedDataLoss(Law):
    """Loss where tokens repeat: a repeated token, and a parameter beyond what the data need, is worth less.

        L(N, D, U) = E + A / N'**alpha + B / D'**beta          [nats/token]
        D' = U_D + U_D R_D_star (1 - exp(-(D / U_D - 1) / R_D_star)),     U_D = min(U, D)
        N' = U_N + U_N R_N_star (1 - exp(-(N / U_N - 1) / R_N_star)),     U_N = min(N, N_opt(U_D))

    U is ``unique_tokens``, D is ``tokens``, repeats included; N_opt(U_D) is the compute-optimal size for
    U_D tokens under the law without repeats. Runs in which repeats raised the loss were left out of the
    fit, so the form cannot show over-fitting. Muennighoff et al. 2023, equations 5 and 6, section 3.1.
    """

    form: ClassVar[str] = "data_constrained"
    aliases: ClassVar[tuple[str, ...]] = ("muennighoff", "muennighoff2023", "repeated_data")
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "unique_tokens")

    E: Positive       # nats/token
    A: Positive       # nats/token at N = 1
    alpha: Exponent
    B: Positive       # nats/token at D = 1
    beta: Exponent
    R_N_star: Annotated[float, Limit(0.0, float("inf"), (0.5, 200.0))]  # excess sizes that decay e-fold
    R_D_star: Annotated[float, Limit(0.0, float("inf"), (0.5, 200.0))]  # repeats that decay e-fold

    def __call__(self, params: Any, tokens: Any, unique_tokens: Any) -> Any:
        unique = minimum(unique_tokens, tokens)
        G = (self.alpha * self.A / (self.beta * self.B)) ** (1.0 / (self.alpha + self.beta))
        needed = minimum(params, G * (G * unique) ** (self.beta / self.alpha))
        data = worn(tokens, unique, self.R_D_star)
        model = worn(params, needed, self.R_N_star)
        return self.E + self.A / model**self.alpha + self.B / data**self.beta


def worn(whole: Any, first: Any, decay: Any) -> Any:
    """What ``whole`` is worth when all beyond ``first`` counts less and less: nears (1 + decay) first."""
    return first - first * decay * expm1((1.0 - whole / first) / decay)  # 1 - exp(-x) has no digits left at small x


@dataclass(frozen=True)
class DataMixing(Law):
    """Loss on one domain against the proportions of two training domains, at one size and length.

        L(r) = c + k exp(t r)          [nats/token]

    r is the ``mixture.<domain>`` share of the first domain, the second has 1 - r. The general form
    c + k exp(sum_j t_j r_j) over all M domains has one slope too many, since the shares sum to 1: the
    last domain's goes into k here. Refit at every size and length. Ye et al. 2024, section 3.
    """

    form: ClassVar[str] = "data_mixing"
    aliases: ClassVar[tuple[str, ...]] = ("ye2024",)

    c: Positive      # nats/token
    k: Positive      # nats/token above c where the first domain is absent
    t: Slope         # negative where the first domain helps
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The share of the first domain."""
        return (f"mixture.{self.domain}",)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (r,) = take(self, args, quantities)
        return self.c + self.k * exp(self.t * r)


@dataclass(frozen=True)
class DataMixing3(Law):
    """Loss on one domain against the proportions of three training domains, at one size and length.

        L(r) = c + k exp(t_1 r_1 + t_2 r_2)          [nats/token]

    As ``data_mixing``, with the shares of two domains; the third has what is left. Ye et al. 2024,
    section 3.
    """

    form: ClassVar[str] = "data_mixing_three"
    leaves_a_share: ClassVar[bool] = True

    c: Positive
    k: Positive
    t_1: Slope
    t_2: Slope
    first: str = "first"
    second: str = "second"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The shares of the first two domains."""
        return (f"mixture.{self.first}", f"mixture.{self.second}")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        r_1, r_2 = take(self, args, quantities)
        return self.c + self.k * exp(self.t_1 * r_1 + self.t_2 * r_2)


@dataclass(frozen=True)
class BivariateMixing(Law):
    """Loss on a domain against its share of the mixture and the steps trained.

        L(r, s) = (B / s**beta + C) / r**alpha          [nats/token]

    r is ``mixture.<domain>``, s is ``steps``. The paper writes a further factor A in front, which only
    rescales B and C: it stands at 1 here. No domain helps another. Ge et al. 2024, equation 3.
    """

    form: ClassVar[str] = "bimix"

    B: Positive      # nats/token at one step and share 1, above C
    beta: Exponent
    C: Positive      # nats/token at share 1 after endless steps
    alpha: Exponent
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The domain's share, and steps."""
        return (f"mixture.{self.domain}", "steps")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        r, steps = take(self, args, quantities)
        return (self.B / steps**self.beta + self.C) / r**self.alpha


@dataclass(frozen=True)
class EquivalentData(Law):
    """Loss against one domain's tokens, when the other domains are worth a fixed number of them.

        L(r, D) = l + (N_0 + r D)**-gamma          [nats/token]

    r is ``mixture.<domain>``, D is ``tokens``, N_0 the equivalent tokens that the rest supplies. The
    loss over all domains is a sum of such terms, and its best mixture moves with D. Kang et al. 2024,
    the fitted loss of one domain.
    """

    form: ClassVar[str] = "autoscale"

    l: Positive      # nats/token  # noqa: E741 (the paper's letter)
    N_0: Scale       # tokens
    gamma: Exponent
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The domain's share, and tokens."""
        return (f"mixture.{self.domain}", "tokens")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        r, tokens = take(self, args, quantities)
        return self.l + (self.N_0 + r * tokens) ** -self.gamma


@dataclass(frozen=True)
class ContinualLoss(Law):
    """Loss of continued pre-training against size, tokens and the share of the domain.

        L(N, D, r) = E + A / N**alpha + B r**eta / D**beta + C / (r + eps)**gamma          [nats/token]

    N is ``params``, D is ``tokens``, r is ``mixture.<domain>``: the share of the corpus whose loss is
    asked for. eps keeps the loss finite without that corpus; it stands in the last term only. Que et
    al. 2024, the D-CPT law.
    """

    form: ClassVar[str] = "d_cpt"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive
    A: Positive
    alpha: Exponent
    B: Positive
    eta: Exponent
    beta: Exponent
    C: Positive
    eps: Annotated[float, Limit(0.0, float("inf"), (0.01, 1.0))]
    gamma: Exponent
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Size, tokens and the domain's share."""
        return ("params", "tokens", f"mixture.{self.domain}")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        N, D, r = take(self, args, quantities)
        return (self.E + self.A / N**self.alpha + self.B * r**self.eta / D**self.beta
                + self.C / (r + self.eps) ** self.gamma)


@dataclass(frozen=True)
class CriticalMixtureRatio(Law):
    """The largest share of a new domain that continued pre-training bears without a higher general loss.

        R(T) = a4 T**s4 + b3          [fraction],          T = tokens / 2e8

    ``tokens`` are those of continued training. The constants are refitted for every model size and change
    sign between sizes: nothing says how they go on. Gu et al. 2024, Table 5.
    """

    form: ClassVar[str] = "critical_mixture"
    output: ClassVar[Quantity] = quantity("mixture.domain")

    a4: Real
    s4: Annotated[float, Limit(float("-inf"), float("inf"), (-1.0, 1.0))]
    b3: Real

    def __call__(self, tokens: Any) -> Any:
        return self.a4 * (tokens / 2e8) ** self.s4 + self.b3


@dataclass(frozen=True)
class DomainShareLoss(Law):
    """Loss on the new domain against its share in continued pre-training, at one size and length.

        L(R) = alpha R**s + beta          [nats/token]

    R is ``mixture.<domain>``. With alpha < 0 and s > 0 the loss is beta without the domain and falls ever
    more slowly; the other signs that the formula allows would make it infinite there. Gu et al. 2024,
    whose Table 2 gives these signs at every size.
    """

    form: ClassVar[str] = "domain_share"

    beta: Positive   # nats/token at share 0
    alpha: Annotated[float, Limit(-100.0, 0.0, (-2.0, -0.02))]
    s: Exponent
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The domain's share."""
        return (f"mixture.{self.domain}",)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (R,) = take(self, args, quantities)
        return self.alpha * R**self.s + self.beta


@dataclass(frozen=True)
class DecayingUtility(Law):
    """Error of a contrastive model on a pool seen several times, its usefulness halving every tau passes.

        y = a n_1**b prod_{j >= 2} (n_j / n_{j-1})**(b 2**(-(j - 1) / tau)) + d          [fraction]

    n_j = min(j U, n) are the pairs seen by the end of pass j, n is ``pairs`` and U = n / ``epochs`` the
    distinct ones. b < 0 is the pool's utility. Passes beyond ``PASSES`` count for nothing. For a mixture
    of pools the paper averages the decayed exponents, with tau stretched by the number of pools. Goyal et
    al. 2024, the utility with its half-life (the authors' code also multiplies d by the product).
    """

    form: ClassVar[str] = "quality_decay"
    output: ClassVar[Quantity] = QUANTITIES["error"]
    falls_with: ClassVar[tuple[str, ...]] = ("pairs",)
    rises_with: ClassVar[tuple[str, ...]] = ("epochs",)

    PASSES: ClassVar[int] = 24

    a: Positive      # error above d at one pair
    b: Annotated[float, Limit(-2.0, 0.0, (-0.8, -0.02))]
    tau: Annotated[float, Limit(0.0, float("inf"), (0.5, 30.0))]  # passes in which utility halves
    d: Positive      # error that no amount of such data removes

    def __call__(self, pairs: Any, epochs: Any) -> Any:
        seen = [minimum(j / epochs, 1.0) for j in range(1, self.PASSES + 1)]  # n_j / n
        growth = log(pairs * seen[0])
        for j in range(1, self.PASSES):
            growth = growth + 0.5 ** (j / self.tau) * log(seen[j] / seen[j - 1])
        return self.a * exp(self.b * growth) + self.d


@dataclass(frozen=True)
class MixtureAdditiveLoss(Law):
    """Loss on a target against size, tokens and a mixture of two domains that does not touch the rest.

        L(N, D, h) = E + 1 / (C_1 h**gamma_1 + C_2 (1 - h)**gamma_2) + A / N**alpha + B / D**beta  [nats/token]

    h is ``mixture.<domain>``, the share of the first of two domains; with more domains the sum has a term
    for each. The best h is the same at every size and length; the paper's joint form, in which A and B
    depend on h, moves it. Shukor et al. 2025, the additive law.
    """

    form: ClassVar[str] = "mixture_additive"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive
    C_1: Positive    # token/nat
    gamma_1: Exponent
    C_2: Positive    # token/nat
    gamma_2: Exponent
    A: Positive
    alpha: Exponent
    B: Positive
    beta: Exponent
    domain: str = "domain"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Size, tokens and the first domain's share."""
        return ("params", "tokens", f"mixture.{self.domain}")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        N, D, h = take(self, args, quantities)
        mix = self.C_1 * h**self.gamma_1 + self.C_2 * (1.0 - h) ** self.gamma_2
        return self.E + 1.0 / mix + self.A / N**self.alpha + self.B / D**self.beta

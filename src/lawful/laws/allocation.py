"""Compute allocation and later pre-training laws: optima as powers of compute, and forms beyond Chinchilla's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Scale
from lawful.laws.expressions import exp
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class OptimalTokens(Law):
    """The compute-optimal number of training tokens as a power of compute.

        D_opt(C) = k C**b          [tokens]

    Parameters follow as C / (6 D_opt), or by the paper's own count of compute.
    """

    form: ClassVar[str] = "optimal_tokens"
    output: ClassVar[Quantity] = QUANTITIES["tokens"]
    rises_with: ClassVar[tuple[str, ...]] = ("compute",)

    k: Scale          # tokens at 1 FLOP
    b: Exponent

    def __call__(self, compute: Any) -> Any:
        return self.k * compute**self.b


@dataclass(frozen=True)
class OptimalModelScale(Law):
    """The compute-optimal model scale in FLOP per token, as a power of compute.

        M_opt(C) = k C**a          [FLOP/token]

    M counts attention and leaves out the vocabulary, M = 72 l d**2 + 12 l d T, and C = M D. DeepSeek LLM 2024,
    equations 2 and 4. It is not 6 N: for small models the two differ by up to half.
    """

    form: ClassVar[str] = "optimal_model_scale"
    output: ClassVar[Quantity] = QUANTITIES["flop_per_token"]
    rises_with: ClassVar[tuple[str, ...]] = ("compute",)

    k: Scale          # FLOP per token at 1 FLOP
    a: Exponent

    def __call__(self, compute: Any) -> Any:
        return self.k * compute**self.a


@dataclass(frozen=True)
class OptimalRatio(Law):
    """The compute-optimal number of tokens per parameter as a power of compute.

        D_opt / N_opt = (C / C_1)**g          [tokens/param]

    C_1 is the budget at which one token per parameter is best. On the additive loss of Chinchilla g is
    (alpha - beta) / (alpha + beta): 0 when model and data should grow alike. MiniCPM 2024, equation 3, upside down.
    """

    form: ClassVar[str] = "optimal_ratio"
    output: ClassVar[Quantity] = QUANTITIES["tokens_per_param"]

    C_1: Annotated[float, Limit(0.0, float("inf"), (1e-6, 1e22))]     # FLOP
    g: Annotated[float, Limit(-1.0, 1.0, (-0.3, 0.4))]

    def __call__(self, compute: Any) -> Any:
        return (compute / self.C_1) ** self.g


@dataclass(frozen=True)
class EmbeddingCount(Law):
    """All parameters of a model, from its parameters without embeddings.

        N_T = N_E + omega N_E**(1/3)          [params]

    For a fixed vocabulary and a fixed ratio of width to depth. The share of the embeddings falls with size,
    which bends a law in N_T when it is written in N_E. Pearce & Song 2024.
    """

    form: ClassVar[str] = "embedding_count"
    output: ClassVar[Quantity] = QUANTITIES["total_params"]
    rises_with: ClassVar[tuple[str, ...]] = ("nonembedding_params",)

    omega: Annotated[float, Limit(0.0, float("inf"), (1e3, 1e6))]     # params**(2/3)

    def __call__(self, nonembedding_params: Any) -> Any:
        return nonembedding_params + self.omega * nonembedding_params ** (1.0 / 3.0)


@dataclass(frozen=True)
class EqualExponentLoss(Law):
    """The additive law with one exponent for model size and data.

        L(N, D) = E + A / N**alpha + B / D**alpha          [nats/token]

    The best D / N is then the same at every budget, and runs at a fixed D / N lie on parallel lines in log compute:
    L = E + (a M**eta + b M**-eta) / C**eta with M = D / N, eta = alpha / 2, a = A 6**eta, b = B 6**eta.
    Gadre et al. 2024, equation 4.
    """

    form: ClassVar[str] = "equal_exponents"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive       # nats/token: what remains when N and D grow without end
    A: Positive       # nats/token at N = 1
    B: Positive       # nats/token at D = 1
    alpha: Exponent

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.E + self.A / params**self.alpha + self.B / tokens**self.alpha

    def optimal_params(self, product: Any) -> Any:
        """N* = (A / B)**(1 / (2 alpha)) (ND)**(1/2)."""
        return (self.A / self.B) ** (0.5 / self.alpha) * product**0.5


@dataclass(frozen=True)
class FarseerLoss(Law):
    """Loss whose data exponent is itself a function of model size.

        L(N, D) = exp(a3 N**gamma + b3) + exp(a2 N**beta + b2) / D**exp(a1 N**alpha + b1)          [nats/token]

    With a1 < 0 more data buys less in a larger model, which no additive law can say. Nine constants, none with a
    meaning by itself; the first term, the floor, falls to 0 in N (a3 < 0), so the best split of a budget is one only
    inside the sizes of the fit. Li et al. 2025, equation 3.
    """

    form: ClassVar[str] = "farseer"

    a3: Annotated[float, Limit(-float("inf"), float("inf"), (-0.4, -0.004))]
    gamma: Annotated[float, Limit(0.0, 1.0, (0.04, 0.3))]
    b3: Annotated[float, Limit(-float("inf"), float("inf"), (-1.0, 2.0))]
    a2: Annotated[float, Limit(0.0, float("inf"), (3.0, 300.0))]
    beta: Annotated[float, Limit(-1.0, 0.0, (-0.25, -0.04))]
    b2: Annotated[float, Limit(-float("inf"), float("inf"), (-12.0, 8.0))]
    a1: Annotated[float, Limit(-float("inf"), float("inf"), (-0.4, -0.01))]
    alpha: Annotated[float, Limit(0.0, 1.0, (0.05, 0.25))]
    b1: Annotated[float, Limit(-float("inf"), float("inf"), (-2.0, 1.5))]

    def __call__(self, params: Any, tokens: Any) -> Any:
        floor = exp(self.a3 * params**self.gamma + self.b3)
        scale = exp(self.a2 * params**self.beta + self.b2)
        return floor + scale / tokens ** exp(self.a1 * params**self.alpha + self.b1)


@dataclass(frozen=True)
class SubScalingLoss(Law):
    """The additive law with both terms inflated as tokens per parameter grow.

        L(N, D) = lam_D R_D / D**beta + lam_N R_N / N**alpha + E          [nats/token]
        R_x = 1 + 1 / (1 + exp(-k_x D / N))

    Each R_x runs from 1.5 at few tokens per parameter to 2 at very many, so over-training can cost at most a third
    more of each term; data density, which the paper argues with, is not in the formula. Chen et al. 2025.
    """

    form: ClassVar[str] = "sub_scaling"

    lam_D: Positive   # nats/token at D = 1 and R_D = 1
    beta: Exponent
    lam_N: Positive   # nats/token at N = 1 and R_N = 1
    alpha: Exponent
    E: Positive       # nats/token
    k_D: Annotated[float, Limit(0.0, float("inf"), (1e-4, 1e-1))]     # params/token
    k_N: Annotated[float, Limit(0.0, float("inf"), (1e-4, 1e-1))]     # params/token

    def __call__(self, params: Any, tokens: Any) -> Any:
        ratio = tokens / params
        data = self.lam_D * _inflation(self.k_D, ratio) / tokens**self.beta
        return data + self.lam_N * _inflation(self.k_N, ratio) / params**self.alpha + self.E


def _inflation(k: Any, ratio: Any) -> Any:
    return 1.0 + 1.0 / (1.0 + exp(-k * ratio))


@dataclass(frozen=True)
class TransitionLoss(Law):
    """Loss of a language model from random guessing to the power laws of data and model size.

        e = (n / n_1)**-alpha + b (m / m_1)**-beta + c_inf
        L = eps_0 e / (e**2 + eta**2)**(1/2)          [nats/token]

    n is ``tokens``, m is ``params``; n_1 and m_1 are the full data set and the largest model (``full_tokens``,
    ``full_params``: choices, not coefficients). L tends to eps_0, the loss of guessing, for small n or m, and to
    eps_0 e / eta where e is small. The modulus |e / (e - i eta)| of the paper is written out. Rosenfeld et al. 2020,
    equation 5, with a = 1: only the ratios of a, b, c_inf and eta are determined.
    """

    form: ClassVar[str] = "transition_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("tokens", "params")

    alpha: Exponent
    b: Annotated[float, Limit(0.0, float("inf"), (1e-3, 1e2))]
    beta: Exponent
    c_inf: Annotated[float, Limit(0.0, float("inf"), (1e-2, 1e2))]
    eta: Annotated[float, Limit(0.0, float("inf"), (1e-1, 1e2))]
    eps_0: Annotated[float, Limit(0.0, float("inf"), (1.0, 20.0))]    # nats/token: the loss of guessing
    full_tokens: float = 1e8
    full_params: float = 41e6

    def __call__(self, params: Any, tokens: Any) -> Any:
        e = (tokens / self.full_tokens) ** -self.alpha + self.b * (params / self.full_params) ** -self.beta + self.c_inf
        return self.eps_0 * e / (e**2 + self.eta**2) ** 0.5


@dataclass(frozen=True)
class TransitionError(Law):
    """Top-1 error of an image classifier from random guessing to the power laws of data and model size.

        e = (n / n_1)**-alpha + b (m / m_1)**-beta + c_inf
        err = e / (e**2 + eta**2)**(1/2)          [fraction]

    ``TransitionLoss`` with n in ``images`` and the error of guessing taken as 1, as the published table does.
    Rosenfeld et al. 2020, equation 5.
    """

    form: ClassVar[str] = "transition_error"
    output: ClassVar[Quantity] = QUANTITIES["error"]
    falls_with: ClassVar[tuple[str, ...]] = ("images", "params")

    alpha: Exponent
    b: Annotated[float, Limit(0.0, float("inf"), (1e-5, 1e2))]
    beta: Exponent
    c_inf: Annotated[float, Limit(0.0, float("inf"), (1e-3, 1e2))]
    eta: Annotated[float, Limit(0.0, float("inf"), (1e-1, 1e2))]
    full_images: float = 1.2e6
    full_params: float = 25.5e6

    def __call__(self, params: Any, images: Any) -> Any:
        e = (images / self.full_images) ** -self.alpha + self.b * (params / self.full_params) ** -self.beta + self.c_inf
        return e / (e**2 + self.eta**2) ** 0.5


@dataclass(frozen=True)
class EncoderDecoderLoss(Law):
    """Loss of a translation model from the sizes of its encoder and its decoder.

        L(N_e, N_d) = alpha (N_e0 / N_e)**p_e (N_d0 / N_d)**p_d + L_inf          [nats/token]

    N_e0 and N_d0 (``encoder_at``, ``decoder_at``) are reference sizes: choices, not coefficients. One side held fixed,
    the other buys ever less. Ghorbani et al. 2021.
    """

    form: ClassVar[str] = "encoder_decoder"
    falls_with: ClassVar[tuple[str, ...]] = ("encoder_params", "decoder_params")

    alpha: Positive   # nats/token above L_inf at the reference sizes
    p_e: Exponent
    p_d: Exponent
    L_inf: Positive   # nats/token
    encoder_at: float = 1e8
    decoder_at: float = 1e8

    def __call__(self, encoder_params: Any, decoder_params: Any) -> Any:
        encoder = (self.encoder_at / encoder_params) ** self.p_e
        return self.alpha * encoder * (self.decoder_at / decoder_params) ** self.p_d + self.L_inf

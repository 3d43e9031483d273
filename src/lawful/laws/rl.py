"""Reinforcement learning: playing strength, reward, and what RL after pre-training buys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp, log, maximum, minimum
from lawful.quantities import QUANTITIES, Quantity

ELO = QUANTITIES["elo"]
REWARD = QUANTITIES["reward"]


@dataclass(frozen=True)
class IntrinsicPerformance(Law):
    """The performance of an agent, measured by the least compute that reaches its return.

        I(N, E) = ((N_c / N)**alpha_N + (E_c / E)**alpha_E)**(-1/beta),  1/beta = 1/alpha_N + 1/alpha_E   [FLOP]

    N is ``params``, E the ``interactions``. beta is no coefficient: that I is compute on the best
    frontier fixes it. Where compute is counted as N E the same holds for the scale,
    N_c E_c = (1 + alpha_N/alpha_E)**(-1/alpha_N) (1 + alpha_E/alpha_N)**(-1/alpha_E), which is left
    free here, since each paper counts the FLOP of an interaction differently. Measuring I takes a
    sweep over a family of models; the horizon of the task moves the scales. Hilton, Tang & Schulman
    2023, section 3.
    """

    form: ClassVar[str] = "intrinsic_performance"
    output: ClassVar[Quantity] = QUANTITIES["compute"]
    rises_with: ClassVar[tuple[str, ...]] = ("params", "interactions")

    N_c: Annotated[float, Limit(0.0, math.inf, (1e-12, 1e8))]   # params
    alpha_N: Exponent
    E_c: Annotated[float, Limit(0.0, math.inf, (1e-12, 1e8))]   # interactions
    alpha_E: Exponent

    @property
    def beta(self) -> Any:
        """The exponent that the definition of I implies."""
        return 1.0 / (1.0 / self.alpha_N + 1.0 / self.alpha_E)

    def __call__(self, params: Any, interactions: Any) -> Any:
        limits = (self.N_c / params) ** self.alpha_N + (self.E_c / interactions) ** self.alpha_E
        return limits ** (-1.0 / self.alpha_N - 1.0 / self.alpha_E)


@dataclass(frozen=True)
class EloGain(Law):
    """The rating gained when a resource grows: playing strength is a power of it.

        Elo(r) = 400 alpha log10 r          [points]

    r is ``scale_up``. Strength gamma ~ x**alpha in the Bradley-Terry model, where a player of
    strength gamma_1 beats gamma_2 with probability gamma_1 / (gamma_1 + gamma_2), and
    Elo = 400 log10 gamma. ``per`` says what is scaled up. Neumann & Gros 2022, section 3.2.
    """

    form: ClassVar[str] = "elo_gain"
    output: ClassVar[Quantity] = ELO
    rises_with: ClassVar[tuple[str, ...]] = ("scale_up",)

    alpha: Exponent
    per: str = "params"

    def __call__(self, scale_up: Any) -> Any:
        return 400.0 / math.log(10.0) * self.alpha * log(scale_up)


@dataclass(frozen=True)
class HexElo(Law):
    """The best rating in Hex that a compute buys on a board: a plateau, an incline, perfect play.

        Elo(s, C) = min(0, max(m_p s + c_p, m_i s + m_f log10 C + c_i))          [points below perfect play]

    s is ``board_size``, C the training ``compute``. The plateau is random play, 0 is perfect play;
    each step of the board moves the incline by -m_i / m_f decades of compute. Jones 2021, section IV.
    """

    form: ClassVar[str] = "hex_elo"
    output: ClassVar[Quantity] = ELO
    rises_with: ClassVar[tuple[str, ...]] = ("compute",)

    m_p: Annotated[float, Limit(-math.inf, math.inf, (-500.0, 0.0))]      # points per step of the board, on the plateau
    c_p: Annotated[float, Limit(-math.inf, math.inf, (-1000.0, 1000.0))]  # points
    m_i: Annotated[float, Limit(-math.inf, math.inf, (-900.0, 0.0))]      # points per step of the board, on the incline
    m_f: Annotated[float, Limit(0.0, math.inf, (100.0, 1000.0))]          # points per decade of compute
    c_i: Annotated[float, Limit(-math.inf, math.inf, (-9000.0, 0.0))]     # points

    def __call__(self, board_size: Any, compute: Any) -> Any:
        plateau = self.m_p * board_size + self.c_p
        incline = self.m_i * board_size + self.m_f * log(compute) / math.log(10.0) + self.c_i
        return minimum(0.0, maximum(plateau, incline))


@dataclass(frozen=True)
class SearchCompute(Law):
    """The compute at test time that reaches a rating, beside the compute spent in training.

        log10 C_test = a log10 C + b Elo + c          [FLOP]

    Training and search replace one another at a fixed rate: a is negative. Elo is at most 0,
    perfect play. Jones 2021, section IV, for 9 x 9 Hex.
    """

    form: ClassVar[str] = "search_compute"
    output: ClassVar[Quantity] = QUANTITIES["inference_compute"]

    a: Annotated[float, Limit(-math.inf, math.inf, (-4.0, 4.0))]      # decades per decade
    b: Annotated[float, Limit(-math.inf, math.inf, (-0.05, 0.05))]    # decades per point
    c: Annotated[float, Limit(-math.inf, math.inf, (-60.0, 60.0))]    # decades

    def __call__(self, compute: Any, elo: Any) -> Any:
        return exp(self.a * log(compute) + math.log(10.0) * (self.b * elo + self.c))


@dataclass(frozen=True)
class BestOfNReward(Law):
    """True reward after choosing the best of n samples by a learned reward model.

        R(d) = d (alpha - beta d),  d = KL**(1/2)          [reward]

    Reward is counted from that of the first policy. It peaks at d = alpha / (2 beta) and falls
    beyond: over-optimisation. ``best_of_n_kl`` gives KL for n. A larger reward model peaks later and
    higher. Gao, Schulman & Hilton 2022, section 3.
    """

    form: ClassVar[str] = "overoptimisation_bon"
    output: ClassVar[Quantity] = REWARD

    alpha: Positive  # reward per square root of a nat
    beta: Positive   # reward per nat

    def __call__(self, kl: Any) -> Any:
        return self.alpha * kl**0.5 - self.beta * kl

    def best_kl(self) -> Any:
        """The KL at which the true reward peaks [nats]."""
        return (self.alpha / (2.0 * self.beta)) ** 2


@dataclass(frozen=True)
class PolicyReward(Law):
    """True reward of a policy trained by RL against a learned reward model.

        R(d) = d (alpha - beta log d),  d = KL**(1/2)          [reward]

    Reward is counted from that of the first policy. It peaks at d = exp(alpha / beta - 1). The
    slope is infinite at d = 0, so the form does not hold near the origin. RL needs far more KL than
    best-of-n for the same gain: compare methods by reward, not by KL. Gao, Schulman & Hilton 2022,
    section 3.
    """

    form: ClassVar[str] = "overoptimisation_rl"
    output: ClassVar[Quantity] = REWARD

    alpha: Positive  # reward per square root of a nat
    beta: Positive   # reward per square root of a nat

    def __call__(self, kl: Any) -> Any:
        return kl**0.5 * (self.alpha - 0.5 * self.beta * log(kl))

    def best_kl(self) -> Any:
        """The KL at which the true reward peaks [nats]."""
        return exp(2.0 * self.alpha / self.beta - 2.0)


def best_of_n_kl(samples: Any) -> Any:
    """The KL of best-of-n sampling from its policy, log n - (n - 1) / n [nats]; ``samples`` is n."""
    return log(samples) - (samples - 1.0) / samples


@dataclass(frozen=True)
class SigmoidReward(Law):
    """The pass rate of RL after pre-training, against its compute: from one level to a ceiling.

        R(C) = R_0 + (A - R_0) / (1 + (C_mid / C)**B)          [fraction]

    C is ``device_hours``; C_mid is where half of the gain is reached, B how steeply. Most choices
    of a recipe move B and C_mid, few move the ceiling A, and A is weakly identified before the knee.
    Khatri et al. 2025, equation 1.
    """

    form: ClassVar[str] = "sigmoid_reward"
    aliases: ClassVar[tuple[str, ...]] = ("scalerl",)
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]

    R_0: Annotated[float, Limit(0.0, 1.0, (0.02, 0.6))]   # fraction before RL
    A: Annotated[float, Limit(0.0, 1.0, (0.3, 0.98))]     # fraction after RL without end
    B: Annotated[float, Limit(0.0, 50.0, (0.3, 4.0))]
    C_mid: Annotated[float, Limit(0.0, math.inf, (10.0, 1e6))]   # device-hours

    def __call__(self, device_hours: Any) -> Any:
        return self.R_0 + (self.A - self.R_0) / (1.0 + (self.C_mid / device_hours) ** self.B)


@dataclass(frozen=True)
class LearningEfficiency(Law):
    """The error after RL on a model of given size: larger models learn faster, up to a limit.

        L(N, X) = (C_0 N**r / X)**k(N),  k(N) = K_max / (1 + N_0 / N)          [fraction]

    N is ``params``; ``over`` names X, compute or examples. In logarithms, -k(N) log X + E(N) with
    E(N) = k(N) log(C_0 N**r). L is one minus the pass rate, and above 1 where X is below C_0 N**r. Tan
    et al. 2025, equations 1 and 2; the form of E(N) is that of the authors' code.
    """

    form: ClassVar[str] = "learning_efficiency"
    output: ClassVar[Quantity] = QUANTITIES["error"]

    C_0: Annotated[float, Limit(0.0, math.inf, (1e-12, 1e12))]   # unit of X, at N = 1
    r: Annotated[float, Limit(0.0, 10.0, (0.2, 4.0))]
    K_max: Annotated[float, Limit(0.0, 10.0, (0.01, 1.0))]
    N_0: Annotated[float, Limit(0.0, math.inf, (1e8, 1e12))]     # params at which k is half of K_max
    over: str = "compute"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Params and the one resource the law is over."""
        return ("params", self.over)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        if args or set(quantities) != set(self.inputs):
            raise LawError(f"{self.form} over {self.over} takes params and {self.over} by name")
        N, X = quantities["params"], quantities[self.over]
        return (self.C_0 * N**self.r / X) ** (self.K_max / (1.0 + self.N_0 / N))

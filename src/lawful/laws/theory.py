"""What theory says about loss curves: general forms, predicted exponents, and growth rates.

What to use when: ``TaskPowerLaw`` and ``TaskFloorLaw`` for a curve in the task's own unit (squared
error, normalised entropy, word error rate); ``Growth`` where a paper prints an exponent and no
prefactor. Curves that bend or turn are in ``lawful.laws.broken``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.power import only
from lawful.quantities import QUANTITIES, Quantity

TASK_LOSS = QUANTITIES["task_loss"]


# ----------------------------------------------------------------------------------- general forms

@dataclass(frozen=True)
class Growth(Law):
    """How many times larger the one gets when the other gets ``scale_up`` times larger.

        g(r) = r**a          [x]

    For papers that print an exponent and no prefactor. ``of`` says what grows and ``per`` what is
    scaled up: with a of N_opt in compute, ten times the compute asks for 10**a times the params. It
    says nothing about where to start: take one optimum measured on the same data and scale it.
    """

    form: ClassVar[str] = "growth"
    output: ClassVar[Quantity] = QUANTITIES["growth"]
    rises_with: ClassVar[tuple[str, ...]] = ("scale_up",)

    a: Exponent
    of: str = "params"
    per: str = "compute"

    def __call__(self, scale_up: Any) -> Any:
        return scale_up**self.a


@dataclass(frozen=True)
class TaskPowerLaw(Law):
    """Loss in the task's own unit falls as a power of one quantity, without end.

        L(x) = l_0 / x**alpha          [task unit]

    ``over`` names x. The same curve as ``power_law``, for losses that are not nats/token. M1 of
    Alabdulmohsin et al. 2022, who write the exponent negative.
    """

    form: ClassVar[str] = "task_power_law"
    aliases: ClassVar[tuple[str, ...]] = ("m1",)
    output: ClassVar[Quantity] = TASK_LOSS

    l_0: Positive    # task unit, at x = 1
    alpha: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.l_0 / x**self.alpha


@dataclass(frozen=True)
class TaskFloorLaw(Law):
    """Loss in the task's own unit falls as a power of one quantity towards a floor.

        L(x) = c + a / x**b          [task unit]

    ``over`` names x. The same curve as ``power_law_floor``, for losses that are not nats/token. M2 of
    Alabdulmohsin et al. 2022.
    """

    form: ClassVar[str] = "task_power_law_floor"
    aliases: ClassVar[tuple[str, ...]] = ("m2",)
    output: ClassVar[Quantity] = TASK_LOSS

    c: Positive      # task unit: what remains when x grows without end
    a: Positive      # task unit, at x = 1
    b: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.c + self.a / x**self.b


# ------------------------------------------------------------------------------ predicted exponents

@dataclass(frozen=True)
class ManifoldExponent(Law):
    """The exponent of loss that the dimension of the data predicts.

        alpha(d) = m / d          [1]

    m is 4 where the loss is smooth around its minimum and the fit piecewise linear, 2 or 1 under
    weaker assumptions. d is ``intrinsic_dim``. For smooth targets it is a lower bound rather than
    an equality, and d is hard to measure in language. Sharma & Kaplan 2020, section 1.
    """

    form: ClassVar[str] = "manifold_exponent"
    output: ClassVar[Quantity] = QUANTITIES["exponent"]
    falls_with: ClassVar[tuple[str, ...]] = ("intrinsic_dim",)

    m: Annotated[float, Limit(0.0, 100.0, (0.5, 8.0))]

    def __call__(self, intrinsic_dim: Any) -> Any:
        return self.m / intrinsic_dim


@dataclass(frozen=True)
class ManifoldLoss(Law):
    """Loss in the resolution-limited regime: its exponent is a small number over a dimension.

        L(x) = L_inf + A / x**(m/d)          [task unit]

    ``over`` names x (params or examples), ``m`` is chosen: 4 in Sharma & Kaplan 2020, 1 in the
    weakest case of Bahri et al. 2021. The same curve as a floored power law of exponent m/d, with d
    as the coefficient, so that a fit answers with the dimension of the data.
    """

    form: ClassVar[str] = "manifold_loss"
    output: ClassVar[Quantity] = TASK_LOSS

    L_inf: Positive  # task unit
    A: Positive      # task unit, at x = 1
    d: Annotated[float, Limit(0.0, 1e6, (1.0, 200.0))]   # dimensions
    over: str = "params"
    m: float = 4.0

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.L_inf + self.A / x ** (self.m / self.d)


@dataclass(frozen=True)
class VarianceLoss(Law):
    """Loss in the variance-limited regime: it approaches its limit as one over data or width.

        L(x) = L_inf + A / x          [task unit]

    ``over`` names x: examples beside a model far larger, or width beside data far larger. The
    exponent 1 is the theory's. Bahri et al. 2021, section 2.
    """

    form: ClassVar[str] = "variance_loss"
    output: ClassVar[Quantity] = TASK_LOSS

    L_inf: Positive  # task unit: the loss of the infinite model, or of infinite data
    A: Positive      # task unit, at x = 1
    over: str = "examples"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.L_inf + self.A / x


@dataclass(frozen=True)
class QuantaLoss(Law):
    """Loss of a model that learns discrete skills, the frequent ones first.

        L(N, D) = E + A / N**alpha + B / D**(alpha / (1 + alpha))          [nats/token]

    Skills are used with frequencies k**-(1 + alpha): a model has room for a number of them in
    proportion to N, and learns those seen often enough in D. The paper derives each limit alone;
    the sum is that of Hoffmann et al. 2022, here with its two exponents tied. The exponent of D
    holds for steps too. Michaud et al. 2023, section 2.
    """

    form: ClassVar[str] = "quanta"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    E: Positive      # nats/token
    A: Positive      # nats/token at N = 1
    alpha: Exponent
    B: Positive      # nats/token at D = 1

    @property
    def beta(self) -> Any:
        """The exponent of data that alpha implies."""
        return self.alpha / (1.0 + self.alpha)

    def __call__(self, params: Any, tokens: Any) -> Any:
        return self.E + self.A / params**self.alpha + self.B / tokens**self.beta

    def optimal_params(self, product: Any) -> Any:
        """N* = (alpha A / (beta B))**(1 / (alpha + beta)) (N D)**(beta / (alpha + beta))."""
        alpha, beta = self.alpha, self.beta
        return (alpha * self.A / (beta * self.B) * product**beta) ** (1.0 / (alpha + beta))

    def allocation_exponents(self, compute: float = 1e21) -> tuple[Any, Any]:
        """a = 1 / (2 + alpha) and b = (1 + alpha) / (2 + alpha): data grow faster than params."""
        return 1.0 / (2.0 + self.alpha), (1.0 + self.alpha) / (2.0 + self.alpha)


@dataclass(frozen=True)
class DynamicsLoss(Law):
    """Loss of a random-feature model under gradient descent: time, size and data limit it in turn.

        L(t, N, D) = L_inf + A / t**r_t + B / N**r_N + C / D**r_D          [task unit]

    t is ``steps``, N the ``width`` (features), D the ``examples``. The theory gives each limit
    alone, with the exponent of time unlike that of size; the sum of the three bottlenecks is the
    usual reading, and leaves out the 1/width and 1/data corrections of early training. Bordelon,
    Atanasov & Pehlevan 2024.
    """

    form: ClassVar[str] = "dynamics_loss"
    output: ClassVar[Quantity] = TASK_LOSS
    falls_with: ClassVar[tuple[str, ...]] = ("steps", "width", "examples")

    L_inf: Positive  # task unit
    A: Positive
    r_t: Exponent
    B: Positive
    r_N: Exponent
    C: Positive
    r_D: Exponent

    def __call__(self, steps: Any, width: Any, examples: Any) -> Any:
        return self.L_inf + self.A / steps**self.r_t + self.B / width**self.r_N + self.C / examples**self.r_D

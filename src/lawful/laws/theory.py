"""What theory says about loss curves: general forms, predicted exponents, and growth rates.

What to use when: ``TaskPowerLaw`` and ``TaskFloorLaw`` for a curve in the task's own unit (squared
error, normalised entropy, word error rate); ``BrokenPowerLaw1`` and ``BrokenPowerLaw2`` for a curve
that bends or turns; ``SaturatingPowerLaw`` for one that leaves a plateau and approaches a floor;
``Growth`` where a paper prints an exponent and no prefactor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Scale
from lawful.laws.expressions import exp, log, maximum
from lawful.laws.power import only
from lawful.quantities import QUANTITIES, Quantity

TASK_LOSS = QUANTITIES["task_loss"]

Slope = Annotated[float, Limit(-20.0, 20.0, (-1.0, 2.0))]
"""A slope in log-log coordinates, of either sign."""

Gentle = Annotated[float, Limit(-5.0, 5.0, (-0.6, 0.8))]
"""A slope where two breaks share the curve: within steeper ones a search loses itself."""

Width = Annotated[float, Limit(0.0, 3.0, (0.08, 1.2))]
"""The width of a break in natural logs of x; one wider than a few decades is no break."""


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

    ``over`` names x. The same curve as ``power_law``, for losses that are not nats/token.
    """

    form: ClassVar[str] = "task_power_law"
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

    ``over`` names x. The same curve as ``power_law_floor``, for losses that are not nats/token.
    """

    form: ClassVar[str] = "task_power_law_floor"
    output: ClassVar[Quantity] = TASK_LOSS

    c: Positive      # task unit: what remains when x grows without end
    a: Positive      # task unit, at x = 1
    b: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.c + self.a / x**self.b


@dataclass(frozen=True)
class BrokenPowerLaw1(Law):
    """A power law that goes smoothly over into another: one break.

        y(x) = a + b x**-c_0 (1 + (x / d_1)**(1/f_1))**(-c_1 f_1)          [task unit]

    The slope in log-log coordinates is -c_0 well below d_1 and -(c_0 + c_1) well above it; f_1 is
    the width of the break in natural logs of x: small is sharp. A negative c_0 or c_1 makes the
    curve rise. A break beyond the data cannot be known. Caballero et al. 2022, equation 1 with n = 1:
    one smooth product, not two pieces as some retellings have it.
    """

    form: ClassVar[str] = "bnsl1"
    aliases: ClassVar[tuple[str, ...]] = ("bnsl", "broken_power_law")
    output: ClassVar[Quantity] = TASK_LOSS

    a: Positive      # task unit: the limit, where c_0 + c_1 > 0
    b: Positive      # task unit, at x = 1
    c_0: Slope
    c_1: Slope       # change of the slope at the break
    d_1: Scale       # in the unit of x: where the break lies
    f_1: Width
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.a + self.b / x**self.c_0 * _break(x, self.c_1, self.d_1, self.f_1)

    def formula(self) -> str:
        """The formula as printed: the call writes the break in logarithms."""
        return f"task_loss = a + b / {self.over}**c_0 * {_break_text(self.over, 'd_1', 1)}"


@dataclass(frozen=True)
class BrokenPowerLaw2(Law):
    """A power law that changes its slope twice: falls, stalls and falls again, or turns and returns.

        y(x) = a + b x**-c_0 prod_i (1 + (x / d_i)**(1/f_i))**(-c_i f_i),  i = 1, 2          [task unit]

    As ``bnsl1``, with d_2 = d_1 ``step``: the second break lies beyond the first, so that the two
    cannot be exchanged. Caballero et al. 2022, equation 1 with n = 2.
    """

    form: ClassVar[str] = "bnsl2"
    output: ClassVar[Quantity] = TASK_LOSS

    a: Positive      # task unit: the limit, where c_0 + c_1 + c_2 > 0
    b: Positive      # task unit, at x = 1
    c_0: Gentle
    c_1: Gentle
    d_1: Scale       # in the unit of x: where the first break lies
    f_1: Width
    c_2: Gentle
    step: Annotated[float, Limit(1.0, 1e9, (5.0, 1e4))]   # d_2 / d_1
    f_2: Width
    over: str = "compute"

    @property
    def d_2(self) -> Any:
        """Where the second break lies."""
        return self.d_1 * self.step

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        first = _break(x, self.c_1, self.d_1, self.f_1)
        return self.a + self.b / x**self.c_0 * first * _break(x, self.c_2, self.d_2, self.f_2)

    def formula(self) -> str:
        """The formula as printed: the call writes the breaks in logarithms."""
        breaks = f"{_break_text(self.over, 'd_1', 1)} * {_break_text(self.over, '(d_1 * step)', 2)}"
        return f"task_loss = a + b / {self.over}**c_0 * {breaks}"


def _break(x: Any, c: Any, d: Any, f: Any) -> Any:
    """(1 + (x/d)**(1/f))**(-c f), written so that it holds however sharp the break."""
    return exp(-c * f * _softplus(log(x / d) / f))


def _break_text(x: str, d: str, i: int) -> str:
    return f"(1 + ({x} / {d})**(1 / f_{i}))**(-c_{i} * f_{i})"


def _softplus(z: Any) -> Any:
    """log(1 + e**z), without overflow."""
    return maximum(z, 0.0) + log(1.0 + exp(-maximum(z, -z)))


@dataclass(frozen=True)
class SaturatingPowerLaw(Law):
    """Error leaves the plateau of guessing, follows a power law, and approaches a floor: M4.

        (e - e_inf) / (e_0 - e)**alpha = beta / x**c,   e_0 = e_inf + span          [task unit]

    ``over`` names x. The paper writes beta x**c with c below 0; here c is positive. The law is
    implicit, and the authors search a grid. Here it is solved in closed form: in z, the logit of
    (e - e_inf) / span, it reads z + (alpha - 1) log(1 + exp z) = T, whose two ends are known, and one
    step of Halley from a curve that joins them gives e. Exact at alpha = 1; elsewhere the two sides
    agree to 1e-6 of themselves for alpha between 1/2 and 2, to 2e-4 between 1/4 and 4, to 1 % at 1/10 and
    10. The form cannot turn or stall. Alabdulmohsin et al. 2022, estimator M4.
    """

    form: ClassVar[str] = "m4"
    output: ClassVar[Quantity] = TASK_LOSS

    e_inf: Positive  # task unit: the floor
    span: Positive   # task unit: from the floor to the plateau of an untrained model
    alpha: Annotated[float, Limit(0.0, 20.0, (0.2, 4.0))]   # 0 gives the floored power law
    beta: Positive   # task unit**(1 - alpha), at x = 1
    c: Exponent
    over: str = "examples"

    @property
    def e_0(self) -> Any:
        """The plateau."""
        return self.e_inf + self.span

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        alpha, root = self.alpha, self.alpha**0.5
        T = log(self.beta / x**self.c) + (alpha - 1.0) * log(self.span)
        z = T - (root - 1.0 / root) * log(1.0 + exp(T / root))      # slope 1 far below T = 0, 1/alpha far above
        u = 1.0 / (1.0 + exp(-z))
        miss = z + (alpha - 1.0) * log(1.0 + exp(z)) - T
        slope = 1.0 + (alpha - 1.0) * u
        z = z - miss * slope / (slope**2.0 - 0.5 * miss * (alpha - 1.0) * u * (1.0 - u))
        return self.e_inf + self.span / (1.0 + exp(-z))

    def formula(self) -> str:
        """The implicit formula: the call is its solution."""
        return f"task_loss = e where (e - e_inf) / (e_inf + span - e)**alpha = beta / {self.over}**c"


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

"""Several modalities at once: the forms that language alone does not need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Real
from lawful.laws.data import take
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class MixedModalLoss(Law):
    """Mean loss of two modalities trained together: the mean of each alone, less synergy, plus competition.

        L(N, D) = (L_i + L_j) / 2 - C + A / N**alpha + B / D**beta          [nats/token]

    N is ``params``, D = |D_i| + |D_j| is ``tokens`` of both, L_i = ``loss.<first>`` and L_j = ``loss.<second>``
    the losses of models of that size on either half alone. C is the most the two can help one another;
    A and B are what they cost one another for want of size and data, which large runs lose. Half and half
    only. Aghajanyan et al. 2023, the competition law; a retelling multiplies the last two terms.
    """

    form: ClassVar[str] = "mixed_modal"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    C: Real          # nats/token: synergy at the limit
    A: Positive
    alpha: Exponent
    B: Positive
    beta: Exponent
    first: str = "first"
    second: str = "second"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Size, tokens and the loss of either modality alone."""
        return ("params", "tokens", f"loss.{self.first}", f"loss.{self.second}")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        N, D, L_i, L_j = take(self, args, quantities)
        return 0.5 * (L_i + L_j) - self.C + self.A / N**self.alpha + self.B / D**self.beta


@dataclass(frozen=True)
class PowerError(Law):
    """Error as a power of one quantity, without end.

        E(x) = beta x**alpha          [fraction]

    ``over`` names x; alpha is negative, as the paper prints it. No floor, and no error of guessing at the
    other end. Cherti et al. 2022, figure 1.
    """

    form: ClassVar[str] = "error_power"
    output: ClassVar[Quantity] = QUANTITIES["error"]

    beta: Positive   # error at x = 1
    alpha: Annotated[float, Limit(-2.0, 0.0, (-0.8, -0.02))]
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (x,) = take(self, args, quantities)
        return self.beta * x**self.alpha

"""Vision: error against compute with saturation at both ends, and the shape of a transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.power import only
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class ShiftedPowerLaw(Law):
    """Error stays put at first, then falls as a power of one quantity towards a floor.

        E(x) = c + a / (x + d)**b          [fraction]

    ``over`` names x. d is what the model knows before any of x is spent: at x far below d the
    error is c + a / d**b, far above it the floored power law. Zhai et al. 2022, section 2.2.
    """

    form: ClassVar[str] = "shifted_power_law"
    output: ClassVar[Quantity] = QUANTITIES["error"]

    c: Positive      # fraction: the floor
    a: Positive      # fraction at x + d = 1
    d: Annotated[float, Limit(0.0, float("inf"), (1e-3, 1e9))]   # in the unit of x
    b: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.c + self.a / (x + self.d) ** self.b


@dataclass(frozen=True)
class ShapeError(Law):
    """Error of a vision transformer whose one dimension is swept, after a given compute.

        f(x, t) = alpha / x**a + (beta x**b + xi) / t**c + eps          [fraction]

    ``over`` names x: width, depth or the width of the MLP; t is ``compute``. A larger x lowers the
    first term and slows the second, so that each compute has a best x. Alabdulmohsin et al. 2023,
    equation 2.
    """

    form: ClassVar[str] = "shape_error"
    output: ClassVar[Quantity] = QUANTITIES["error"]
    falls_with: ClassVar[tuple[str, ...]] = ("compute",)

    alpha: Positive  # fraction at x = 1
    a: Exponent
    beta: Positive   # fraction at x = 1, t = 1 FLOP
    b: Exponent
    xi: Positive     # fraction at t = 1 FLOP
    c: Exponent
    eps: Positive    # fraction: the floor
    over: str = "width"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The swept dimension and compute."""
        return (self.over, "compute")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        if args or set(quantities) != set(self.inputs):
            raise LawError(f"{self.form} over {self.over} takes {self.over} and compute by name")
        x, t = quantities[self.over], quantities["compute"]
        return self.alpha / x**self.a + (self.beta * x**self.b + self.xi) / t**self.c + self.eps

    def optimal_shape(self, compute: Any) -> Any:
        """The best x at ``compute`` [FLOP]: x* = (alpha a t**c / (beta b))**(1 / (a + b)); equation 3."""
        return (self.alpha * self.a * compute**self.c / (self.beta * self.b)) ** (1.0 / (self.a + self.b))

    def shape_exponent(self) -> Any:
        """s = c / (a + b), with x* ~ t**s; equation 4."""
        return self.c / (self.a + self.b)

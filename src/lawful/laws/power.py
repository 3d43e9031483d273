"""Power laws in one variable, with and without a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Exponent, Law, Positive, Scale


@dataclass(frozen=True)
class PowerLaw(Law):
    """Loss falls as a power of one quantity, without end.

        L(x) = (x_c / x)**alpha          [nats/token]

    ``over`` names x: compute, params, tokens, or any other quantity. No floor: the form cannot hold at
    arbitrarily large x, since text has entropy (Kaplan et al. 2020, section 6.3).
    """

    form: ClassVar[str] = "power_law"
    aliases: ClassVar[tuple[str, ...]] = ("power", "powerlaw")

    x_c: Scale       # in the unit of x: where the law gives 1 nat/token
    alpha: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return (self.x_c / x) ** self.alpha


@dataclass(frozen=True)
class FloorPowerLaw(Law):
    """Loss falls as a power of one quantity towards a floor.

        L(x) = E + A / x**alpha          [nats/token]

    ``over`` names x. E is what remains when x alone grows without end: it holds whatever else was
    limited in the runs, so it is the entropy of the data only if nothing else was.
    """

    form: ClassVar[str] = "power_law_floor"
    aliases: ClassVar[tuple[str, ...]] = ("power_floor", "floor_power_law", "power_law_with_floor")

    E: Positive      # nats/token: what remains when x grows without end
    A: Positive      # nats/token at x = 1
    alpha: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        x = only(self, args, quantities)
        return self.E + self.A / x**self.alpha


def only(law: Law, args: tuple[Any, ...], quantities: dict[str, Any]) -> Any:
    """The one value that a law over one quantity was called with, by position or by name."""
    (name,) = law.inputs
    if len(args) == 1 and not quantities:
        return args[0]
    if args or set(quantities) != {name}:
        raise LawError(f"{law.form} over {name} takes {name} and nothing else; got {', '.join(quantities) or args}")
    return quantities[name]

"""Speech: the joint law of acoustic models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lawful.laws.base import Exponent, Law, Positive, Scale
from lawful.laws.theory import TASK_LOSS
from lawful.quantities import Quantity


@dataclass(frozen=True)
class AcousticLoss(Law):
    """Loss of an acoustic model: size, data and an irreducible term bottleneck one another.

        L(N, D) = (L_inf**(1/alpha) + (N_C / N)**(alpha_N/alpha) + (D_C / D)**(alpha_D/alpha))**alpha   [task unit]

    N is ``params``, D the ``audio_hours``. With L_inf = 0 and alpha = alpha_D it is Kaplan's joint
    law. Where one term is far above the others it gives that power law alone. Droppo & Elibol 2021.
    """

    form: ClassVar[str] = "acoustic"
    output: ClassVar[Quantity] = TASK_LOSS
    falls_with: ClassVar[tuple[str, ...]] = ("params", "audio_hours")

    L_inf: Positive  # task unit: the irreducible loss
    N_C: Scale       # params at which the model alone allows a loss of 1
    alpha_N: Exponent
    D_C: Scale       # hours at which the data alone allow a loss of 1
    alpha_D: Exponent
    alpha: Exponent  # how sharply one bottleneck gives way to the next: small is sharp

    def __call__(self, params: Any, audio_hours: Any) -> Any:
        N, D, alpha = params, audio_hours, self.alpha
        limits = self.L_inf ** (1.0 / alpha) + (self.N_C / N) ** (self.alpha_N / alpha)
        return (limits + (self.D_C / D) ** (self.alpha_D / alpha)) ** alpha

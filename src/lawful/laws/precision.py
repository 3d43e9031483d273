"""Low precision: loss of models trained in few bits, and the damage of rounding a trained model.

What to use when: ``PrecisionLoss`` for training in low precision, ``PostTrainingDamage`` and
``QuantisationDegradation`` for rounding afterwards, ``QatDamage`` for quantisation-aware training.
The last three give nats/token to add to the loss of the model in full precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import exp, log
from lawful.quantities import QUANTITIES, Quantity

Bits = Annotated[float, Limit(0.0, float("inf"), (0.3, 6.0))]
"""Bits over which a sensitivity to precision falls e-fold."""

Offset = Annotated[float, Limit(-float("inf"), float("inf"), (-2.0, 2.0))]
"""By how many e-folds the sensitivity is shifted to more bits: a pure number."""


@dataclass(frozen=True)
class PrecisionLoss(Law):
    """Loss of a model trained with few bits: low precision acts like fewer parameters.

        L = A / N_eff**alpha + B / D**alpha + E          [nats/token]
        N_eff = N prod_x (1 - exp(n_x - P_x / gamma_x)),    x = w, a, kv

    P_x are the bits of the weights, the activations and the cached keys and values during training;
    data and model share one exponent. At P_x = n_x gamma_x nothing is left of the model: below, the law has no
    value. The main text and its retellings leave the offsets n_x out; the fitted constants go with them. Integer
    types, one scale a tensor for activations: other formats have other gammas. Kumar et al. 2024, equations 3
    and 4, appendix K.
    """

    form: ClassVar[str] = "precision"
    aliases: ClassVar[tuple[str, ...]] = ("kumar_precision",)
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "weight_bits", "activation_bits", "kv_bits")

    A: Positive       # nats/token at N_eff = 1
    alpha: Exponent
    B: Positive       # nats/token at D = 1
    E: Positive       # nats/token
    gamma_w: Bits
    n_w: Offset
    gamma_a: Bits
    n_a: Offset
    gamma_kv: Bits
    n_kv: Offset

    def __call__(self, params: Any, tokens: Any, weight_bits: Any, activation_bits: Any, kv_bits: Any) -> Any:
        share = (
            (1.0 - exp(self.n_w - weight_bits / self.gamma_w))
            * (1.0 - exp(self.n_a - activation_bits / self.gamma_a))
            * (1.0 - exp(self.n_kv - kv_bits / self.gamma_kv))
        )
        return self.A / (params * share) ** self.alpha + self.B / tokens**self.alpha + self.E


@dataclass(frozen=True)
class PostTrainingDamage(Law):
    """Loss added by rounding the weights after training: it grows with the data seen.

        delta = C_T D**gamma_D / N**gamma_N exp(-P_post / gamma_post)          [nats/token]

    Added to the loss in full precision it gives a critical D beyond which more training hurts the
    rounded model. For models trained in 16 bits, rounded by GPTQ-like methods; better quantisers move
    the threshold. Kumar et al. 2024, equation 2.
    """

    form: ClassVar[str] = "ptq_damage"
    output: ClassVar[Quantity] = QUANTITIES["added_loss"]
    falls_with: ClassVar[tuple[str, ...]] = ("params", "post_bits")
    rises_with: ClassVar[tuple[str, ...]] = ("tokens",)

    C_T: Positive     # nats/token at N = D = 1 and zero bits
    gamma_D: Exponent
    gamma_N: Exponent
    gamma_post: Bits

    def __call__(self, params: Any, tokens: Any, post_bits: Any) -> Any:
        return self.C_T * tokens**self.gamma_D / params**self.gamma_N * exp(-post_bits / self.gamma_post)


@dataclass(frozen=True)
class QatDamage(Law):
    """Loss added by quantisation-aware training at a given number of bits, by group size.

        delta = k D**gamma_D log2(G)**gamma_G / N**gamma_N          [nats/token]

    G is the number of values that share a scale; G = 1 is no quantisation and gives 0. One set of
    constants for each format: the bits do not enter. Chen et al. 2025, equation 5.
    """

    form: ClassVar[str] = "qat_damage"
    output: ClassVar[Quantity] = QUANTITIES["added_loss"]
    falls_with: ClassVar[tuple[str, ...]] = ("params",)
    rises_with: ClassVar[tuple[str, ...]] = ("tokens", "group_size")

    k: Positive       # nats/token at N = D = 1, G = 2
    gamma_N: Exponent
    gamma_D: Exponent
    gamma_G: Exponent

    def __call__(self, params: Any, tokens: Any, group_size: Any) -> Any:
        doublings = log(group_size) / log(2.0)
        return self.k * tokens**self.gamma_D * doublings**self.gamma_G / params**self.gamma_N


@dataclass(frozen=True)
class QuantisationDegradation(Law):
    """Loss added by low-bit rounding of public checkpoints, as one product of powers.

        dL = k D**beta / (N**alpha P**gamma)          [nats/token]

    P is ``post_bits``; N counts no embeddings. Damage is a power of the bits here and an exponential in
    Kumar et al.: the two part ways beyond the 2 to 4 bits measured. Ouyang et al. 2024, section 3.
    """

    form: ClassVar[str] = "quantisation_degradation"
    output: ClassVar[Quantity] = QUANTITIES["added_loss"]
    falls_with: ClassVar[tuple[str, ...]] = ("params", "post_bits")
    rises_with: ClassVar[tuple[str, ...]] = ("tokens",)

    k: Positive       # nats/token at N = D = P = 1
    beta: Exponent
    alpha: Exponent
    gamma: Annotated[float, Limit(0.0, float("inf"), (0.5, 8.0))]

    def __call__(self, params: Any, tokens: Any, post_bits: Any) -> Any:
        return self.k * tokens**self.beta / (params**self.alpha * post_bits**self.gamma)


@dataclass(frozen=True)
class AccuracyPerByte(Law):
    """Zero-shot accuracy of a family of models at one precision, linear in the log of its size in bytes.

        acc(M) = a + b ln(M)          [fraction]

    M is ``memory_bytes``, params times bits per weight over 8. Fit it once for each number of bits: the
    precision whose line lies highest at a given memory is the one to use. A line leaves [0, 1] far
    outside the sizes measured. Dettmers and Zettlemoyer 2023, figure 1.
    """

    form: ClassVar[str] = "accuracy_per_byte"
    output: ClassVar[Quantity] = QUANTITIES["accuracy"]
    rises_with: ClassVar[tuple[str, ...]] = ("memory_bytes",)

    a: Annotated[float, Limit(-float("inf"), float("inf"), (-1.0, 1.0))]
    b: Annotated[float, Limit(0.0, float("inf"), (0.001, 0.2))]     # accuracy per e-fold of memory

    def __call__(self, memory_bytes: Any) -> Any:
        return self.a + self.b * log(memory_bytes)

"""Transfer: what pre-training is worth to a fine-tuning task, and how fine-tuning scales.

What to use when: ``rectified`` for one model on more and more data; ``finetune_multiplicative`` where the
model, its pre-training or its adapter grows as well; ``data_transferred`` for the worth of pre-training
in data; ``downstream_error`` and ``error_floor`` for vision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive, Scale
from lawful.laws.data import take
from lawful.laws.expressions import log
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class DataTransferred(Law):
    """The fine-tuning data that pre-training is worth.

        D_T(D_F, N) = k D_F**alpha N**beta          [characters]

    D_F is ``finetune_characters``, N is non-embedding ``params``. A model trained from scratch needs
    D_E = D_F + D_T to do as well. The law ends where D_F nears the data that a model of the size could
    use: there small pre-trained models do worse than fresh ones. Hernandez et al. 2021, equation 1.1.
    """

    form: ClassVar[str] = "data_transferred"
    output: ClassVar[Quantity] = QUANTITIES["transferred_characters"]
    rises_with: ClassVar[tuple[str, ...]] = ("params", "finetune_characters")

    k: Scale         # characters at D_F = 1, N = 1
    alpha: Exponent  # small where the distributions are close
    beta: Exponent

    def __call__(self, params: Any, finetune_characters: Any) -> Any:
        return self.k * finetune_characters**self.alpha * params**self.beta


@dataclass(frozen=True)
class TransferLoss(Law):
    """Loss after fine-tuning: the law from scratch, read at the effective data.

        L(N, D_F) = ((N_C / N)**(alpha_N / alpha_D) + D_C / D_E)**alpha_D          [nats/token]
        D_E = D_F + k D_F**alpha N**beta

    D_F is ``finetune_characters``, N is non-embedding ``params``; N_C, D_C (characters), alpha_N and
    alpha_D are those of training from scratch on the fine-tuning distribution. The paper's unified law
    leaves D_F out of D_E, which little data allow; then D_C and k are one coefficient. Hernandez et al.
    2021, the unified law.
    """

    form: ClassVar[str] = "transfer_loss"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "finetune_characters")

    N_C: Scale
    alpha_N: Exponent
    D_C: Scale
    alpha_D: Exponent
    k: Scale
    alpha: Exponent
    beta: Exponent

    def __call__(self, params: Any, finetune_characters: Any) -> Any:
        effective = finetune_characters + self.k * finetune_characters**self.alpha * params**self.beta
        return ((self.N_C / params) ** (self.alpha_N / self.alpha_D) + self.D_C / effective) ** self.alpha_D


@dataclass(frozen=True)
class RectifiedLoss(Law):
    """Loss against training data where the model knows some of it already: flat first, then a power law.

        L(D) = E + B / (D_l + D**beta)          [nats/token]

    ``over`` names D, ``finetune_tokens`` unless said otherwise (the paper counts examples; any one unit
    serves). D_l is the pre-learned size, in the unit of D**beta. Some retellings put the amount of new
    data in its place, which is another law. Lin et al. 2024, the rectified scaling law.
    """

    form: ClassVar[str] = "rectified"
    aliases: ClassVar[tuple[str, ...]] = ("lin2024",)

    E: Positive
    B: Positive
    D_l: Annotated[float, Limit(0.0, float("inf"), (1.0, 1e6))]
    beta: Exponent
    over: str = "finetune_tokens"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (D,) = take(self, args, quantities)
        return self.E + self.B / (self.D_l + D**self.beta)


@dataclass(frozen=True)
class MultiplicativeFinetuning(Law):
    """Loss after fine-tuning against its data and one thing beside them, multiplied.

        L(X, D_f) = E + A / (X**alpha D_f**beta)          [nats/token]

    ``over`` names X: ``params``, ``pretrain_tokens``, or the size of the adapter (``lora_rank``); ``data`` names
    D_f: ``finetune_tokens``, or ``examples`` as the paper counts. beta and E are meant to be one each for a task
    and a method, whatever X is. Zhang et al. 2024, equation 1, the multiplicative joint law.
    """

    form: ClassVar[str] = "finetune_multiplicative"
    aliases: ClassVar[tuple[str, ...]] = ("zhang2024",)

    E: Positive
    A: Positive
    alpha: Exponent
    beta: Exponent
    over: str = "params"
    data: str = "finetune_tokens"

    @property
    def inputs(self) -> tuple[str, ...]:
        """X and the fine-tuning data."""
        return (self.over, self.data)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        X, D_f = take(self, args, quantities)
        return self.E + self.A / (X**self.alpha * D_f**self.beta)


@dataclass(frozen=True)
class DownstreamError(Law):
    """Error on a task against the error of the pre-trained model where it was trained.

        e_DS = k e_US**a + c          [fraction]

    e_US is ``upstream_error``; c is what remains downstream however good the model is upstream. Fit it on
    the best models, the convex hull: single models scatter. Abnar et al. 2021.
    """

    form: ClassVar[str] = "downstream_error"
    output: ClassVar[Quantity] = QUANTITIES["error"]
    rises_with: ClassVar[tuple[str, ...]] = ("upstream_error",)

    k: Positive
    a: Annotated[float, Limit(0.0, float("inf"), (0.1, 5.0))]
    c: Positive

    def __call__(self, upstream_error: Any) -> Any:
        return self.k * upstream_error**self.a + self.c


@dataclass(frozen=True)
class FloorPowerError(Law):
    """Error on a task as a power of one quantity, towards a floor.

        e(x) = a / x**alpha + c          [fraction]

    ``over`` names x, ``images`` unless said otherwise. From synthetic pre-training images to real tasks c
    is the transfer gap, which more such images never close. Mikami et al. 2021.
    """

    form: ClassVar[str] = "error_floor"
    output: ClassVar[Quantity] = QUANTITIES["error"]

    a: Positive      # at x = 1
    alpha: Exponent
    c: Positive
    over: str = "images"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (x,) = take(self, args, quantities)
        return self.a / x**self.alpha + self.c


@dataclass(frozen=True)
class TranslationScore(Law):
    """Translation score after fine-tuning against pre-training tokens.

        BLEU(D_p) = log(A D_p**alpha)**beta          [points]

    D_p is ``pretrain_tokens``. It holds only where the pre-training data suit the task; elsewhere the
    score can fall while the loss improves, and A D_p**alpha must exceed 1. Isik et al. 2024, the log law.
    """

    form: ClassVar[str] = "translation_score"
    output: ClassVar[Quantity] = QUANTITIES["bleu"]
    rises_with: ClassVar[tuple[str, ...]] = ("pretrain_tokens",)

    A: Annotated[float, Limit(0.0, float("inf"), (1e-3, 1e3))]
    alpha: Exponent
    beta: Annotated[float, Limit(0.0, float("inf"), (0.3, 5.0))]

    def __call__(self, pretrain_tokens: Any) -> Any:
        return (log(self.A) + self.alpha * log(pretrain_tokens)) ** self.beta

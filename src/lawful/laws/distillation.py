"""Distillation: what a student reaches under a teacher. Without one: ``GatheredLoss`` of ``architecture``.

What to use when: ``DistillationLoss`` for a teacher whose loss is known; ``TaughtLoss`` where the teacher is to be
chosen or trained, and its loss follows from its size and data.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive

_INF = float("inf")


@dataclass(frozen=True)
class DistillationLoss(Law):
    """Loss of a student distilled from a teacher, which matters through its loss alone.

        L_S = L_T + L_T**-c0 (1 + (L_T / (Lt_S d1))**(1 / f1))**(-c1 f1) (A1 / N**a1 + B1 / D**b1)**g1
        Lt_S = E + (A / N**alpha + B / D**beta)**gamma          [nats/token]

    N are the student's params without embeddings, D its distillation tokens, L_T ``teacher_loss``, and
    Lt_S what the same student reaches without a teacher. Where L_T falls below about d1 Lt_S a stronger
    teacher makes a worse student: the capacity gap. The supervised law is fitted first, on other runs, so
    its constants are settings here. Distribution matching only, at temperature 1 on one corpus.
    Busbridge et al. 2025, equations 8 and 46.
    """

    form: ClassVar[str] = "distillation"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    c0: Exponent
    # where L_T is well below d1 Lt_S only c1 f1 / d1**(1 / f1) shows: c1 is then undetermined
    c1: Annotated[float, Limit(0.0, _INF, (1.0, 2000.0))]
    d1: Annotated[float, Limit(0.0, _INF, (0.5, 3.0))]      # teacher loss over supervised loss, at the break
    f1: Annotated[float, Limit(0.0, _INF, (0.02, 1.0))]     # width of the break
    A1: Positive
    a1: Exponent
    B1: Positive
    b1: Exponent
    g1: Exponent
    E: float = 1.22
    A: float = 3355.0
    B: float = 18186.0
    alpha: float = 0.408
    beta: float = 0.431
    gamma: float = 0.452

    def __call__(self, params: Any, tokens: Any, teacher_loss: Any) -> Any:
        N, D, L_T = params, tokens, teacher_loss
        alone = self.E + (self.A / N**self.alpha + self.B / D**self.beta) ** self.gamma
        gap = (1.0 + (L_T / (alone * self.d1)) ** (1.0 / self.f1)) ** (-self.c1 * self.f1)
        return L_T + gap * (self.A1 / N**self.a1 + self.B1 / D**self.b1) ** self.g1 / L_T**self.c0


@dataclass(frozen=True)
class TaughtLoss(Law):
    """Loss of a student whose teacher has the loss that its own size and data give it.

        L_S = L_T + L_T**-c0 (1 + (L_T / (Lt_S d1))**(1 / f1))**(-c1 f1) (A1 / N**a1 + B1 / D**b1)**g1
        L_T = L(N_T, D_T),    Lt_S = L(N, D),    L(N, D) = E + (A / N**alpha + B / D**beta)**gamma    [nats/token]

    ``DistillationLoss`` with a teacher of the same family and corpus, whose params and tokens may be decided with the
    student's. Busbridge et al. 2025, equations 8 and 10.
    """

    form: ClassVar[str] = "distillation_taught"
    falls_with: ClassVar[tuple[str, ...]] = ("params", "tokens")

    c0: Exponent
    c1: Annotated[float, Limit(0.0, _INF, (1.0, 2000.0))]
    d1: Annotated[float, Limit(0.0, _INF, (0.5, 3.0))]
    f1: Annotated[float, Limit(0.0, _INF, (0.02, 1.0))]
    A1: Positive
    a1: Exponent
    B1: Positive
    b1: Exponent
    g1: Exponent
    E: float = 1.22
    A: float = 3355.0
    B: float = 18186.0
    alpha: float = 0.408
    beta: float = 0.431
    gamma: float = 0.452

    def __call__(self, params: Any, tokens: Any, teacher_params: Any, teacher_tokens: Any) -> Any:
        student = DistillationLoss(**{f.name: getattr(self, f.name) for f in fields(DistillationLoss)})
        taught = self.A / teacher_params**self.alpha + self.B / teacher_tokens**self.beta
        return student(params=params, tokens=tokens, teacher_loss=self.E + taught**self.gamma)

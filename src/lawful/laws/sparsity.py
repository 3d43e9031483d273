"""Sparse weights: loss of models trained sparse, pruned, or pruned and trained on.

Sparsity S is the share of weights that are zero. N counts the non-zero weights in Frantar's and
Hossain's laws, the weights before pruning in the P2 law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.quantities import QUANTITIES, Quantity

_INF = float("inf")


@dataclass(frozen=True)
class SparseLoss(Law):
    """Loss of a model pruned while it trains: sparsity multiplies the capacity term only.

        L(S, N, D) = (a_S (1 - S)**b_S + c_S) / N**b_N + (a_D / D)**b_D + c

    N is the number of non-zero ``params``; D is the quantity named by ``data``: tokens, or images. The
    loss is that of the task (nats/token for text). At S = 0 it is additive. Gains in speed need hardware
    that skips zeros. Frantar et al. 2023, equation 1; retellings that let the bracket multiply the data
    term as well are another law.
    """

    form: ClassVar[str] = "sparse"
    aliases: ClassVar[tuple[str, ...]] = ("frantar",)
    falls_with: ClassVar[tuple[str, ...]] = ("params", "sparsity")

    a_S: Positive     # loss at N = 1 that sparsity can remove
    b_S: Exponent
    c_S: Positive     # loss at N = 1 that it cannot
    b_N: Exponent
    a_D: Annotated[float, Limit(0.0, _INF, (1e4, 1e13))]     # in the unit of D
    b_D: Exponent
    c: Positive       # loss that remains when N and D grow without end
    data: str = "tokens"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Non-zero params, the data, the sparsity."""
        return ("params", self.data, "sparsity")

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        N, D, S = args or (quantities[name] for name in self.inputs)
        return (self.a_S * (1.0 - S) ** self.b_S + self.c_S) / N**self.b_N + (self.a_D / D) ** self.b_D + self.c

    def size_gain(self, sparsity: float) -> float:
        """How many times larger a dense model must be to equal one with as many non-zero weights."""
        capacity = self.a_S * (1.0 - sparsity) ** self.b_S + self.c_S
        return float(((self.a_S + self.c_S) / capacity) ** (1.0 / self.b_N))


@dataclass(frozen=True)
class GeneralisedSparseLoss(Law):
    """One law for dense, pruned and mixture-of-experts models.

        L(N, D, S) = e (1 - S)**gamma + (a (1 - S)**alpha + c S) / N**alpha + b / D**beta     [nats/token]

    N counts the non-zero (active) ``params``, S the share of weights that are zero (or idle). At S = 0 it
    is the additive law; the floor sinks to nothing as S nears 1, which the runs do not show. Hossain et
    al. 2025, equation 7, as in the authors' code.
    """

    form: ClassVar[str] = "generalised_sparse"
    falls_with: ClassVar[tuple[str, ...]] = ("tokens",)

    e: Positive       # nats/token: the floor of the dense model
    a: Positive       # nats/token at N = 1, dense
    b: Positive       # nats/token at D = 1
    c: Annotated[float, Limit(-_INF, _INF, (0.1, 100.0))]     # nats/token at N = 1, all weights zero
    alpha: Exponent
    beta: Exponent
    gamma: Annotated[float, Limit(0.0, _INF, (0.02, 4.0))]

    def __call__(self, params: Any, tokens: Any, sparsity: Any) -> Any:
        kept = 1.0 - sparsity
        capacity = self.a * kept**self.alpha + self.c * sparsity
        return self.e * kept**self.gamma + capacity / params**self.alpha + self.b / tokens**self.beta


@dataclass(frozen=True)
class PruneRecoverLoss(Law):
    """Loss of a pruned model after some post-training: the P2 law.

        L = L0 + (1 / rho)**gamma (1 / N0)**delta (N_C / N0**alpha + D_C / D**beta + E)     [nats/token]

    L0 is ``initial_loss``, before pruning; N0 the params before pruning; rho is the pruning rate
    (``sparsity``); D the post-training tokens. As printed the gap falls as rho grows if gamma > 0, so
    gamma comes out negative where heavier pruning hurts. Chen et al. 2024; retellings drop the factor
    (1 / N0)**delta.
    """

    form: ClassVar[str] = "prune_recover"
    aliases: ClassVar[tuple[str, ...]] = ("p2",)
    falls_with: ClassVar[tuple[str, ...]] = ("finetune_tokens",)
    rises_with: ClassVar[tuple[str, ...]] = ("initial_loss",)

    gamma: Annotated[float, Limit(-_INF, _INF, (-3.0, 3.0))]
    delta: Annotated[float, Limit(-_INF, _INF, (-0.5, 0.5))]
    N_C: Positive     # nats/token at rho = N0 = 1
    alpha: Exponent
    D_C: Positive     # nats/token at rho = N0 = D = 1
    beta: Exponent
    E: Positive       # nats/token at rho = N0 = 1

    def __call__(self, params: Any, finetune_tokens: Any, sparsity: Any, initial_loss: Any) -> Any:
        left = self.N_C / params**self.alpha + self.D_C / finetune_tokens**self.beta + self.E
        return initial_loss + left / (sparsity**self.gamma * params**self.delta)


@dataclass(frozen=True)
class PrunedError(Law):
    """Test error of a network pruned by iterative magnitude pruning: plateau, power law, plateau.

        e = e_np |(m - i p (e_up / e_np)**(1 / gamma)) / (m - i p)|**gamma,    m = l**phi w**psi d
          = e_np ((m**2 + p**2 (e_up / e_np)**(2 / gamma)) / (m**2 + p**2))**(gamma / 2)

    e_np is ``unpruned_error``, l the depth, w the width scale and d the density (share of weights kept):
    networks with one m prune alike, so depth, width and density can be traded. Image classifiers only.
    Rosenfeld et al. 2020, equation 3.
    """

    form: ClassVar[str] = "pruned_error"
    output: ClassVar[Quantity] = QUANTITIES["error"]

    e_up: Annotated[float, Limit(0.0, 1.0, (0.2, 0.98))]     # error where nothing is left
    gamma: Exponent
    p: Annotated[float, Limit(0.0, _INF, (1e-5, 10.0))]      # m around which the power law ends
    phi: Annotated[float, Limit(0.0, _INF, (0.1, 3.0))]
    psi: Annotated[float, Limit(0.0, _INF, (0.1, 3.0))]

    def __call__(self, depth: Any, width: Any, density: Any, unpruned_error: Any) -> Any:
        m2 = (depth**self.phi * width**self.psi * density) ** 2
        p2 = self.p**2
        top = m2 + p2 * (self.e_up / unpruned_error) ** (2.0 / self.gamma)
        return unpruned_error * (top / (m2 + p2)) ** (self.gamma / 2.0)

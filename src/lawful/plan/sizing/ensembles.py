"""Several small models in place of a large one: what they would have to gain from one another to be as good.

    E[L(n)] = L - b + a / n,    with a = b, since one member is itself          [nats/token]

L is the loss of a member, n their number, and b, the ``gain``, what members without end take off it (Sengupta, Goel
and Chakraborty 2025, arXiv:2505.00985, proposition 4.1, after a law of deep ensembles of image classifiers). What to
use when: ``split`` for members trained from scratch at the compute of one model; ``pruned`` for members pruned from it.
No b is published for models trained once over fresh data: ask for ``gain_needed``, and measure b with two seeds of a
small model. The form itself held to 0.0005 nats there (``benchmarks/ensembles.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lawful.cost.checks import positive
from lawful.errors import InputError, LawError
from lawful.laws.base import Law
from lawful.quantities import FLOP_PER_PARAM_TOKEN


@dataclass(frozen=True)
class Ensemble:
    """``members`` models of ``params`` on ``tokens`` each, beside one model with the loss ``one``.

    ``serve_params`` are passed for every token, all members together; ``gain_needed`` is the b at which the ensemble is
    as good as the one, negative where a single member already is.
    """

    members: int
    params: float
    tokens: float
    member_loss: float
    one: float
    train_flop: float

    @property
    def serve_params(self) -> float:
        """Params that every token passes through, all members together."""
        return self.members * self.params

    @property
    def gain_needed(self) -> float:
        """The gain b [nats/token] at which the ensemble is as good as the one model."""
        return (self.member_loss - self.one) / (1.0 - 1.0 / self.members)

    def loss(self, gain: float) -> float:
        """The ensemble's expected loss, where members without end would gain ``gain`` nats/token."""
        return ensemble_loss(self.member_loss, self.members, gain)


def ensemble_loss(member_loss: float, members: float, gain: float) -> float:
    """L - b (1 - 1 / n): the expected loss of ``members`` models of ``member_loss`` each [nats/token]."""
    return member_loss - gain * (1.0 - 1.0 / members)


def members_to_beat(loss: float, member_loss: float, gain: float) -> int | None:
    """The fewest members whose ensemble lies below ``loss``; None where no number does."""
    if member_loss < loss:
        return 1
    if member_loss - gain >= loss:
        return None
    # L - b (1 - 1 / n) < loss, the smallest whole n above the solution
    return int(gain / (gain - (member_loss - loss))) + 1


def split(law: Law, params: float, tokens: float, members: Sequence[int],
          by: Literal["params", "compute"] = "params") -> tuple[Ensemble, ...]:
    """Ensembles at the training compute of one model of ``params`` on ``tokens``.

    By ``params`` each member has its share of them and sees all tokens: training and serving cost what they did. By
    ``compute`` each is compute-optimal for its share: larger, on fewer tokens, and together dearer to serve. Raises
    ``LawError`` for a law not of params and tokens, ``InputError`` for fewer than two members.
    """
    if not law.splits_compute:
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}: ensembles are asked of a law of params and tokens")
    one = float(law(params=positive("params", params, "parameters"), tokens=positive("tokens", tokens, "tokens")))
    compute = FLOP_PER_PARAM_TOKEN * params * tokens
    found = []
    for n in members:
        _several(n)
        if by == "params":
            size, data = params / n, tokens
        else:
            best = law.allocate(compute / n)
            size, data = float(best.params), float(best.tokens)
        found.append(Ensemble(n, size, data, float(law(params=size, tokens=data)), one, compute))
    return tuple(found)


def pruned(law: Law, params: float, loss: float, members: Sequence[int], tokens: float) -> tuple[Ensemble, ...]:
    """Members pruned from one model of ``params`` with ``loss``, each to its share of the params, and trained on.

    ``law`` is one of pruning and recovery, such as a fit of ``chen2024_p2``: of params before pruning, post-training
    tokens, pruning rate and loss before. ``tokens`` are those of each member's recovery; ``train_flop`` is what all
    recoveries take, beside the one model. Raises as ``split``.
    """
    needed = {"params", "finetune_tokens", "sparsity", "initial_loss"}
    if set(law.inputs) != needed:
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}: pruned members are asked of a law of "
                       f"{', '.join(sorted(needed))}, such as a fit of chen2024_p2")
    found = []
    for n in members:
        _several(n)
        left = float(law(params=params, finetune_tokens=tokens, sparsity=1.0 - 1.0 / n, initial_loss=loss))
        found.append(Ensemble(n, params / n, tokens, left, loss, FLOP_PER_PARAM_TOKEN * params * tokens))
    return tuple(found)


def _several(members: int) -> None:
    if members < 2 or members % 1:
        raise InputError(f"members: an ensemble has two or more, got {members}")

"""Continued pre-training on a domain: which share of it beside general text, and what it costs the general loss.

``continue_training(domain_law, general_law, ...)`` answers the three questions of Que et al. 2024 (the D-CPT law), with
any pair of laws: the share for a general loss that may not rise further, for domain text that runs out, and the size
and length for a budget. ``bearable_share`` reads the critical mixture ratio off the tables of Gu et al. 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit
from lawful.laws import registry
from lawful.laws.base import Law
from lawful.laws.mixtures import output_as
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, decide
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.plan.variables import SEEN, SHARE
from lawful.quantities import FLOP_PER_PARAM_TOKEN, parse_number

GENERAL = "loss.general"
"""What the general loss is called beside that of the domain."""

SPAN = 1e3
"""How many times more tokens than domain tokens are looked at, and how far params are looked for beyond the runs."""

CRITICAL = "gu2024_cmr"
"""The critical mixture ratios of the catalogue, an entry for each size."""


@dataclass(frozen=True)
class Continued:
    """The share of the domain with the least loss on it, and the ``decision`` that it belongs to."""

    decision: Decision
    domain: str

    @property
    def share(self) -> float:
        """The domain's share of the tokens."""
        return self.decision.metrics[SHARE + self.domain]

    @property
    def params(self) -> float:
        """The size of the model."""
        return self.decision.metrics["params"]

    @property
    def tokens(self) -> float:
        """Tokens of continued training."""
        return self.decision.metrics["tokens"]

    @property
    def domain_tokens(self) -> float:
        """Tokens of the domain that are seen, repeats included."""
        return self.decision.metrics[SEEN + self.domain]

    @property
    def domain_loss(self) -> float:
        """The loss on the domain."""
        return self.decision.metrics[self.decision.problem.outcome]

    @property
    def general_loss(self) -> float:
        """The loss on general text."""
        return self.decision.metrics[GENERAL]


def continue_training(domain: Fit, general: Fit, *, params: float | None = None, tokens: float | None = None,
                      compute: float | None = None, domain_tokens: float | None = None,
                      general_loss: float | None = None, shares: tuple[float, float] | None = None,
                      rates: Rates | None = None, level: float | None = None) -> Continued:
    """The share, and the params and tokens not given, with the least loss on the domain.

    ``domain`` gives the loss on the domain and ``general`` that on general text, each from the share ``mixture.<name>``
    of its own corpus: with another name the general one has what the domain leaves. At most: ``compute`` [FLOP] of
    training, ``domain_tokens`` seen of the domain (distinct ones times the passes that are allowed), and a
    ``general_loss``. ``shares`` are the ends of what is looked at, the runs' where they are not given.

    Raises ``InputError`` where params or tokens are neither given nor limited, ``LawError`` for a law without a share,
    and as ``decide``.
    """
    if compute is None and (params is None or (tokens is None and domain_tokens is None)):
        raise InputError("continued training: give params, and tokens or domain tokens; or a compute that limits them")
    own, other = _share_of(domain.law), _share_of(general.law)
    first, last = domain.region.spans.get(own, (0.0, 1.0))
    low, high = shares or (max(0.0, first), min(1.0, last))
    spans = {own: (low, high), other: (1.0 - high, 1.0 - low)} if other != own else {own: (low, high)}
    limits = {"train_flop": compute, SEEN + own.removeprefix(SHARE): domain_tokens, GENERAL: general_loss}
    variables = (*(Variable(name, *ends) for name, ends in spans.items()), _params(domain, params),
                 _tokens(tokens, domain_tokens, compute))
    problem = Problem(
        replace(general, law=output_as(general.law, GENERAL)), variables,
        constraints=tuple(Constraint(metric, "<=", bound) for metric, bound in limits.items() if bound is not None),
        rates=rates or Rates(), then=(domain,))
    return Continued(decide(problem, level), own.removeprefix(SHARE))


def bearable_share(params: float, tokens: float) -> tuple[float, str]:
    """The critical mixture ratio of Gu et al. 2024 for ``tokens`` of continued training, and the entry it is from.

    Larger models bear more, and between the sizes of the paper nothing says how much: the next smaller one's ratio is
    given, which is bearable. Raises ``FailedToAnswer`` below the smallest, and for tokens at which there is no share.
    """
    sizes = {key: parse_number(key.partition(":")[2]) for key in registry.published() if key.startswith(f"{CRITICAL}:")}
    below = [key for key, size in sizes.items() if size <= params * (1 + 1e-9)]
    if not below:
        raise FailedToAnswer(f"critical mixture ratios are known for {min(sizes.values()):g} params and more, got "
                             f"{params:g}")
    key = max(below, key=sizes.__getitem__)
    share = float(registry.law(key)(tokens=tokens))
    if not 0.0 < share < 1.0:
        raise FailedToAnswer(f"{key} gives a share of {share:.4g} at {tokens:.4g} tokens: it does not hold so far from "
                             "its runs")
    return share, key


def _share_of(law: Law) -> str:
    """The share that ``law`` takes."""
    found = [name for name in law.inputs if name.startswith(SHARE)]
    if len(found) != 1 or not set(law.inputs) <= {*found, "params", "tokens"}:
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}: continued training is asked of a law of one "
                       f"{SHARE}<domain>, params and tokens, such as d_cpt")
    return found[0]


def _params(domain: Fit, params: float | None) -> Variable:
    if params is not None:
        return Variable("params", params, params)
    low, high = domain.region.spans.get("params", (1e6, 1e12))
    return Variable("params", low / SPAN, high * SPAN)


def _tokens(tokens: float | None, domain_tokens: float | None, compute: float | None) -> Variable:
    """Tokens as given; else from the domain's to so many times more, or to what a thousand params could see."""
    if tokens is not None:
        return Variable("tokens", tokens, tokens)
    least = domain_tokens or 1e6
    most = least * SPAN if compute is None else compute / (FLOP_PER_PARAM_TOKEN * 1e3)
    return Variable("tokens", min(least, most / SPAN), most)

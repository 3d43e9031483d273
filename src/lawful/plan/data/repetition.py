"""How often to repeat limited data: ``repeat(law, unique_tokens, compute)``, and what more data would be worth.

Any loss law of params and tokens can be asked: where it does not say itself what repetition does, the module of
Muennighoff et al. 2023 is put on it, and the answer says that nobody has validated the pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lawful.cost.checks import positive
from lawful.errors import LawError
from lawful.fit import Fit
from lawful.fit.reach import NO_EVIDENCE
from lawful.fit.record import NO_RECORD
from lawful.laws.composed import compose
from lawful.laws.modules import Module, RepeatedTokens, Repetition
from lawful.laws.published import Published
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, decide
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.quantities import FLOP_PER_PARAM_TOKEN

MOST_EPOCHS = 500.0
"""Passes that are looked at: the longest runs behind the law of repetition had as many."""

WIDE = 1e4
"""How far from the square root of compute / 6 params are looked for, to either side."""

PLENTY = 1e6
"""So many times the data stand for data without end."""


@dataclass(frozen=True)
class Outcome:
    """A model that the same compute could train, and the loss that the limited data would give it."""

    params: float
    tokens: float
    epochs: float
    loss: float


@dataclass(frozen=True)
class Repeated:
    """The best use of limited data, what it was weighed against, and what more data would be worth.

    ``decision`` holds params, epochs and the unique tokens used. ``one_pass`` sees each token at most once;
    ``as_fresh`` is the split for data without end, trained on these; ``fresh_loss`` is what it gives where nothing
    repeats.
    ``data_price`` and ``compute_price`` are the per cent by which the loss falls for one per cent more of either;
    ``flop_per_token`` the training FLOP that one more unique token stands for at the optimum, ``usd_per_token`` the
    same in money, None where nothing says what a FLOP costs. Where more compute would gain nothing, a token is
    worth more than any, and there is no price either. The worth of a token falls e-fold in ``decay`` repeats.
    """

    decision: Decision
    one_pass: Outcome
    as_fresh: Outcome
    fresh_loss: float
    decay: float
    data_price: float
    compute_price: float
    flop_per_token: float
    usd_per_token: float | None

    @property
    def epochs(self) -> float:
        """Passes over the data."""
        return self.decision.metrics["epochs"]

    @property
    def last_worth(self) -> float:
        """What a token of the last pass is worth, as a share of a fresh one."""
        return token_worth(self.decay, self.epochs)


def token_worth(decay: float, epoch: float) -> float:
    """What a token is worth in pass ``epoch``, as a share of a fresh one: exp(-(epoch - 1) / decay).

    The slope of effective data in tokens: Muennighoff et al. 2023, equation 5.
    """
    return math.exp(-(epoch - 1.0) / decay)


def epochs_until(decay: float, worth: float) -> float:
    """The pass in which a token is worth only the share ``worth`` of a fresh one."""
    return 1.0 - decay * math.log(worth)


def with_repetition(law: Fit | Published) -> Fit | Published:
    """``law`` as a law of params, tokens and unique tokens: itself where it is one, else with a module of repetition.

    The full module needs the law's optimal params in closed form; without it the tokens alone are discounted. A fit
    keeps its draws; the decay is held at its published value. Raises ``LawError`` for a law not of params and tokens.
    """
    if "unique_tokens" in law.law.inputs:
        return law
    if not {"params", "tokens"} <= set(law.law.inputs):
        raise LawError(f"{law.law.form} takes {', '.join(law.law.inputs)}: repetition is asked of a law of params and "
                       "tokens, such as chinchilla")
    module: Module = Repetition.of()
    try:
        module.accept(law.law)
    except LawError:
        module = RepeatedTokens(R_D_star=Repetition.of().R_D_star)
    return _fit_with(law, module) if isinstance(law, Fit) else law.with_(module)


def _fit_with(fit: Fit, module: Module) -> Fit:
    """``fit`` with a module whose coefficients are held; it was tested, and knows its runs, without."""
    law = compose(fit.law, (module,))
    own = law.names()[len(fit.law.names()):]
    held = np.broadcast_to([law.coefficients[name] for name in own], (len(fit.draws), len(own)))
    return replace(fit, law=law, draws=np.hstack([fit.draws, held]), fixed=(*fit.fixed, *own), combination=None,
                   record=NO_RECORD, evidence=NO_EVIDENCE)


def repeat(law: Fit | Published, unique_tokens: float, compute: float, rates: Rates | None = None,
           level: float | None = None) -> Repeated:
    """The params and passes with the least loss for ``compute`` [FLOP] and at most ``unique_tokens`` distinct tokens.

    Raises as ``with_repetition`` and ``decide``, and ``InputError`` for counts that are not positive.
    """
    positive("unique_tokens", unique_tokens, "tokens")
    positive("compute", compute, "FLOP")
    asked, rates = with_repetition(law), rates or Rates()
    problem = _problem(asked, unique_tokens, compute, rates, MOST_EPOCHS)
    made = decide(problem, level)
    once = decide(_problem(asked, unique_tokens, compute, rates, 1.0)).metrics
    plenty = decide(_problem(asked, unique_tokens * PLENTY, compute, rates, 1.0)).metrics
    data_price, compute_price = (made.prices.get(str(c), 0.0) for c in problem.constraints)
    flop = data_price / compute_price * compute / unique_tokens if compute_price else math.inf
    unit = rates.costs({"compute": 1.0}).get("usd") if compute_price else None
    return Repeated(made, _outcome(asked, once["params"], once["tokens"], unique_tokens),
                    _outcome(asked, plenty["params"], plenty["tokens"], unique_tokens), plenty["loss"],
                    decay_of(asked), data_price, compute_price, flop, None if unit is None else flop * float(unit))


def decay_of(law: Fit | Published) -> float:
    """Repeats in which the worth of a token falls e-fold, under a law of repetition."""
    return next(float(value) for name, value in law.law.coefficients.items() if name.endswith("R_D_star"))


def _problem(law: Fit | Published, unique: float, compute: float, rates: Rates, epochs: float) -> Problem:
    middle = math.sqrt(compute / FLOP_PER_PARAM_TOKEN)
    least = min(unique, middle) / WIDE
    variables = (Variable("params", middle / WIDE, middle * WIDE), Variable("epochs", 1.0, epochs),
                 Variable("unique_tokens", least, 2.0 * unique))   # beyond their limit, which so has a price
    return Problem(law, variables, ("loss",),
                   (Constraint("unique_tokens", "<=", unique), Constraint("train_flop", "<=", compute)), rates)


def _outcome(law: Fit | Published, params: float, tokens: float, unique: float) -> Outcome:
    loss = float(law.law.at({"params": params, "tokens": tokens, "unique_tokens": min(unique, tokens)}))
    return Outcome(params, tokens, max(1.0, tokens / unique), loss)

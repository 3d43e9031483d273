"""One model for several modalities: the loss it gives, how its data divide, and what one model each gives.

What to use when: ``joint_law`` turns the laws of modalities alone into the loss of one model for all, a law like any
other, to be planned, attributed and asked for its sensitivity; ``joined`` divides a budget within one model, ``apart``
over one model each. Where two modalities begin to help one another is said by ``lawful.plan.modalities.synergy``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit, FitStatus
from lawful.laws.base import Law, Region
from lawful.laws.composed import intersection
from lawful.laws.expressions import Expr, evaluate, symbol
from lawful.laws.formula import formula
from lawful.laws.published import Published
from lawful.plan.bisection import turn
from lawful.plan.decide import decide
from lawful.plan.decision import Decision
from lawful.plan.laws import LawLike
from lawful.plan.modalities.synergy import pair_of
from lawful.plan.problem import SPANS, Constraint, Problem, Variable
from lawful.plan.variables import SHARE
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Array = npt.NDArray[np.float64]

LEAST = 1e-3
"""The least share of a modality that is looked at: with none of its data its loss has no end."""

SMALLEST, GRID = 1e-6, 4001
"""The least share of a budget that one modality's own model may get, and the shares in between that are tried."""

PAIR = "pair"
"""What the coefficients of competition and synergy are called after, as C_pair."""


def equal_weights(modalities: Sequence[str]) -> dict[str, float]:
    """The mean over modalities: what Aghajanyan et al. 2023 judge a model by."""
    return dict.fromkeys(modalities, 1.0 / len(modalities))


def joint_law(laws: Mapping[str, LawLike], weights: Mapping[str, float] | None = None,
              pair: LawLike | None = None) -> Fit:
    """The loss of one model for all modalities, from the laws of each alone, of params and tokens.

        L(N, D) = sum over m of w_m L_m(N, D_m)   [ - C + A / N**alpha + B / (sum of D_m)**beta ]          [nats/token]

    N is ``params``, D_m ``tokens.<m>``, which the planner makes of ``tokens`` and ``mixture.<m>``; w_m are the weights
    (the mean where left out). Without ``pair`` the modalities neither help nor hinder one another; with it, two of
    them do as the law of half-and-half mixtures says, whatever their shares. Coefficients are called ``E_text``; draws
    of the laws are taken as independent. Raises ``LawError`` for a law that does not take params and tokens, or a pair
    that is none.
    """
    named = [name for name in laws if not name.isidentifier()]
    if named or len(laws) < 2:
        raise InputError(f"modalities are two or more, called by words such as image_text, got {', '.join(laws)}")
    weights = dict(weights or equal_weights(tuple(laws)))
    if set(weights) != set(laws) or any(not w >= 0 for w in weights.values()) or not sum(weights.values()) > 0:
        raise InputError(f"weights are numbers for {', '.join(laws)}, got {weights}")
    total = sum(weights.values())
    terms: list[Expr] = []
    parts: list[tuple[str, LawLike, tuple[str, ...]]] = []
    for name, law in laws.items():
        if set(law.law.inputs) != {"params", "tokens"} or law.law.output.unit != "nats/token":
            raise LawError(f"the law of {name} gives a loss from params and tokens, got {law.law.form}, which takes "
                           f"{', '.join(law.law.inputs)}")
        here = {"params": symbol("params"), "tokens": symbol(f"tokens.{name}")}
        terms.append(weights[name] / total * _renamed(law.law, name, here))
        parts.append((name, law, law.law.names()))
    if pair is not None:
        form = pair_of(pair)
        if len(laws) != 2:
            raise InputError(f"the law of a pair is one of two modalities, got {', '.join(laws)}")
        silent = {name: 0.0 for name in form.inputs if name.startswith("loss.")}
        every = [symbol(f"tokens.{name}") for name in laws]
        terms.append(_renamed(form, PAIR, {**silent, "params": symbol("params"), "tokens": every[0] + every[1]}))
        parts.append((PAIR, pair, form.names()))
    return _joint(sum(terms[1:], terms[0]), parts)


def _renamed(law: Law, after: str, inputs: Mapping[str, Expr | float]) -> Expr:
    found = evaluate(law.expression(), {**{n: symbol(f"{n}_{after}") for n in law.names()}, **inputs})
    assert isinstance(found, Expr)
    return found


def _joint(expression: Expr, parts: Sequence[tuple[str, LawLike, tuple[str, ...]]]) -> Fit:
    """The law of ``expression``, with the coefficients and the draws of its parts."""
    free = {f"{n}_{after}": (limit.low, limit.high) for after, law, names in parts for n in names
            for limit in [law.law.limits()[n]]}
    form = formula(str(expression), output="loss", limits=free)
    rng, count = np.random.default_rng(0), max(len(law.draws) if isinstance(law, Fit) else 0 for _, law, _ in parts)
    values: dict[str, float] = {}
    columns: dict[str, Array] = {}
    for after, law, names in parts:
        rows = np.zeros((count, len(names))) + np.array([law.law.coefficients[n] for n in names])
        if isinstance(law, Fit) and len(law.draws):
            rows = law.draws[rng.permutation(np.resize(np.arange(len(law.draws)), count))]
        values |= {f"{n}_{after}": float(law.law.coefficients[n]) for n in names}
        columns |= {f"{n}_{after}": rows[:, j] for j, n in enumerate(names)}
    made = form.with_coefficients({n: values[n] for n in form.names()})
    spans = [Region(**{n: s for n, s in law.region.spans.items() if n == "params"}) for _, law, _ in parts]
    source = ", ".join(f"{after}: {law.key if isinstance(law, Published) else law.source}" for after, law, _ in parts)
    fits = [law for _, law, _ in parts if isinstance(law, Fit) and len(law.residuals)]
    residuals = np.concatenate([fit.residuals for fit in fits]) if fits else np.zeros(1)    # the noise of one more run
    return Fit(made, np.stack([columns[n] for n in form.names()], axis=1), FitStatus.CONVERGED, intersection(*spans),
               {"name": "laws of each modality", "value": math.nan}, residuals,
               max([fit.noise for fit in fits] or [0.0]), len(residuals), source=source)


# ------------------------------------------------------------------------------------------------- one model or several

@dataclass(frozen=True)
class Alone:
    """One modality's own model: its share of the budget and what that gives."""

    params: float
    tokens: float
    compute: float
    loss: float


def joined(laws: Mapping[str, LawLike], compute: float, *, weights: Mapping[str, float] | None = None,
           pair: LawLike | None = None, available: Mapping[str, float] | None = None) -> Decision:
    """The best model for all modalities within ``compute`` [FLOP]: params, tokens, and the share of each modality.

    With a ``pair`` the shares are one half, the only ones that its law was fitted for. ``available``
    are the tokens there are of a modality, each seen once. Raises as ``decide``.
    """
    law = joint_law(laws, weights, pair)
    low, high = (0.5, 0.5) if pair is not None else (LEAST, 1.0)
    mixed = tuple(Variable(SHARE + m, low, high) for m in laws)
    sizes = tuple(Variable.parse(f"{name}={span}") for name, span in SPANS.items())
    there = dict(available or {})
    if unknown := [m for m in there if m not in laws]:
        raise InputError(f"tokens are given of {', '.join(unknown)}; the modalities are {', '.join(laws)}")
    limits = tuple(Constraint(f"tokens.{m}", "<=", most) for m, most in there.items())
    return decide(Problem(law, (*sizes, *mixed), ("loss",), (Constraint("train_flop", "<=", compute), *limits)))


def apart(laws: Mapping[str, LawLike], compute: float, *, weights: Mapping[str, float] | None = None,
          available: Mapping[str, float] | None = None) -> dict[str, Alone]:
    """The best models of one modality each, their compute ``compute`` [FLOP] in all.

    A further FLOP is then worth the same to each. Raises ``FailedToAnswer`` for laws under which compute does not pay
    less and less.
    """
    weights = dict(weights or equal_weights(tuple(laws)))
    total, there = sum(weights.values()), dict(available or {})

    def own(name: str, budget: Array) -> tuple[Array, Array, Array]:
        best = laws[name].law.allocate(budget)
        tokens = np.minimum(best.tokens, there.get(name, math.inf))
        params = budget / (FLOP_PER_PARAM_TOKEN * tokens)
        return params, tokens, np.asarray(laws[name].law(params=params, tokens=tokens))

    budgets = compute * np.exp(np.linspace(math.log(SMALLEST), 0.0, GRID))
    worth = {m: -weights[m] / total * np.gradient(own(m, budgets)[2], np.log(budgets)) / budgets for m in laws}
    if any((np.diff(value) >= 0).any() for value in worth.values()):
        raise FailedToAnswer("more compute does not pay less and less for every modality: these laws cannot share a "
                             "budget by what a further FLOP is worth")

    def spent(price: float) -> dict[str, float]:
        """What each modality takes where a FLOP must be worth ``price``, a logarithm."""
        return {m: float(np.exp(np.interp(-price, -np.log(value), np.log(budgets)))) for m, value in worth.items()}

    low, high = (pick(float(np.log(pick(v))) for v in worth.values()) for pick in (min, max))
    price = turn(lambda price: sum(spent(price).values()) > compute, low, high)[1]
    made = {}
    for m, budget in spent(price).items():
        params, tokens, loss = own(m, np.array([budget]))
        made[m] = Alone(float(params[0]), float(tokens[0]), budget, float(loss[0]))
    return made

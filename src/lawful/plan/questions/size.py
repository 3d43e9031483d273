"""Question 1, how large a model and on how much data: the optimum in training, and what serving and scarce data change.

``weigh_sizes`` is the question by itself (``lawful.plan.questions.size_weighed``); here stands what is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lawful.errors import FailedToAnswer
from lawful.fit import Fit
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision
from lawful.plan.laws import LawLike, law_caveats, law_name
from lawful.plan.problem import Constraint
from lawful.plan.questions.size_weighed import EXTRA, RATIOS, Weighed, weigh_sizes
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.sizing.overtraining import OverTrained, compute_for
from lawful.plan.spending import budget_limits
from lawful.quantities import format_number
from lawful.results import Caveat, once
from lawful.validate.modes import MODES

__all__ = ["DEFAULT", "TOPIC", "Asked", "recommend", "weigh_sizes"]

DEFAULT = "besiroglu2024_refit"
"""The law where the user brings none: the refit of Chinchilla's surface."""

APART = 2.0
"""Factor between the least and the largest size by other laws from which their disagreement is said."""

PAYS_FOR_BOTH = ("usd", "gpu_hours", "energy_kwh")
"""Metrics of a budget that serving draws on as well."""

TUNED = ("batch_tokens", "learning_rate")
"""The settings that a recommendation starts from."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of the model, and what there is to train it on."""

    target_loss: float | None = None
    "Loss to reach [nats/token]; without one, that of the compute-optimal model of the budget."
    unique_tokens: float | None = None
    "Distinct training tokens there are: 25B. More are repeats, and worth less."
    extra_compute: float = EXTRA
    "Share of the training compute that a smaller model as good may cost on top: 0.2."
    tokens_per_param: tuple[float, ...] = RATIOS
    "Ratios of over-training to weigh."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The size and the tokens, with what they were weighed against.

    Raises ``FailedToAnswer`` where the budget does not reach the target, and says what would.
    """
    law = situation.loss_law(DEFAULT)
    compute = _compute(situation, asked, law)
    sizes = weigh_sizes(law, compute, situation.rates, asked.unique_tokens, asked.extra_compute, asked.tokens_per_param,
                        _limit(situation, asked), asked.target_loss)
    made = sizes.chosen
    limits = [*law_caveats(made.problem.law, made.metrics), *_untested(sizes, law), *_disagreement(sizes, law)]
    tuned = (s.law for name in TUNED for s in sizes.settings.of(name))
    return Recommendation("size", _answer(sizes, situation.rates), tuple(_options(sizes, law, asked)),
                          tuple(dict.fromkeys((law_name(made.problem.law), *tuned))),
                          once(limits), tuple(_first(situation, law, sizes)), (*_budgeted(sizes), *made.assumptions))


def _compute(situation: Situation, asked: Asked, law: LawLike) -> float:
    if asked.target_loss is None:
        return situation.compute()
    needed = compute_for(law.law, loss=asked.target_loss)
    if situation.budget is not None and situation.budget.train_flop < needed:
        raise FailedToAnswer(f"a loss of {asked.target_loss:g} takes {needed:.4g} FLOP of training at the least, and "
                             f"the budget buys {situation.budget.train_flop:.4g}: it reaches "
                             f"{float(law.law.allocate(situation.budget.train_flop).output):.4f}")
    return needed


def _limit(situation: Situation, asked: Asked) -> Constraint | None:
    """The budget, where it pays for training and serving together, or is what a target must be reached within.

    Money, energy and device hours pay for both. FLOP and days are training's own.
    """
    limits = budget_limits(situation.budget)
    return next((c for c in limits if asked.target_loss is not None or c.metric in PAYS_FOR_BOTH), None)


def _answer(sizes: Weighed, rates: Rates) -> str:
    made = sizes.chosen.metrics
    said = (f"Train {_n(made['params'])} params on {_n(made['tokens'])} tokens: loss {made['loss']:.4f} for "
            f"{made['train_flop']:.3g} FLOP.")
    if "unique_tokens" in made:
        passes = made["tokens"] / made["unique_tokens"]
        said += f" That is {passes:.3g} passes over the {_n(made['unique_tokens'])} there are."
    said += _beside(sizes, rates)
    spreads = sizes.settings.spreads
    return said + " Start from a batch of " + " and a peak learning rate of ".join(
        f"{format_number(s.middle, 3)} (laws: {format_number(s.low, 3)} to {format_number(s.high, 3)})"
        for s in (spreads[name] for name in TUNED)) + "."


def _beside(sizes: Weighed, rates: Rates) -> str:
    """What serving makes of the recommendation, or what a smaller model as good would take."""
    best = sizes.optimum.metrics
    if sizes.within is not None:
        return (f" With {_n(rates.serve_tokens)} tokens served that is the best for the budget; all of it in training "
                f"would buy {_n(best['params'])} on {_n(best['tokens'])}, and leave nothing to serve it with.")
    if sizes.cheapest is not None:
        other, goal = sizes.cheapest.metrics, sizes.cheapest.problem.minimise[0]
        whole = "bill" if goal == "usd" else "compute"
        saved = (f"takes {other['train_flop'] / best['train_flop']:.3g} times its training, and with "
                 f"{_n(rates.serve_tokens)} tokens served saves {100 * (1 - other[goal] / best[goal]):.3g} % of the "
                 f"whole {whole}.")
        if sizes.chosen is sizes.cheapest:
            return f" It is as good as the compute-optimal {_n(best['params'])} on {_n(best['tokens'])}, {saved}"
        return f" {_n(other['params'])} on {_n(other['tokens'])} would be as good: it {saved}"
    if sizes.smallest is not None:
        small = sizes.smallest
        return (f" A model of {_n(small.params)} is as good for {100 * (small.compute_times - 1):.3g} % more compute, "
                f"at {small.ratio:.3g} tokens per parameter.")
    return ""


def _options(sizes: Weighed, law: LawLike, asked: Asked) -> list[Option]:
    spreads = sizes.settings.spreads
    tuned = {name: spreads[name].middle for name in TUNED}
    ways = {"best for the budget, training and serving": sizes.within, "compute-optimal": sizes.optimum,
            "as good, cheapest to train and serve": sizes.cheapest}
    weighed = sorted(((name, made) for name, made in ways.items() if made is not None),
                     key=lambda way: way[1] is not sizes.chosen)
    found = [_decided(name, made, tuned if made is sizes.chosen else {}) for name, made in weighed]
    if sizes.richest is not None:
        found.append(_decided("best for the whole bill of the compute-optimal one", sizes.richest, {}))
    if sizes.smallest is not None:
        share = f"{100 * asked.extra_compute:g} % more compute"
        found.append(_longer(f"as good for {share}", sizes.smallest))
    found += [_longer(f"as good at {one.ratio:g} tokens per param", one) for one in sizes.longer]
    found += [Option(f"same compute at {one.ratio:g} tokens per param", {"params": one.params, "tokens": one.tokens},
                     {"loss": one.loss, "loss_increase": one.loss_increase, "train_flop": one.train_flop})
              for one in sizes.poorer]
    for key, (params, tokens) in sizes.by_law.items():
        loss = float(law.law(params=params, tokens=tokens))
        found.append(Option(f"the split of {key}", {"params": params, "tokens": tokens}, {
            "loss": loss, "loss_increase": loss - float(law.law.allocate(sizes.compute).output)},
            note=f"for the same compute and data enough, judged by {law_name(law)}"))
    return found


def _decided(name: str, made: Decision, tuned: Mapping[str, float]) -> Option:
    gives = {metric: value for metric, value in made.metrics.items() if metric not in made.decision and value}
    answer, intervals = made.forecast, dict(made.intervals)
    note = "" if answer.low is None or answer.high is None else (
        f"loss {answer.low:.4f} to {answer.high:.4f} at {100 * answer.level:g} %")
    return Option(name, made.decision, {**gives, **tuned}, intervals, note)


def _longer(name: str, one: OverTrained) -> Option:
    gives = {"loss": one.loss, "train_flop": one.train_flop, "tokens_per_param": one.ratio,
             "compute_times": one.compute_times, "params_times": one.params_times}
    return Option(name, {"params": one.params, "tokens": one.tokens}, gives,
                  note="times are over the compute-optimal model with the same loss")


def _disagreement(sizes: Weighed, law: LawLike) -> list[Caveat]:
    if not sizes.by_law:
        return []
    own = float(law.law.allocate(sizes.compute).params)
    split = {law_name(law): own, **{key: params for key, (params, _) in sizes.by_law.items()}}
    least, most = min(split, key=split.__getitem__), max(split, key=split.__getitem__)
    if split[most] < APART * split[least]:
        return []
    return [Caveat("laws_disagree", f"the same compute is best spent on {_n(split[least])} params by {least} and on "
                   f"{_n(split[most])} by {most}: the options say what each costs under {law_name(law)}")]


def _budgeted(sizes: Weighed) -> tuple[str, ...]:
    if sizes.within is not None:
        return ("The budget pays for training and serving together.",)
    if sizes.cheapest is None:
        return ()
    return ("The budget is training's own: what serving costs comes on top, in every option.",)


def _untested(sizes: Weighed, law: LawLike) -> list[Caveat]:
    """A published law asked for many more tokens a parameter than at its optimum; of a fit its forecast says so."""
    made, best = sizes.chosen.metrics, sizes.optimum.metrics
    ratio, usual = (m["tokens"] / m["params"] for m in (made, best))
    if isinstance(law, Fit) or ratio < 2.0 * usual:
        return []
    return [Caveat("ratio_untested", f"{ratio:.3g} tokens per parameter, where the law's optimum has {usual:.3g}. "
                   f"{MODES['ratio_untested'].why} ({'; '.join(MODES['ratio_untested'].sources)})")]


def _first(situation: Situation, law: LawLike, sizes: Weighed) -> list[str]:
    found = []
    if isinstance(law, Fit):
        found.append("One run at the recommended tokens per parameter, at a tenth of the compute: laws fitted near the "
                     "optimum promise too much of long training (arXiv:2401.00448).")
    else:
        found.append("A sweep on your own data and recipe, sizes about the optimum at three or more budgets: exponents "
                     "move with both. `lawful fit runs.csv` and ask again.")
    if situation.rates.serve_tokens:
        found.append("The demand, and what serving reaches of the device's peak: the saving is as sure as they are.")
    found.append("Learning rate and batch, swept at a tenth of the size (`lawful optima`): the laws span a factor of "
                 f"{sizes.settings.spreads['batch_tokens'].factor:.2g} in batch.")
    return found


def _n(value: float) -> str:
    return format_number(value)


TOPIC = Topic("size", 1, "How large a model, on how much data?", Asked, recommend)

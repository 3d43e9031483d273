"""``weigh_sizes(law, compute)``: the ways to spend a budget on a model of some size, trained for some time.

The split of the budget, the model that is as good and cheaper to train and serve, what smaller models trained for
longer cost, and the splits of other laws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lawful.cost import Budget
from lawful.laws import registry
from lawful.plan.costs.rates import Rates
from lawful.plan.data.repetition import with_repetition
from lawful.plan.decide import Decision, decide
from lawful.plan.laws import LawLike, law_name, of_params_and_tokens
from lawful.plan.optimum import plan
from lawful.plan.problem import SPANS, Constraint, parse_problem
from lawful.plan.sizing.overtraining import OverTrained, as_good, furthest, overtrain
from lawful.plan.sizing.settings import Settings, recommended_settings

OTHERS = ("hoffmann2022_approach1", "hoffmann2022_approach3", "besiroglu2024_refit", "gadre2024_overtraining:redpajama",
          "porian2024_allocation:tuned", "muennighoff2023_data_constrained")
"""Laws that the same budget is put to, to see how far they disagree."""

EXTRA = 0.2
"""Share of the training compute that a smaller model as good may cost on top, where nobody says."""

RATIOS = (100.0, 500.0, 2000.0)
"""Tokens per parameter of over-training that are weighed, where nobody says."""


@dataclass(frozen=True)
class Weighed:
    """What was weighed. ``optimum`` is best in training; ``cheapest`` as good and cheapest with serving, where any is.

    ``within`` is the best whose training and serving keep the budget together, where the budget pays for both;
    ``richest`` the best for what training and serving the optimum would cost. ``smallest`` is as good for so much more
    compute; ``longer`` are as good at given tokens per parameter, ``poorer`` spend the same compute at them. ``by_law``
    are the splits of other laws. ``chosen`` is what is recommended: never more than the budget.
    """

    compute: float
    optimum: Decision
    cheapest: Decision | None
    within: Decision | None
    richest: Decision | None
    smallest: OverTrained | None
    longer: tuple[OverTrained, ...]
    poorer: tuple[OverTrained, ...]
    by_law: Mapping[str, tuple[float, float]]
    settings: Settings
    chosen: Decision


def weigh_sizes(law: LawLike, compute: float, rates: Rates | None = None, unique_tokens: float | None = None,
                extra_compute: float = EXTRA, ratios: Sequence[float] = RATIOS,
                bill: Constraint | None = None, target: float | None = None) -> Weighed:
    """The ways to spend ``compute`` [FLOP] on a model, served as ``rates`` say, on at most ``unique_tokens``.

    ``bill`` is a budget that pays for training and serving. With a ``target``, a loss that ``compute`` reaches where
    data abound, the least that reaches it is looked for, and ``bill`` is any budget that it must keep. Raises
    ``LawError`` for a law not of params and tokens, ``FailedToAnswer`` where ``bill`` does not pay for the target.
    """
    inner, rates = law.law, rates or Rates()
    of_params_and_tokens(law, "size", loss=True)
    best = inner.allocate(compute)
    scarce = unique_tokens is not None and unique_tokens < best.tokens
    asked, held = (with_repetition(law), [f"unique_tokens={unique_tokens!r}"]) if scarce else (law, [])
    vary = [f"{name}={span}" for name, span in SPANS.items()] + held
    paid = [] if bill is None else [f"{bill.metric}<={bill.bound!r}"]
    if scarce and target is not None:
        kept = [] if rates.serve_tokens else paid
        optimum = decide(parse_problem(asked, vary, [*kept, f"loss<={target!r}"], "train_flop", rates))
        compute = optimum.metrics["train_flop"]
    else:
        optimum = decide(parse_problem(asked, vary, [f"train_flop<={compute!r}"], rates=rates))
    cheapest = within = richest = None
    if rates.serve_tokens:
        goal = "usd" if "usd" in optimum.metrics else "total_flop"
        kept = [] if target is None else paid
        good = [*kept, f"loss<={optimum.metrics['loss']!r}"]
        cheapest = decide(parse_problem(asked, vary, good, goal, rates))
        richest = decide(parse_problem(asked, vary, [f"{goal}<={optimum.metrics[goal]!r}"], rates=rates))
        if bill is not None and target is None:
            within = decide(parse_problem(asked, vary, paid, rates=rates))
    higher = [ratio for ratio in ratios if ratio > best.tokens / best.params]
    made = within or (None if target is None else cheapest) or optimum
    by_law = {key: _split(key, compute) for key in OTHERS if key != law_name(law)}
    loss = made.metrics["loss"]
    return Weighed(
        compute, optimum, cheapest, within, richest, None if scarce else furthest(inner, compute, extra_compute),
        () if scarce else tuple(as_good(inner, float(best.output), ratio) for ratio in higher),
        () if scarce else overtrain(inner, compute, higher), by_law,
        recommended_settings(made.metrics["params"], made.metrics["tokens"], compute=made.metrics["train_flop"],
                             loss=loss), made)


def _split(key: str, compute: float) -> tuple[float, float]:
    """Params and tokens of ``compute`` under another law; of a law of repetition with data enough."""
    entry = registry.law(key)
    if "unique_tokens" in entry.law.inputs:
        vary = ["params=1e5:1e15", "unique_tokens=1e6:1e18", "epochs=1"]
        made = decide(parse_problem(entry, vary, [f"train_flop<={compute!r}"])).metrics
    else:
        made = dict(plan(entry, Budget(compute=compute)).decision)
    return made["params"], made["tokens"]
